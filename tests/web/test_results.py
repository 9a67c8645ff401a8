"""After a press comes a page that can be looked at again: the back button and a reload ask for no form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from drip.flows import moving
from drip.store import tables

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from tests.web.conftest import Site

EXCEPTIONS = {
    "/leave/{token}": "mail programs press it, and RFC 8058 wants an answer without a redirect",
    "/api/v1/subscribers": "for machines",
    "/webhooks/sendgrid": "for machines",
    "/join/{course}": "leads on, which tests of the form show",
    "/join/{course}/embed": "the same",
    "/page": "the same",
}
"""Every other address that takes a press leads to a page of its own."""

FORMS = {
    "/my/{token}/pause": {"weeks": "1"},
    "/my/{token}/next": {"letter": "real-words"},
    "/my/{token}/again": {"phase": "orient", "run": "1"},
    "/my/{token}/settings": {"weekday": "thu"},
    "/my/{token}/after": {"what": "keep"},
    "/my/{token}/fresh": {"nonce": "abcdefgh"},
    "/my/{token}/rough/mail": {},
    "/my/{token}/letters/{letter}/mail": {"nonce": "abcdefgh"},
    "/own/{token}/address": {"address": "new@example.net"},
    "/own/{token}/erase": {},
    "/change/{token}": {},
    "/confirm/{token}": {},
    "/confirm/{token}/fresh": {},
    "/leave/{token}/undo": {},
    "/leave/{token}/rest": {},
    "/leave/{token}/slower": {},
}


def _pressed(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """Yield the path of every route that takes a press; the console is walked by its own tests."""
    for route in routes:
        if isinstance(route, APIRoute) and "POST" in (route.methods or ()) and not route.path.startswith("/console"):
            yield route.path
        yield from _pressed(getattr(getattr(route, "original_router", None), "routes", ()))


def _path(site: Site, route: str, person: Enrollment) -> str:
    """Return the address of a page of hers."""
    if route.startswith("/confirm"):
        asked = site.enroll("asked@example.net", confirmed=False)
        return route.replace("{token}", site.deployment.service_token("", asked.public_id))
    if route.startswith("/change"):
        key = site.deployment.suppression_key
        moving.ask(site.deployment.database, site.deployment.library, person.public_id, "new@example.net", suppression_key=key)
        with site.deployment.database.read() as connection:
            change = connection.execute(tables.address_changes.select()).one().public_id
        return route.replace("{token}", site.deployment.service_token("address-change", "", f"change:{change}"))
    begins = {"my": site.my, "own": site.own, "leave": site.leave}[route.split("/")[1]](person)
    return route.replace(f"/{route.split('/')[1]}/{{token}}", begins).replace("{letter}", "welcome")


def test_every_press_is_on_the_list(site: Site) -> None:
    """A page that takes a press leads to a page by itself, or is excepted for a reason."""
    routes = set(_pressed(site.app.routes))
    assert routes == set(FORMS) | set(EXCEPTIONS)
    assert all(EXCEPTIONS.values())


@pytest.mark.parametrize("route", FORMS)
def test_a_press_leads_to_a_page_that_can_be_looked_at_again(site: Site, route: str) -> None:
    """The answer is 303 to the same address with at most fixed words behind the token; looking there changes nothing."""
    person = site.have_letters(site.enroll(), 2)
    path = _path(site, route, person)

    answer = site.post(path, FORMS[route])

    assert 303 == answer.status
    to = urlsplit(answer.headers["Location"])
    assert ("", "") == (to.query, to.fragment)
    fixed = re.fullmatch(r"/(?:my|own|change|confirm|leave|join)/[\w.-]+((?:/[a-z]+)*)", to.path)
    assert fixed is not None, to.path
    assert set(fixed[1].split("/")) <= {
        *("", "pause", "next", "again", "settings", "after", "fresh", "rough", "mail", "letters", "welcome", "address", "erase"),
        *("done", "begun", "saved", "moved", "asked", "back", "stayed"),
    }
    before = site.dump()
    page = site.page(to.path)
    assert page == re.sub('name="nonce" value="[^"]*"', "", page) or "nonce" in page
    for _ in range(2):
        assert 200 == site.get(to.path).status
    assert before == site.dump()


def test_pages_after_a_press_say_what_is_so(site: Site) -> None:
    """Opened without a press they claim nothing: the move shows its button, coming back and erasing show theirs."""
    person = site.have_letters(site.enroll(), 2)
    assert "Move my letters to this mailbox" in site.page(f"{_path(site, '/change/{token}', person)}/done")
    assert "Erase me now" in site.page(f"{site.own(person)}/erase/done")
    asked = _path(site, "/confirm/{token}", person)
    assert "Start my letters" in site.page(f"{asked}/done")
    site.post(site.leave(person))
    for name in ("back", "stayed"):
        assert "Your letters have stopped" in site.page(f"{site.leave(person)}/{name}")


def test_the_welcome_is_for_the_first_day(site: Site) -> None:
    """Looked at again after the second letter, the page of the press says that her letters are on."""
    asked = site.enroll("asked@example.net", confirmed=False)
    path = f"/confirm/{site.deployment.service_token('', asked.public_id)}"
    assert "Welcome, you are in" in site.press(path).data.decode()
    site.run()
    assert "Welcome, you are in" in site.page(f"{path}/done")
    site.have_letters(asked, 2)
    assert "Your letters are on" in site.page(f"{path}/done")


def test_the_new_mailbox_is_shown_the_way_to_her_page(site: Site) -> None:
    """After the move the page leads to My course, and to the button that mails its link there; no letter goes unasked."""
    person = site.have_letters(site.enroll(), 2)
    page = site.press(_path(site, "/change/{token}", person)).data.decode()
    my = site.my(person)
    assert f'<a class="button" href="{my}">Open my course</a>' in page
    assert f'href="{my}/fresh"' in page
    assert "n…@example.net" in page
    site.run()
    assert 2 == len(site.mailbox())
