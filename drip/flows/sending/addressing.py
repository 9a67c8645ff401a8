"""What a letter says to each person of a request: which text they share, and the dates that are hers alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.delivery import Kind
from drip.core.enrollment import Pause
from drip.core.progress import next_step
from drip.core.wording import SOME_DAY, day_in_words, weekday_name
from drip.mail.envelope import Addressee, Rendering

if TYPE_CHECKING:
    from datetime import date

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.store.deliveries import Delivery
    from drip.store.marking import Marked


def rendering(letter: Delivery) -> Rendering:
    """Return which text the deliveries of a batch have in common with *letter*, its first."""
    return Rendering(
        letter.version_id,
        letter.course,
        letter.letter,
        full=not letter.short,
        after_pause=letter.resumed,
        country=letter.country,
    )


def addressees(marked: Marked, fields: frozenset[str]) -> list[Addressee]:
    """Return the people of a request as the envelope needs them; dates are worked out only where the letter prints them."""
    words: dict[tuple[object, ...], tuple[str, str, str]] = {}
    found = []
    for one in marked.ready:
        delivery, person = one.delivery, marked.people[one.delivery.enrollment_id]
        went_on = marked.went_on[delivery.id]
        key = (person.likeness(), delivery.meant_on, went_on)
        if key not in words:
            weekday = weekday_name(min(person.rhythm(marked.course.course).weekdays)) if "weekday" in fields else ""
            next_date = _next_date(delivery, went_on, person, marked.course) if "next_date" in fields else ""
            words[key] = (weekday, next_date, _forget_date(went_on, person, marked.course) if "forget_date" in fields else "")
        hers = (one.address or "", delivery.public_id, person.public_id, one.name)
        found.append(Addressee(*hers, *words[key], delivery.occasion, one.address_key))
    return found


def _forget_date(went_on: date, person: Enrollment, course: LiveCourse) -> str:
    """Return until when her page stays after a letter that goes on a day, in words that follow *until*."""
    return "you say so" if person.keep else day_in_words(went_on + timedelta(days=course.course.retention.finished))


def _next_date(delivery: Delivery, went_on: date, person: Enrollment, course: LiveCourse) -> str:
    """Return the date of the letter after this one, in words, on the way the course runs now."""
    if person.paused == Pause.OPEN:
        return SOME_DAY
    if delivery.kind == Kind.ASKED:
        # A copy moves nothing of her course.
        return SOME_DAY if person.next_letter_on is None else day_in_words(person.next_letter_on)
    place = course.current_id(delivery.letter)
    step = next_step(course.course, place, frozenset({delivery.letter}), course.firsts, afterwards=person.afterwards)
    if step is None:
        return ""
    slot = timing.next_slot(
        step.lesson,
        person.rhythm(course.course),
        last_meant_on=delivery.meant_on,
        last_letter_on=went_on,
        afterwards=step.afterwards,
    )
    return day_in_words(slot.letter_on)
