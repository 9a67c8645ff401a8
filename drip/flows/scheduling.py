"""Checking a schedule and its letters, so that an operator sees every fault at once and before anything is live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from drip.core import editorial
from drip.core.editorial.proof import Proof
from drip.core.editorial.rulebook import Rulebook, parse_rules
from drip.core.helpline import unchecked
from drip.core.problem import Problem, did_you_mean, has_errors
from drip.core.project import Project, project_of, readable_of
from drip.core.schedule import Course, Schedule
from drip.core.source import Parsed
from drip.errors import RenderFault
from drip.files import Source, parse_source, read_yaml

_UNDEFINED = re.compile(r"'(\w+)' is undefined")
NAMES = (
    "name", "weekday", "next_date", "forget_date", "number", "title", "minutes", "phase", "phases", "lessons_total", "next",
    "links", "course", "evidence", "hard_day", "block",
)  # fmt: skip
"""What a letter may ask for by name."""

RenderCheck = Callable[[Project], Iterable[RenderFault]]
"""Renders every letter of a project and returns the faults, files named by their paths below `emails/`."""

Proofreader = Callable[[Project], Mapping[str, Sequence[Proof]]]
"""Renders every letter that can be rendered, for a sample reader, by course."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Every problem of a source, sorted by place, and what it says when none of them is an error."""

    problems: tuple[Problem, ...]
    schedule: Schedule | None
    project: Project | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing but warnings was found."""
        return not has_errors(self.problems)


@dataclass(frozen=True, slots=True)
class Editor:
    """Who reads the letters by the rules of their course: how they are rendered, and on what day.

    The day also tells how long ago a helpline was checked: that is asked of files, never of a version that is live. While
    *drafts* is false, what is found in a draft is only counted.
    """

    proofs: Proofreader
    today: date
    drafts: bool = False


def check(
    source: Source,
    *,
    render_check: RenderCheck | None = None,
    editor: Editor | None = None,
    schedule_file: str = "schedules.yaml",
    emails: str = "emails",
) -> CheckResult:
    """Return every problem of *source*, and the schedule when none is an error.

    Letters are rendered only once the schedule has no errors, since numbers and neighbours come from it.
    """
    parsed = parse_source(source, schedule_file=schedule_file, emails=emails)
    project, problems = project_of(parsed)
    if project is not None and render_check is not None:
        faults = [
            Problem(f"{emails}/{fault.file}", fault.line, 1, "L210", fault.text, _unrendered_hint(fault.text))
            for fault in render_check(project)
        ]
        problems = sorted({*problems, *faults})
    if editor is not None:
        problems = sorted({*_edited(parsed, problems, editor), *unchecked(parsed.schedule, editor.today)})
    # A review that ran out is the gate's matter: it must not keep an operator from mending another letter.
    project = None if has_errors(problem for problem in problems if problem.code != "R-REV") else project
    return CheckResult(tuple(problems), project.schedule if project else None, project)


def _unrendered_hint(text: str) -> str:
    """Return what to do about a letter that cannot be rendered: the name that was perhaps meant, where one is unknown."""
    unknown, otherwise = _UNDEFINED.search(text), "preview the letter once it is mended"
    return did_you_mean(unknown[1], NAMES, otherwise=otherwise) if unknown else otherwise


def _edited(parsed: Parsed, problems: Sequence[Problem], editor: Editor) -> list[Problem]:
    """Return *problems* and what the editor finds, in letters whose neighbours have faults too."""
    readable, _ = readable_of(parsed)
    if readable is None:
        return list(problems)
    findings: list[Problem] = []
    texts = {text.id: text for text in parsed.letters.values()}
    proofs = editor.proofs(readable)
    for course_id, course in readable.schedule.courses.items():
        book, found = _rulebook(parsed, course_id, course)
        findings += found
        office = editorial.Office(
            book, texts, readable.letters, parsed.source.letters, parsed.emails, editor.today, waivers=not found
        )
        findings += editorial.read_course(office, proofs[course_id])
        findings += editorial.shown_names(book, parsed.schedule, course_id)
    drafts = {problem.file for problem in problems if problem.code == "L207"}
    return editorial.folded(problems, findings, () if editor.drafts else drafts)


def _rulebook(parsed: Parsed, course_id: str, course: Course) -> tuple[Rulebook | None, list[Problem]]:
    """Return the rules that a course names, None where it names none, and what is wrong with them."""
    path = course.editorial
    if path is None:
        return None, []
    place = ("courses", course_id, "editorial")
    if path not in parsed.source.letters:
        hint = f"write {parsed.emails}/{path}, or remove the line"
        return None, [parsed.schedule.problem("E109", place, f"there is no file {path}", hint)]
    document, found = read_yaml(parsed.source.letters[path], f"{parsed.emails}/{path}")
    if found:
        return None, found
    return parse_rules(
        document,
        letters=course.letter_ids,
        blocks=parsed.block_names,
        files=parsed.source.letters,
        folder=path.rpartition("/")[0] + "/" if "/" in path else "",
    )
