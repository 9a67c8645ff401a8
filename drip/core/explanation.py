"""Why a letter goes, waits or never goes: every rule that decides, in the order in which it is asked, with what it looked at.

The rules are not told again here: each asks the function by which the engine itself decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.delivery import RULES, Breaker, Kind, Reason, Standing, State, why_not, withheld_for_good
from drip.core.enrollment import Pause, Stage, slot_of, step_of
from drip.core.wording import WEEKDAY_NAMES, day_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from drip.core.capacity import Limit
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Lesson
    from drip.core.timing import Rhythm, Slot


class Verdict(StrEnum):
    """What one rule says: the letter may pass, it waits, or it never goes."""

    PASSES = "passes"
    WAITS = "waits"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it stands now: its name, what it says, in words, and what it looked at."""

    name: str
    verdict: Verdict
    words: str
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenLetter:
    """A letter of hers that was opened and has no result yet; *parked* when it is kept from every further try."""

    state: str
    obeys: Kind
    not_before: datetime | None
    closes_at: datetime | None
    meant_on: date
    letter_on: date
    version_id: int
    reason: str = ""
    detail: str = ""
    tries: int = 0
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What is true around a person: the register, what an operator holds, the door, and what the provider was asked.

    *consent* says where and when she said yes. *dates_from* is the version whose dates count from now on, *turned_from* the
    one that she is turned from (0: none). At a *real* door *not_ready* says why the letter must not go; *retry_at* is
    machine time.
    """

    suppression: str = ""
    erased: bool = False
    consent: str = ""
    dates_from: int = 0
    turned_from: int = 0
    course_held: str = ""
    lesson_held: str = ""
    not_ready: str = ""
    sender: str = Breaker.CLOSED.value
    sender_reason: str = ""
    sender_remedy: str = ""
    retry_at: datetime | None = None
    limit: Limit | None = None
    clearing: bool = False
    real: bool = False


_STOPS = {
    Reason.ERASED: "she was forgotten, as she asked; nothing of hers is here",
    Reason.LEFT: "she left; only she can come back, by her own press",
    Reason.NO_CONSENT: "nobody has confirmed this address yet; the letter that asks has a link for it",
}


def rules(person: Enrollment, course: LiveCourse, around: Around, letter: OpenLetter | None, *, now: datetime) -> list[Rule]:
    """Return every rule that decides on the next lesson of *person*, in order; *now* is the calendar's, in UTC.

    *letter* is her delivery of that lesson where it was opened. Where no lesson follows, the rules about dates are left out.
    """
    obeys = Kind.LESSON if letter is None else letter.obeys
    found = [*_person(person, around, obeys)]
    found.append(_version(person, course, around))
    order = _order(person, course)
    found.append(order)
    step, slot = step_of(person, course.course), _slot(person, course, letter)
    if order.verdict is Verdict.PASSES and step is not None and slot is not None:
        rhythm = person.rhythm(course.course)
        missed = RULES[obeys].window_and_gap and slot.closes_at <= now
        if missed:
            # As the next tick does.
            slot = timing.follow(slot, step.lesson, rhythm, last_letter_on=person.last_letter_on, now=now)
        found.append(_pause(person, obeys))
        found.append(_meant(person, step.lesson, slot, rhythm, afterwards=step.afterwards))
        undated = letter is not None and letter.not_before is None
        found.append(_gap(person, slot, rhythm, obeys, now=now))
        found.append(_window(slot, rhythm, now=now, missed=missed, undated=undated))
        found += _course(around, obeys, letter)
        found += _door(around, rhythm.zone)
    return found


def verdict_of(found: list[Rule]) -> Rule | None:
    """Return the rule that decides: the first that the letter does not pass; None when it may go."""
    return next((one for one in found if one.verdict is not Verdict.PASSES), None)


def _slot(person: Enrollment, course: LiveCourse, letter: OpenLetter | None) -> Slot | None:
    """Return where the next letter stands: in its delivery when that has a date, else in the cursor."""
    if letter is not None and letter.not_before is not None:
        # One that she asked for now never closes.
        closes_at = letter.closes_at or letter.not_before + timing.AT_ONCE
        return timing.Slot(letter.meant_on, letter.letter_on, letter.not_before, closes_at)
    return slot_of(person, course.course)


# Who ----------------------------------------------------------------------------------------------------------------------


def _person(person: Enrollment, around: Around, obeys: Kind) -> Iterator[Rule]:
    """Ask what forbids letters to her, one rule at a time, as the last look before a hand-over does."""
    free = Standing(consented=True, left=False, erased=False, suppression=None, paused=False, held=False)
    suppression = around.suppression or None
    asked: tuple[tuple[str, Standing, str, dict[str, str]], ...] = (
        ("address", replace(free, erased=around.erased), "she can be written to", {}),
        (
            "register",
            replace(free, suppression=suppression),
            "her address is not in the register of those who must not be mailed",
            {"reason": suppression or "none"},
        ),
        (
            "course",
            replace(free, left=person.state in {Stage.LEFT, Stage.ENDED}),
            {
                Stage.ACTIVE.value: "she is on the course",
                Stage.FINISHED.value: "she has had the whole course",
                Stage.ASKED.value: "she has not confirmed yet",
            }.get(person.state, "she is not on the course"),
            {"state": person.state, "why": person.ended_why, "run": str(person.run)},
        ),
        ("consent", replace(free, consented=person.confirmed_at is not None), around.consent or "she said yes", {}),
    )
    for name, standing, passes, inputs in asked:
        reason = why_not(obeys, standing)
        if reason is None and name == "consent" and person.state == Stage.LEFT:
            yield Rule(name, Verdict.NEVER, "she took it back when she left", inputs)
        elif reason is None:
            yield Rule(name, Verdict.PASSES, passes, inputs)
        else:
            words = _STOPS.get(reason, f"her address must not be mailed: {suppression}")
            yield Rule(name, Verdict.NEVER if withheld_for_good(reason) else Verdict.WAITS, words, inputs)


def _version(person: Enrollment, course: LiveCourse, around: Around) -> Rule:
    """Say which version her dates are from; she is turned to the live one before anything is opened for her."""
    inputs = {"live": str(course.version_id), "hers": str(around.turned_from or person.version_id)}
    if around.turned_from:
        words = f"version {course.version_id} is live; the next tick turns her to it, and what follows is as it will be then"
        return Rule("version", Verdict.PASSES, words, inputs)
    if person.state == Stage.ACTIVE and person.version_id < around.dates_from:
        words = f"version {course.version_id} is live; she is turned to it once the letter under way has its result"
        return Rule("version", Verdict.WAITS, words, inputs)
    return Rule("version", Verdict.PASSES, f"version {course.version_id} is live, and her dates are by it", inputs)


def _order(person: Enrollment, course: LiveCourse) -> Rule:
    """Say which lesson is next: the first after her place that she has not had in this run."""
    inputs = {"place": person.place or "before the first", "next": person.next_lesson or "none"}
    if person.state != Stage.ACTIVE:
        return Rule("order", Verdict.NEVER, "no lesson follows while she is not on the course", inputs)
    if person.next_lesson is None:
        return Rule("order", Verdict.NEVER, "no lesson follows", inputs)
    if person.next_lesson not in course.course.lessons:
        return Rule("order", Verdict.WAITS, f"{person.next_lesson} was removed; the next tick finds the lesson after it", inputs)
    after = f"after {person.place}, the last that counts as had" if person.place else "the first"
    return Rule("order", Verdict.PASSES, f"{person.next_lesson} is next: {after}", inputs)


# When ---------------------------------------------------------------------------------------------------------------------


def _pause(person: Enrollment, obeys: Kind) -> Rule:
    inputs = {"pause": person.paused or "none"}
    if person.pause_from_on is not None:
        inputs["from"] = person.pause_from_on.isoformat()
    if person.paused == Pause.OPEN and not RULES[obeys].while_paused:
        return Rule("pause", Verdict.WAITS, "she paused until she says; nothing comes before she presses Go on now", inputs)
    if person.paused == Pause.WEEKS:
        return Rule("pause", Verdict.PASSES, "she paused for some weeks; the date below is the one after it", inputs)
    return Rule("pause", Verdict.PASSES, "she is not paused", inputs)


def _meant(person: Enrollment, lesson: Lesson, slot: Slot, rhythm: Rhythm, *, afterwards: bool) -> Rule:
    """Say from what the meant date is counted, by counting it again."""
    wait = timing.wait_of(lesson, rhythm, afterwards=afterwards).days
    inputs = {"meant": slot.meant_on.isoformat(), "wait": _days(lesson.wait), "pace": str(1 if afterwards else rhythm.pace)}
    words = f"meant for {day_in_words(slot.meant_on)}"
    if person.last_meant_on is None:
        return Rule("meant date", Verdict.PASSES, words, inputs)
    inputs["counted from"] = person.last_meant_on.isoformat()
    free = lesson.anyday or lesson.anytime
    days = "any day" if free else " or ".join(WEEKDAY_NAMES[day] for day in sorted(rhythm.weekdays))
    inputs["days"] = days
    counted = timing.meant_after(person.last_meant_on, lesson, rhythm, afterwards=afterwards)
    how = f"{day_in_words(person.last_meant_on)} and {_days(wait)}, then on or after to {days}"
    if counted == slot.meant_on:
        return Rule("meant date", Verdict.PASSES, f"{words}: {how}", inputs)
    return Rule("meant date", Verdict.PASSES, f"{words}, moved since it was counted ({how}: {day_in_words(counted)})", inputs)


def _gap(person: Enrollment, slot: Slot, rhythm: Rhythm, obeys: Kind, *, now: datetime) -> Rule:
    ends_on, last = timing.gap_ends_on(person.last_letter_on, rhythm), person.last_letter_on
    inputs = {"last letter": last.isoformat() if last else "none", "min_gap": _days(rhythm.min_gap)}
    if last is None:
        return Rule("gap", Verdict.PASSES, "there was no letter before it", inputs)
    if not RULES[obeys].window_and_gap:
        return Rule("gap", Verdict.PASSES, "she asked for this letter now, so the gap does not count", inputs)
    words = f"the last letter went on {day_in_words(last)}; the next may go from {day_in_words(ends_on)}"
    waits = ends_on > max(slot.letter_on, now.astimezone(rhythm.zone).date())
    return Rule("gap", Verdict.WAITS if waits else Verdict.PASSES, words, inputs)


def _window(slot: Slot, rhythm: Rhythm, *, now: datetime, missed: bool, undated: bool) -> Rule:
    """Say when the letter may go, and whether that is now."""
    opens, closes = slot.due_at.astimezone(rhythm.zone), slot.closes_at.astimezone(rhythm.zone)
    inputs = {
        "zone": rhythm.zone.key or "",
        "opens": slot.due_at.isoformat(timespec="minutes"),
        "closes": slot.closes_at.isoformat(timespec="minutes"),
        "now": now.isoformat(timespec="minutes"),
    }
    if undated:
        return Rule("window", Verdict.WAITS, "the letter is open and has no date until what it waits for is over", inputs)
    when = f"{day_in_words(slot.letter_on)}, {opens:%H:%M} to {closes:%H:%M} in {rhythm.zone.key}"
    late = (slot.letter_on - slot.meant_on).days
    when += f", {_days(late)} after the date it was meant for" if late else ""
    when += "; the window before that was missed" if missed else ""
    if now < slot.due_at:
        return Rule("window", Verdict.WAITS, f"goes on {when}", inputs)
    return Rule("window", Verdict.PASSES, f"open now: {when}", inputs)


# Whether and how ----------------------------------------------------------------------------------------------------------


def _course(around: Around, obeys: Kind, letter: OpenLetter | None) -> Iterator[Rule]:
    """Ask what an operator, the letter itself, or tries that came to nothing keep back."""
    held = {"course": around.course_held or "not held", "lesson": around.lesson_held or "not held"}
    if around.course_held and not RULES[obeys].while_held:
        yield Rule("hold", Verdict.WAITS, f"the course is held ({around.course_held}); drip release goes on", held)
    elif around.lesson_held:
        words = f"the lesson is held ({around.lesson_held}); mend it and apply, or drip release"
        yield Rule("hold", Verdict.WAITS, words, held)
    else:
        yield Rule("hold", Verdict.PASSES, "neither the course nor this lesson is held", held)
    if around.not_ready:
        yield Rule("letter", Verdict.WAITS, around.not_ready)
    else:
        words = "the letter may go to real people" if around.real else "in the sandbox every letter goes, drafts too"
        yield Rule("letter", Verdict.PASSES, words)
    if letter is None:
        yield Rule("delivery", Verdict.PASSES, "not opened yet: the tick that finds it due opens it", {"state": "none"})
        return
    inputs = {"state": letter.state, "version": str(letter.version_id), "tries": str(letter.tries)}
    why = f" ({letter.reason}{': ' + letter.detail if letter.detail else ''})" if letter.reason else ""
    if letter.parked:
        words = f"kept from every further try until somebody looks{why}; drip release lets it go once more, alone"
        yield Rule("delivery", Verdict.WAITS, words, inputs)
    elif letter.state == State.SUBMITTING:
        yield Rule("delivery", Verdict.PASSES, "it is being handed over at this moment", inputs)
    else:
        yield Rule("delivery", Verdict.PASSES, f"opened, and waits for a worker{why}", inputs)


def _door(around: Around, zone: ZoneInfo) -> Iterator[Rule]:
    """Ask whether the provider is in use, and what else stands at the door."""
    inputs = {"state": around.sender, "reason": around.sender_reason or "none"}
    if around.sender == Breaker.CLOSED:
        yield Rule("sender", Verdict.PASSES, "the provider takes letters", inputs)
    else:
        again = "" if around.retry_at is None else f"; tried again at {around.retry_at.astimezone(zone):%H:%M}"
        remedy = f"; {around.sender_remedy}" if around.sender_remedy else ""
        words = f"sending waits: {around.sender_reason or around.sender}{remedy}{again}"
        yield Rule("sender", Verdict.WAITS, words, inputs)
    if around.clearing:
        words = "she is back, and the provider is just being asked to take her off its own list; some minutes at most"
        yield Rule("provider's list", Verdict.WAITS, words)
    if around.limit is None:
        yield Rule("rate", Verdict.PASSES, "no limit by the hour", {"per_hour": "none"})
    else:
        limit = around.limit
        inputs = {"per_hour": str(limit.per_hour), "went this hour": str(limit.went), "went today": str(limit.today)}
        inputs |= {"grows to": str(limit.grows_to)} if limit.grows_to else {}
        yield Rule("rate", Verdict.WAITS if limit.full else Verdict.PASSES, limit.words, inputs)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


# What became of it --------------------------------------------------------------------------------------------------------

REASONS = {
    Reason.PAUSED: "she paused",
    Reason.HELD: "the course or the lesson was held",
    Reason.LEFT: "she left",
    Reason.SUPPRESSED: "her address must not be mailed",
    Reason.NO_CONSENT: "nobody had confirmed the address",
    Reason.ERASED: "she was forgotten, as she asked",
    Reason.REMOVED: "an edit took the letter out of the course",
    Reason.SUPERSEDED: "another took its place",
    Reason.WINDOW: "its window closed before it could go",
    Reason.RATE: "the hour had all the letters that its rate allows",
    Reason.GAP: "the letter before it went too short a while ago",
    Reason.LATER: "it was not yet time, or the provider asked to wait",
    Reason.INVALID: "the provider says that this is no address",
    Reason.REFUSED: "the provider refused it",
    Reason.BROKEN: "the letter could not be rendered",
    Reason.CRASHES: "preparing it ended without a result, again and again",
    Reason.NOT_READY: "the letter was not ready for real people",
}
"""What each stored reason says to an operator."""

_ENDS = {
    State.PENDING: "waits",
    State.CLAIMED: "taken by a worker",
    State.SUBMITTING: "being handed over",
    State.SUBMITTED: "handed over to the provider",
    State.UNCERTAIN: "handed over, and nobody knows whether the provider took it",
    State.WITHHELD: "not sent",
    State.FAILED: "refused for good",
}


def became(state: str, reason: str, outcome: str | None, detail: str) -> str:
    """Return what became of a delivery, in words: its state, why, and what the provider reported."""
    words = _ENDS[State(state)]
    if reason == "reported":
        words += "; the provider's report says so"
    elif reason == "settled":
        words += "; an operator says so"
    elif reason:
        words += f": {REASONS[Reason(reason)] if reason in {*Reason} else reason}"
    if detail:
        words += f" ({detail})"
    return f"{words}; reported as {outcome}" if outcome else words
