"""What one edition of the files changes against another, as effects with stable kinds and lines for people."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING

from drip.core.notation import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from drip.core.plan import Edition
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course, Lesson

DATED = ("timezone", "send", "allow", "min_gap", "late")
"""The settings of a course that decide when letters come."""

ORDERED = frozenset({"phases", "afterwards"})
"""What of a course is told lesson by lesson."""

_IN_DAYS = frozenset({"min_gap", "late", "left", "finished"})

SAYINGS = {
    "first": ("{} course begins", "{} courses begin"),
    "course": ("{} new course", "{} new courses"),
    "gone": ("{} course gone", "{} courses gone"),
    "inserted": ("{} lesson new", "{} lessons new"),
    "removed": ("{} lesson removed", "{} lessons removed"),
    "renamed": ("{} lesson renamed", "{} lessons renamed"),
    "order": ("another order", "another order in {} courses"),
    "wait": ("{} wait", "{} waits"),
    "day": ("{} lesson on other days", "{} lessons on other days"),
    "dates": ("{} setting of dates", "{} settings of dates"),
    "setting": ("{} other setting", "{} other settings"),
    "letter": ("{} letter new", "{} letters new"),
    "wording": ("{} letter in other words", "{} letters in other words"),
    "block": ("{} fixed text", "{} fixed texts"),
    "layout": ("the layout", "the layout"),
    "file": ("{} other file", "{} other files"),
    "comments": ("comments only", "comments only"),
}
"""How one line counts the changes of each kind, in the order in which it tells them: of one, and of many."""


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """One effect of an edit: *kind* is a stable word, *what* the letter, file or setting, *text* a line for people."""

    kind: str
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The unified diff of one file, line by line; *path* is `schedules.yaml`, or lies below `emails/`."""

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the version *newer* changed against *older* (None: nothing was before it)."""

    older: int | None
    newer: int
    changes: tuple[Change, ...]
    diffs: tuple[Difference, ...]

    @property
    def line(self) -> str:
        """All changes in one line."""
        return in_one_line(self.changes)


def in_one_line(changes: Iterable[Change]) -> str:
    """Return how many changes there are of each kind, as one line for people; '' for none."""
    counts = Counter(change.kind for change in changes)
    return ", ".join(words[counts[kind] > 1].format(counts[kind]) for kind, words in SAYINGS.items() if counts[kind])


def changes_between(old: Edition | None, new: Edition, lives: Mapping[str, tuple[LiveCourse, LiveCourse]]) -> tuple[Change, ...]:
    """Return what *new* changes, in the order of the files; everything is new when there is no *old*.

    *lives* holds each course that is in both, as it lived before and as it will.
    """
    courses = new.project.schedule.courses
    if old is None:
        return tuple(
            Change("first", name, f"the first version: {len(course.sequence)} letters in {len(course.phases)} phases")
            for name, course in courses.items()
        )
    before = old.project.schedule.courses
    changes = [Change("course", name, "a new course") for name in courses if name not in before]
    changes += [Change("gone", name, "this course is no longer in the schedule") for name in before if name not in courses]
    for name, (was, now) in lives.items():
        changes += _settings(name, was.course, now.course)
        changes += lesson_changes(name, was, now)
    if not changes and old.schedule_text != new.schedule_text:
        changes.append(Change("comments", "schedule", "only comments or layout of the schedule changed"))
    ids = {letter.path: letter_id for letter_id, letter in (*old.project.letters.items(), *new.project.letters.items())}
    return (*changes, *file_changes(old.files, new.files, ids))


def file_changes(old: Mapping[str, str], new: Mapping[str, str], letters: Mapping[str, str]) -> list[Change]:
    """Return what happens to the files below `emails/`; *letters* gives the lesson id of each that is a letter, by path."""
    return [
        _file(path, path in old, path in new, letters.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    ]


def lesson_changes(course: str, old: LiveCourse, new: LiveCourse) -> list[Change]:
    """Return what happens to phases and lessons, these by their first ids: inserted, removed, renamed, moved, another wait."""
    before = {old.first_id(lesson.id): lesson for lesson in old.course.lessons.values()}
    after = {new.first_id(lesson.id): lesson for lesson in new.course.lessons.values()}
    changes = _phases(course, old.course, new.course)
    changes += [
        Change("inserted", f"{course}.{lesson.id}", "a new lesson") for first, lesson in after.items() if first not in before
    ]
    changes += [
        Change("removed", f"{course}.{lesson.id}", "nobody gets it any more")
        for first, lesson in before.items()
        if first not in after
    ]
    for first, lesson in after.items():
        if first in before:
            changes += _lesson(f"{course}.{lesson.id}", before[first], lesson)
    common = [first for first in before if first in after]
    if common != [first for first in after if first in before]:
        changes.append(Change("order", course, "lessons stand in another order"))
    return changes


def diffs_between(
    old: tuple[str, Mapping[str, str]], new: tuple[str, Mapping[str, str]], names: tuple[str, str]
) -> tuple[Difference, ...]:
    """Return the unified diffs of the schedule and of every file below `emails/` that differ; *names* call the two sides."""
    sides = [
        {"schedules.yaml": schedule} | {f"emails/{path}": text for path, text in files.items()} for schedule, files in (old, new)
    ]
    found = []
    for path in ("schedules.yaml", *sorted({*sides[0], *sides[1]} - {"schedules.yaml"})):
        one, other = (side.get(path, "") for side in sides)
        if one != other:
            before, after = (f"{path} ({name})" for name in names)
            lines = difflib.unified_diff(one.splitlines(), other.splitlines(), before, after, lineterm="")
            found.append(Difference(path, tuple(lines)))
    return tuple(found)


def _phases(course: str, old: Course, new: Course) -> list[Change]:
    """Return the titles and the phases that changed; where lessons stand is told of the lessons."""
    before, after = ({phase.id: phase for phase in one.phases} for one in (old, new))
    changes = [Change("setting", f"{course}.{name}", "a new phase") for name in after if name not in before]
    changes += [Change("setting", f"{course}.{name}", "this phase is gone") for name in before if name not in after]
    for name, phase in after.items():
        if name in before and before[name].title != phase.title:
            changes.append(Change("setting", f"{course}.{name}", f"{before[name].title} → {phase.title}"))
    homes = [{lesson.id: phase.id for phase in one.phases for lesson in phase.lessons} for one in (old, new)]
    moved = [lesson for lesson, phase in homes[1].items() if homes[0].get(lesson, phase) != phase]
    return changes + [Change("setting", f"{course}.{one}", f"{homes[0][one]} → {homes[1][one]}") for one in moved]


def _lesson(what: str, was: Lesson, now: Lesson) -> Iterator[Change]:
    if was.id != now.id:
        yield Change("renamed", what, f"was {was.id}")
    if was.wait != now.wait:
        yield Change("wait", what, f"{_days(was.wait)} → {_days(now.wait)}")
    if (was.anyday, was.anytime) != (now.anyday, now.anytime):
        yield Change("day", what, "goes on other days than before")
    if was.numbered != now.numbered:
        yield Change("setting", what, "counts as a numbered letter" if now.numbered else "does not count as a numbered letter")
    if was.must_be_reviewed != now.must_be_reviewed:
        yield Change("setting", what, "must be reviewed" if now.must_be_reviewed else "need not be reviewed any more")


def _settings(name: str, old: Course, new: Course) -> list[Change]:
    """Return the settings of a course that changed, the single values of a group where it has any."""
    changes = []
    for field in type(new).model_fields:
        before, after = getattr(old, field), getattr(new, field)
        if before != after and field not in ORDERED:
            kind = "dates" if field in DATED else "setting"
            changes += [Change(kind, f"{name}.{what}", text) for what, text in _told(new, field, before, after)]
    return changes


def _told(group: Value, field: str, before: object, after: object) -> Iterator[tuple[str, str]]:
    """Yield the written name and the change of a value, or of each single value in a group that was and is there."""
    written = type(group).model_fields[field].alias or field
    if isinstance(before, Value) and isinstance(after, Value):
        for inner in type(after).model_fields:
            one, other = getattr(before, inner), getattr(after, inner)
            if one != other:
                yield from ((f"{written}.{what}", text) for what, text in _told(after, inner, one, other))
        return
    sides = [_shown(field, value) for value in (before, after)]
    if None not in sides:
        yield written, f"{sides[0]} → {sides[1]}"
    else:
        yield written, "is set anew" if after else "is no longer set"


def _shown(field: str, value: object) -> str | None:
    """Return a single value as a file has it; None for one that is not there, and for a whole group or list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _days(value) if field in _IN_DAYS else str(value)
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, tuple) and value and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) and value else None


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _file(path: str, was: bool, now: bool, letter: str | None) -> Change:  # noqa: FBT001 - two halves of one fact
    """Return what the change of one file below `emails/` means."""
    if not now:
        return Change("file", path, "the file is gone")
    if letter is not None and not path.startswith("_system/"):
        return Change("wording" if was else "letter", letter, "another wording" if was else "a new letter")
    if path.startswith("_base/blocks/"):
        return Change("block", path, "a fixed block has another wording, in every letter that places it")
    if path.startswith("_base/"):
        return Change("layout", path, "every letter looks different")
    return Change("file", path, "another wording" if was else "a new file")
