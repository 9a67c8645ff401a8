"""The review sheet: all that a clinician needs on paper, for every letter, and nothing from elsewhere."""

from __future__ import annotations

import re
from datetime import date

import pytest

from drip.core.project import Project
from drip.mail.render import LetterBook
from drip.mail.render.sheet import review_sheet

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def sheet(roadmap: Project) -> str:
    """The sheet of the real course."""
    course = roadmap.schedule.courses["roadmap"]
    book = LetterBook(roadmap.files, course, "https://x.test", front=roadmap.front, references=roadmap.references)
    return review_sheet(roadmap, "roadmap", book, today=TODAY)


def part_of(sheet: str, letter: str) -> str:
    """Return what the sheet says of one letter."""
    return sheet.partition(f'id="{letter}"')[2].partition("<section")[0]


def test_every_letter_and_every_fixed_text_is_there(sheet: str, roadmap: Project) -> None:
    """A clinician who has read the sheet has read the course."""
    for letter in roadmap.schedule.courses["roadmap"].letter_ids:
        assert 1 == sheet.count(f'id="{letter}"')
    for name in ("FX-CARE", "FX-PEM", "FX-CRISIS", "FX-DISC", "FX-COI"):
        assert f"<h3>{name}</h3>" in sheet
    assert "22 letters, 22 without a valid review" in sheet


def test_a_claim_stands_beside_its_evidence_and_references(sheet: str) -> None:
    """Numbers and sources in the words of the letter, how sure it says it is, and how far each reference was read."""
    words = part_of(sheet, "sleep-anchor")
    claim = re.search(r"<tr><td>In one survey of the public.*?</tr>", words)
    assert claim is not None
    assert "Few or small trials" in claim[0]
    assert "R7, R8" in claim[0]
    assert "Restorative sleep predicts" in words
    assert "Abstract read (PMC2582170)" in words
    assert "About 5 minutes a day." not in words.partition("What it claims")[2]


def test_steps_are_numbered_and_the_hard_day_is_named(sheet: str) -> None:
    """The practice reads as in the letter."""
    words = part_of(sheet, "gentle-movement")
    assert "<p>1. Pick one" in words
    assert "On a hard day: Wiggle" in words
    assert "[FX-CARE]" in words
    assert "This letter cannot go out without one." in words
    assert "moves the body" in words


def test_it_loads_nothing(sheet: str) -> None:
    """The page can be mailed and opened anywhere."""
    assert not re.search(r"<(img|script|link|iframe)\b|url\(|@import", sheet)
