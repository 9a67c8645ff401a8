"""Letters as pages show them: read again, without her name, with the dates of today."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core.enrollment import step_of
from drip.core.wording import SOME_DAY, day_in_words, weekday_name
from drip.mail.render import Person

if TYPE_CHECKING:
    from datetime import date

    from drip.core.progress import LiveCourse
    from drip.flows.showing.shown import Shown
    from drip.mail.library import Library
    from drip.mail.render import Rendered


def letter_again(shown: Shown, library: Library, letter: str, *, my_token: str, leave_token: str) -> Rendered | None:
    """Return a letter she had, in the version she got, without her name; None when she had none by that id.

    It is whole also when the mail was the short one, which says that the rest is here. Where it names the next date, that
    is the date on which the next letter went, or is to go.
    """
    # A short letter names its own lesson as it is called today.
    delivery = shown.letters.get(letter) or shown.letters.get(shown.live.first_id(letter))
    if delivery is None:
        return None
    then = library.course(delivery.version_id, delivery.course)
    run = [one for one in shown.ended if one.occasion == delivery.occasion and one.id > delivery.id]
    following = (run[0].went_on or run[0].letter_on) if run else shown.person.next_letter_on
    # As the mail says it: somebody who keeps her page is told no day.
    kept = shown.person.keep
    forgotten_on = None if kept else (delivery.went_on or delivery.letter_on) + timedelta(days=then.course.retention.finished)
    person = _reader(shown, my_token, leave_token, next_on=following, forgotten_on=forgotten_on)
    book = library.book(delivery.version_id, delivery.course)
    now_called = then.current_id(delivery.letter) or delivery.letter
    return book.render(now_called, after_pause=delivery.resumed, helplines=shown.helplines, person=person)


def next_title(shown: Shown, library: Library) -> str:
    """Return the title of her next letter; '' when none follows."""
    step = step_of(shown.person, shown.course)
    return "" if step is None else library.book(shown.live.version_id, shown.person.course).title(step.lesson.id)


def title(shown: Shown, library: Library, letter: str) -> str:
    """Return what a letter that she had is called today; '' for one that she did not have or that is gone."""
    current = shown.live.current_id(letter) if letter in shown.letters else None
    return "" if current is None else library.book(shown.live.version_id, shown.person.course).title(current)


def kit(shown: Shown, library: Library, *, my_token: str, leave_token: str, real_on: date | None = None) -> Rendered | None:
    """Return the letter for rough days as it is live; None when the course has none to ask for.

    With *real_on*, the date at a real door, also None when that letter must not go to real people.
    """
    if not shown.course.on_demand:
        return None
    kit_id = shown.course.on_demand[0].id
    if real_on is not None and library.why_not_real(shown.live.version_id, shown.person.course, kit_id, real_on):
        return None
    book = library.book(shown.live.version_id, shown.person.course)
    reader = _reader(shown, my_token, leave_token, next_on=shown.next_on)
    return book.render(shown.course.on_demand[0].id, helplines=shown.helplines, person=reader)


def first_subject(shown: Shown, library: Library, *, my_token: str, leave_token: str) -> str:
    """Return the subject under which the first letter of her course comes."""
    book = library.book(shown.live.version_id, shown.person.course)
    return book.render(shown.course.sequence[0].id, person=_reader(shown, my_token, leave_token, next_on=None)).subject


def system_subject(library: Library, live: LiveCourse, course_id: str, letter: str) -> str:
    """Return the subject under which a letter of drip itself comes; it is the same for everybody."""
    return library.book(live.version_id, course_id).render(letter).subject


def _reader(shown: Shown, my_token: str, leave_token: str, *, next_on: date | None, forgotten_on: date | None = None) -> Person:
    """Return what a letter may know of whoever reads it on a page; her name is not shown there."""
    return Person(
        name="",
        weekday=weekday_name(min(shown.person.rhythm(shown.course).weekdays)),
        next_date=SOME_DAY if next_on is None else day_in_words(next_on),
        forget_date=day_in_words(forgotten_on) if forgotten_on else "you say so" if shown.person.keep else "",
        my_token=my_token,
        leave_token=leave_token,
    )
