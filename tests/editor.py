"""A course of one letter under rules of the test's own, so that each rule can be hit and missed by itself."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from drip.cli.letters import proofs
from drip.core.editorial.proof import Proof
from drip.core.problem import Problem
from drip.core.project import Project
from drip.core.source import Source
from drip.files import read_project
from drip.flows.scheduling import Editor, check

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 11, 22)
FILE = "emails/one/first.md"

SCHEDULE = """\
courses:
  small:
    title: A small course
    from: {name: Sam, email: letters@small-course.net}
    reply_to: hello@small-course.net
    postal_address: 1 Example Street
    timezone: Europe/London
    editorial: rules.yaml
    phases:
      - id: one
        title: First
        lessons:
          - {id: first, wait: 0 days}
"""
PROGRAM = "    program: {name: The Example Program, url: https://program.example.com/apply}\n"

FRONT = """\
title: One small thing
subject: One small thing
preheader: Choose one thing for this week.
minutes: 5
objective: The reader chooses one thing.
evidence: experience
evidence_line: Nobody has tested this, so we cannot say how far it helps.
refs: [R1]
blocks: []
hard_day: Think of it once.
reviewed: {by: Dr A, on: 2026-01-31, until: 2027-01-31}
"""
BODY = """\
## In one line

Choose one thing, and keep it small.

## This week's practice

**One thing.** About {{ minutes }} minutes a day.

1. Choose one thing.
2. Do it after breakfast.

{{ hard_day }}

## You can stop here

That is plenty for one week.

## The idea

A small thing that stays put is easier to keep than a large one.

## How sure are we?

{{ evidence }}

## Take care

Ask a clinician about anything new.
"""


@cache
def base() -> dict[str, str]:
    """The real layouts, system letters and blocks."""
    texts = read_project(ROOT / "schedules.yaml", ROOT / "emails").letters
    return {path: text for path, text in texts.items() if path.startswith(("_base/", "_system/"))}


def source_of(
    *,
    rules: str | None = "{}",
    front: str = FRONT,
    body: str = BODY,
    files: dict[str, str] | None = None,
    schedule: str = SCHEDULE,
) -> Source:
    """Return the small course with its letter and its rules; *files* are added or replaced."""
    letters = {
        **base(),
        "one/first.md": f"---\n{front}---\n{body}",
        "references.yaml": "R1: {short: Somebody in 2020}\n",
    }
    if rules is not None:
        letters["rules.yaml"] = rules
    return Source(schedule, {**letters, **(files or {})})


def problems_of(source: Source, *, drafts: bool = False, today: date = TODAY, wording: bool = False) -> list[Problem]:
    """Return every problem of *source*, letters rendered and read by their rules.

    Tests change the words of the sample under its review; only with *wording* is that told.
    """
    found = check(source, editor=Editor(_proofs, today, drafts)).problems
    return [one for one in found if wording or "review is of another wording" not in one.text]


def _proofs(project: Project) -> dict[str, list[Proof]]:
    """Return the proofs of a project whose letter can be rendered: without one, nothing would be found in it."""
    made = proofs(project)
    assert any(proof.letter == "first" for course in made.values() for proof in course)
    return made


def found(source: Source, code: str, *, today: date = TODAY) -> list[tuple[int, int, str]]:
    """Return line, column and text of every *code* in the first letter; nothing stands in the way of reading it."""
    problems = problems_of(source, today=today)
    assert [] == [problem for problem in problems if problem.code[0] in "LFY" and problem.severity == "error"]
    return [(one.line, one.column, one.text) for one in problems if one.code == code and one.file == FILE]


def line_of(words: str, *, front: str = FRONT, body: str = BODY) -> tuple[int, int]:
    """Return where *words* first stand in the letter."""
    text = f"---\n{front}---\n{body}"
    before = text[: text.index(words)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
