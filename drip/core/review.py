"""Which letters a clinician has checked, and which may go to real people unchecked when somebody answers for it by name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from drip.core.reading import sentences_in

if TYPE_CHECKING:
    from collections.abc import Iterable
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


class Review(StrEnum):
    """What became of the review of a letter."""

    VALID = "valid"
    MISSING = "missing"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody answers for an unreviewed letter: *wording* is the hash of the text that was accepted."""

    letter: str
    wording: str
    by: str
    reason: str


def review_of(front: LessonFront, today: date) -> Review:
    """Return how the review of a letter stands on *today*; the last day of a review is still covered by it."""
    if front.reviewed is None:
        return Review.MISSING
    return Review.VALID if front.reviewed.on <= today <= front.reviewed.until else Review.LAPSED


def only_reviewed(course: Course, letter: str, front: LessonFront) -> bool:
    """Return whether nobody may wave a letter through: it moves the body, or the schedule says `must_be_reviewed`."""
    return front.movement or letter in course.must_be_reviewed


def wording_of(text: str) -> str:
    """Return what tells one wording of a letter from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_accepted(accepted: Iterable[Acceptance], letter: str, text: str) -> bool:
    """Return whether somebody accepted exactly this *text* of a letter."""
    wording = wording_of(text)
    return any(one.letter == letter and one.wording == wording for one in accepted)


def why_not_real(  # noqa: PLR0917 - the facts of one letter on one day
    course: Course, letter: str, front: LessonFront, text: str, accepted: Iterable[Acceptance], today: date
) -> str:
    """Return why a letter must not go to real people on *today*, as a sentence; empty when it may."""
    if front.draft:
        return "the letter is a draft; a draft never goes to a real provider"
    found = review_of(front, today)
    if found is Review.VALID:
        return ""
    if found is Review.LAPSED and front.reviewed is not None:
        until = front.reviewed.until
        return f"its review held until {until}; somebody must look again" if today > until else "its review lies in the future"
    if only_reviewed(course, letter, front):
        return "no clinician has checked it, and this letter cannot go out unchecked"
    return "" if is_accepted(accepted, letter, text) else "no clinician has checked it, and nobody has accepted that"


def claims_in(passages: Iterable[Passage]) -> list[str]:
    """Return the sentences of a letter that say something about the world a clinician may know better, in their order."""
    sentences = [one for passage in passages if passage.is_prose for one in sentences_in(passage.text)]
    return [one for one in dict.fromkeys(sentences) if _CLAIM.search(one)]
