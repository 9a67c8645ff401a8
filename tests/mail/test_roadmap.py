"""The Roadmap as it ships: what each of its letters must show, carry and wait for, in both parts."""

from __future__ import annotations

import pytest

from drip.core.editorial.markup import seen_text, tree_of
from drip.core.project import Project
from drip.core.reading import words_in
from drip.files import read_yaml
from drip.mail.render import LetterBook
from drip.mail.render.proofing import READER
from tests.installation import ROOT

BLOCKS = {
    "FX-CARE": {
        "welcome", "gentle-movement", "rough-patch-plan", "meet-sensation", "one-thing-back", "when-the-road-bends", "flare-kit",
    },
    "FX-PEM": {"pace-your-day", "gentle-movement", "one-thing-back"},
    "FX-CRISIS": {
        "welcome", "halfway-check-in", "rough-patch-plan", "wider-attention", "second-thought", "when-the-road-bends",
        "flare-kit", "completion",
    },
    "FX-COI": {"welcome", "completion", "booster-2"},
}  # fmt: skip
"""Which letters carry which fixed text, on top of the foot; FX-COI only where the course names a program."""

ONLY_REVIEWED = {
    "gentle-movement", "rough-patch-plan", "less-checking", "wider-attention", "second-thought", "meet-sensation",
    "one-thing-back", "when-the-road-bends", "your-own-map", "completion", "flare-kit", "booster-1", "booster-2",
}  # fmt: skip
"""Movement, and everything from the plan for rough days on."""


@pytest.fixture(scope="module")
def book(roadmap: Project) -> LetterBook:
    """The shipped letters."""
    course = roadmap.schedule.courses["roadmap"]
    return LetterBook(roadmap.files, course, "https://x.test", front=roadmap.front, references=roadmap.references)


def test_every_letter_carries_its_fixed_texts(roadmap: Project) -> None:
    """Just those of the table, no fewer and no more."""
    course = roadmap.schedule.courses["roadmap"]
    found = {letter: set(front.blocks) for letter in course.letter_ids if (front := roadmap.letters[letter].lesson)}
    for block, letters in BLOCKS.items():
        assert letters == {letter for letter, blocks in found.items() if block in blocks}, block


def test_what_only_a_clinician_may_let_pass(roadmap: Project) -> None:
    """Thirteen letters; no flag may be forgotten."""
    course = roadmap.schedule.courses["roadmap"]
    moving = {letter for letter in course.letter_ids if (front := roadmap.letters[letter].lesson) and front.movement}
    assert {"gentle-movement", "one-thing-back"} == moving
    assert ONLY_REVIEWED == course.must_be_reviewed | moving


def test_every_foot_shows_what_it_must(roadmap: Project, book: LetterBook) -> None:
    """In HTML and in text, full and short: who writes and where, the three short fixed texts, all six links, and the review."""
    course = roadmap.schedule.courses["roadmap"]
    shorts = [
        " ".join(roadmap.files[f"_base/blocks/{name}.md"].split()) for name in ("FX-DISC", "FX-CARE-SHORT", "FX-CRISIS-SHORT")
    ]
    ways = ("/pause", "/settings", "/rough", "/care", "/leave/")
    for letter in course.letter_ids:
        for full in (True, False):
            rendered = book.render(letter, full=full)
            for part, read in ((rendered.html, seen_text(tree_of(rendered.html))), (rendered.text, rendered.text)):
                said = " ".join(read.split())
                assert [] == [words for words in (*shorts, course.postal_address) if words not in said], letter
                assert [] == [way for way in ways if way not in part], letter
                assert "No clinician has checked this letter yet." in said, letter


def test_the_domains_of_the_fixed_words_are_links(roadmap: Project, book: LetterBook) -> None:
    """Each by itself and to itself, at the foot and in the block; the text part stays as it was written."""
    for letter in roadmap.schedule.courses["roadmap"].letter_ids:
        rendered = book.render(letter)
        named = (
            ["befrienders.org", "befrienders.org", "findahelpline.com"] if letter in BLOCKS["FX-CRISIS"] else ["befrienders.org"]
        )
        links = [node for node in tree_of(rendered.html).walk() if node.tag == "a"]
        outside = [(node.attributes["href"], node.text) for node in links if "//x.test/" not in node.attributes["href"]]
        assert sorted((f"https://{domain}", domain) for domain in named) == sorted(outside), letter
        assert "https://befrienders" not in rendered.text


def test_no_letter_is_too_long_for_whoever_was_away(roadmap: Project, book: LetterBook) -> None:
    """With the two lines that welcome her back, the whole mail still has 620 words at most."""
    found = {}
    for letter in roadmap.schedule.courses["roadmap"].letter_ids:
        html = book.render(letter, after_pause=True, person=READER).html
        found[letter] = len(words_in(seen_text(tree_of(html))))
    assert {} == {letter: count for letter, count in found.items() if count > 620}


def test_the_limits_are_those_that_were_decided() -> None:
    """A lesson has 220 to 380 words, a whole mail 620 at most, and nothing reads above grade 8."""
    rules = read_yaml((ROOT / "emails/editorial/roadmap.yaml").read_text(encoding="utf-8"), "roadmap.yaml")[0].values
    assert isinstance(rules, dict)
    assert {"words_min": 220, "words_max": 380} == rules["kinds"]["lesson"]
    assert (8, 25, 14, 620) == tuple(
        rules["reading"][key] for key in ("grade_max", "sentence_max", "sentence_mean_max", "whole_words_max")
    )
