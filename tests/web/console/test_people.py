"""People: one field that finds somebody, her page with every why, and what an operator does for a reply that says stop."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drip.flows import forgetting
from drip.store import tables
from tests.web.console.conftest import Visitor

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from tests.web.conftest import Site
    from tests.web.console.conftest import Admit

CORPUS: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "hostile.json").read_text(encoding="utf-8"))


def words(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def sam(site: Site) -> Enrollment:
    """Somebody in the middle of her course."""
    return site.have_letters(site.enroll(), 2)


def test_one_field_finds_her(site: Site, kim: Visitor, sam: Enrollment) -> None:
    """By her whole address, in any capitals; the address stands in no URL."""
    for typed in ("sam@example.net", " SAM@Example.NET "):
        answer = kim.press("/console/people", {"address": typed})
        assert (303, f"/console/people/{sam.public_id}") == (answer.status, answer.headers["Location"])


@pytest.mark.parametrize("typed", ["sa@example.net", "am@example.net", "sam@example.ne", "%@example.net", "*", "sam", "", "@"])
def test_a_miss_names_nobody(site: Site, kim: Visitor, sam: Enrollment, typed: str) -> None:
    """Nothing but the whole address finds her: no list, no hint, and what was typed is not repeated."""
    answer = kim.press("/console/people", {"address": typed})
    assert answer.status in {404, 422}
    page = answer.data.decode()
    assert "sam@example.net" not in page
    assert sam.public_id not in page
    assert ("There is nobody by this address" in page) == (404 == answer.status)


def test_a_miss_says_what_the_register_knows(site: Site, kim: Visitor, sam: Enrollment) -> None:
    """Of somebody who was erased at her wish nothing is left but that, and since when."""
    forgetting.erase(site.deployment.database, site.deployment.library, sam.public_id, source="a test", wait_seconds=1)
    site.run()
    answer = kim.press("/console/people", {"address": "sam@example.net"})
    assert 404 == answer.status
    assert "the register of those who must not be mailed says: erased since" in answer.data.decode()
    page = kim.page(f"/console/people/{sam.public_id}", 404)
    assert "There is nobody here any more" in page


def test_her_page_says_where_she_stands_and_why(site: Site, kim: Visitor, sam: Enrollment) -> None:
    """State, place, next date where she lives, settings; every rule with what it looks at; each letter with its facts."""
    page = words(kim.page(f"/console/people/{sam.public_id}"))
    for said in (
        "sam@example.net",
        "Place breathe",
        "Next letter walk, ",
        "Zone Europe/London",
        "register her address is not in the register of those who must not be mailed reason none",
        "gap the last letter went on",
        "sender the provider takes letters",
        "walk: it goes at",
        "breathe handed over to the provider version 1 occasion run:1 kind lesson",
        "said yes",
    ):
        assert said in page, said
    for rule in ("address", "register", "course", "consent", "version", "order", "pause", "meant date", "gap", "window", "hold"):
        assert f"<strong>{rule}</strong>" in kim.page(f"/console/people/{sam.public_id}"), rule


@pytest.mark.parametrize(("weeks", "paused"), [("1", "weeks"), ("4", "weeks"), ("open", "open")])
def test_a_pause_as_her_own_button_does_it(site: Site, kim: Visitor, sam: Enrollment, weeks: str, paused: str) -> None:
    """Her page shows it, and one press ends it again; the button says the date that then comes true."""
    here = f"/console/people/{sam.public_id}"
    before = kim.page(here)
    answer = kim.press(f"{here}/pause", {"weeks": weeks})
    assert (303, f"{here}?done=paused") == (answer.status, answer.headers["Location"])
    page = kim.page(answer.headers["Location"])
    assert ("no date" if weeks == "open" else "Paused.") in page
    person = site.person(sam.id)
    assert paused == person.paused
    if weeks != "open":
        assert person.next_letter_on is not None
        on = person.next_letter_on
        assert f"next letter {on.day} {on:%B %Y}" in before
    assert "End her pause" in page
    kim.press(f"{here}/resume")
    assert "" == site.person(sam.id).paused


def test_a_pause_that_is_not_offered(site: Site, kim: Visitor, sam: Enrollment) -> None:
    """A press that no page of ours has is told so, and changes nothing."""
    answer = kim.press(f"/console/people/{sam.public_id}/pause", {"weeks": "3"})
    assert (422, "") == (answer.status, site.person(sam.id).paused)
    assert "A pause is for 1, 2 or 4 weeks, or until she says" in answer.data.decode()
    for press in ("pause", "resume", "leave"):
        assert 404 == kim.press(f"/console/people/nobody/{press}", {"weeks": "1"}).status


def test_leaving_asks_once_and_is_final(site: Site, kim: Visitor, sam: Enrollment) -> None:
    """The link only asks; the button leaves, and the record says where it came from; she can come back, an operator cannot."""
    here = f"/console/people/{sam.public_id}"
    assert f'href="{here}/leave"' in kim.page(here)
    assert "for good" in kim.page(f"{here}/leave")
    assert "active" == site.person(sam.id).state
    answer = kim.press(f"{here}/leave")
    assert (303, f"{here}?done=left") == (answer.status, answer.headers["Location"])
    page = kim.page(answer.headers["Location"])
    assert "She has left. No letter comes any more." in page
    assert "took it back (console)" in page
    assert "<form" not in page.partition("<main")[2]
    assert "left" == site.person(sam.id).state
    assert 303 == kim.press(f"{here}/leave").status
    assert "?done=off" in kim.press(f"{here}/pause", {"weeks": "1"}).headers["Location"]
    site.post(f"{site.leave(sam)}/undo")
    assert "active" == site.person(sam.id).state


@pytest.mark.parametrize(
    ("press", "said"),
    [("pause", "so nothing was changed"), ("leave", "nothing follows it")],
)
def test_while_a_letter_is_being_handed_over(site: Site, kim: Visitor, press: str, said: str) -> None:
    """It is waited for, and then said: a leave is no acknowledgement before nothing of hers is under way."""
    person = site.enroll()
    site.deployment.ticker().tick()
    site.handing_over(person)
    answer = kim.press(f"/console/people/{person.public_id}/{press}", {"weeks": "1"})
    assert (503, "60") == (answer.status, answer.headers["Retry-After"])
    assert said in answer.data.decode()
    assert ("left" if press == "leave" else "active") == site.person(person.id).state
    assert "" == site.person(person.id).paused


def test_who_may_look_sees_no_buttons(site: Site, admit: Admit, sam: Enrollment) -> None:
    """Her page and her why are there; what changes them is not."""
    lou = admit(site, "lou", "look")
    for path in ("", "/leave"):
        page = lou.page(f"/console/people/{sam.public_id}{path}").partition("<main")[2]
        assert "sam@example.net" in page
        assert "<form" not in page
        assert "Your permission is to look" in page


@pytest.mark.parametrize("name", CORPUS["name"])
def test_a_hostile_name_is_only_a_name(site: Site, kim: Visitor, name: str) -> None:
    """It stands on her page as text, and breaks nothing."""
    person = site.enroll("eve@example.net", name=name)
    with site.deployment.database.write() as connection:
        # As it was typed: not even what cleans names on their way in is trusted.
        connection.execute(tables.subscribers.update().values(name=name.replace("\0", "")))
        connection.execute(tables.enrollments.update().values(zone=name.replace("\0", ""), ended_why=name.replace("\0", "")))
    page = kim.page(f"/console/people/{person.public_id}")
    body = page.partition("<main")[2]
    assert not any(mark in body for mark in ("<img", "<svg", "<script", "<iframe", '<a href="javascript', "3349076"))
    assert 1 == page.count("</html>")


def test_her_other_courses_lead_to_their_own_pages(site: Site, kim: Visitor, sam: Enrollment) -> None:
    """Whoever is on two courses has a page for each; the field finds the one that goes on."""
    with site.deployment.database.write() as connection:
        row = dict(connection.execute(tables.enrollments.select()).mappings().one())
        row |= {"id": 99, "public_id": "the-other-one", "course": "elsewhere", "state": "left", "open_delivery": None}
        connection.execute(tables.enrollments.insert().values(row))
    assert 'href="/console/people/the-other-one"' in kim.page(f"/console/people/{sam.public_id}")
    assert kim.press("/console/people", {"address": "sam@example.net"}).headers["Location"].endswith(sam.public_id)
