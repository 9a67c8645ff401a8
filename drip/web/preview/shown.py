"""What the pages of the preview say of a letter: its place, its figures, its faults, and what a phone shows of it."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from drip.core.problem import Problem
from drip.core.reading import grade_of, sentences_in, words_in
from drip.core.review import Review, asks_for_reviews, review_of
from drip.errors import RenderFault

if TYPE_CHECKING:
    from drip.core.schedule import Course
    from drip.mail.render.person import Rendered
    from drip.web.preview.snapshot import Snapshot

SUBJECT_SHOWN = 40
"""About so many characters of a subject show on a phone, in a notice and in the list of letters; some show 35, some 45."""

PREHEADER_SHOWN = 80
"""About so many characters of a preheader fill the two lines of a notice."""

FIRST_LINE_SHOWN = 120
"""So much of the text part shows in programs that look for no preheader."""

CLIP_BYTES = 102 * 1024
"""Gmail shows no more of a letter than about this, and a link to the rest."""

EXCERPT = 76

_ADDRESS = re.compile(r"\S*://\S*")
_STANDING = {
    Review.VALID: "",
    Review.LAPSED: "review lapsed",
    Review.OTHER: "reviewed in other words",
    Review.MISSING: "not reviewed",
}


# Lists ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A letter in the list: its *number* and *minutes* are None where it has none."""

    course: str
    id: str
    title: str
    number: int | None = None
    minutes: int | None = None
    marks: tuple[str, ...] = ()
    errors: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Letters that stand together in the list, such as a phase."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """The letters of one course."""

    id: str
    title: str
    groups: tuple[Group, ...]

    @property
    def rows(self) -> list[Row]:
        """Every letter, in order."""
        return [row for group in self.groups for row in group.rows]


def listed(readable: Snapshot, problems: Sequence[Problem], *, today: date) -> list[Listed]:
    """Return the letters of each course as the schedule of *readable* orders them, with what is known of their faults."""
    if readable.project is None:
        return []
    found = []
    for course_id, course in readable.project.schedule.courses.items():
        groups = [
            *((f"{number}. {phase.title}", [one.id for one in phase.lessons]) for number, phase in enumerate(course.phases, 1)),
            ("When she asks", [one.id for one in course.on_demand]),
            ("Afterwards", [one.id for one in course.afterwards]),
            ("Service letters", list(readable.service)),
        ]
        desk = _Clerk(readable, course_id, course, problems, today)
        made = tuple(Group(title, tuple(desk.row(letter) for letter in letters)) for title, letters in groups if letters)
        found.append(Listed(course_id, course.title, made))
    return found


class _Clerk:
    """Makes the rows of one course."""

    def __init__(self, snapshot: Snapshot, course_id: str, course: Course, problems: Sequence[Problem], today: date) -> None:
        self._snapshot, self._id, self._course, self._today = snapshot, course_id, course, today
        self._errors = Counter(one.file for one in problems if one.severity == "error")
        self._warnings = Counter(one.file for one in problems if one.severity != "error" and one.code not in MARKED)

    def row(self, letter: str) -> Row:
        """Return the row of a letter."""
        front = self._snapshot.letters[letter].lesson if letter in self._snapshot.letters else None
        file = self._snapshot.file(letter)
        title = letter
        with contextlib.suppress(RenderFault):
            title = self._snapshot.book(self._id).title(letter)
        marks = marks_of(self._snapshot, self._course, letter, self._today)
        return Row(
            self._id,
            letter,
            title,
            self._course.numbers.get(letter),
            front.minutes if front else None,
            marks if file else ("no file",),
            self._errors[file],
            self._warnings[file],
        )


MARKED = frozenset({"R-REV", "L207"})
"""What is told by a mark: as a warning it would only make every count one more."""


def marks_of(snapshot: Snapshot, course: Course, letter: str, today: date) -> tuple[str, ...]:
    """Return how a letter stands with its writer and its clinician, in words; none where all is done."""
    front = snapshot.letters[letter].lesson if letter in snapshot.letters else None
    if front is None or snapshot.project is None:
        return ()
    asked = asks_for_reviews(course)
    standing = _STANDING[review_of(front, snapshot.project.wording(letter), today)] if asked else ""
    return (*(["draft"] if front.draft else []), *([standing] if standing else []))


# One letter ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be counted of a letter: of its author's own *words* (None where they cannot be told apart) and in all."""

    bytes: int
    words: int | None
    grade: float | None
    words_in_all: int

    @property
    def kilobytes(self) -> str:
        """The size of the HTML part, in words."""
        return f"{self.bytes / 1024:.1f} KB"

    @property
    def is_clipped(self) -> bool:
        """Whether Gmail would cut its end off."""
        return self.bytes >= CLIP_BYTES


def figures_of(snapshot: Snapshot, course: str, letter: str, rendered: Rendered) -> Figures:
    """Return the figures of a letter; the author's words are those of the full one."""
    proof = snapshot.proof(course, letter)
    own = [] if proof is None else [_ADDRESS.sub("", passage.text) for passage in proof.prose]
    sentences = [sentence for text in own for sentence in sentences_in(text)]
    return Figures(
        len(rendered.html.encode()),
        sum(len(words_in(text)) for text in own) if own else None,
        grade_of(sentences) if sentences else None,
        len(words_in(_ADDRESS.sub("", rendered.text))),
    )


@dataclass(frozen=True, slots=True)
class Cut:
    """Words as a phone shows them: what is *seen*, and the *rest* that is not."""

    seen: str
    rest: str
    length: int


def cut(words: str, most: int) -> Cut:
    """Return *words* as they show where there is room for about *most* characters; a phone cuts within a word, too."""
    words = " ".join(words.split())
    if len(words) <= most:
        return Cut(words, "", len(words))
    seen = words[: most - 1].rstrip()
    return Cut(f"{seen}…", words[len(seen) :].strip(), len(words))


# Faults --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem beside the line in which it stands: the *excerpt* of that line, and a *caret* below the place."""

    problem: Problem
    excerpt: str
    caret: str


def fault(problem: Problem, text: str) -> Fault:
    """Return a problem with the line of *text* in which it stands."""
    lines = text.split("\n")
    line = _plain(lines[problem.line - 1]) if 0 < problem.line <= len(lines) else ""
    column = min(problem.column - 1, len(line))
    begin = 0 if column < EXCERPT - 16 else column - EXCERPT // 2
    return Fault(problem, line[begin : begin + EXCERPT].rstrip(), " " * (column - begin) + "^" if line else "")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a letter's file: what stands *before* the first fault, what is *marked*, and what comes *after*."""

    number: int
    before: str
    marked: str
    after: str
    problems: tuple[Problem, ...]


def lines_of(text: str, problems: Sequence[Problem]) -> Iterator[Line]:
    """Yield the lines of a file with its *problems*, each at its place; one beyond the end is told on the last line."""
    lines = text.removesuffix("\n").split("\n")
    at: dict[int, list[Problem]] = {}
    for problem in problems:
        at.setdefault(min(problem.line, len(lines)), []).append(problem)
    for number, line in enumerate(map(_plain, lines), start=1):
        here = tuple(at.get(number, ()))
        if not here:
            yield Line(number, line, "", "", ())
            continue
        column = min(one.column for one in here) - 1
        end = column + len(line[column:].partition(" ")[0])
        yield Line(number, line[:column], line[column:end], line[end:], here)


def _plain(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " if letter == "\t" else "�" for letter in line)
