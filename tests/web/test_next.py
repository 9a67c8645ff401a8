"""The next letter now, and a phase again: pages whose words come true."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from drip.core.wording import day_in_words
from drip.store import stamps, tables, versions

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from tests.web.conftest import Site


def _field(page: str, name: str) -> str:
    """Return the value of a hidden field."""
    return str(re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)[0])


def _a_day_on(site: Site, count: int = 2) -> Enrollment:
    """Let somebody have so many letters and go to the day after."""
    person = site.have_letters(site.enroll(), count)
    site.pass_to(site.now() + timedelta(days=1))
    return site.person(person.id)


def test_the_page_names_the_letter_and_the_date_after_it(site: Site) -> None:
    """Both come true: the letter is there after the press, and the next one has the date that was named."""
    person = _a_day_on(site)
    path = f"{site.my(person)}/next"
    page = site.page(path)
    [date] = re.findall(r"letter after it then comes on\s*<strong>([^<]*)</strong>", page)
    assert f'href="{path}"' in site.page(site.my(person))

    answer = site.post(path, {"letter": _field(page, "letter")})

    assert (303, path) == (answer.status, answer.headers["Location"])
    assert "Your letter is on its way" in site.page(path)
    site.run()
    assert 3 == len(site.mailbox())
    tomorrow = day_in_words(site.now().date() + timedelta(days=1))
    assert f"You can have the next one from tomorrow, <strong>{tomorrow}</strong>." in site.page(path)
    after = site.person(person.id)
    assert after.next_letter_on is not None
    assert date == day_in_words(after.next_letter_on)


def test_pressing_twice_and_an_old_form_bring_one(site: Site) -> None:
    """A form is for the letter that it names."""
    person = _a_day_on(site)
    path = f"{site.my(person)}/next"
    form = {"letter": _field(site.page(path), "letter")}
    for _ in range(2):
        assert 303 == site.post(path, form).status
    site.run()
    site.pass_to(site.now() + timedelta(days=1))
    before = site.dump()
    for odd in (form, {}, {"letter": "<script>"}):
        assert 303 == site.post(path, odd).status
    assert before == site.dump()
    assert 3 == len(site.mailbox())


def test_the_words_for_whoever_is_paused(site: Site) -> None:
    """A pause of weeks ends with the letter; until she says, it goes on."""
    person = _a_day_on(site)
    my = site.my(person)
    site.post(f"{my}/pause", {"weeks": "4"})
    assert "Your pause ends with it" in site.page(f"{my}/next")
    site.post(f"{my}/pause", {"weeks": "open"})
    page = site.page(f"{my}/next")
    assert "You stay paused after it" in page
    site.post(f"{my}/next", {"letter": _field(page, "letter")})
    site.run()
    assert "No letter comes until you say." in site.page(my)
    assert 3 == len(site.mailbox())


def test_a_held_course_is_not_promised_at_once(site: Site) -> None:
    """While letters rest, the page says that hers follows by itself."""
    person = _a_day_on(site)
    path = f"{site.my(person)}/next"
    form = {"letter": _field(site.page(path), "letter")}
    with site.deployment.database.write() as connection:
        versions.hold(connection, None, "a look", site.now())
    site.post(path, form)
    page = site.page(path)
    assert "Letters rest for a little while" in page
    assert "few minutes" not in page


@pytest.mark.parametrize("path", ["next", "again"])
def test_a_letter_on_its_way_is_waited_for(site: Site, path: str) -> None:
    """The press is not acknowledged, changes nothing, and says so."""
    person = site.have_letters(site.enroll(), 2)
    my = site.my(person)
    assert person.next_due_at is not None
    with site.deployment.database.write() as connection:
        stamps.move_calendar(connection, person.next_due_at)
    site.deployment.ticker().tick()
    site.handing_over(person)
    forms = {"next": {"letter": person.next_lesson or ""}, "again": {"phase": "orient", "run": "1"}}
    answer = site.press(f"{my}/{path}", forms[path])
    assert 503 == answer.status
    assert "nothing was changed" in answer.data.decode()


@pytest.mark.parametrize("count", [3, 19])
def test_a_phase_begins_again(site: Site, count: int) -> None:
    """The buttons are the phases she began; the press names the date, for whoever finished too, and twice is once."""
    person = site.have_letters(site.enroll(), count)
    path = f"{site.my(person)}/again"
    page = site.page(path)
    assert (1 if count == 3 else 4) == page.count("First letter on")
    [date] = re.findall(r"Get your bearings</span><span class=\"note\">First letter on ([^<]*)<", page)
    form = {"phase": "orient", "run": _field(page, "run")}

    first, second = site.press(path, form), site.press(path, form)

    assert [200, 200] == [first.status, second.status]
    for answer in (first, second):
        assert f"comes on <strong>{date}</strong>" in answer.data.decode()
    after = site.person(person.id)
    assert (2, "active", "welcome") == (after.run, after.state, after.next_lesson)
    mine = site.page(site.my(person))
    links = re.findall(r'href="([^"]*/letters/[^"/]*)"', mine)
    assert count == len(links) == len(set(links))
    # The first is the next one; every other comes again, and none is listed a second time.
    assert count - 1 == mine.count('<span class="note">Comes again</span>')
    assert "More letters" not in mine
    assert after.next_due_at is not None
    site.pass_to(after.next_due_at)
    assert count + 1 == len(site.mailbox())


def test_beginning_again_says_what_becomes_of_a_letter_on_its_way(site: Site) -> None:
    """The one that she had just asked for stays back, as both pages say, and comes once, in its turn."""
    person = _a_day_on(site)
    my = site.my(person)
    site.post(f"{my}/next", {"letter": _field(site.page(f"{my}/next"), "letter")})
    assert "If you press before it is there, it stays back" in site.page(f"{my}/again")

    page = site.press(f"{my}/again", {"phase": "orient", "run": "1"}).data.decode()

    assert "The letter that was on its way stays back until the course comes to it." in page
    site.run()
    assert 2 == len(site.mailbox())
    again = site.have_letters(person, 5)
    assert 2 == again.run
    assert 6 == len(site.mailbox())
    assert 1 == sum("About" not in one.subject and one.subject == site.mailbox()[-1].subject for one in site.mailbox())


@pytest.mark.parametrize(
    "form", [{}, {"phase": "widen", "run": "1"}, {"phase": "orient"}, {"phase": "orient", "run": "²"}, {"phase": "x", "run": "9"}]
)
def test_a_phase_that_is_not_offered_changes_nothing(site: Site, form: dict[str, str]) -> None:
    """It is answered kindly with 400."""
    person = site.have_letters(site.enroll(), 2)
    before = site.dump()
    assert 400 == site.post(f"{site.my(person)}/again", form).status
    assert before == site.dump()


def test_whoever_left_sees_no_later_letters(site: Site) -> None:
    """Her map names what she had and promises nothing; the day of forgetting stands below."""
    person = site.have_letters(site.enroll(), 3)
    site.post(site.leave(person))
    page = site.page(site.my(person))
    assert "Later" not in page
    assert 3 == page.count('<li class="had">')
    ended = site.person(person.id).ended_at
    assert ended is not None
    assert f"After <strong>{day_in_words(ended.date() + timedelta(days=30))}" in page


def test_the_day_of_forgetting_after_the_last_letter(site: Site) -> None:
    """It is ninety days after the end, and none for whoever keeps her page."""
    person = site.have_letters(site.enroll(), 19)
    ended = site.person(person.id).ended_at
    assert ended is not None
    assert f"After <strong>{day_in_words(ended.date() + timedelta(days=90))}" in site.page(site.my(person))
    with site.deployment.database.write() as connection:
        connection.execute(tables.enrollments.update().values(keep=True))
    page = site.page(site.my(person))
    assert "Your page is kept until you say." in page
    assert "this page goes" not in page


def test_settings_of_whoever_has_not_confirmed_and_of_a_letter_asked_for_now(site: Site) -> None:
    """Both save; the letter asked for takes its new date, and the page names it."""
    asked = site.enroll("jo@example.net", confirmed=False)
    saved = site.press(f"{site.my(asked)}/settings", {"weekday": "thu", "pace": "2"})
    assert (200, 3, 2) == (saved.status, site.person(asked.id).weekday, site.person(asked.id).pace)
    assert "Your letters begin once you have pressed the button" in saved.data.decode()

    person = _a_day_on(site)
    path = f"{site.my(person)}/next"
    site.post(path, {"letter": _field(site.page(path), "letter")})
    page = site.press(f"{site.my(person)}/settings", {"weekday": "thu"}).data.decode()
    after = site.person(person.id)
    assert after.next_letter_on is not None
    assert 3 == after.next_letter_on.weekday()
    assert f"comes on <strong>{day_in_words(after.next_letter_on)}</strong>" in page


def test_settings_of_whoever_is_paused_until_she_says(site: Site) -> None:
    """They are saved and no date is promised; when she goes on, the letter comes on the new day."""
    person = _a_day_on(site)
    my = site.my(person)
    site.post(f"{my}/pause", {"weeks": "open"})
    saved = site.press(f"{my}/settings", {"weekday": "thu", "send_at": "18:00"})
    assert "No letter comes until you say." in saved.data.decode()
    site.post(f"{my}/pause", {"resume": "yes"})
    after = site.person(person.id)
    assert after.next_letter_on is not None
    assert 3 == after.next_letter_on.weekday()
