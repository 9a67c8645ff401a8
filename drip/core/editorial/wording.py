"""What is never said, never shown on a lock screen, never typed, never shouted and never copied."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drip.core.editorial.desk import Desk
from drip.core.editorial.measure import capitals_in
from drip.core.editorial.proof import Passage
from drip.core.editorial.rulebook import Rulebook
from drip.core.editorial.rules import Pattern
from drip.core.problem import Problem, quoted
from drip.core.source import Place

SHINGLE_WORDS = 8
SHINGLE_DIGITS = 12

_HIDDEN = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_LETTERS = re.compile(r"[a-z]+")
_WEB = re.compile(r"\S*://\S*")


def findings(desk: Desk) -> Iterator[Problem]:
    """Yield the words of a letter that its course does not use."""
    banned = [*_banned(desk)]
    yield from (found.problem for found in banned)
    yield from _typed(desk)
    yield from _on_the_lock_screen(desk)
    yield from _shouted(desk, banned)
    yield from _copied(desk)


def in_layout(book: Rulebook, raw: Mapping[str, str], emails: str) -> Iterator[Problem]:
    """Yield the words that the fixed blocks and the layout of the text part should not use, at their own places."""
    for path, text in sorted(raw.items()):
        if path.startswith("_base/") and path.endswith((".md", ".txt")):
            for pattern in book.rules.patterns:
                for match in pattern.finds(_without_template(text)):
                    fault = f"{quoted(match[0])}: {pattern.why}"
                    place = _place_at(text, match.start())
                    hint = "say it another way"
                    yield Problem(f"{emails}/{path}", *place, pattern.id, fault, hint, pattern.severity)


_UNSEEN = {0x00AD: None, 0x200B: None, 0x200C: None, 0x200D: None, 0x2060: None, 0x2010: "-", 0x2011: "-", 0x2012: "-"}


@dataclass(frozen=True, slots=True)
class _Text:
    """Some words of a letter, and how to say where in its file they stand: a passage, or a field of the front matter."""

    words: str
    passage: Passage | None = None
    field: str = ""

    def place(self, desk: Desk, span: tuple[int, int]) -> Place:
        """Return the place in the file of what stands between two offsets of the words."""
        start, stop = span
        while start > 0 and self.words[start - 1].isalnum() and self.words[start].isalnum():
            start -= 1
        while stop < len(self.words) and self.words[stop].isalnum() and self.words[stop - 1].isalnum():
            stop += 1
        phrase = self.words[start:stop]
        before = len(re.findall(rf"(?<!\w){re.escape(phrase)}(?!\w)", self.words[:start]))
        if self.passage is not None:
            return desk.manuscript.of_passage(self.passage, phrase, skip=before)
        return desk.manuscript.in_front((self.field,), phrase, skip=before)


@dataclass(frozen=True, slots=True)
class _Banned:
    """A finding, and the words it is about."""

    problem: Problem
    text: _Text
    span: tuple[int, int]


def _texts(desk: Desk) -> Iterator[_Text]:
    """Yield the author's words: the fields that a reader sees, and the body without its fixed blocks."""
    for field in ("title", "subject", "preheader"):
        yield _Text(_plain(getattr(desk.proof, field)), field=field)
    for passage in desk.proof.passages:
        if passage.is_prose or (passage.kind == "heading" and not passage.part):
            yield _Text(_plain(passage.text), passage)


def _plain(words: str) -> str:
    """Return *words* as they are read: word processors put in soft hyphens, spaces of no width and other dashes by themselves."""
    return words.translate(_UNSEEN)


def _banned(desk: Desk) -> Iterator[_Banned]:
    for text in _texts(desk):
        for pattern in desk.rules.patterns:
            for match in pattern.finds(text.words):
                yield _Banned(_found(desk, pattern, match[0], text.place(desk, match.span())), text, match.span())


def _found(desk: Desk, pattern: Pattern, words: str, place: Place) -> Problem:
    waive = "; or waive it with a reason in `lint_ok`" if pattern.severity == "warning" else ""
    return desk.manuscript.problem(
        pattern.id, place, f"{quoted(words)}: {pattern.why}", f"say it another way{waive}", severity=pattern.severity
    )


def _typed(desk: Desk) -> Iterator[Problem]:
    """Yield what is typed in the file and should be derived; values and comments of the template are left out."""
    raw = _without_template(desk.manuscript.raw)
    for pattern in desk.rules.written:
        for match in pattern.finds(raw):
            yield _found(desk, pattern, match[0], _place_at(raw, match.start()))


def _without_template(text: str) -> str:
    """Return *text* with spaces where values, statements and comments of the template stand, so that all places stay."""
    return _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _place_at(text: str, offset: int) -> Place:
    before = text[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")


def _on_the_lock_screen(desk: Desk) -> Iterator[Problem]:
    limits = desk.rules.headline
    opening = desk.proof.text[: limits.opening if limits else 120]
    for pattern in desk.rules.lock_screen:
        told: set[str] = set()
        for field, words in (("subject", desk.proof.subject), ("preheader", desk.proof.preheader)):
            for match in pattern.finds(words):
                told.add(match[0].lower())
                place = desk.manuscript.in_front((field,), match[0])
                fault = f"{quoted(match[0])} in the {field}: {pattern.why}"
                yield desk.manuscript.problem(pattern.id, place, fault, "say it in other words", severity=pattern.severity)
        for match in pattern.finds(opening):
            if match[0].lower() not in told:
                fault = f"{quoted(match[0])} in the first {len(opening)} characters of the text part: {pattern.why}"
                hint = "say it later, or in other words"
                yield desk.at_body(pattern.id, fault, hint, phrase=match[0], severity=pattern.severity)


def _shouted(desk: Desk, banned: list[_Banned]) -> Iterator[Problem]:
    rule = desk.rules.shout
    if rule is None:
        return
    allowed = {part for word in rule.capitals for part in (word, *word.split("/"))}
    marks: list[tuple[_Text, int]] = []
    for text in _texts(desk):
        marks += [(text, match.start()) for match in re.finditer("!", text.words)]
        for match in capitals_in(text.words):
            told = any(one.text == text and one.span[0] < match.end() and match.start() < one.span[1] for one in banned)
            if not told and not set(match[0].split("/")) <= allowed:
                hint = "use small letters, or allow it in the rule file"
                place = text.place(desk, match.span())
                yield desk.manuscript.problem("R-SHOUT", place, f"{quoted(match[0])} stands in capitals", hint)
    if len(marks) > rule.exclamations_max:
        fault = f"there are {len(marks)} exclamation marks; at most {rule.exclamations_max} may stand in a letter"
        text, offset = marks[rule.exclamations_max]
        place = text.place(desk, (offset, offset + 1))
        yield desk.manuscript.problem("R-SHOUT", place, fault, "end the sentence with a full stop")


# What is copied ------------------------------------------------------------------------------------------------------


def shingles_of(text: str) -> list[tuple[str, str]]:
    """Return every run of eight words of *text*, each as its words and as the hash that a file of shingles holds.

    Only letters count, and all of them as small ones, so that a comma more or less hides nothing.
    """
    words = _LETTERS.findall(_WEB.sub(" ", text).lower().replace("’", "").replace("'", ""))
    runs = (" ".join(words[start : start + SHINGLE_WORDS]) for start in range(len(words) - SHINGLE_WORDS + 1))
    return [(run, hashlib.sha256(run.encode()).hexdigest()[:SHINGLE_DIGITS]) for run in runs]


def _copied(desk: Desk) -> Iterator[Problem]:
    if not desk.book.shingles:
        return
    for text in _texts(desk):
        found = [run for run, digest in shingles_of(text.words) if digest in desk.book.shingles]
        if found:
            words = f"{SHINGLE_WORDS} words in a row are those of a text that no letter copies: {quoted(found[0])}"
            place = text.place(desk, _span_of(text.words, found[0]))
            yield desk.manuscript.problem("R-COPY", place, words, "say it in your own words")


def _span_of(text: str, run: str) -> tuple[int, int]:
    """Return where the words of *run* stand in *text*, as it is written there."""
    match = re.search(r"[^a-z]+".join(re.escape(word) for word in run.split()), text, re.IGNORECASE)
    return match.span() if match else (0, len(text))
