"""What an examination of an installation finds: a level, one line, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding is meant: all is well, worth a look, wrong, or nobody can tell from here."""

    FINE = "fine"
    LOOK = "look"
    WRONG = "wrong"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one *group*, in a line, with its *remedy*: what to do, and with which command.

    *unreachable* when a server that drip cannot do without gave no answer.
    """

    group: str
    level: Level
    text: str
    remedy: str = ""
    unreachable: bool = False

    def as_json(self) -> dict[str, str | None]:
        """Return the finding as plain values."""
        return {"group": self.group, "level": self.level.value, "text": self.text, "remedy": self.remedy or None}


def fine(group: str, text: str) -> Finding:
    """Return that something is well."""
    return Finding(group, Level.FINE, text)


def look(group: str, text: str, remedy: str) -> Finding:
    """Return what works and is worth a look."""
    return Finding(group, Level.LOOK, text, remedy)


def wrong(group: str, text: str, remedy: str) -> Finding:
    """Return what is wrong."""
    return Finding(group, Level.WRONG, text, remedy)


def unknown(group: str, text: str, remedy: str = "") -> Finding:
    """Return what cannot be told from here."""
    return Finding(group, Level.UNKNOWN, text, remedy)


def exit_code_of(findings: Iterable[Finding]) -> int:
    """Return 3 when a server gave no answer, 1 when something is wrong, else 0."""
    found = list(findings)
    if any(one.unreachable for one in found):
        return 3
    return 1 if any(one.level is Level.WRONG for one in found) else 0
