"""One letter on the editor's desk: its proof, its file and the rules of its course, and how a finding gets its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from drip.core.editorial.proof import Manuscript, Passage, Proof
from drip.core.editorial.rulebook import Rulebook
from drip.core.editorial.rules import Rules
from drip.core.letter import LessonFront
from drip.core.problem import Problem, Severity
from drip.core.source import Path


@dataclass(frozen=True, slots=True)
class Desk:
    """One letter with all that the rules ask about it; *front* is None for a letter of drip itself."""

    proof: Proof
    manuscript: Manuscript
    front: LessonFront | None
    book: Rulebook
    today: date

    @property
    def rules(self) -> Rules:
        """The rules of the course."""
        return self.book.rules

    def at(self, passage: Passage, code: str, text: str, hint: str, *, phrase: str = "", severity: Severity = "error") -> Problem:
        """Return a finding at *phrase* of a passage, or where the passage begins."""
        return self.manuscript.problem(code, self.manuscript.of_passage(passage, phrase), text, hint, severity=severity)

    def at_front(self, path: Path, code: str, text: str, hint: str, *, phrase: str = "", severity: Severity = "error") -> Problem:
        """Return a finding in the front matter, at *phrase* of the value at *path* or where that begins."""
        return self.manuscript.problem(code, self.manuscript.in_front(path, phrase), text, hint, severity=severity)

    def at_body(self, code: str, text: str, hint: str, *, phrase: str = "", severity: Severity = "error") -> Problem:
        """Return a finding in the body, at *phrase* or where the body begins."""
        return self.manuscript.problem(code, self.manuscript.in_body(phrase), text, hint, severity=severity)
