"""What stands in one letter: its front matter and its blocks. What else a course asks of its letters stands in its rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationError

from drip.core.notation import Count, Day, Switch, Value
from drip.core.problem import Problem
from drip.core.shape import Codes, shape_problems
from drip.core.source import LetterText

SUBJECT_MAX = 50
PREHEADER_MAX = 90
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_BLOCK = re.compile(r"""\{\{-?\s*block\(\s*(["'])(?P<name>[^"']*)\1\s*\)""")
_EXPRESSION = re.compile(r"\{\{.*?\}\}")


class Evidence(StrEnum):
    """How sure a lesson can be; a reader sees it in words."""

    GUIDELINE = "guideline"
    SEVERAL_TRIALS = "several_trials"
    FEW_OR_SMALL_TRIALS = "few_or_small_trials"
    OBSERVATIONAL = "observational"
    MIXED = "mixed"
    EXPERIENCE = "experience"


class Need(StrEnum):
    """What a practice may ask for that not every reader has."""

    STANDING = "standing"
    WALKING = "walking"
    SIGHT = "sight"
    BREATH = "breath"
    MONEY = "money"
    PERSON = "person"


class Reviewed(Value):
    """Which clinician has checked a letter, when, and until when that holds."""

    by: str = Field(min_length=1, examples=["Dr A. Example"])
    """The clinician's name."""
    on: Day = Field(examples=["2026-11-30"])
    """The day of the review."""
    until: Day = Field(examples=["2028-11-30"])
    """The day after which somebody must look again."""
    of: str = Field(default="", examples=["3f9ac01b27d4e655"])
    """The wording that was read: the digits that `drip letters --review` prints. Another wording is not reviewed."""


class SystemFront(Value):
    """The front matter of a letter of drip itself, such as the confirmation."""

    title: str = Field(min_length=1, examples=["Please confirm"])
    """The heading of the letter."""
    subject: str = Field(min_length=1, examples=["One tap, if this was you"])
    """At most 50 characters, without health words: it shows on lock screens."""
    preheader: str = Field(min_length=1, examples=["Somebody asked for letters at this address."])
    """At most 90 characters; many clients show it beside the subject."""


class LessonFront(SystemFront):
    """The front matter of a lesson. What may be left out here, the rules of a course can ask for (`front:`)."""

    minutes: Count | None = Field(default=None, ge=1, le=60, examples=[5])
    """How long the practice takes."""
    objective: str = Field(default="", examples=["The reader sets one get-up time."])
    """What the reader can do afterwards; for editors."""
    evidence: Evidence | None = Field(default=None, examples=["experience"])
    """How sure we are, as one of six words."""
    evidence_line: str = Field(default="", examples=["Nobody has tested this."])
    """How sure we are, in a sentence for the reader."""
    refs: tuple[str, ...] = Field(default=(), examples=[["R1"]])
    """Ids in `references.yaml`."""
    blocks: tuple[str, ...] = Field(default=(), examples=[["FX-CARE"]])
    """The fixed blocks that the body places."""
    movement: Switch = False
    """Whether the practice moves the body."""
    hard_day: str | None = None
    """The practice for a hard day."""
    alternatives: dict[Need, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict, examples=[{"walking": "from bed, move your toes"}]
    )
    """What the practice needs that not every reader has, each with what else will do."""
    reviewed: Reviewed | None = None
    """Which clinician has checked it."""
    draft: Switch = False
    """A draft never goes to a real provider."""
    lint_ok: dict[str, str] = Field(default_factory=dict)
    """Editorial rules that this letter may break, each with the reason."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter: its *path* below `emails/`, its front matter, and its body with the line numbers of the file."""

    path: str
    front: SystemFront
    body: str

    @property
    def lesson(self) -> LessonFront | None:
        """The front matter of a lesson; None for a system letter."""
        return self.front if isinstance(self.front, LessonFront) else None


_CODES = Codes(unknown="L102", missing="L103", wrong="L104", pattern="L104", bound="L105", choice="L106")


def parse_letter(text: LetterText) -> tuple[Letter | None, list[Problem]]:
    """Return the letter in *text*, and every fault that shows without looking at other files.

    The letter is None when its front matter does not have the shape it must have.
    """
    kind = SystemFront if text.is_system else LessonFront
    values = text.front.values if text.front.values is not None else {}
    letter: Letter | None = None
    problems: list[Problem] = []
    try:
        letter = Letter(text.path, kind.model_validate(values, context={"written": True}), text.body)
    except ValidationError as trouble:
        problems = shape_problems(trouble, text.front, kind, _CODES)
    if isinstance(values, Mapping):
        problems += _too_long(text, values)
        problems += _misplaced_blocks(text, values)
        if values.get("draft") is True and not text.is_system:
            hint = "it never goes to a real provider while it says so"
            problems.append(
                text.front.problem("L207", ("draft",), "this letter is a draft", hint, at_key=True, severity="warning")
            )
    if letter is not None and letter.lesson is not None:
        problems += _half_evidence(text, letter.lesson)
    return letter, problems


def placed_blocks(text: LetterText) -> list[tuple[str, Problem]]:
    """Return the name of every block that the body places, with a problem at its place that waits for its words."""
    body = _blanked(_COMMENT, text.body)
    return [(match["name"], _at(text, body, match.start(), "L205")) for match in _BLOCK.finditer(body)]


def _at(text: LetterText, body: str, offset: int, code: str, *, words: str = "", hint: str = "") -> Problem:
    before = body[:offset]
    return Problem(text.front.file, before.count("\n") + 1, offset - before.rfind("\n"), code, words, hint)


def _blanked(pattern: re.Pattern[str], body: str) -> str:
    """Return *body* with what *pattern* finds replaced by spaces, so that all places stay."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), body)


def _too_long(text: LetterText, values: Mapping[object, object]) -> list[Problem]:
    """Return a problem for each field that is too long; `{{ number }}` counts as two characters."""
    problems = []
    for key, most in (("subject", SUBJECT_MAX), ("preheader", PREHEADER_MAX)):
        value = values.get(key)
        length = len(_EXPRESSION.sub("00", value)) if isinstance(value, str) else 0
        if length > most:
            words = f"{key} is {length} characters long; at most {most} show in a mailbox"
            problems.append(text.front.problem("L105", (key,), words, "shorten it"))
    return problems


def _half_evidence(text: LetterText, front: LessonFront) -> list[Problem]:
    """Return a problem where only one is said of how sure we are, the word or the sentence."""
    if (front.evidence is None) == (not front.evidence_line):
        return []
    lacking, example = ("evidence", "experience") if front.evidence is None else ("evidence_line", "Nobody has tested this.")
    return [text.front.problem("L103", (), f"{lacking} is missing", f"such as `{lacking}: {example}`")]


def _misplaced_blocks(text: LetterText, values: Mapping[object, object]) -> list[Problem]:
    listed = values.get("blocks", [])
    if not isinstance(listed, list):
        return []
    placed = placed_blocks(text)
    names = {name for name, _ in placed}
    problems = [
        text.front.problem(
            "L206",
            ("blocks", index),
            f"the block {name} is listed but not placed",
            f'write {{{{ block("{name}") }}}} in the letter',
        )
        for index, name in enumerate(listed)
        if isinstance(name, str) and name not in names
    ]
    for name, place in placed:
        if name not in listed:
            hint = f"add {name} to `blocks` above"
            words = f"the block {name} is placed but not listed"
            problems.append(Problem(place.file, place.line, place.column, "L206", words, hint))
    return problems
