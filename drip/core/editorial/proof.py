"""A proof: one letter as a sample reader gets it, with the words of its body taken apart for the editor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from drip.core.problem import Problem, Severity
from drip.core.source import LetterText, Path, Place

HARD_DAY = "hard-day"
EVIDENCE = "evidence"
"""The parts of a body that are written in the front matter; any other part is a fixed block and has its name."""

_FRONT = re.compile(r"---[ \t]*\n.*?^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_GAP = r"(?:\]\([^)]*\)|[\W_])+?"
_LONGEST = 8


@dataclass(frozen=True, slots=True)
class Link:
    """A link in the body: its words, and where it goes."""

    text: str
    target: str


@dataclass(frozen=True, slots=True)
class Passage:
    """One heading, paragraph or list item of a body.

    *section* is the heading it stands under, '' before the first. *part* is '' for the letter's own words, `hard-day` or
    `evidence` for words of the front matter, and otherwise the name of a fixed block. Items of one list share a *list*
    number; it is 0 elsewhere.
    """

    kind: Literal["heading", "paragraph", "item"]
    section: str
    text: str
    part: str = ""
    links: tuple[Link, ...] = ()
    list: int = 0
    ordered: bool = False

    @property
    def is_prose(self) -> bool:
        """Whether these are words that the letter's author wrote, and no heading."""
        return self.kind != "heading" and self.part in {"", HARD_DAY, EVIDENCE}


@dataclass(frozen=True, slots=True)
class Proof:
    """One letter rendered for a sample reader; *program_url* is where the paid program is found, '' where there is none.

    *helpline_words* is how many words more it has for whoever gave a country with helplines.
    """

    letter: str
    path: str
    title: str
    subject: str
    preheader: str
    html: str
    text: str
    passages: tuple[Passage, ...]
    program_url: str = ""
    helpline_words: int = 0
    foot_words: tuple[str, ...] = ()
    foot_links: tuple[str, ...] = ()

    @property
    def prose(self) -> tuple[Passage, ...]:
        """The passages that the author wrote, without headings and fixed blocks."""
        return tuple(passage for passage in self.passages if passage.is_prose)


@dataclass(frozen=True, slots=True)
class Manuscript:
    """The file of a letter, in which words of its proof are found again."""

    letter: LetterText
    raw: str

    def problem(self, code: str, place: Place, text: str, hint: str, *, severity: Severity = "error") -> Problem:
        """Return a problem of this letter at *place*."""
        return Problem(self.letter.front.file, *place, code, text, hint, severity)

    def in_front(self, path: Path, phrase: str = "", *, skip: int = 0) -> Place:
        """Return where *phrase* stands in the value at *path* of the front matter, or else where the value begins.

        With *skip* that many earlier ones are passed over.
        """
        marks = self.letter.front.marks
        place = marks.values.get(path) or marks.keys.get(path) or (1, 1)
        return self._found([phrase], self._offset(place), skip) or place

    def in_body(self, phrase: str = "", *, inside: str = "", skip: int = 0) -> Place:
        """Return where *phrase* stands in the body, looked for in the sentence *inside*; else where the body begins."""
        match = _FRONT.match(self.raw)
        begin = match.end() if match else 0
        begin += len(self.raw[begin:]) - len(self.raw[begin:].lstrip())
        return self._found([inside, phrase], begin, skip) or self._place(min(begin, max(0, len(self.raw) - 1)))

    def of_passage(self, passage: Passage, phrase: str = "", *, skip: int = 0) -> Place:
        """Return where *phrase* of *passage* stands in the file."""
        if passage.part == EVIDENCE:
            return self.in_front(("evidence_line",), phrase or passage.text, skip=skip)
        if passage.part == HARD_DAY:
            return self.in_front(("hard_day",), phrase or passage.text, skip=skip)
        if passage.part:
            return self.in_body(f'block("{passage.part}')
        return self.in_body(phrase, inside=passage.text, skip=skip)

    def _found(self, phrases: Sequence[str], begin: int, skip: int) -> Place | None:
        """Return the place of the last of *phrases*, each looked for from where the one before it began."""
        found: int | None = None
        for phrase in phrases:
            offset = _offset_of(phrase, self.raw, begin)
            if offset is not None:
                found = begin = offset
        for _ in range(skip if found is not None else 0):
            offset = _offset_of(phrases[-1], self.raw, begin + 1)
            if offset is not None:
                found = begin = offset
        return None if found is None else self._place(found)

    def _offset(self, place: Place) -> int:
        lines = self.raw.split("\n")
        return sum(len(line) + 1 for line in lines[: place[0] - 1]) + place[1] - 1

    def _place(self, offset: int) -> Place:
        before = self.raw[:offset]
        return before.count("\n") + 1, offset - before.rfind("\n")


def _offset_of(phrase: str, raw: str, begin: int) -> int | None:
    """Return where the words of *phrase* stand in *raw*, whatever markup is between them; None when they do not.

    A value that is printed into the sentence is not in the file, so shorter and shorter runs of its words are tried.
    """
    words = _TOKEN.findall(phrase)
    if not words:  # Such as two exclamation marks.
        offset = raw.find(phrase, begin) if phrase.strip() else -1
        return offset if offset >= 0 else None
    for length in (_LONGEST, 5, 3, 2, 1):
        if length > len(words) and length != _LONGEST:
            continue
        runs = [words] if length == _LONGEST and len(words) <= length else _runs(words, length)
        for run in runs:
            if length == 1 and len(words) > 1 and len(run[0]) < 5:
                continue
            pattern = rf"(?<![^\W_]){_GAP.join(map(re.escape, run))}(?![^\W_])"
            match = re.compile(pattern).search(raw, begin)
            if match:
                return match.start()
    return None


def _runs(words: list[str], length: int) -> list[list[str]]:
    return [words[start : start + length] for start in range(len(words) - length + 1)]
