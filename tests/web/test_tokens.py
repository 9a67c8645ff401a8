"""Links that are not what they seem, at every route that takes one: a calm answer, and nothing is changed."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip import clock
from drip.core.token import CHANGE, CONFIRM, FORM, LEAVE, MY, OWN, Tokens, bound
from drip.store import address_changes, enrollments
from tests.web.routes import routes_of

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start

PURPOSES = {"my": MY, "leave": LEAVE, "confirm": CONFIRM, "own": OWN, "change": CHANGE}
"""Which purpose the links below a path have."""

CALM = {200, 404, 405}
"""What a link that opens nothing is answered with: kindly not found, or, for leaving, that no letters come."""

FORM_FIELDS = {"weeks": "1", "pace": "2", "email": "eve@example.net", "yes": "yes", "run": "1", "phase": "one", "lesson": "hello"}
"""Fields of many forms at once, so that a press would change something if its link were believed."""


def tokens_for(tokens: Tokens, public_id: str, key: str, change: str) -> dict[str, str]:
    """Return somebody's link of each purpose."""
    now = clock.machine_now()
    return {
        MY: tokens.sign(MY, public_id),
        LEAVE: tokens.sign(LEAVE, public_id),
        CONFIRM: tokens.sign_dated(CONFIRM, public_id, now=now),
        OWN: tokens.sign_dated(OWN, bound(public_id, key), now=now),
        CHANGE: tokens.sign_dated(CHANGE, change, now=now),
        FORM: tokens.sign_dated(FORM, public_id, now=now),
    }


class Town:
    """Pages on which one person stands in the middle of her course, with a link of each purpose that is hers."""

    def __init__(self, site: Site) -> None:
        self.site = site
        asked = site.enroll("jo@example.net", confirmed=False)
        person = site.have_letters(site.enroll(), 1)
        key = next(str(row[2]) for row in site.dump()["subscribers"] if row[0] == person.subscriber_id)
        with site.deployment.database.write() as connection:
            locked = enrollments.locked(connection, person.id)
            now = clock.machine_now() - timedelta(minutes=1)
            change = address_changes.replace(connection, locked, address="new@example.net", address_key="k" * 64, now=now)
        self.links = tokens_for(site.deployment.tokens, person.public_id, key, change)
        # To confirm is for somebody who has not yet.
        self.links[CONFIRM] = tokens_for(site.deployment.tokens, asked.public_id, key, change)[CONFIRM]
        stranger = Tokens(["a-key-that-was-taken-out-of-the-list"])
        self.of_another_key = tokens_for(stranger, person.public_id, key, change)
        self.of_nobody = tokens_for(site.deployment.tokens, "nobody", key, "nobody")
        self.routes = [(method, path) for method, path in routes_of(site.app) if "{token}" in path]
        self.before = self.rows()

    def purpose(self, path: str) -> str:
        """Return of which purpose the links of a route are; KeyError for a page that this test must get to know."""
        return PURPOSES[path.split("/")[1]]

    def bad(self, purpose: str) -> list[str]:
        """Return links that are none for a *purpose*, each wrong in a way of its own."""
        good = self.links[purpose]
        others = [link for other, link in self.links.items() if other != purpose]
        head, _, signature = good.rpartition(".")
        return [
            *others,
            self.of_another_key[purpose],
            self.of_nobody[purpose],
            good[: len(good) // 2],
            head,
            f"{head}.",
            f".{signature}",
            f"{good}.{signature}",
            f"{head}x.{signature}",
            good.swapcase(),
            "%00",
            quote("\u202e{{7*7}}<script>"),
            "x" * 3000,
        ]

    def ask(self, method: str, path: str, token: str, **fields: str) -> int:
        """Ask for a route with a link, already fit for an address, and return the status."""
        filled = path.replace("{token}", token)
        filled = re.sub(r"{\w+}", "one", filled)
        body: dict[str, Any] = {"fields": FORM_FIELDS | fields, "encode_multipart": False} if method == "POST" else {}
        answer = self.site.pool.request(method, self.site.url + filled, redirect=False, **body)
        assert b"{{" not in answer.data
        assert b"Traceback" not in answer.data
        return answer.status

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table, but for those that say that this process lives."""
        return {name: rows for name, rows in self.site.dump().items() if name not in {"owners", "beats"}}


def test_no_route_believes_a_link_that_is_not_its_own(start: Start) -> None:
    """Cut, forged, of another purpose, of a key that is gone, of nobody: at every route, by every method.

    Each link does open the pages that it is for, so that the refusals are worth something.
    """
    town = Town(start(roadmap=False))
    assert set(PURPOSES) == {path.split("/")[1] for _, path in town.routes}
    assert len(town.routes) > 40
    for first, purpose in PURPOSES.items():
        assert 200 == town.ask("GET", f"/{first}/{{token}}", town.links[purpose]), first
    for method, path in town.routes:
        purpose = town.purpose(path)
        bad = town.bad(purpose)
        # A press is tried with every one of them; what only shows reads the link in the same way, so some of them will do.
        for link in bad if method == "POST" else bad[::8]:
            assert town.ask(method, path, link) in CALM, (method, path, link)
        if purpose != LEAVE:
            assert 404 == town.ask(method, path, town.of_another_key[purpose]), (method, path)
    assert town.before == town.rows()


def test_no_bytes_whatever_open_a_page(start: Start) -> None:
    """Random bytes, and a good link with some of its bytes changed, at one route after the other."""
    town = Town(start(roadmap=False))
    turns = cycle(town.routes)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.binary(min_size=1, max_size=60), st.integers(0, 500), st.integers(1, 255))
    def ask(raw: bytes, place: int, flip: int) -> None:
        method, path = next(turns)
        good = bytearray(town.links[town.purpose(path)].encode())
        # The very last character of base64 holds bits that do not count.
        good[place % (len(good) - 1)] ^= flip
        for link in (raw, bytes(good)):
            status = town.ask(method, path, quote(link, safe=""))
            assert status in CALM, (method, path, link)

    ask()
    assert town.before == town.rows()
