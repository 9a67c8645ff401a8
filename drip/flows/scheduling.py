"""Checking a schedule and its letters, so that an operator sees every fault at once and before anything is live."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drip.core.problem import Problem, has_errors
from drip.core.project import Project, project_of
from drip.core.schedule import Schedule
from drip.errors import RenderFault
from drip.files import Source, parse_source

RenderCheck = Callable[[Project], Iterable[RenderFault]]
"""Renders every letter of a project and returns the faults, files named by their paths below `emails/`."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Every problem of a source, sorted by place, and what it says when none of them is an error."""

    problems: tuple[Problem, ...]
    schedule: Schedule | None
    project: Project | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing but warnings was found."""
        return self.project is not None


def check(
    source: Source,
    *,
    render_check: RenderCheck | None = None,
    schedule_file: str = "schedules.yaml",
    emails: str = "emails",
) -> CheckResult:
    """Return every problem of *source*, and the schedule when none is an error.

    Letters are rendered only once the schedule has no errors, since numbers and neighbours come from it.
    """
    project, problems = project_of(parse_source(source, schedule_file=schedule_file, emails=emails))
    if project is not None and render_check is not None:
        hint = "preview the letter once it is mended"
        faults = [Problem(f"{emails}/{fault.file}", fault.line, 1, "L210", fault.text, hint) for fault in render_check(project)]
        problems = sorted({*problems, *faults})
        project = None if has_errors(faults) else project
    return CheckResult(tuple(problems), project.schedule if project else None, project)
