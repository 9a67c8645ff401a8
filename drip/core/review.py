"""Which letters a clinician has checked, and which may go to real people unchecked when somebody answers for it by name."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from drip.core.reading import sentences_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from drip.core.editorial.proof import Passage
    from drip.core.letter import LessonFront
    from drip.core.schedule import Course

_CLAIM = re.compile(
    r"\d+ ?%|\b\d+ (people|women|volunteers|studies|trials|weeks|months|years)\b"
    r"|\b(stud(y|ies)|trials?|reviews?|guidelines?|surveys?|researchers?|experts?|evidence|tested|average|backing|cause[sd]?)\b"
    r"|\b((most|many|some|few|half of|a third of) (people|of)|one in \w+|tends? to|seems? to|common|usually|often|seldom)\b"
    r"|\b(can|may) (also )?(help|make|ease|lower|spoil|loosen|tell|bring|be a|come)\b",
    re.IGNORECASE,
)
"""What makes a sentence a claim: a number, a source, or a word for how often and how much."""


SURE = frozenset({"How sure are we?"})
"""The headings under which every sentence is about evidence."""


UNREVIEWED = "No clinician has checked this letter yet."
"""Stands at the foot of every letter that nobody has reviewed in its present wording."""

LONGEST = timedelta(days=731)
"""How long a review holds at most, whatever it says."""


class Review(StrEnum):
    """What became of the review of a letter."""

    VALID = "valid"
    MISSING = "missing"
    OTHER = "other"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody answers for an unreviewed letter: *wording* is the hash of the text that was accepted."""

    letter: str
    wording: str
    by: str
    reason: str


def review_of(front: LessonFront, wording: str, today: date) -> Review:
    """Return how the review of a letter in this *wording* stands on *today*; its last day is still covered by it.

    A review is of the words that were read: in other words it is OTHER, however long it holds.
    """
    if front.reviewed is None:
        return Review.MISSING
    if front.reviewed.of != wording:
        return Review.OTHER
    last = min(front.reviewed.until, front.reviewed.on + LONGEST)
    return Review.VALID if front.reviewed.on <= today <= last else Review.LAPSED


def asks_for_reviews(course: Course) -> bool:
    """Return whether the letters of a course are to be checked by a clinician."""
    return course.reviews == "clinician"


def only_reviewed(course: Course, letter: str, front: LessonFront) -> bool:
    """Return whether nobody may wave a letter through: it moves the body, or the schedule says `must_be_reviewed`.

    In a course that asks for no reviews no letter is held to one.
    """
    return asks_for_reviews(course) and (front.movement or letter in course.must_be_reviewed)


def wording_of(front: Mapping[str, object], body: str) -> str:
    """Return what tells one wording of a letter from another: its front matter but for marks of the editor, and its body."""
    said = {key: value for key, value in front.items() if key not in {"reviewed", "draft", "lint_ok"}}
    words = [line.rstrip() for line in body.strip().splitlines()]
    return hashlib.sha256(json.dumps([said, words], sort_keys=True, default=str).encode()).hexdigest()[:16]


def is_accepted(accepted: Iterable[Acceptance], letter: str, wording: str) -> bool:
    """Return whether somebody accepted a letter in exactly this *wording*."""
    return any(one.letter == letter and one.wording == wording for one in accepted)


def why_not_real(  # noqa: PLR0917 - the facts of one letter on one day
    course: Course, letter: str, front: LessonFront, wording: str, accepted: Iterable[Acceptance], today: date
) -> str:
    """Return why a letter must not go to real people on *today*, as a sentence; empty when it may."""
    if front.draft:
        return "the letter is a draft; a draft never goes to a real provider"
    if not asks_for_reviews(course):
        return ""
    found = review_of(front, wording, today)
    if found is Review.VALID:
        return ""
    if found is Review.LAPSED and front.reviewed is not None:
        until = front.reviewed.until
        return f"its review held until {until}; somebody must look again" if today > until else "its review lies in the future"
    unchecked = "its review is of another wording" if found is Review.OTHER else "no clinician has checked it"
    if only_reviewed(course, letter, front):
        return f"{unchecked}, and this letter cannot go out unchecked"
    return "" if is_accepted(accepted, letter, wording) else f"{unchecked}, and nobody has accepted that"


def claims_in(passages: Iterable[Passage]) -> list[str]:
    """Return the sentences of a letter that a clinician may know better, in their order.

    All that are said of evidence, and those elsewhere that have a number, a source, or a word for how often.
    """
    found: dict[str, None] = {}
    for passage in passages:
        if passage.is_prose:
            sure = passage.section in SURE
            found |= dict.fromkeys(one for one in sentences_in(passage.text) if sure or _CLAIM.search(one))
    return list(found)
