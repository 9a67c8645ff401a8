"""Today and the sender: how things stand, what wants a person, hold and release."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from drip import clock
from drip.core.delivery import Breaker
from drip.store import restores, senders, stamps, tables
from tests.course import SCHEDULE
from tests.web.console.conftest import Visitor
from tests.web.console.test_login import REAL
from tests.web.console.test_people import words

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start
    from tests.web.console.conftest import Admit


def test_all_is_well(site: Site, kim: Visitor) -> None:
    """A tick came, letters go, and nothing wants anybody."""
    site.have_letters(site.enroll(), 2)
    page = words(kim.page())
    for said in (
        "Letters go by sandbox",
        "Working last tick",
        "0 due now",
        "Nothing needs you. Letters go by themselves.",
        "1 active",
    ):
        assert said in page, said
    assert "2 letters fell due = 2 submitted + 0 withheld + 0 failed + 0 uncertain + 0 open" in page


def test_nothing_runs(site: Site, kim: Visitor) -> None:
    """Before the first tick, and long after the last one, it says so and what to do."""
    assert "There was no tick yet Start drip up" in words(kim.page())
    site.run()
    with site.deployment.database.write() as connection:
        connection.execute(tables.beats.update().values(machine_at=clock.machine_now() - timedelta(hours=3)))
    page = words(kim.page())
    assert "Nothing runs: the last tick was 3 hours ago" in page
    assert "Letters go by themselves" not in page


def test_hold_and_release(site: Site, kim: Visitor) -> None:
    """A hold wants a reason, which stands there with who held it; one press releases."""
    answer = kim.press("/console/hold", {"course": "small", "reason": "  "})
    assert (422, True) == (answer.status, b"Please say why" in answer.data)
    assert None is site.dump()["courses"][0][3]
    answer = kim.press("/console/hold", {"course": "small", "reason": "the letter <b>names</b> a wrong number"})
    assert (303, "/console?done=held") == (answer.status, answer.headers["Location"])
    page = kim.page(answer.headers["Location"])
    assert "small is held: the letter <b>names</b> a wrong number (kim)" in words(page)
    assert "<b>names" not in page
    assert "?done=nothing" in kim.press("/console/hold", {"course": "small", "reason": "again"}).headers["Location"]
    answer = kim.press("/console/release", {"course": "small"})
    assert (303, "/console?done=released") == (answer.status, answer.headers["Location"])
    assert "small running" in words(kim.page(answer.headers["Location"]))


def test_a_course_that_is_not_there(site: Site, kim: Visitor) -> None:
    """Nothing is held, and it says so."""
    for press in ("hold", "release"):
        answer = kim.press(f"/console/{press}", {"course": "nowhere", "reason": "x"})
        assert (404, True) == (answer.status, b"There is no course by that name. Nothing was changed." in answer.data)


def test_a_sender_that_waits_says_why_and_what_to_do(site: Site, kim: Visitor) -> None:
    """On the first page and on its own; one press lets it try again at once."""
    site.run()
    later = clock.machine_now() + timedelta(hours=1)
    door = site.deployment.settings.sender
    with site.deployment.database.write() as connection:
        senders.ensure(connection, door, clock.machine_now())
        values = {"state": Breaker.PAUSED.value, "reason": "401", "remedy": "put a good key in", "retry_at": later}
        connection.execute(tables.senders.update().values(**values))
    assert "Sending waits: 401 Put a good key in" in words(kim.page())
    page = words(kim.page("/console/sender"))
    assert "Why 401 What to do put a good key in Tried again" in page
    answer = kim.press("/console/sender/again")
    assert (303, "/console/sender") == (answer.status, answer.headers["Location"])
    with site.deployment.database.read() as connection:
        found = senders.find(connection, door, clock.machine_now())
    assert found.retry_at is not None
    assert found.retry_at <= clock.machine_now()


def test_what_wants_a_person(site: Site, kim: Visitor) -> None:
    """Letters in doubt, a letter kept from further tries, a held lesson: each with its number or its reason, on both pages."""
    site.have_letters(site.enroll(), 2)
    with site.deployment.database.write() as connection:
        first, second = (row.id for row in connection.execute(tables.deliveries.select().order_by(tables.deliveries.c.id)))
        rows = tables.deliveries.update()
        connection.execute(rows.where(tables.deliveries.c.id == first).values(state="uncertain"))
        connection.execute(
            rows.where(tables.deliveries.c.id == second).values(
                state="pending", blocked=True, reason="crashes", detail="five <i>"
            )
        )
        hold = {
            "course": "small",
            "letter": "walk",
            "held_at": clock.machine_now(),
            "reason": "refused",
            "detail": "<i>x",
            "version_id": 1,
        }
        connection.execute(tables.lesson_holds.insert().values(hold))
    page = words(kim.page())
    for said in ("1 letter is uncertain", "1 letter is kept from every further try", "small/walk is held: refused: <i>x"):
        assert said in page, said
    assert f"small/breathe delivery {second} crashes: five <i>" in words(kim.page("/console/sender"))
    kim.press("/console/release", {"course": "small"})
    assert "kept from every further try" not in words(kim.page())


def test_letters_that_are_not_ready_for_real_people(start: Start, admit: Admit) -> None:
    """Behind a real door each draft ahead is named, with how many get it next."""
    schedule = SCHEDULE.replace("example.org", "letters.example")
    environment = {"DRIP_BASE_URL": "https://letters.example.com", **REAL}
    site = start(roadmap=False, schedule=schedule, environment=environment)
    kim = admit(site)
    assert " gets it next" not in words(kim.page())
    library = site.deployment.library
    site.enroll()
    kept = type(library).why_not_real
    try:
        type(library).why_not_real = lambda *_: "the letter is a draft"  # type: ignore[method-assign]
        page = words(kim.page())
    finally:
        type(library).why_not_real = kept  # type: ignore[method-assign]
    assert "small/hello: the letter is a draft 1 person gets it next" in page
    assert "small/walk: the letter is a draft 0 people get it next" in page


def test_the_page_refreshes_itself_without_taking_what_is_typed(kim: Visitor) -> None:
    """Only the part that says how things stand is fetched anew; no form is in it."""
    page = kim.page()
    part = page.partition('<section id="now"')[2].partition("</section>")[0]
    assert 'hx-get="/console" hx-select="#now" hx-trigger="every 30s"' in part
    assert "<form" not in part
    assert "<input" not in part


def test_who_may_look_sees_no_switch(site: Site, admit: Admit) -> None:
    """And is told whose it is."""
    page = admit(site, "lou", "look").page().partition("<main")[2]
    assert "<form" not in page
    assert "Your permission is to look" in page


@pytest.mark.parametrize("path", ["/console", "/console/"])
def test_with_and_without_a_stroke(kim: Visitor, path: str) -> None:
    """The first page answers to both."""
    assert "<h1>Today</h1>" in kim.page(path)


def test_several_courses_are_held_at_once(site: Site, kim: Visitor) -> None:
    """Where there is more than one, one reason holds them all, and one press releases them."""
    assert "Hold all" not in kim.page()
    with site.deployment.database.write() as connection:
        row = dict(connection.execute(tables.courses.select()).mappings().one())
        connection.execute(tables.courses.insert().values(row | {"id": "second"}))
    assert "Hold all" in kim.page()
    assert 303 == kim.press("/console/hold", {"reason": "a bad night"}).status
    page = words(kim.page())
    assert "second is held: a bad night (kim)" in page
    assert "small is held: a bad night (kim)" in page
    kim.press("/console/release")
    assert "is held" not in words(kim.page())


def test_a_database_from_a_backup_stands_still(site: Site, kim: Visitor) -> None:
    """It stands first, with why, since when, and what to run; nothing is called working meanwhile."""
    site.run()
    with site.deployment.database.write() as connection:
        now = stamps.now_in(connection)
        restores.stand_still(connection, restores.Standstill("it came from a <b>backup", now.machine, now.machine), now)
    page = words(kim.page())
    first = page.partition("What needs you")[2]
    assert first.startswith(" Everything stands still: it came from a <b>backup Its books end at ")
    assert "drip restored" in first
    assert "Working" not in page
    assert "Stands still" in words(kim.page("/console/sender"))


def test_a_limit_says_how_it_stands(start: Start, admit: Admit) -> None:
    """The sender's page has a line for each course with a limit by the hour."""
    limited = SCHEDULE.replace("    reply_to:", "    sending: {per_hour: 500}\n    reply_to:", 1)
    assert limited != SCHEDULE
    kim = admit(start(roadmap=False, schedule=limited))
    assert "Rate of small 500 letters an hour" in words(kim.page("/console/sender"))
