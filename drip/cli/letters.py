"""What the renderer says about the letters of a project."""

from __future__ import annotations

from drip.core.project import Project
from drip.errors import RenderFault
from drip.mail.render import LetterBook

_ANY_ADDRESS = "https://letters.example.org"


def render_faults(project: Project) -> list[RenderFault]:
    """Return every fault found by rendering each letter of each course for a sample reader."""
    faults = [
        fault
        for course in project.schedule.courses.values()
        for fault in LetterBook(project.files, course, _ANY_ADDRESS, front=project.front, references=project.references).faults()
    ]
    return list({str(fault): fault for fault in faults}.values())
