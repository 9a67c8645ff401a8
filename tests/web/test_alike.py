"""The same answer for everybody, by construction: for each address the same words, the same headers, the same SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from drip.core.address import address_key
from drip.store import endings, stamps, subscribers
from drip.store.tables import enrollments
from tests.web.forms import JOIN, SMALL, fill_in, letters, stored, work

if TYPE_CHECKING:
    import urllib3

    from tests.web.conftest import Site, Start

KEY = "an-api-key-for-tests"
PEOPLE = ("new", "pending", "active", "paused", "finished", "left", "erased", "bounced", "complained")
GETS = {
    "new": "confirm",
    "pending": "confirm",
    "active": "my-link",
    "paused": "my-link",
    "finished": "confirm",
    "left": "confirm",
    "erased": "confirm",
    "bounced": "",
    "complained": "",
}
"""Which letter each of them gets for a sign-up."""


@pytest.fixture
def site(start: Start) -> Site:
    """A site with somebody of every kind."""
    site = start(roadmap=False, schedule=SMALL, environment={"DRIP_API_KEYS": KEY})
    people = {
        name: site.enroll(f"{name}@example.net", confirmed=name != "pending") for name in PEOPLE if name not in {"new", "erased"}
    }
    site.run()
    site.post(f"{site.my(people['paused'])}/pause", {"weeks": "open"})
    site.post(site.leave(people["left"]))
    with site.deployment.database.write() as connection:
        now = stamps.now_in(connection)
        connection.execute(
            enrollments.update()
            .where(enrollments.c.id == people["finished"].id)
            .values(state="finished", next_due_at=None, next_lesson=None, ended_at=now.calendar)
        )
        for name, reason in (("bounced", "hard-bounce"), ("complained", "complaint")):
            endings.suppress(connection, {_key(site, name): reason}, now=now)
        subscribers.suppress(connection, _key(site, "erased"), "erased", now=now.machine)
    return site


def _key(site: Site, name: str) -> str:
    return address_key(f"{name}@example.net", site.deployment.suppression_key)


def _by_api(site: Site, address: str) -> urllib3.BaseHTTPResponse:
    body = {"email": address, "consent": {"wording": "Yes."}}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return site.post("/api/v1/subscribers", json.dumps(body).encode(), **headers)


WAYS: dict[str, Callable[[Site, str], Any]] = {
    "form": lambda site, address: fill_in(site, JOIN, email=address),
    "embedded": lambda site, address: fill_in(site, f"{JOIN}/embed", email=address),
    "page": lambda site, address: fill_in(site, "/page", email=address),
    "api": _by_api,
}


@contextmanager
def _statements(site: Site) -> Iterator[list[str]]:
    """Give what is asked of the database while the block runs."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    engine = site.deployment.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("way", WAYS)
def test_everybody_gets_the_same_answer(site: Site, way: str) -> None:
    """Status, headers and every byte are alike, and so is each statement that the database is asked, for all kinds."""
    WAYS[way](site, "warm@example.net")
    seen = {}
    for name in PEOPLE:
        with _statements(site) as asked:
            answer = WAYS[way](site, f"{name}@example.net")
        headers = {field: value for field, value in answer.headers.items() if field != "date"}
        seen[name] = (answer.status, headers, answer.data, tuple(asked))
    assert [seen["new"]] * len(PEOPLE) == list(seen.values())
    assert any("INSERT INTO wishes" in statement for statement in seen["new"][3])
    assert len(PEOPLE) + 1 == len(stored(site))


@pytest.mark.parametrize("way", ["form", "api"])
@pytest.mark.parametrize("name", PEOPLE)
def test_what_comes_of_it_comes_by_mail(site: Site, way: str, name: str) -> None:
    """Nobody begins by a form; who may be asked is asked, who gets letters gets her link, and a bad address nothing."""
    before, states = len(letters(site)), _states(site)
    WAYS[way](site, f"{name}@example.net")
    assert 1 == work(site)
    assert [GETS[name]] * bool(GETS[name]) == letters(site)[before:]
    assert states | {f"{name}@example.net": states.get(f"{name}@example.net", "asked")} == _states(site)
    if GETS[name]:
        assert f"{name}@example.net" == site.door.messages[-1].recipients[0].address
    assert [] == stored(site)


@pytest.mark.parametrize("name", PEOPLE)
def test_who_gets_the_link_to_her_page(site: Site, name: str) -> None:
    """Whoever has one, left or finished included; who never confirmed is asked again; of the others nothing is made."""
    gets = {"new": [], "erased": [], "bounced": [], "complained": [], "pending": ["confirm"]}.get(name, ["my-link"])
    before, people = len(letters(site)), len(site.dump()["subscribers"])
    fill_in(site, "/page", email=f"{name}@example.net")
    work(site)
    assert gets == letters(site)[before:]
    assert people == len(site.dump()["subscribers"])


def _states(site: Site) -> dict[str, str]:
    with site.deployment.database.read() as connection:
        query = sa.text("SELECT s.address, e.state FROM enrollments e JOIN subscribers s ON s.id = e.subscriber_id")
        return {row.address: row.state for row in connection.execute(query)}
