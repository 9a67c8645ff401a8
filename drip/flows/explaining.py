"""Explaining: why letters of one person went, go or do not go; it reads and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drip.core.delivery import Kind
from drip.core.enrollment import Stage
from drip.core.explanation import Around, OpenLetter, Rule, became, rules, verdict_of
from drip.core.outlook import coming
from drip.core.problem import did_you_mean
from drip.errors import NotFound
from drip.store import chores, deliveries, enrollments, senders, stamps, stories, subscribers, turns, versions, warmups

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.deliveries import Delivery
    from drip.store.session import Connection, Database
    from drip.store.stories import Letter, Said
    from drip.store.versions import CourseState

CONSENT = {"asked": "asked to join", "agreed": "said yes", "withdrawn": "took it back", "moved": "moved to another address"}


@dataclass(frozen=True, slots=True)
class Happened:
    """A letter that was opened for her, and what became of it; *at* is machine time of its last change."""

    lesson: str
    occasion: str
    words: str
    at: datetime
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ahead:
    """A letter that lies ahead, and when it comes if nothing is changed."""

    lesson: str
    on: date
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """One person's course explained.

    *said* are the lines of her consents, *happened* her letters so far, *rules* what decides on *next* (''  when nothing
    follows) and *decides* the one that keeps it back, *ahead* the calendar from there on, *omitted* the lessons that she
    does not get, each with why. *answer* is the sentence about the one lesson that was asked for.
    """

    course: str
    enrollment: int
    state: str
    zone: str
    now: Now
    said: tuple[tuple[datetime, str], ...]
    happened: tuple[Happened, ...]
    next: str
    rules: tuple[Rule, ...]
    decides: Rule | None
    ahead: tuple[Ahead, ...]
    omitted: tuple[tuple[str, str], ...]
    answer: str = ""

    @property
    def conclusion(self) -> str:
        """What comes of the rules, as the end of a sentence: when her next letter goes, or what it waits for."""
        if self.decides is None:
            return "it goes with the next tick."
        if self.decides.name == "window" and self.ahead:
            held = next((one for one in self.rules if one.name in {"hold", "letter"} and one.verdict != "passes"), None)
            but = f", if that is over by then: {held.words}" if held else ""
            return f"it goes at {self.ahead[0].due_at:%Y-%m-%d %H:%M} UTC{but}."
        return f"it {'does not go' if self.decides.verdict == 'never' else 'waits'}: {self.decides.words}."


@dataclass(frozen=True, slots=True)
class Door:
    """The way out that is asked about: which one, and whether it leads to real people."""

    name: str
    real: bool


def explain(
    database: Database, library: Library, address_key: str, door: Door, *, course: str = "", lesson: str = ""
) -> list[Explanation]:
    """Return why each course of the person behind a keyed address stands as it does, or one *course* or *lesson* of hers.

    Raises NotFound where there is nobody, saying what the register knows of the address, and for a lesson that her course
    never had.
    """
    with database.read() as connection:
        now = stamps.now_in(connection)
        person = subscribers.find_by_key(connection, address_key)
        if person is None:
            raise NotFound(stories.nobody(stories.registered(connection, address_key)))
        found = [one for one in enrollments.find_for(connection, person.id) if course in {"", one.course}]
        if not found:
            raise NotFound(f"this person is on no course called {course!r}" if course else "this person is on no course")
        running = versions.running(connection)
        return [_explained(connection, library, one, running[one.course], address_key, door, now, lesson) for one in found]


def _explained(  # noqa: PLR0917 - one person and all that decides on her letters
    connection: Connection,
    library: Library,
    person: Enrollment,
    state: CourseState,
    address_key: str,
    door: Door,
    now: Now,
    lesson: str,
) -> Explanation:
    live = library.course(state.version_id, person.course)
    letters = stories.letters(connection, person.id)
    said = stories.said(connection, person.subscriber_id, person.course)
    opened = None if person.open_delivery is None else deliveries.find(connection, person.open_delivery)
    stood_in = person.version_id
    if turns.is_stale(person, state.dates_from):
        person = turns.foreseen(connection, person, live, library.course, now)
    around = _around(connection, library, person, live, state, address_key, door, now, said)
    around = replace(around, turned_from=0 if person.version_id == stood_in else stood_in)
    had = frozenset(deliveries.history(connection, person.subscriber_id, person.course, person.occasion()))
    ahead = tuple(
        Ahead(one.step.lesson.id, one.slot.letter_on, one.slot.due_at) for one in coming(person, live, had, now=now.calendar)
    )
    omitted = tuple(sorted((_current(live, letter), reason) for letter, reason in enrollments.omitted(connection, person.id)))
    decided = rules(person, live, around, _open(opened), now=now.calendar)
    found = Explanation(
        person.course,
        person.id,
        person.state,
        person.zone,
        now,
        tuple((one.at, _consent(one)) for one in said),
        tuple(_happened(one, live) for one in letters),
        person.next_lesson or "",
        tuple(decided),
        verdict_of(decided),
        ahead,
        omitted,
    )
    return _about(found, live, lesson) if lesson else found


def _open(found: Delivery | None) -> OpenLetter | None:
    """Return her open delivery of the next lesson as the rules look at it."""
    if found is None:
        return None
    return OpenLetter(
        found.state,
        found.obeys,
        found.not_before,
        found.closes_at,
        found.meant_on,
        found.letter_on,
        found.version_id,
        found.reason,
        found.detail,
        found.claims,
        found.blocked,
    )


def _around(  # noqa: PLR0917 - a person and what is true around her
    connection: Connection,
    library: Library,
    person: Enrollment,
    live: LiveCourse,
    state: CourseState,
    address_key: str,
    door: Door,
    now: Now,
    said: Iterable[Said],
) -> Around:
    subscriber = subscribers.find(connection, person.subscriber_id)
    sender = senders.find(connection, door.name, now.machine)
    lesson = live.first_id(person.next_lesson) if person.next_lesson else ""
    ready = not (door.real and lesson)
    return Around(
        suppression=subscribers.suppressed(connection, [address_key], person.course).get(address_key, ""),
        erased=subscriber is None or subscriber.address is None,
        consent=next((_consent(one) for one in reversed(list(said)) if one.action == "agreed"), ""),
        dates_from=state.dates_from,
        course_held=(state.held_reason or "held") if state.held_at is not None else "",
        lesson_held=stories.why_held(connection, person.course, lesson, live.version_id),
        not_ready="" if ready else library.why_not_real(live.version_id, person.course, lesson, now.machine.date()),
        sender=sender.state,
        sender_reason=sender.reason,
        sender_remedy=sender.remedy,
        retry_at=sender.retry_at,
        limit=warmups.limit(connection, person.course, live.course, now.calendar),
        clearing=bool(chores.holding(connection, [address_key], now.machine)),
        real=door.real,
    )


def _consent(one: Said) -> str:
    what = CONSENT.get(one.action, one.action)
    words = f": “{one.wording}”" if one.wording else ""
    return f"{what} ({one.source or 'no source kept'}){words}"


def _current(live: LiveCourse, letter: str) -> str:
    """Return what a letter is called now, or its first id where it is gone."""
    return live.current_id(letter) or letter


def _happened(one: Letter, live: LiveCourse) -> Happened:
    lesson = live.current_id(one.letter) if one.kind in {Kind.LESSON, Kind.ASKED} else one.letter
    facts = {
        "version": str(one.version_id),
        "occasion": one.occasion,
        "kind": one.kind,
        "meant for": one.meant_on.isoformat(),
        "letter date": one.letter_on.isoformat(),
        "opens": one.not_before.isoformat(timespec="minutes") if one.not_before else "no date",
        "closes": one.closes_at.isoformat(timespec="minutes") if one.closes_at else "no date",
        "opened": one.created_at.isoformat(timespec="seconds"),
        "length": "short" if one.short else "full",
    }
    facts |= {"went on": one.went_on.isoformat()} if one.went_on else {}
    facts |= {"tries without a result": str(one.claims)} if one.claims else {}
    facts |= {"asked for now": "yes"} if one.asked else {}
    facts |= {"first after a pause": "yes"} if one.resumed else {}
    facts |= {"reported": one.outcome_at.isoformat(timespec="seconds")} if one.outcome_at else {}
    removed = "" if lesson else "; no longer in the course"
    words = became(one.state, one.reason, one.outcome, one.detail) + removed
    return Happened(lesson or one.letter, one.occasion, words, one.state_at, facts)


def _about(found: Explanation, live: LiveCourse, lesson: str) -> Explanation:
    """Return what concerns one lesson, with a sentence that answers; raises NotFound for one that the course never had."""
    lesson = _current(live, lesson)
    happened = tuple(one for one in found.happened if one.lesson == lesson)
    omitted = tuple(one for one in found.omitted if one[0] == lesson)
    if lesson not in live.course.letter_ids and not happened and not omitted:
        hint = did_you_mean(lesson, live.course.letter_ids, otherwise="drip check lists them")
        raise NotFound(f"{found.course} has no letter {lesson!r}; {hint}")
    ahead = tuple(one for one in found.ahead if one.lesson == lesson)
    is_next = lesson == found.next
    return replace(
        found,
        happened=happened,
        next=lesson if is_next else "",
        rules=found.rules if is_next else (),
        decides=found.decides if is_next else None,
        ahead=ahead,
        omitted=omitted,
        answer=_answer(found, live, lesson, happened, omitted),
    )


def _answer(
    found: Explanation, live: LiveCourse, lesson: str, happened: Sequence[Happened], omitted: Sequence[tuple[str, str]]
) -> str:
    """Return the sentence that says how a lesson stands for her."""
    calendar = [one.lesson for one in found.ahead]
    if lesson == found.next:
        return f"{lesson} is her next letter"
    if lesson in calendar:
        after = (
            "right after her next letter" if calendar.index(lesson) == 1 else f"{calendar.index(lesson)} letters after the next"
        )
        return f"{lesson} comes {after}, if nothing is changed"
    run = next((one for one in reversed(happened) if one.occasion.startswith("run:")), None)
    if run is not None:
        return f"{lesson}: {run.words}"
    if omitted:
        return f"{lesson} is not for her: {omitted[-1][1]}"
    if lesson in {one.id for one in live.course.on_demand}:
        copies = f"{len(happened)} so far" if happened else "not yet"
        return f"{lesson} is mailed only when she asks for it: {copies}"
    if found.state != Stage.ACTIVE or not calendar:
        why = found.decides.words if found.decides else "she is not on the course"
        return f"{lesson} has no date: {why}"
    if lesson in {one.id for one in live.course.afterwards}:
        return f"{lesson} is one of the later letters, which are for those who asked for them"
    return f"{lesson} stands before her place, and does not come in this run"
