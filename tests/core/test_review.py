"""Reviews: whom a letter may go to, on which day, and who answers for it."""

from __future__ import annotations

from datetime import date

import pytest

from drip.core.letter import LessonFront
from drip.core.review import Acceptance, Review, review_of, why_not_real, wording_of
from drip.core.schedule import Course, Schedule
from drip.files import read_yaml
from tests.course import SCHEDULE

TODAY = date(2026, 11, 22)
WORDING = wording_of({"title": "T"}, "the letter")


def front(**changes: object) -> LessonFront:
    """Return a front matter with *changes*."""
    plain = {"title": "T", "subject": "S", "preheader": "P", "minutes": 2, "objective": "O", "evidence": "experience"}
    return LessonFront.model_validate({**plain, "evidence_line": "Not tested.", "refs": [], "blocks": [], **changes})


def course() -> Course:
    """Return the small course, whose second phase must be reviewed."""
    text = SCHEDULE.replace("title: Second", "title: Second\n        must_be_reviewed: true")
    values = read_yaml(text, "schedules.yaml")[0].values
    return Schedule.model_validate(values).courses["small"]


def reviewed(on: str, until: str, of: str = WORDING) -> dict[str, str]:
    """Return a review in the words of a file."""
    return {"by": "Dr A. Example", "on": on, "until": until, "of": of}


@pytest.mark.parametrize(
    ("review", "found"),
    [
        (None, Review.MISSING),
        (reviewed("2026-11-22", "2026-11-22"), Review.VALID),
        (reviewed("2026-01-01", "2026-11-21"), Review.LAPSED),
        (reviewed("2026-11-23", "2027-11-23"), Review.LAPSED),
        (reviewed("2026-11-01", "2027-11-23", "another"), Review.OTHER),
        (reviewed("2026-11-01", "2027-11-23", ""), Review.OTHER),
    ],
)
def test_a_review_covers_its_first_and_its_last_day(review: dict[str, str] | None, found: Review) -> None:
    """It holds from the day it was made until its last day, both included."""
    assert found is review_of(front(reviewed=review), WORDING, TODAY)


COURSE = course()


@pytest.mark.parametrize(
    ("letter", "changes", "why"),
    [
        ("walk", {}, "nobody has accepted that"),
        ("walk", {"reviewed": reviewed("2026-11-01", "2027-11-01")}, ""),
        ("walk", {"reviewed": reviewed("2025-11-01", "2026-11-01")}, "its review held until 2026-11-01"),
        ("walk", {"reviewed": reviewed("2026-12-01", "2027-11-01")}, "its review lies in the future"),
        ("walk", {"reviewed": reviewed("2026-11-01", "2027-11-01", "another")}, "its review is of another wording"),
        ("rest", {"reviewed": reviewed("2026-11-01", "2027-11-01", "another")}, "cannot go out unchecked"),
        ("walk", {"draft": True}, "the letter is a draft"),
        ("walk", {"movement": True}, "cannot go out unchecked"),
        ("rest", {}, "cannot go out unchecked"),
    ],
)
def test_why_a_letter_does_not_go_to_real_people(letter: str, changes: dict[str, object], why: str) -> None:
    """A draft, a past review, and a letter that nobody answers for stay here; each says why in a sentence."""
    found = why_not_real(COURSE, letter, front(**changes), WORDING, [], TODAY)
    assert why in found
    assert (why == "") == (found == "")


@pytest.mark.parametrize(
    ("changes", "letter", "goes"), [({}, "walk", True), ({"movement": True}, "walk", False), ({}, "rest", False)]
)
def test_somebody_may_answer_for_one_wording_of_some_letters(changes: dict[str, object], letter: str, goes: bool) -> None:  # noqa: FBT001 - a parameter of the case
    """An acceptance covers exactly the text that was accepted, and never a letter that only a clinician may let pass."""
    accepted = [Acceptance(letter, WORDING, "Dr Test", "a pilot with ten people")]
    assert goes is (why_not_real(COURSE, letter, front(**changes), WORDING, accepted, TODAY) == "")
    assert why_not_real(COURSE, letter, front(**changes), "another", accepted, TODAY)
    assert why_not_real(COURSE, "other", front(**changes), WORDING, accepted, TODAY)


def test_the_wording_is_what_a_reader_gets() -> None:
    """Marks of the editor and blanks at line ends change nothing; a word in front matter or body does."""
    same = wording_of({"title": "T", "draft": True, "reviewed": {"by": "Dr A"}, "lint_ok": {}}, "\n\nthe letter  \n")
    assert WORDING == same
    assert len({WORDING, wording_of({"title": "U"}, "the letter"), wording_of({"title": "T"}, "the  letter")}) == 3
