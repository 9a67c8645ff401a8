"""What an edit changes, in stable words and in lines for people."""

from __future__ import annotations

from typing import Any

import pytest

from drip.core.change import Change, changes_between, diffs_between, file_changes, in_one_line
from drip.core.plan import Edition, redated
from drip.core.progress import LiveCourse, first_ids
from drip.core.project import Project, project_of
from drip.files import Source, parse_source
from tests.course import SCHEDULE, lesson, letters


def edition(schedule: str = SCHEDULE, **changed: str) -> Edition:
    """Return the small course, with another schedule or other files."""
    files = letters() | {path.replace("__", "/") + ".md": text for path, text in changed.items()}
    project, problems = project_of(parse_source(Source(schedule, files)))
    assert isinstance(project, Project), problems
    return Edition(project, schedule, files)


def changes(old: Edition, new: Edition) -> tuple[Change, ...]:
    """Return what *new* changes, in a course that had no rename before."""
    lives = {
        name: (
            LiveCourse(1, course, {}),
            LiveCourse(2, new.project.schedule.courses[name], first_ids(new.project.schedule.courses[name], {})),
        )
        for name, course in old.project.schedule.courses.items()
    }
    return changes_between(old, new, lives)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ('at: "09:00"', 'at: "10:30"', ("dates", "small.send.at", "09:00 → 10:30")),
        ("days: [tue]", "days: [tue, fri]", ("dates", "small.send.days", "tue → tue, fri")),
        ("    phases:", "    min_gap: 3 days\n    phases:", ("dates", "small.min_gap", "2 days → 3 days")),
        ("    phases:", "    retention: {left: 1 day}\n    phases:", ("setting", "small.retention.left", "30 days → 1 day")),
        ("    phases:", "    sending: {per_hour: 9}\n    phases:", ("setting", "small.sending", "is set anew")),
        ("name: Sam", "name: Alex", ("setting", "small.from.name", "Sam → Alex")),
        ("title: Second", "title: Third", ("setting", "small.two", "Second → Third")),
        ("breathe, wait: 3 days", "breathe, wait: 1 week", ("wait", "small.breathe", "3 days → 7 days")),
        (
            "breathe, wait: 3 days",
            "breathe, wait: 3 days, numbered: false",
            ("setting", "small.breathe", "does not count as a numbered letter"),
        ),
        (
            "breathe, wait: 3 days",
            "breathe, wait: 3 days, anyday: true",
            ("day", "small.breathe", "goes on other days than before"),
        ),
        ("courses:", "# A word.\ncourses:", ("comments", "schedule", "only comments or layout of the schedule changed")),
    ],
)
def test_each_setting_is_told_alone_and_with_its_values(before: str, after: str, change: Any) -> None:  # noqa: ANN401 - a row
    """One line names the setting and what it was; that only comments changed is never said beside it."""
    assert (Change(*change),) == changes(edition(), edition(SCHEDULE.replace(before, after)))


def test_what_changes_no_date_turns_nobody() -> None:
    """A title, a number or a rate is no reason to walk through everybody; a wait, an order, a window or a name is."""
    for before, after in (
        ("title: Second", "title: Third"),
        ("breathe, wait: 3 days", "breathe, wait: 3 days, numbered: false"),
        ("name: Sam", "name: Alex"),
    ):
        assert [] == redated(edition(), edition(SCHEDULE.replace(before, after)))
    for before, after in (
        ("wait: 3 days", "wait: 4 days"),
        ('at: "09:00"', 'at: "10:00"'),
        ("wait: 8 weeks", "wait: 9 weeks"),
    ):
        assert ["small"] == redated(edition(), edition(SCHEDULE.replace(before, after)))


def test_files_say_what_they_are() -> None:
    """A letter, a fixed block, the layout and the rest are told apart."""
    old = {"one/a.md": "1", "_base/blocks/X.md": "1", "_base/letter.html": "1", "references.yaml": "1", "one/gone.md": "1"}
    new = {"one/a.md": "2", "_base/blocks/X.md": "2", "_base/letter.html": "2", "references.yaml": "2", "one/b.md": "2"}
    kinds = {
        change.what: change.kind for change in file_changes(old, new, {"one/a.md": "a", "one/b.md": "b", "one/gone.md": "gone"})
    }
    expected = {"a": "wording", "b": "letter", "_base/blocks/X.md": "block", "_base/letter.html": "layout"}
    assert expected | {"references.yaml": "file", "one/gone.md": "file"} == kinds


def test_a_line_counts_each_kind() -> None:
    """What is most of an edit stands first, one and many in their words."""
    found = [Change("wording", "a", ""), Change("wait", "b", ""), Change("wait", "c", ""), Change("order", "d", "")]
    assert "another order, 2 waits, 1 letter in other words" == in_one_line(found)
    assert "" == in_one_line([])


def test_diffs_name_both_sides() -> None:
    """Each file that differs has its lines, with the sides in its head; what is alike has none."""
    old, new = edition(), edition(SCHEDULE.replace("3 days", "4 days"), one__breathe=lesson("breathe", "New words."))
    first, second = diffs_between((old.schedule_text, old.files), (new.schedule_text, new.files), ("before", "after"))
    assert ("schedules.yaml", "--- schedules.yaml (before)", "+++ schedules.yaml (after)") == (first.path, *first.lines[:2])
    assert "-          - {id: breathe, wait: 3 days}" in first.lines
    assert ("emails/one/breathe.md", True) == (second.path, "+New words." in second.lines)
