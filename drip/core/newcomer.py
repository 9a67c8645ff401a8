"""One line of an import: who she is and where she goes on, or why the line is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from drip.core import timing
from drip.core.address import address_key, clean_name, clean_text, normal_address
from drip.core.cell import STATUSES, instant_of, shown, standing_of
from drip.core.country import country_hint, country_names
from drip.core.enrollment import Stage, placed, zone_of
from drip.core.problem import did_you_mean
from drip.core.progress import steps_after
from drip.core.timeword import WEEKDAYS, clock_time_of, zone_hint, zone_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drip.core.enrollment import Changes, Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course
    from drip.core.timing import Rhythm

COLUMNS = (
    "email",
    "name",
    "timezone",
    "country",
    "weekday",
    "hour",
    "pace",
    "last_lesson",
    "last_letter_on",
    "consented_at",
    "consent_source",
    "status",
)
"""What an import knows of a person; only `email` must be there."""

HAD_ELSEWHERE = "she had it before she came here"
NO_WELCOME = "she was imported, and nobody imported gets a welcome"

HINTS_MAX = 300
"""For so many different wrong words the nearest right one is looked for; a whole column of them would take minutes."""


_PLAIN = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
_PLAIN_MAX = 64
"""What stands before the @ of nearly every address; of these nothing but the domain needs a closer look."""


CELL_MAX = 2_000
"""The longest that a cell may be: what is longer is no address, no zone and no lesson, but text that ran together."""


class Why(StrEnum):
    """Why a line is refused, in one word; stable, for `--json` and for counting."""

    SHAPE = "shape"
    ADDRESS = "address"
    TIMEZONE = "timezone"
    COUNTRY = "country"
    WEEKDAY = "weekday"
    HOUR = "hour"
    PACE = "pace"
    LESSON = "last-lesson"
    DATE = "date"
    CONSENT = "consent"
    STATUS = "status"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that is not imported: why in a word and in a sentence with the remedy, and the *column* at fault.

    The sentence names nobody: it may end in a terminal that others read.
    """

    line: int
    why: Why
    column: str
    say: str


class Newcomer(NamedTuple):
    """Who stands in one line; *place* is the lesson that she had last, None to begin with the first of all."""

    line: int
    address: str
    key: str
    name: str
    zone: str
    zone_given: bool
    country: str
    weekday: int | None
    send_at: str | None
    pace: int
    place: str | None
    came_from: str
    last_letter_on: date | None
    consented_at: datetime | None
    consent_source: str

    def likeness(self) -> tuple[Any, ...]:
        """Return everything that her first date is worked out from."""
        return self.zone, self.weekday, self.send_at, self.pace, self.place, self.last_letter_on


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator says of everybody in the file.

    With *ask* each is asked by a letter; with *confirmed* she vouches for a consent that has no date; *start* is the day
    before which no lesson comes.
    """

    consent_source: str
    ask: bool = False
    confirmed: bool = False
    welcome: bool = False
    start: date | None = None


class _Fault(Exception):
    """One cell that cannot be: why, and a sentence with the remedy."""

    def __init__(self, why: Why, say: str) -> None:
        super().__init__(say)
        self.why = why
        self.say = say


# One line ------------------------------------------------------------------------------------------------------------


class Reception:
    """Decides on one line after the other, for one live course and the terms of one import."""

    def __init__(self, live: LiveCourse, terms: Terms, suppression_key: bytes, *, now: datetime) -> None:
        """Keep what every line is held against; *now* is the calendar's."""
        self._course = live.course
        self._terms = terms
        self._key = suppression_key
        self._now = now
        self._lessons = {live.first_id(lesson.id): lesson.id for lesson in live.course.sequence}
        self._lessons |= {lesson.id: lesson.id for lesson in live.course.sequence}
        self._days = frozenset(live.course.allow.days)
        self._hints: dict[tuple[Why, str], str] = {}
        self._domains: dict[str, str] = {}
        self._begins_after = None if terms.welcome else place_without_welcome(live.course)

    def decide(self, line: int, cells: Mapping[str, str]) -> Newcomer | Refusal:
        """Return who stands in a line, *cells* by the names of `COLUMNS`; or the refusal with everything wrong with it."""
        faults: list[tuple[str, _Fault]] = []

        def read(column: str, reader: Callable[[str], Any], otherwise: Any = None) -> Any:  # noqa: ANN401 - as the reader's
            text = cells.get(column, "").strip()
            if not text:
                return otherwise
            if len(text) > CELL_MAX:
                faults.append((column, _Fault(Why.SHAPE, f"{len(text)} characters are too many; is a quote missing?")))
                return otherwise
            try:
                return reader(text)
            except _Fault as fault:
                faults.append((column, fault))
                return otherwise

        address = read("email", self._address)
        if address is None and not faults:
            faults.append(("email", _Fault(Why.ADDRESS, "there is no address; write one, or leave the line out")))
        read("status", self._status)
        place = read("last_lesson", self._lesson)
        consented_at = read("consented_at", self._instant)
        found = Newcomer(
            line=line,
            address=address or "",
            key=address_key(address, self._key) if address else "",
            name=clean_name(cells.get("name", "")),
            zone=read("timezone", self._zone, self._course.timezone),
            zone_given=bool(cells.get("timezone", "").strip()),
            country=read("country", self._country, ""),
            weekday=read("weekday", self._weekday),
            send_at=read("hour", self._hour),
            pace=read("pace", _pace, 1),
            place=place or self._begins_after,
            came_from=HAD_ELSEWHERE if place else NO_WELCOME,
            last_letter_on=read("last_letter_on", self._day),
            consented_at=consented_at,
            consent_source=clean_text(cells.get("consent_source", ""), CELL_MAX) or self._terms.consent_source,
        )
        if consented_at is None and not (self._terms.ask or self._terms.confirmed) and not faults:
            say = "no proof of when she agreed; give a date, or say --confirmed if you can prove it, or --ask to ask her"
            faults.append(("consented_at", _Fault(Why.CONSENT, say)))
        if not faults:
            return found
        column, first = faults[0]
        return Refusal(line, first.why, column, "; also: ".join(fault.say for _, fault in faults))

    def _address(self, text: str) -> str:
        """Return the one spelling of an address; most share a few domains, and each of those is looked at once."""
        local, _, domain = text.rpartition("@")
        known = self._domains.get(domain)
        if known is not None and _PLAIN.fullmatch(local) and len(text) <= _PLAIN_MAX:
            return f"{local}@{known}"
        try:
            found = normal_address(text)
        except ValueError as fault:
            raise _Fault(Why.ADDRESS, f"{fault} Correct it, or leave the line out") from None
        self._domains[domain] = found.rpartition("@")[2]
        return found

    def _hint(self, why: Why, text: str, find: Callable[[str], str], otherwise: str) -> str:
        """Return the remedy for a wrong word, looked for once."""
        known = self._hints.get((why, text))
        if known is None:
            known = find(text) if len(self._hints) < HINTS_MAX else otherwise
            if len(self._hints) < HINTS_MAX:
                self._hints[why, text] = known
        return known or otherwise

    def _status(self, text: str) -> None:
        standing = standing_of(text)
        if standing is None:
            hint = did_you_mean(text, STATUSES, otherwise="write active, or take the column out")
            raise _Fault(Why.STATUS, f"nobody here knows the status {shown(text)}; {hint}")
        if standing.suppress:
            remedy = "drip suppressions import takes this file, so that nobody ever writes to her"
            raise _Fault(Why.STATUS, f"the status says {text.casefold()}; {remedy}")
        if standing.pending and not self._terms.ask:
            raise _Fault(Why.STATUS, f"the status says {text.casefold()}, so she never agreed; import such lines with --ask")

    def _zone(self, text: str) -> str:
        if text in zone_names():
            return text
        hint = self._hint(Why.TIMEZONE, text, zone_hint, "write a name such as Europe/London")
        raise _Fault(
            Why.TIMEZONE, f"there is no time zone {shown(text)}; {hint}{' Or' if hint.endswith('?') else ', or'} leave it empty"
        )

    def _country(self, text: str) -> str:
        if text.upper() in country_names():
            return text.upper()
        hint = self._hint(Why.COUNTRY, text, country_hint, "write two capitals, such as GB")
        raise _Fault(Why.COUNTRY, f"there is no country {shown(text)}; {hint}")

    def _weekday(self, text: str) -> int:
        day = _DAYS.get(text.casefold())
        if day is None:
            raise _Fault(Why.WEEKDAY, f"there is no weekday {shown(text)}; write mon, tue, wed, thu, fri, sat or sun")
        if day not in self._days:
            raise _Fault(Why.WEEKDAY, f"the course sends nothing on {day}; choose among {', '.join(self._course.allow.days)}")
        return WEEKDAYS.index(day)

    def _hour(self, text: str) -> str:
        allow = self._course.allow
        try:
            at = clock_time_of(text.zfill(5))
        except ValueError:
            raise _Fault(Why.HOUR, f"{shown(text)} is no time of day; write it as 09:00") from None
        latest = time(max(allow.closes.hour - 1, 0), allow.closes.minute)
        if not allow.opens <= at <= latest:
            raise _Fault(
                Why.HOUR, f"the course sends nothing at {at:%H:%M}; choose an hour from {allow.opens:%H:%M} to {latest:%H:%M}"
            )
        return f"{at:%H:%M}"

    def _lesson(self, text: str) -> str:
        lesson = self._lessons.get(text)
        if lesson is None:
            hint = self._hint(Why.LESSON, text, self._lesson_hint, "drip check prints the lessons")
            raise _Fault(Why.LESSON, f"the course has no lesson {shown(text)}; {hint}")
        if lesson == self._course.sequence[-1].id:
            say = "this is the last lesson, so nothing would follow; leave the line out, or name an earlier one"
            raise _Fault(Why.LESSON, say)
        return lesson

    def _lesson_hint(self, text: str) -> str:
        return did_you_mean(text, self._lessons, otherwise="drip check prints the lessons")

    def _day(self, text: str) -> date:
        return self._instant(text).date()

    def _instant(self, text: str) -> datetime:
        found = instant_of(text)
        if found is None:
            raise _Fault(Why.DATE, f"{shown(text)} is no date that can be read one way only; write it as 2026-11-30")
        if found > self._now + timedelta(days=1):
            raise _Fault(Why.DATE, f"{shown(text)} lies in the future; write the day on which it was")
        return min(found, self._now)


def _pace(text: str) -> int:
    pace = _PACES.get(" ".join(text.casefold().split()))
    if pace is None:
        raise _Fault(Why.PACE, f"{shown(text)} is no pace; write 1 for a letter a week, 2 for one every two weeks")
    return pace


_DAYS = {day: day for day in WEEKDAYS} | {
    name: name[:3] for name in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}
_PACES = {"1": 1, "weekly": 1, "every week": 1, "1 week": 1, "2": 2, "every two weeks": 2, "2 weeks": 2, "two weeks": 2}


# Where she goes on ---------------------------------------------------------------------------------------------------


def place_without_welcome(course: Course) -> str | None:
    """Return the place of somebody who begins with the first lesson that is no welcome; None when there is no welcome.

    The place stands on the welcome, so that no later edit finds it still before her.
    """
    first = course.sequence[0] if len(course.sequence) > 1 else None
    return first.id if first is not None and first.anytime else None


def passed_at(live: LiveCourse, place: str | None) -> tuple[str, ...]:
    """Return the first ids of the lessons up to *place*, which she does not get here."""
    if place is None:
        return ()
    return tuple(live.first_id(lesson.id) for lesson in live.course.sequence[: live.course.places[place] + 1])


def first_letter(
    course: Course, place: str | None, rhythm: Rhythm, *, last_letter_on: date | None, start: date | None, now: datetime
) -> Changes:
    """Return the cursor of somebody who goes on after *place*: the next lesson, on one of her own weekdays at her hour.

    It keeps its wait from her last letter elsewhere, if that is known; else it is at least the minimum gap away, since
    she may have had one yesterday. So nobody gets anything at once, and an operator who imported the wrong file has time.
    """
    step = steps_after(course, place, afterwards=False)[0]
    # Her first letter here sets the rhythm, so it comes on a day of hers, whatever the lesson itself would allow.
    lesson = step.lesson.model_copy(update={"anytime": False, "anyday": False})
    today = now.astimezone(rhythm.zone).date()
    wait = timedelta(days=rhythm.min_gap) if last_letter_on is None else timing.wait_of(lesson, rhythm)
    meant_on = max((last_letter_on or today) + wait, start or date.min)
    slot = timing.redate(meant_on, lesson, rhythm, last_letter_on=last_letter_on, now=now)
    return placed(slot) | {
        "next_lesson": lesson.id,
        "last_meant_on": timing.anchor_before(slot, lesson, rhythm),
        "last_letter_on": last_letter_on,
    }


def arrived(person: Enrollment, course: Course, *, now: datetime) -> Changes:
    """Return the changes that let somebody go on who was imported, was asked by a letter, and says yes *now*."""
    rhythm, place = person.rhythm(course), person.place if person.place in course.places else None
    cursor = first_letter(course, place, rhythm, last_letter_on=person.last_letter_on, start=None, now=now)
    return cursor | {"state": Stage.ACTIVE.value, "confirmed_at": now}


def rhythm_of(person: Newcomer, course: Course) -> Rhythm:
    """Return when she wants her letters."""
    send_at = None if person.send_at is None else time.fromisoformat(person.send_at)
    return timing.rhythm_of(course, zone_of(person.zone, course), weekday=person.weekday, send_at=send_at, pace=person.pace)
