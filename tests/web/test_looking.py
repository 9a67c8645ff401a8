"""Looking changes nothing, and no link in a letter is dead."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from drip import clock
from drip.flows import moving
from drip.store import tables

if TYPE_CHECKING:
    from tests.web.conftest import Site


def _looked_at(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """Yield the path of every route that answers GET, those of included routers too; the console is walked by its own tests."""
    for route in routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and not route.path.startswith("/console"):
            yield route.path
        yield from _looked_at(getattr(getattr(route, "original_router", None), "routes", ()))


def test_get_and_head_change_nothing(site: Site) -> None:
    """Every address that can be looked at leaves every row of every table as it was, for every stage of a person."""
    people = [site.enroll(f"{name}@example.net") for name in ("going", "resting", "leaving")]
    asked = site.enroll("asked@example.net", confirmed=False)
    site.have_letters(people[0], 3)
    site.post(f"{site.my(people[1])}/pause", {"weeks": "open"})
    site.post(site.leave(people[2]))
    own = [site.own(one).rpartition("/")[2] for one in (*people, asked)]
    moving.ask(
        site.deployment.database,
        site.deployment.library,
        people[0].public_id,
        "new@example.net",
        suppression_key=site.deployment.suppression_key,
    )
    with site.deployment.database.read() as connection:
        [change] = connection.execute(tables.address_changes.select()).all()
    change_token = site.deployment.service_token("address-change", "", f"change:{change.public_id}")
    routes = set(_looked_at(site.app.routes))
    tokens = [(site.my(one).rpartition("/")[2], site.leave(one).rpartition("/")[2]) for one in (*people, asked)]
    dated = [site.deployment.service_token("", one.public_id) for one in (*people, asked)]

    def token_for(path: str, number: int) -> str:
        my, leave = tokens[number]
        kinds = {"my": my, "own": own[number], "confirm": dated[number], "change": change_token}
        return kinds.get(path.split("/")[1], leave)

    paths = {
        path.replace("{letter}", "welcome").replace("{course}", "roadmap").replace("{token}", token_for(path, number))
        for path in routes
        for number in range(len(tokens))
    }
    before = site.dump()

    for path in sorted(paths):
        for method in ("HEAD", "GET"):
            answer = site.pool.request(method, site.url + path, redirect=False)
            assert answer.status in {200, 404}, path
            assert ("HEAD" == method) == (b"" == answer.data)
    assert {"/leave/{token}", "/my/{token}", "/my/{token}/pause", "/confirm/{token}", "/care", "/readyz"} <= routes
    assert {"/join/{course}", "/join/{course}/embed/asked", "/page", "/api/v1/openapi.json", "/static/zone.js"} <= routes
    assert {f"/my/{{token}}/{page}" for page in ("next", "again", "fresh", "calendar.ics", "rough/save")} <= routes
    assert {"/change/{token}", *(f"/own/{{token}}{page}" for page in ("", "/data", "/data.json", "/address", "/erase"))} <= routes
    assert before == site.dump()


def test_no_link_in_a_letter_is_dead(site: Site) -> None:
    """Every link of ours in every letter of the whole course, in HTML, text and headers, opens a page that does one thing."""
    asked = site.enroll("asked@example.net", confirmed=False)
    site.have_letters(site.enroll(), 19)
    base = site.deployment.settings.base_url
    found: set[str] = set()
    letters = site.mailbox()
    for letter in letters:
        found |= {html.unescape(link) for link in re.findall(r'href="([^"]+)"', letter.html)}
        found |= set(re.findall(rf"{re.escape(base)}/[\w./-]+", letter.text))
        found |= {link.strip("<>") for name, link in letter.headers.items() if "List-Unsubscribe" == name}
    ours = {link.removeprefix(base) for link in found if link.startswith(base)}

    assert 20 == len(letters)
    kinds = {"/".join(part for number, part in enumerate(path.split("/")) if number != 2) for path in ours}
    assert {"/my", "/my/after", "/my/pause", "/my/settings", "/my/rough", "/care", "/leave", "/confirm"} == kinds
    for path in sorted(ours):
        page = site.page(path)
        assert 1 == len(re.findall("<h1[ >]", page)), path
        assert 1 == page.count("<main>"), path
    assert site.person(asked.id).state == "asked"


def test_the_links_on_the_pages_lead_somewhere(site: Site) -> None:
    """From her page on, every link and every form points at something that is there."""
    person = site.have_letters(site.enroll(), 2)
    seen: set[str] = set()
    waiting = {site.my(person), site.leave(person), "/"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        links = re.findall(r'href="(?:http://127\.0\.0\.1:8000)?(/[^"]*)"', site.page(path))
        waiting |= {html.unescape(link).partition("#")[0] for link in links} - seen
    assert 9 <= len(seen)


def test_health_and_readiness(site: Site) -> None:
    """The process lives at once; it is ready once there was a tick a moment ago, and else says what is missing."""
    assert (200, b"alive\n") == (site.get("/healthz").status, site.get("/healthz").data)
    before = site.get("/readyz")
    site.run()
    after = site.get("/readyz")

    assert (503, "there was no tick yet") == (before.status, before.data.decode()[:21])
    assert (200, b"ready\n") == (after.status, after.data)


def test_readiness_names_what_is_wrong(site: Site) -> None:
    """An old tick and tables that are not up to date are a 503 with the remedy."""
    site.run()
    with site.deployment.database.write() as connection:
        connection.execute(tables.beats.update().values(machine_at=clock.machine_now() - timedelta(seconds=90)))
    late = site.get("/readyz")
    with site.deployment.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'old'")
    old = site.get("/readyz")

    assert 503 == late.status
    assert "the last tick was 9" in late.data.decode()
    assert (503, "the database is not up to date; run: drip db upgrade\n") == (old.status, old.data.decode())
