"""Rough patch: the kit at once, by mail once a day, and as a file; a letter that she had, by mail once more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from drip.core.wording import day_in_words

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start


def _nonce(page: str) -> str:
    return str(re.findall(r'<input type="hidden" name="nonce" value="([^"]*)">', page)[0])


def test_the_button_that_holds_stands_first_and_its_link_works(site: Site) -> None:
    """It is one tap above the letter, and the words in the kit lead to it."""
    person = site.have_letters(site.enroll(), 2)
    kit = site.page(f"{site.my(person)}/rough")
    assert kit.index("Hold my next letter for a week") < kit.index("<h1")
    assert 1 == kit.count('id="hold"')
    assert f'{site.my(person)}/rough#hold"' in kit


@pytest.mark.parametrize("weeks", ["1", "4", "open"])
def test_the_button_never_shortens_a_pause(site: Site, weeks: str) -> None:
    """While a pause keeps her letter at least as long, the kit says so and offers nothing."""
    person = site.have_letters(site.enroll(), 2)
    site.press(f"{site.my(person)}/pause", {"weeks": weeks})
    kit = site.page(f"{site.my(person)}/rough")
    assert "Hold my next letter" not in kit
    assert ("No letter comes until you say." if weeks == "open" else "Your next letter comes on") in kit


def test_the_kit_comes_by_mail_once_a_day(site: Site) -> None:
    """One press mails it; a second says that it is there; the page says from when it can be mailed again."""
    person = site.have_letters(site.enroll(), 2)
    my = site.my(person)
    assert f'action="{my}/rough/mail"' in site.page(f"{my}/rough")
    first = site.press(f"{my}/rough/mail").data.decode()
    site.run()
    second = site.press(f"{my}/rough/mail").data.decode()
    site.run()

    assert "The kit is on its way" in first
    assert "The kit is there already" in second
    assert ["The kit you asked for"] == [letter.subject for letter in site.mailbox()[2:]]
    page = site.page(f"{my}/rough")
    tomorrow = (site.now() + timedelta(days=1)).date()
    assert f"It can be mailed again from {day_in_words(tomorrow)}" in page
    assert "Mail me this kit" not in page
    assert "The kit for rough days" in site.page(my)
    site.pass_to(site.now() + timedelta(days=1))
    assert "Mail me this kit" in site.page(f"{my}/rough")


def test_the_kit_can_be_saved_as_one_file(site: Site) -> None:
    """It is whole, loads nothing from anywhere, and is a download."""
    person = site.have_letters(site.enroll(), 2)
    path = f"{site.my(person)}/rough/save"
    assert f'href="{path}"' in site.page(f"{site.my(person)}/rough")
    answer = site.get(path)
    page = answer.data.decode()
    assert 'attachment; filename="kit.html"' == answer.headers["Content-Disposition"]
    assert "Get emergency help now" in page
    assert not re.findall(r"<(?:link|script|img|iframe)\b|@import|url\(", page)


@pytest.mark.parametrize("state", ["left", "asked"])
def test_nobody_gets_the_kit_by_mail_without_a_course(site: Site, state: str) -> None:
    """The page opens, has no button to mail it, and a press mails nothing."""
    person = site.enroll(confirmed=state != "asked")
    if state == "left":
        site.press(site.leave(person))
    my = site.my(person)
    assert "Mail me this kit" not in site.page(f"{my}/rough")
    before = site.dump()
    assert 400 == site.press(f"{my}/rough/mail").status
    assert before == site.dump()


def test_a_course_without_a_kit_mails_and_saves_none(start: Start) -> None:
    """There is nothing to press, and the addresses are not there."""
    from tests.course import SCHEDULE

    site = start(roadmap=False, schedule=SCHEDULE.replace("    on_demand:\n      - {id: kit}\n", ""))
    my = site.my(site.have_letters(site.enroll(), 1))
    assert "/rough/" not in site.page(f"{my}/rough")
    assert 400 == site.press(f"{my}/rough/mail").status
    assert 404 == site.get(f"{my}/rough/save").status


def test_a_letter_comes_once_more(site: Site) -> None:
    """From its page or from hers; the same form twice mails one, a fourth that day is refused calmly."""
    person = site.have_letters(site.enroll(), 2)
    my = site.my(person)
    path = f"{my}/letters/welcome/mail"
    assert f'action="{path}"' in site.page(f"{my}/letters/welcome")
    assert f'href="{my}/letters/loaded-and-locked/mail"' in site.page(my)
    form = {"nonce": _nonce(site.page(path))}
    for _ in range(2):
        assert "On its way" in site.press(path, form).data.decode()
    site.run()
    first, _, copy = site.mailbox()
    assert (first.subject, 3) == (copy.subject, len(site.mailbox()))

    for _ in range(2):
        site.press(path, {"nonce": _nonce(site.page(path))})
    enough = site.press(path, {"nonce": _nonce(site.page(path))}).data.decode()
    assert "enough for today" in enough
    site.run()
    assert 5 == len(site.mailbox())
    page = site.page(my)
    assert 2 == page.count('<li class="had">')
    assert "More letters" not in page


def test_only_a_letter_she_had_comes_again(site: Site) -> None:
    """One that she has not had, that is none, or a press without a form mails nothing."""
    person = site.have_letters(site.enroll(), 2)
    my = site.my(person)
    before = site.dump()
    for letter in ("settle", "flare-kit", "confirm", "..%2fwelcome"):
        assert 404 == site.get(f"{my}/letters/{letter}/mail").status
        assert site.press(f"{my}/letters/{letter}/mail", {"nonce": "abcdefgh"}).status in {400, 404}
    for nonce in ("", "x", "a b c d e f", "x" * 40):
        assert 400 == site.press(f"{my}/letters/welcome/mail", {"nonce": nonce}).status
    assert before == site.dump()
