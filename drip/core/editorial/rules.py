"""The rules of one course as values: what a letter may measure, which words it may not use, and which blocks it must carry.

Python knows the kinds of measure; the numbers and the words stand in the course's own file, so that another course can
bring others. Whatever group of keys a file leaves out is not asked of its letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from drip.core.letter import Need
from drip.core.notation import Count, Switch, Value
from drip.core.problem import quoted
from drip.core.source import Path


@cache
def compiled(pattern: str, *, case_sensitive: bool = False) -> re.Pattern[str]:
    """Return *pattern* ready to search; its letters are of any case unless *case_sensitive*."""
    return re.compile(pattern, re.NOFLAG if case_sensitive else re.IGNORECASE)


def _expression(value: str) -> str:
    try:
        found = compiled(value)
    except re.error as trouble:
        facts = {"text": f"{quoted(value)} is no regular expression: {trouble.msg}", "hint": "mend it where it says"}
        raise PydanticCustomError("regular_expression", "{text}", facts) from trouble
    if found.search("") is not None:
        facts = {"text": f"{quoted(value)} finds nothing at all everywhere", "hint": "let it ask for at least one letter"}
        raise PydanticCustomError("regular_expression", "{text}", facts)
    return value


Expression = Annotated[str, Field(min_length=1), AfterValidator(_expression)]
Amount = Annotated[Count, Field(ge=0)]
Grade = Annotated[float, Field(ge=0, le=30)]
Words = Annotated[tuple[str, ...], Field(min_length=1)]
RuleId = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)?$")]


class Kind(Value):
    """Letters of one kind, and how long they may be."""

    letters: tuple[str, ...] = ()
    """The ids of the letters of this kind; none for the kind of all others."""
    words_min: Amount = Field(examples=[220])
    """A body has at least this many words, its fixed blocks and headings not counted."""
    words_max: Amount = Field(examples=[380])
    """A body has at most this many words."""
    practice: str | None = Field(default=None, min_length=1, examples=["One thing for now"])
    """The heading of the section with its steps, where that is another than for all others."""


class Reading(Value):
    """How hard the words may be, and how long what is made of them. A limit that is left out is not asked."""

    grade_min: Grade | None = Field(default=None, examples=[2])
    """A warning below: it begins to sound like a school primer."""
    grade_max: Grade | None = Field(default=None, examples=[8])
    """The hardest Flesch-Kincaid grade."""
    sentence_mean_max: Amount | None = Field(default=None, examples=[14])
    """The mean length of a sentence, in words."""
    sentence_max: Amount | None = Field(default=None, examples=[25])
    """The longest sentence, in words."""
    paragraph_sentences_max: Amount | None = Field(default=None, examples=[5])
    """The most sentences of a paragraph."""
    paragraph_words_max: Amount | None = Field(default=None, examples=[65])
    """The most words of a paragraph."""
    list_items_max: Amount | None = Field(default=None, examples=[6])
    """The most items of a list."""
    item_words_max: Amount | None = Field(default=None, examples=[30])
    """The most words of an item."""
    whole_words_max: Amount | None = Field(default=None, examples=[620])
    """The most words of a whole mail, with blocks, map, source and foot."""


class Practice(Value):
    """What one practice may ask."""

    heading: str = Field(min_length=1, examples=["This week's practice"])
    """The heading of the section with its steps."""
    minutes_max: Amount = Field(examples=[10])
    """How long it may take."""
    steps_max: Amount = Field(examples=[4])
    """How many steps it may have."""
    hard_day_words_max: Amount = Field(examples=[25])
    """How long its version for a hard day may be, in words."""
    needs: dict[Need, Expression] = Field(default_factory=dict)
    """Words in the steps that tell of a need, for which the front matter must name an alternative."""


class Headline(Value):
    """How long the subject and the preheader may be."""

    subject_max: Amount = Field(examples=[50])
    """The most characters of a subject."""
    preheader_max: Amount = Field(examples=[90])
    """The most characters of a preheader."""
    opening: Amount = Field(default=120, examples=[120])
    """How many characters of the text part a lock screen may show."""


class Evidence(Value):
    """What the line for the reader about evidence must be like."""

    words_min: Amount = Field(examples=[8])
    """At least this many words."""
    words_max: Amount = Field(examples=[70])
    """At most this many words."""
    sentence_max: Amount = Field(examples=[25])
    """The longest sentence."""
    grade_max: Grade = Field(examples=[8])
    """The hardest Flesch-Kincaid grade."""
    limiting: Words = Field(examples=[["not", "may", "few"]])
    """Words of which at least one must stand there."""
    claims: tuple[Expression, ...] = ()
    """What a letter without a reference may not say."""


class Must(Value):
    """How often a letter may tell its reader what she must do."""

    words: Words = Field(examples=[["must", "have to"]])
    """The words for it."""
    most: Amount = Field(examples=[3])
    """How often they may stand in one letter."""
    free: tuple[str, ...] = ()
    """Headings under which they do not count."""


class Links(Value):
    """Links in the body."""

    most: Amount = Field(examples=[5])
    """How many there may be."""
    vague: Words = Field(examples=[["click here"]])
    """Words that do not say where a link goes."""


class Shout(Value):
    """How loud a letter may be."""

    exclamations_max: Amount = Field(examples=[1])
    """The most exclamation marks of one letter."""
    capitals: tuple[str, ...] = ()
    """Words that may stand in capitals."""


class Demand(Value):
    """A fixed block that some letters must carry."""

    block: str = Field(min_length=1, examples=["FX-CARE"])
    """The name of the block."""
    letters: Words = Field(examples=[["welcome"]])
    """The letters that must carry it."""
    under: str | None = Field(default=None, examples=["Take care"])
    """The heading under which it must stand."""
    first: Switch = False
    """Whether it must stand before the first heading."""
    with_program: Switch = False
    """Whether it is asked only where the course names a paid program, and refused where it does not."""


class Blocks(Value):
    """The fixed blocks: their exact words, and where they must stand."""

    wording: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]] = Field(default_factory=dict)
    """For each block the first 16 hexadecimal digits of the SHA-256 of its text."""
    footer: tuple[str, ...] = ()
    """The blocks at the foot of every letter."""
    demands: tuple[Demand, ...] = ()
    """Which letters carry which blocks."""
    movement: tuple[str, ...] = ()
    """The blocks of a letter whose practice moves the body."""


class Apply(Value):
    """Where the link to the paid program may stand."""

    letters: tuple[str, ...]
    """The letters that may carry it, once."""
    beside: str | None = Field(default=None, examples=["FX-COI"])
    """The block that must stand in the same section."""
    never_beside: tuple[str, ...] = ()
    """Blocks that it never stands next to."""


class Pattern(Value):
    """Words that a letter does not use."""

    id: RuleId = Field(examples=["B01"])
    """The rule's name for ever."""
    severity: Literal["error", "warning"] = "error"
    """A warning may be waived, with a reason."""
    pattern: Expression
    """A regular expression of Python."""
    case_sensitive: Switch = False
    """Whether small and capital letters differ."""
    why: str = Field(min_length=1)
    """What is wrong with such words."""
    hit: Words
    """Examples that the pattern must find."""
    miss: Words
    """Examples that it must not find."""

    def finds(self, text: str) -> Iterator[re.Match[str]]:
        """Yield every place in *text* that this pattern finds."""
        return compiled(self.pattern, case_sensitive=self.case_sensitive).finditer(text)


class Rules(Value):
    """All rules of one course."""

    kinds: dict[str, Kind] = Field(default_factory=dict)
    """The kinds of letters with their lengths; one of them names no letters and holds for all others."""
    headings: tuple[str, ...] = ()
    """The headings of a letter in their order, those that the layout adds included."""
    front: tuple[Literal["minutes", "objective", "evidence", "hard_day"], ...] = ()
    """What the front matter of every letter must say."""
    reading: Reading = Reading()
    """How hard and how long sentences, paragraphs and lists may be."""
    headline: Headline | None = None
    """Subject, preheader and opening."""
    practice: Practice | None = None
    """The one practice of a letter."""
    evidence: Evidence | None = None
    """How sure we are, and on what it rests."""
    must: Must | None = None
    """How often a letter may say what must be."""
    links: Links | None = None
    """Links in the body."""
    shout: Shout | None = None
    """Exclamation marks and capitals."""
    blocks: Blocks | None = None
    """The fixed blocks."""
    apply: Apply | None = None
    """The link to the paid program."""
    review_months_max: Amount | None = Field(default=None, examples=[24])
    """How long the review of a clinician may hold."""
    written: tuple[Pattern, ...] = ()
    """What is never typed, because it is derived: looked for in the file as it is written."""
    patterns: tuple[Pattern, ...] = ()
    """What is never said, anywhere in a letter."""
    lock_screen: tuple[Pattern, ...] = ()
    """What never shows on a lock screen."""
    copy_of: tuple[str, ...] = ()
    """Files of shingles, beside this one, of texts that no letter may share eight words with."""

    def kind_of(self, letter: str) -> tuple[str, Kind] | None:
        """Return the kind of *letter* with its name; None where the file tells nothing about it."""
        named = [(name, kind) for name, kind in self.kinds.items() if letter in kind.letters]
        others = [(name, kind) for name, kind in self.kinds.items() if not kind.letters]
        return next(iter((*named, *others)), None)

    def practice_heading(self, letter: str) -> str:
        """Return what the section with the steps of *letter* is called; '' where the file tells nothing about it."""
        named, usual = self.kind_of(letter), self.practice.heading if self.practice else ""
        return (named[1].practice if named else None) or usual

    def headings_of(self, letter: str) -> tuple[str, ...]:
        """Return the headings of *letter* in their order."""
        usual = self.practice.heading if self.practice else ""
        return tuple(self.practice_heading(letter) if words == usual else words for words in self.headings)

    @property
    def every_pattern(self) -> Iterator[tuple[Path, Pattern]]:
        """Every pattern with its place in the file."""
        for group in ("written", "patterns", "lock_screen"):
            for index, pattern in enumerate(getattr(self, group)):
                yield (group, index), pattern
