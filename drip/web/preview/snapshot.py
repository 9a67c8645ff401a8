"""What the files say at one moment, and what each letter looks like then."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from drip.core.editorial.proof import Proof
from drip.core.problem import Problem
from drip.core.project import Project, readable_of
from drip.core.reader import SAMPLES, Reader, dates
from drip.core.source import Source
from drip.errors import RenderFault
from drip.files import parse_source
from drip.flows import scheduling
from drip.mail.render import LetterBook
from drip.mail.render.person import NeedsPerson, Person, Rendered
from drip.mail.render.proofing import READER
from drip.wiring import book_of, proofs, render_check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drip.core.letter import Letter

ADDRESS = "https://letters.example.org"
"""What the links of a previewed letter begin with: about as long as a real address, so that sizes are, and nobody's."""


TRIED = tuple(reader for reader in SAMPLES if reader.key in {"back", "nameless"})
"""Readers for whom a letter is tried: those who have everything that one may ask for, and those who have not."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the schedule and the letters are."""

    schedule: Path
    emails: Path


class Snapshot:
    """What the files said at one moment; letters are rendered when they are asked for, in spite of faults elsewhere.

    *checked* holds every problem that `drip check --drafts` finds, and is None until that is known.
    """

    def __init__(self, source: Source, files: Files, *, at: datetime) -> None:
        """Take the *source* apart, read *at* an instant of the machine."""
        self.source = source
        self.at = at
        self.files = files
        self.checked: tuple[Problem, ...] | None = None
        self._parsed = parse_source(source, schedule_file=str(files.schedule), emails=str(files.emails))
        self.project, problems = readable_of(self._parsed)
        self.problems = tuple(problems)
        self._paths = {text.id: path for path, text in sorted(self._parsed.letters.items(), reverse=True)}
        self._books: dict[str, LetterBook] = {}
        self._found: dict[tuple[str, str], tuple[Problem, ...]] = {}

    @property
    def letters(self) -> Mapping[str, Letter]:
        """The letters whose front matter can be read, by id."""
        return self.project.letters if self.project else {}

    @property
    def service(self) -> tuple[str, ...]:
        """The ids of the letters of drip itself."""
        return tuple(sorted(letter for letter, path in self._paths.items() if path.startswith("_system/")))

    def path(self, letter: str) -> str:
        """Return the path of a letter's file below the folder of letters, '' where there is none."""
        return self._paths.get(letter, "")

    def file(self, letter: str) -> str:
        """Return the name of a letter's file as problems call it, '' where there is none."""
        path = self.path(letter)
        return f"{self.files.emails}/{path}" if path else ""

    def text(self, file: str) -> str:
        """Return the text of a file as problems call it, '' where it was not read."""
        if file == str(self.files.schedule):
            return self.source.schedule_text
        return self.source.letters.get(file.removeprefix(f"{self.files.emails}/"), "")

    def book(self, course: str) -> LetterBook:
        """Return the letters of a course, ready to render; raises RenderFault where there is no such course now."""
        if self.project is None or course not in self.project.schedule.courses:
            raise RenderFault(str(self.files.schedule), 1, f"there is no course {course}")
        return self._books.setdefault(course, book_of(self.project, course, ADDRESS))

    def render(self, course: str, letter: str, reader: Reader, *, full: bool, now: datetime) -> Rendered:
        """Return a letter as it would be mailed to *reader*, but for her links; raises RenderFault when it is broken."""
        book = self.book(course)
        return book.render(
            letter,
            full=full,
            after_pause=reader.back,
            helplines=reader.helplines(_there(self.project).schedule.courses[course]),
            person=self.person(course, letter, reader, now=now),
        )

    def person(self, course: str, letter: str, reader: Reader, *, now: datetime) -> Person:
        """Return the values of a reader, her links being samples."""
        project = _there(self.project)
        told = dates(reader, project.schedule.courses[course], letter, now=now)
        return READER._replace(name=reader.name, weekday=told.weekday, next_date=told.next_date, forget_date=told.forget_date)

    def proof(self, course: str, letter: str) -> Proof | None:
        """Return a letter taken apart for the editor; None while it cannot be rendered."""
        with contextlib.suppress(RenderFault):
            return self.book(course).proof(letter)
        return None

    def problems_of(self, course: str, letter: str, *, today: date) -> tuple[Problem, ...]:
        """Return every problem that is known, those of one letter in full even before all others are checked."""
        key = (course, letter)
        if key not in self._found:
            self._found[key] = tuple(self._read(course, letter, today))
        return tuple(sorted({*self._found[key], *(self.checked or ())}))

    def _read(self, course: str, letter: str, today: date) -> list[Problem]:
        def proof_of_one(project: Project) -> dict[str, list[Proof]]:
            proof = self.proof(course, letter)
            return {one: [proof] if proof is not None and one == course else [] for one in project.schedule.courses}

        editor = scheduling.Editor(proof_of_one, today, drafts=True)
        schedule, emails = str(self.files.schedule), str(self.files.emails)
        found = scheduling.check(self.source, editor=editor, schedule_file=schedule, emails=emails)
        return [*found.problems, *self._broken(course, letter)]

    def _broken(self, course: str, letter: str) -> Iterator[Problem]:
        """Yield what keeps a letter from being rendered in either length, for everybody or for one."""
        if letter not in self.letters:
            return
        told = set[str]()
        for full in (True, False):
            for reader in (None, *TRIED):
                try:
                    self._try(course, letter, reader, full=full)
                except NeedsPerson:
                    continue
                except RenderFault as fault:
                    if str(fault) not in told:
                        told.add(str(fault))
                        hint = "preview the letter once it is mended"
                        yield Problem(f"{self.files.emails}/{fault.file}", fault.line, 1, "L210", fault.text, hint)

    def _try(self, course: str, letter: str, reader: Reader | None, *, full: bool) -> None:
        if reader is None:
            self.book(course).render(letter, full=full, after_pause=True)
        else:
            self.render(course, letter, reader, full=full, now=self.at)

    def check(self, *, today: date) -> None:
        """Find every problem of every letter, as `drip check --drafts` does."""
        editor = scheduling.Editor(proofs, today, drafts=True)
        schedule, emails = str(self.files.schedule), str(self.files.emails)
        found = scheduling.check(self.source, render_check=render_check, editor=editor, schedule_file=schedule, emails=emails)
        self.checked = found.problems


def _there(project: Project | None) -> Project:
    if project is None:
        raise RenderFault("schedules.yaml", 1, "the schedule cannot be read")
    return project
