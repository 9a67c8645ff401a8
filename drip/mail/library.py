"""What the engine asks of the versions: the course of one, and its letters ready to render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date

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

    def why_not_real(self, version_id: int, course_id: str, letter: str, today: date) -> str:
        """Return why a letter of a version must not go to real people, as a sentence; empty when it may."""
        ...

    def wording(self, version_id: int, course_id: str, letter: str) -> str:
        """Return what tells the wording of a letter, by its first id, in a version from another; '' where it has none."""
        ...
