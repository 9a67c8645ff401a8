"""What the renderer says about the letters of a project."""

from __future__ import annotations

from drip.core.editorial.proof import Proof
from drip.core.project import Project
from drip.errors import RenderFault
from drip.mail.render import LetterBook

_ANY_ADDRESS = "https://letters.example.org"


def render_faults(project: Project) -> list[RenderFault]:
    """Return every fault found by rendering each letter of each course for a sample reader."""
    faults = [fault for course in project.schedule.courses for fault in _book(project, course).faults()]
    return list({str(fault): fault for fault in faults}.values())


def proofs(project: Project) -> dict[str, list[Proof]]:
    """Return a proof of each letter that can be rendered, by course."""
    return {course: _book(project, course).proofs() for course in project.schedule.courses}


def _book(project: Project, course_id: str) -> LetterBook:
    course = project.schedule.courses[course_id]
    return LetterBook(project.files, course, _ANY_ADDRESS, front=project.front, references=project.references)
