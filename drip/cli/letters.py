"""`drip letters`: how each letter stands, and the sheet for the clinician who reviews them; what the renderer says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drip.cli.names import COURSE
from drip.cli.sources import of_files

if TYPE_CHECKING:
    from datetime import date

    from drip.core.editorial.proof import Proof
    from drip.core.project import Project
    from drip.errors import RenderFault
    from drip.mail.render import LetterBook

FORMAT = 1
_ANY_ADDRESS = "https://letters.example.org"


def render_faults(project: Project) -> list[RenderFault]:
    """Return every fault found by rendering each letter of each course for a sample reader."""
    faults = [fault for course in project.schedule.courses for fault in _book(project, course).faults()]
    return list({str(fault): fault for fault in faults}.values())


def proofs(project: Project) -> dict[str, list[Proof]]:
    """Return a proof of each letter that can be rendered, by course."""
    return {course: _book(project, course).proofs() for course in project.schedule.courses}


def _book(project: Project, course_id: str) -> LetterBook:
    from drip.mail.render import LetterBook

    course = project.schedule.courses[course_id]
    return LetterBook(project.files, course, _ANY_ADDRESS, front=project.front, references=project.references)


@click.command()
@click.option("--review", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the review sheet here.")
@click.option("--course", default="", type=COURSE, metavar="ID", help="The course. [default: the only one]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@of_files
def letters(*, review: Path | None, course: str, as_json: bool, schedule: Path, emails: Path) -> None:
    """List the letters and how their review stands.

    With --review it writes a sheet that a clinician can print: every claim beside how sure it is and what it rests on.
    """
    from drip.clock import read
    from drip.errors import NotFound, ProblemsFound
    from drip.files import read_project
    from drip.flows import scheduling

    result = scheduling.check(
        read_project(schedule, emails), render_check=render_faults, schedule_file=str(schedule), emails=str(emails)
    )
    if result.project is None:
        raise ProblemsFound([problem for problem in result.problems if problem.severity == "error"])
    courses = result.project.schedule.courses
    if not course and len(courses) == 1:
        course = next(iter(courses))
    if course not in courses:
        raise NotFound(f"there is no course {course!r}; there are: {', '.join(courses)}")
    today = read().calendar.date()
    if review is not None:
        _write_sheet(review, result.project, course, today)
        return
    rows = _rows(result.project, course, today)
    if as_json:
        click.echo(json.dumps({"format": FORMAT, "course": course, "letters": rows}, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['number'] or '':>3}  {row['letter']:<22}{row['standing']}")


def _write_sheet(path: Path, project: Project, course: str, today: date) -> None:
    """Write the review sheet of a course to *path*."""
    from drip.errors import NotFound
    from drip.mail.render.sheet import review_sheet

    page = review_sheet(project, course, _book(project, course), today=today)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as trouble:
        raise NotFound(f"{path} cannot be written: {trouble.strerror}") from trouble
    click.echo(f"{path}: open it in a browser and print it", err=True)


def _rows(project: Project, course_id: str, today: date) -> list[dict[str, Any]]:
    """Return one row for each letter of a course."""
    from drip.core.review import Review, only_reviewed, review_of

    course = project.schedule.courses[course_id]
    rows = []
    for letter_id in course.letter_ids:
        front = project.letters[letter_id].lesson
        if front is None:
            continue
        found, strict = review_of(front, project.wording(letter_id), today), only_reviewed(course, letter_id, front)
        words = {
            Review.VALID: f"reviewed until {front.reviewed.until}" if front.reviewed else "",
            Review.LAPSED: f"review lapsed ({front.reviewed.on} to {front.reviewed.until})" if front.reviewed else "",
            Review.OTHER: "reviewed in another wording; have it read again",
            Review.MISSING: "not reviewed; real people get it only when it is" if strict else "not reviewed",
        }
        rows.append(
            {
                "letter": letter_id,
                "number": course.numbers.get(letter_id),
                "review": found.value,
                "only_reviewed": strict,
                "draft": front.draft,
                "standing": "draft" if front.draft else words[found],
            }
        )
    return rows
