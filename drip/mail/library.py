"""What the engine asks of the versions: the course of one, and its letters ready to render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from drip.core.progress import LiveCourse
    from drip.mail.render import LetterBook


class Library(Protocol):
    """Versions by number, parsed once and kept."""

    def course(self, version_id: int, course_id: str) -> LiveCourse:
        """Return the course as it stands in a version; raises NotFound for one that has no such course."""
        ...

    def book(self, version_id: int, course_id: str) -> LetterBook:
        """Return the letters of a course as they stand in a version."""
        ...

    def is_draft(self, version_id: int, course_id: str, letter: str) -> bool:
        """Whether a letter is still a draft in that version."""
        ...
