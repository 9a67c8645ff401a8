"""One small tree of expected troubles; the docstring of a class is the sentence an operator reads by default."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class DripError(Exception):
    """Something that drip expected to be possible went wrong."""

    exit_code = 1

    def __str__(self) -> str:
        """Return the message it was raised with, or the docstring of its class."""
        return super().__str__() or (type(self).__doc__ or "").strip()


class UsageError(DripError):
    """The command was called in a way it does not understand."""

    exit_code = 2


class NotFound(DripError):
    """There is nothing by that name."""


class ProblemsFound(DripError):
    """The schedule or a letter has faults; nothing was changed."""

    def __init__(self, problems: Sequence[object]) -> None:
        """Keep the *problems*, each printable as one line."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class RenderFault(DripError):
    """A letter cannot be rendered."""

    def __init__(self, file: str, line: int, text: str) -> None:
        """Name the *file* and the *line* (1-based) at fault."""
        super().__init__(f"{file}:{line}: {text}")
        self.file = file
        self.line = line
        self.text = text


class SettingsError(DripError):
    """The settings contradict each other or are incomplete."""

    exit_code = 3


class Unreachable(DripError):
    """A server that drip needs does not answer."""

    exit_code = 3


class WrongDoor(DripError):
    """The database belongs to another door than the settings ask for: sandbox and real never mix."""

    exit_code = 3


def where(trouble: BaseException) -> str:
    """Return the last places of our code in a traceback; never the message, which may hold an address or a token.

    Logs say this and the kind of a trouble. A whole trace would bring the message with it, and with some libraries each
    frame's variables.
    """
    frames = [frame for frame in traceback.extract_tb(trouble.__traceback__) if "drip" in frame.filename]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
