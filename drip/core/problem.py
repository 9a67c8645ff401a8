"""Faults that `drip check` finds, each with its place, a stable code and a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One fault in a schedule or a letter: where it is, what it is, and what to do about it.

    *line* and *column* count from 1. The codes are stable and explained in `docs/problems.md`.
    """

    file: str
    line: int
    column: int
    code: str
    text: str
    hint: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        """Return the problem as one line, the way compilers write them, so that editors can jump to it."""
        remedy = f"  {self.hint}" if self.hint else ""
        line = f"{self.file}:{self.line}:{self.column}: {self.code} {self.text}{remedy}"
        return "".join(letter if letter.isprintable() else "�" for letter in line)

    def as_json(self) -> dict[str, str | int]:
        """Return the problem as plain values for `drip check --json`."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "code": self.code,
            "severity": self.severity,
            "text": self.text,
            "hint": self.hint,
        }


def has_errors(problems: Iterable[Problem]) -> bool:
    """Return whether any of *problems* is more than a warning."""
    return any(problem.severity == "error" for problem in problems)


def did_you_mean(word: object, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return the question that names the nearest of the *known* words, or *otherwise* when none is near."""
    choices = sorted(known)
    by_small_letters = {choice.casefold(): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(str(word)[:80].casefold(), list(by_small_letters), n=1, cutoff=0.6)
    return f"did you mean {by_small_letters[near[0]]}?" if near else otherwise


def quoted(value: object) -> str:
    """Return *value* as an operator would recognise it, cut where it becomes long."""
    text = "true" if value is True else "false" if value is False else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
