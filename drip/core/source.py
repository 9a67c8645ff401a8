"""What an operator wrote: the texts of a project, and the plain values in them with their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drip.core.problem import Problem, Severity

Path = tuple[str | int, ...]
"""The way to a value: keys and indices from the top."""

Place = tuple[int, int]
"""A line and a column, both counted from 1."""


@dataclass(frozen=True, slots=True)
class Source:
    """Every text of a project; what a version keeps, so that all else is derived from it and not from the disk.

    *letters* maps paths relative to `emails/`, such as `orient/welcome.md`, to texts: letters, layouts, blocks and
    references. *unread* tells which files could not be read; it is empty for a source that came from the database.
    """

    schedule_text: str
    letters: Mapping[str, str]
    unread: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """Where each value of a document stands, and each key."""

    values: Mapping[Path, Place] = field(default_factory=dict)
    keys: Mapping[Path, Place] = field(default_factory=dict)

    def value(self, path: Path) -> Place:
        """Return the place of the value at *path*, or of the nearest thing around it."""
        return self._nearest(path, self.values, self.keys)

    def key(self, path: Path) -> Place:
        """Return the place of the key that leads to *path*, or of the nearest thing around it."""
        return self._nearest(path, self.keys, self.values)

    @staticmethod
    def _nearest(path: Path, first: Mapping[Path, Place], second: Mapping[Path, Place]) -> Place:
        for length in range(len(path), -1, -1):
            place = first.get(path[:length]) or second.get(path[:length])
            if place is not None:
                return place
        return (1, 1)


@dataclass(frozen=True, slots=True)
class Document:
    """The plain values of one YAML text, with their places and the *file* that problems name."""

    file: str
    values: object = None
    marks: Marks = Marks()

    def at(self, path: Path) -> object:
        """Return the plain value at *path*, None where there is none."""
        here = self.values
        for step in path:
            if isinstance(here, Mapping):
                here = here.get(step)
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
            else:
                return None
        return here

    def problem(
        self, code: str, path: Path, text: str, hint: str = "", *, at_key: bool = False, severity: Severity = "error"
    ) -> Problem:
        """Return a problem at the value of *path*, or at its key."""
        line, column = self.marks.key(path) if at_key else self.marks.value(path)
        return Problem(self.file, line, column, code, text, hint, severity)


@dataclass(frozen=True, slots=True)
class LetterText:
    """A letter taken apart: its front matter, and its *body* after as many newlines as the front matter has lines.

    So a line number in the body is a line number in the file. *path* is relative to `emails/`.
    """

    path: str
    front: Document
    body: str

    @property
    def id(self) -> str:
        """The lesson id that the name of the file says."""
        return self.path.rpartition("/")[2].removesuffix(".md")

    @property
    def is_system(self) -> bool:
        """Whether this is a letter of drip itself, such as the confirmation."""
        return self.path.startswith("_system/")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source as plain values: the schedule, the letters by path, and the references.

    *emails* is what the names of letter files begin with in problems. *broken* holds the paths that could not be taken
    apart, so that nothing else is said about them.
    """

    source: Source
    emails: str
    schedule: Document
    letters: Mapping[str, LetterText]
    references: Document | None
    problems: tuple[Problem, ...]
    broken: frozenset[str] = frozenset()

    @property
    def block_names(self) -> frozenset[str]:
        """The names of the fixed blocks in `_base/blocks`."""
        folder = "_base/blocks/"
        paths = (path for path in self.source.letters if path.startswith(folder) and path.endswith(".md"))
        return frozenset(path.removeprefix(folder).removesuffix(".md") for path in paths)
