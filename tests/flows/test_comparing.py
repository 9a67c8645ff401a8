"""Comparing versions: the one before by default, any two, and those that today's rules would refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from drip.core.change import Change
from drip.errors import NotFound
from drip.flows.applying import Accepting
from drip.flows.comparing import compare, history
from drip.store import versions
from drip.wiring import edition_of
from tests.course import SCHEDULE, lesson
from tests.engine import Engine


def apply(engine: Engine, *, schedule: str = SCHEDULE, words: str = "Small steps.") -> int:
    """Apply this schedule, with these words in the letter `breathe`."""
    deployment = engine.deployment
    Path(deployment.settings.schedule).write_text(schedule, encoding="utf-8")
    (Path(deployment.settings.emails) / "one/breathe.md").write_text(lesson("breathe", words), encoding="utf-8")
    edition = deployment.edition()
    return deployment.apply(edition, deployment.plan(edition), Accepting())


def test_two_versions_differ_by_what_was_edited(engine: Engine) -> None:
    """Against the one before by default, or against any other; the changes are those of the plan, the diffs their lines."""
    apply(engine, schedule=SCHEDULE.replace("wait: 3 days", "wait: 4 days"))
    apply(engine, schedule=SCHEDULE.replace("wait: 3 days", "wait: 4 days"), words="New words.")
    last = compare(engine.database, None, 3, edition_of)
    assert (2, 3, (Change("wording", "breathe", "another wording"),)) == (last.older, last.newer, last.changes)
    assert ["emails/one/breathe.md"] == [diff.path for diff in last.diffs]
    both = compare(engine.database, 1, 3, edition_of)
    assert ("1 wait, 1 letter in other words", 2) == (both.line, len(both.diffs))
    first = compare(engine.database, None, 1, edition_of)
    assert (None, "1 course begins") == (first.older, first.line)
    with pytest.raises(NotFound, match="there is no version 4"):
        compare(engine.database, 1, 4, edition_of)


def test_the_list_says_what_each_version_changed(engine: Engine) -> None:
    """The newest first, each against the one before it."""
    apply(engine, words="New words.")
    apply(engine, schedule=SCHEDULE.replace("wait: 3 days", "wait: 4 days"))
    found = [(one["version"], one["live"], one["changes"]) for one in history(engine.database, edition_of)]
    assert [
        (3, True, "1 wait, 1 letter in other words"),
        (2, False, "1 letter in other words"),
        (1, False, "1 course begins"),
    ] == found


def test_a_rename_is_no_new_lesson_in_any_comparison(engine: Engine) -> None:
    """Renames of all versions between the two are known, also when the line that told of one is gone."""
    emails = Path(engine.deployment.settings.emails)
    (emails / "one/stroll.md").write_text(lesson("stroll"), encoding="utf-8")
    renamed = SCHEDULE.replace("{id: walk, wait: 1 week}", "{id: stroll, wait: 1 week, was: walk}")
    apply(engine, schedule=renamed)
    apply(engine, schedule=renamed.replace(", was: walk", ""))
    assert ("renamed", "small.stroll", "was walk") in [
        (one.kind, one.what, one.text) for one in compare(engine.database, 1, 3, edition_of).changes
    ]
    assert {"comments"} == {one.kind for one in compare(engine.database, 2, 3, edition_of).changes}


def test_a_version_that_is_refused_today_is_compared_by_its_texts(engine: Engine) -> None:
    """Rules grow stricter; what was live once can be looked at all the same."""
    with engine.database.write() as connection:
        live = versions.find(connection, 1)
        assert live is not None
        versions.publish(
            connection,
            schedule_text="courses: {small: {old: words}}",
            letters={**live.letters, "one/breathe.md": "no letter"},
            course_ids=["small"],
            first_ids={},
            now=engine.now().machine,
        )
    found = compare(engine.database, None, 2, edition_of)
    assert ["schedules.yaml", "one/breathe.md"] == [change.what for change in found.changes]
    assert 2 == len(found.diffs)
