"""What an edit would do, before it does it: changes, hazards that must be accepted by name, and what is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.review import Acceptance, Review, asks_for_reviews, is_accepted, only_reviewed, review_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from drip.core.progress import LiveCourse
    from drip.core.project import Project
    from drip.core.schedule import Course

DATED = ("timezone", "send", "allow", "min_gap", "late", "phases", "on_demand", "afterwards")
"""What decides when and in which order letters come."""


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """One effect of an edit: *kind* is a stable word, *what* the letter, file or setting, *text* a line for people."""

    kind: str
    what: str
    text: str


@dataclass(frozen=True, order=True, slots=True)
class Hazard:
    """An effect that must be accepted by its *name*."""

    name: str
    count: int
    text: str


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


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying the files to version *base* would do; *source* is the hash of the files."""

    base: int | None
    source: str
    changes: tuple[Change, ...]
    hazards: tuple[Hazard, ...]
    refusals: tuple[str, ...]
    people: int
    effects: tuple[tuple[str, int], ...] = ()
    turns: tuple[PersonTurn, ...] = ()

    @property
    def digest(self) -> str:
        """What an operator repeats to apply just this plan: it changes with the files, the base and the kinds of hazards."""
        facts = [self.base, self.source, [hazard.name for hazard in self.hazards]]
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


def changes_between(old: Edition | None, new: Edition) -> list[Change]:
    """Return what *new* changes, in the order of the files; everything is new when there is no *old*."""
    courses = new.project.schedule.courses
    if old is None:
        return [
            Change("first", name, f"the first version: {len(course.sequence)} letters in {len(course.phases)} phases")
            for name, course in courses.items()
        ]
    before = old.project.schedule.courses
    changes = [Change("course", name, "a new course") for name in courses if name not in before]
    changes += [Change("gone", name, "this course is no longer in the schedule") for name in before if name not in courses]
    for name, course in courses.items():
        if name in before:
            changes += _settings(name, before[name], course)
    for path in sorted({*old.files, *new.files}):
        if old.files.get(path) != new.files.get(path):
            changes.append(_file(path, path in old.files, path in new.files, new))
    if not changes and old.schedule_text != new.schedule_text:
        changes.append(Change("comments", "schedule", "only comments or layout of the schedule changed"))
    return changes


def _settings(name: str, old: Course, new: Course) -> list[Change]:
    """Return the settings of a course that changed; what its lessons do is told by `lesson_changes`."""
    changes = []
    for field in type(new).model_fields:
        before, after = getattr(old, field), getattr(new, field)
        if before != after and field not in {"phases", "afterwards"}:
            kind = "dates" if field in DATED else "setting"
            written = type(new).model_fields[field].alias or field
            changes.append(Change(kind, f"{name}.{written}", _told(written, before, after, dated=field in DATED)))
    return changes


def lesson_changes(course: str, old: LiveCourse, new: LiveCourse) -> list[Change]:
    """Return what happens to the lessons of a course, by their first ids: inserted, removed, renamed, moved, another wait."""
    before = {old.first_id(lesson.id): lesson for lesson in old.course.lessons.values()}
    after = {new.first_id(lesson.id): lesson for lesson in new.course.lessons.values()}
    changes = [
        Change("inserted", f"{course}.{lesson.id}", "a new lesson") for first, lesson in after.items() if first not in before
    ]
    changes += [
        Change("removed", f"{course}.{lesson.id}", "nobody gets it any more")
        for first, lesson in before.items()
        if first not in after
    ]
    for first, lesson in after.items():
        was = before.get(first)
        if was is None:
            continue
        if was.id != lesson.id:
            changes.append(Change("renamed", f"{course}.{lesson.id}", f"was {was.id}"))
        if was.wait != lesson.wait:
            changes.append(Change("wait", f"{course}.{lesson.id}", f"{was.wait} days → {lesson.wait} days"))
        if (was.anyday, was.anytime) != (lesson.anyday, lesson.anytime):
            changes.append(Change("day", f"{course}.{lesson.id}", "goes on other days than before"))
    common = [first for first in before if first in after]
    if common != [first for first in after if first in before]:
        changes.append(Change("order", course, "lessons stand in another order"))
    return changes


def _told(field: str, before: object, after: object, *, dated: bool) -> str:
    if dated:
        return "when or in which order letters come"
    if isinstance(before, str) and isinstance(after, str):
        return f"{before} → {after}"
    return f"{field} is set anew" if after else f"{field} is no longer set"


def _file(path: str, was: bool, now: bool, new: Edition) -> Change:  # noqa: FBT001 - two halves of one fact
    """Return what the change of one file below `emails/` means."""
    letter = next((letter_id for letter_id, letter in new.project.letters.items() if letter.path == path), None)
    if letter is not None and not path.startswith("_system/"):
        return Change("wording" if was else "letter", letter, "another wording" if was else "a new letter")
    if not now:
        return Change("file", path, "the file is gone")
    if path.startswith("_base/blocks/"):
        return Change("block", path, "a fixed block has another wording, in every letter that places it")
    if path.startswith("_base/"):
        return Change("layout", path, "every letter looks different")
    return Change("file", path, "another wording" if was else "a new file")


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
    return [
        name
        for name, course in new.project.schedule.courses.items()
        if name in before and any(getattr(before[name], field) != getattr(course, field) for field in DATED)
    ]


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
