"""What an edit would do, before it does it: changes, hazards that must be accepted by name, and what is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core.change import DATED, Change
from drip.core.review import Acceptance, Review, asks_for_reviews, is_accepted, only_reviewed, review_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from drip.core.project import Project
    from drip.core.schedule import Course


@dataclass(frozen=True, order=True, slots=True)
class Hazard:
    """An effect that must be accepted by its *name*; one that is not *needed* may be, and else does not come about."""

    name: str
    count: int
    text: str
    needed: bool = True


@dataclass(frozen=True, order=True, slots=True)
class PersonTurn:
    """What an edit does to one enrollment: her next letter and its date before and after, and what passes her by."""

    enrollment: int
    effect: str
    next_before: str | None
    on_before: date | None
    next_after: str | None
    on_after: date | None
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, order=True, slots=True)
class LoadDay:
    """How many letters go on a day as things are, how many as planned, and how many more to people who had finished."""

    day: date
    before: int
    after: int
    reopened: int = 0


@dataclass(frozen=True, order=True, slots=True)
class Lag:
    """How letters of a *course* wait for its rate: how many leave on another day than meant, as things are and as planned.

    The latest of all, as planned, is one meant for *day*, which leaves *late* after its hour; None when none is late.
    """

    course: str
    over_before: int
    over: int
    day: date | None = None
    late: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Answer:
    """Who accepted a *hazard* of a version, for how many people at most, and why."""

    hazard: str
    count: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying the files to version *base* would do; *source* is the hash of the files.

    *turns* names the first people for whom something changes, *load* every day on which anybody has a letter, everybody's
    whole course ahead, in the courses whose dates or rate change, and *lags* how letters wait for the rate in each of these.
    """

    base: int | None
    source: str
    changes: tuple[Change, ...]
    hazards: tuple[Hazard, ...]
    refusals: tuple[str, ...]
    people: int
    effects: tuple[tuple[str, int], ...] = ()
    turns: tuple[PersonTurn, ...] = ()
    load: tuple[LoadDay, ...] = ()
    lags: tuple[Lag, ...] = ()

    @property
    def digest(self) -> str:
        """What an operator repeats to apply just this plan: it changes with the files, the base and the kinds of hazards.

        What need not be accepted is left out: the first who finishes while a plan is looked at spoils nothing.
        """
        facts = [self.base, self.source, [hazard.name for hazard in self.hazards if hazard.needed]]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Edition:
    """A project with the texts it was read from: the schedule, and every file below `emails/` by path."""

    project: Project
    schedule_text: str
    files: Mapping[str, str]

    def wording(self, letter: str) -> str:
        """Return what tells this wording of a letter from another."""
        return self.project.wording(letter)


def hazards_of(old: Edition | None, new: Edition, accepted: Iterable[Acceptance], *, real: bool, today: date) -> list[Hazard]:
    """Return what must be accepted by name before real people get these letters; none where nothing is real."""
    if not real:
        return []
    known = tuple(accepted)
    hazards = []
    for path in () if old is None else sorted({*old.files, *new.files}):
        if path.startswith("_base/blocks/") and old is not None and old.files.get(path) != new.files.get(path):
            name = path.removeprefix("_base/blocks/").removesuffix(".md")
            hazards.append(Hazard(f"block:{name}", 1, "a fixed text changed, in letters that were checked with its old words"))
    for course in filter(asks_for_reviews, new.project.schedule.courses.values()):
        for letter_id in course.letter_ids:
            found = new.project.letters[letter_id]
            front = found.lesson
            if (
                front is None
                or front.draft
                or review_of(front, new.wording(letter_id), today) not in {Review.MISSING, Review.OTHER}
            ):
                continue
            if only_reviewed(course, letter_id, front) or is_accepted(known, letter_id, new.wording(letter_id)):
                continue
            hazards.append(Hazard(f"unreviewed:{letter_id}", 1, "no clinician has checked this letter; its foot says so"))
    return sorted(set(hazards))


def summed(hazards: Iterable[Hazard]) -> tuple[Hazard, ...]:
    """Return hazards by name, those of several courses added up."""
    found: dict[str, Hazard] = {}
    for hazard in hazards:
        known = found.get(hazard.name)
        found[hazard.name] = hazard if known is None else replace(known, count=known.count + hazard.count)
    return tuple(sorted(found.values()))


def refusals_of(old: Edition | None, new: Edition, *, real: bool, today: date) -> list[str]:
    """Return why the files cannot go live at all, each as a sentence with its remedy."""
    courses = new.project.schedule.courses
    found = []
    if real:
        found += [f"{name}: {words}" for name, course in courses.items() for words in _unreviewed(old, new, course, today)]
    before = {} if old is None else old.project.schedule.courses
    found += [f"{name}: people may be on this course; put it back into the schedule" for name in before if name not in courses]
    return found


def redated(old: Edition | None, new: Edition) -> list[str]:
    """Return the courses whose edit changes when or in which order letters come."""
    before = {} if old is None else old.project.schedule.courses
    courses = new.project.schedule.courses
    return [name for name, course in courses.items() if name in before and _dating(before[name]) != _dating(course)]


def weighed(old: Edition | None, new: Edition) -> list[str]:
    """Return the courses whose edit everybody's dates must be looked at for: those that it redates, or gives another rate."""
    dated = redated(old, new)
    before = {} if old is None else old.project.schedule.courses
    courses = new.project.schedule.courses
    return [
        name for name, course in courses.items() if name in before and (name in dated or before[name].sending != course.sending)
    ]


def _dating(course: Course) -> tuple[object, ...]:
    """Return all of a course that dates, their order, or the names of lessons hang on."""
    lessons = (
        tuple((lesson.id, lesson.was, lesson.wait, lesson.anytime, lesson.anyday) for lesson in part)
        for part in (course.sequence, course.afterwards)
    )
    return (*(getattr(course, name) for name in DATED), *lessons)


def _unreviewed(old: Edition | None, new: Edition, course: Course, today: date) -> list[str]:
    found: list[str] = []
    if not asks_for_reviews(course):
        return found
    for letter_id in course.letter_ids:
        front = new.project.letters[letter_id].lesson
        if front is None or front.draft:
            continue
        review = review_of(front, new.wording(letter_id), today)
        path = new.project.letters[letter_id].path
        if review is Review.LAPSED and (old is None or old.files.get(path) != new.files[path]):
            found.append(f"the review of {letter_id} is past or lies in the future; ask a clinician, then mend `reviewed:`")
        elif review in {Review.MISSING, Review.OTHER} and only_reviewed(course, letter_id, front):
            found.append(
                f"{letter_id} can only go out reviewed by a clinician, in this wording: add the `reviewed:` line that its sheet "
                "shows (drip letters --review), or leave it a draft, at which people wait"
            )
    return found


def accepted_of(new: Edition, known: Sequence[Acceptance], names: Iterable[str], *, by: str, reason: str) -> list[Acceptance]:
    """Return what the new version keeps: who answers for which wording, those of before that still hold included."""
    letters = new.project.letters
    kept = [one for one in known if one.letter in letters and is_accepted([one], one.letter, new.wording(one.letter))]
    for name in names:
        kind, _, letter_id = name.partition(":")
        if kind == "unreviewed" and letter_id in letters:
            kept.append(Acceptance(letter_id, new.wording(letter_id), by, reason))
    return kept
