"""Trying a letter: into an operator's own mailbox, by the door that real letters take, and into no book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.enrollment import zone_of
from drip.core.problem import did_you_mean
from drip.core.wording import SOME_DAY, day_in_words, weekday_name
from drip.errors import DripError, NotFound
from drip.mail.trial import SYSTEM_LETTERS, message_of, sample
from drip.store import enrollments, imports, stamps, subscribers, versions

if TYPE_CHECKING:
    from datetime import datetime

    from drip.core.delivery import Answer
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course
    from drip.mail.library import Library
    from drip.mail.message import Mailer, Message
    from drip.mail.render import LetterBook, Person
    from drip.store.session import Database


class NotTried(DripError):
    """The letter cannot be tried."""


@dataclass(frozen=True, slots=True)
class Text:
    """Where a letter is tried from: the letters of a course as they stand in a version, or in the files (no number)."""

    course_id: str
    course: Course
    book: LetterBook
    version: int | None = None
    live: LiveCourse | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How a letter is tried: *short* where that was asked for, and by the settings of the person behind *as_key*."""

    short: bool = False
    as_key: str = ""


def live_text(database: Database, library: Library, course: str = "") -> Text:
    """Return the letters that are live; raises NotFound where there are none, or no such course."""
    with database.read() as connection:
        state = versions.running_as(connection, course)
    live = library.course(state.version_id, state.id)
    return Text(state.id, live.course, library.book(state.version_id, state.id), state.version_id, live)


def message(
    database: Database, text: Text, lesson: str, manner: Manner, *, address: str, address_key: str, base_url: str
) -> Message:
    """Return what would be handed over for a test of *lesson*; raises NotFound, RenderFault, or NotTried with the reason."""
    letter = _letter_in(text, lesson)
    with database.read() as connection:
        if imports.entries(connection, address_key):
            msg = "this address stands in the register, so nothing is written to it, not even a test; try it with another one"
            raise NotTried(msg)
        now = stamps.now_in(connection)
        like = None
        if manner.as_key:
            someone = subscribers.find_by_key(connection, manner.as_key)
            hers = [] if someone is None else enrollments.find_for(connection, someone.id)
            like = next((one for one in hers if one.course == text.course_id), None)
            if someone is None or like is None:
                msg = f"there is nobody by the address of --as on {text.course_id}; leave it out for a sample person"
                raise NotFound(msg)
            # Whether she gave a name decides how a letter reads; the name itself is nobody's but hers.
            person = _as_her(like, text.course, "Ana" if someone.name else "", now.calendar)
        else:
            person = _anybody(text.course, letter, now.calendar)
    return message_of(
        text.book,
        text.course_id,
        text.course,
        letter,
        person,
        address=address,
        base_url=base_url,
        full=not (manner.short or (like is not None and like.short)),
        country=like.country if like else "",
    )


def hand_over(mailer: Mailer, tried: Message) -> Answer:
    """Hand a test over now, once, and return what the provider says; raises NotTried for what no provider takes."""
    try:
        return mailer.submit(tried)
    except ValueError as fault:
        msg = f"the letter cannot be handed over: {fault}"
        raise NotTried(msg) from fault


def _letter_in(text: Text, lesson: str) -> str:
    """Return the id by which the book knows a lesson, also by one that it had before."""
    known = (*text.course.letter_ids, *SYSTEM_LETTERS)
    if lesson in known:
        return lesson
    current = text.live.current_id(lesson) if text.live else None
    if current:
        return current
    where = "the files have" if text.version is None else f"version {text.version} of {text.course_id} has"
    raise NotFound(f"{where} no letter {lesson!r}; {did_you_mean(lesson, known, otherwise='drip letters lists them')}")


def _anybody(course: Course, letter: str, now: datetime) -> Person:
    """Return a sample person who joins today: the date in her letter is that of the one after it."""
    zone = zone_of("", course)
    calendar = timing.course_calendar(course, joined=now, zone=zone)
    ids = [entry.lesson for entry in calendar]
    following = ids.index(letter) + 1 if letter in ids else len(ids)
    next_date = day_in_words(calendar[following].letter_on) if following < len(ids) else "" if letter in ids else SOME_DAY
    return sample(
        "Ana",
        weekday=weekday_name(min(course.send_weekdays)),
        next_date=next_date,
        forget_date=day_in_words((now + course_kept(course)).astimezone(zone).date()),
    )


def _as_her(person: Enrollment, course: Course, name: str, now: datetime) -> Person:
    """Return a person with somebody's settings, and none of her links."""
    zone = zone_of(person.zone, course)
    return sample(
        name,
        weekday=weekday_name(min(person.rhythm(course).weekdays)),
        next_date=SOME_DAY if person.next_letter_on is None else day_in_words(person.next_letter_on),
        forget_date="you say so" if person.keep else day_in_words((now + course_kept(course)).astimezone(zone).date()),
    )


def course_kept(course: Course) -> timedelta:
    """Return how long a page stays after the last letter."""
    return timedelta(days=course.retention.finished)
