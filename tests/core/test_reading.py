"""Counting words, sentences and syllables, against texts whose grade another counter has measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.reading import grade_of, sentences_in, syllables_in, words_in

BLOCKS = Path(__file__).parents[2] / "emails" / "_base" / "blocks"

MEASURED = {
    "FX-DISC": (32, 3.7, 14),
    "FX-CARE": (130, 5.7, 25),
    "FX-CARE-SHORT": (17, 4.4, 11),
    "FX-PEM": (43, 3.4, 20),
    "FX-CRISIS": (64, 6.7, 18),
    "FX-CRISIS-SHORT": (15, 7.0, 13),
    "FX-COI": (24, 3.8, 13),
}
"""Words, grade and longest sentence of the fixed blocks as they were measured when they were written."""


def sentences_of_block(name: str) -> list[str]:
    """Return the sentences of a fixed block without its heading."""
    lines = (BLOCKS / f"{name}.md").read_text(encoding="utf-8").split("\n")
    return [sentence for line in lines if not line.startswith("#") for sentence in sentences_in(line)]


@pytest.mark.parametrize("name", MEASURED)
def test_blocks_measure_what_they_measured_before(name: str) -> None:
    """Words and the longest sentence are the same, and the grade is within a grade and a half."""
    words, grade, longest = MEASURED[name]
    sentences = sentences_of_block(name)
    assert words == sum(len(words_in(sentence)) for sentence in sentences)
    assert longest == max(len(words_in(sentence)) for sentence in sentences)
    assert grade_of(sentences) == pytest.approx(grade, abs=1.5)


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("one", 1), ("a", 1), ("the", 1), ("make", 1), ("makes", 1), ("pages", 2), ("little", 2), ("settled", 2),
        ("asked", 1), ("started", 2), ("people", 2), ("idea", 2), ("being", 2), ("quiet", 2), ("something", 2),
        ("careful", 2), ("medicine", 3), ("sensitive", 3), ("experience", 4), ("fibromyalgia", 6), ("check-up", 2), ("30", 2),
    ],
)  # fmt: skip
def test_syllables_are_counted_by_spelling(word: str, count: int) -> None:
    """Silent letters do not count, and vowels that are spoken apart do."""
    assert count == syllables_in(word)


def test_sentences_end_at_stops_only() -> None:
    """A colon, a number, an abbreviation and an address do not end a sentence; quotes close with theirs."""
    assert 1 == len(sentences_in("One thing: 5.5 of them, says Dr Who."))
    assert 1 == len(sentences_in("Ask Dr. Who at befrienders.org today."))
    assert ["He said “go.”", "She went!", "Why?"] == [part.strip() for part in sentences_in("He said “go.” She went! Why?")]
    assert [] == sentences_in(" ... ")


def test_words_keep_their_apostrophes_and_hyphens() -> None:
    """A hyphen joins, a slash does not."""
    assert ["It", "isn’t", "a", "get-up", "time", "1,555", "ME", "CFS"] == words_in("It isn’t a get-up time: 1,555 ME/CFS")


@given(st.text())
def test_no_text_is_too_strange_to_be_counted(text: str) -> None:
    """The counter never raises, words have syllables, and sentences have all words of the text."""
    sentences = sentences_in(text)
    assert all(syllables_in(word) >= 1 for word in words_in(text))
    assert words_in(text) == [word for sentence in sentences for word in words_in(sentence)]
    assert isinstance(grade_of(sentences), float)


@given(st.lists(st.sampled_from(["We rest.", "Take care today.", "Small is fine."]), min_size=1), st.integers(1, 20))
def test_a_longer_sentence_is_never_easier(sentences: list[str], more: int) -> None:
    """Joining all sentences into one raises the grade or leaves it."""
    assert grade_of([" ".join(sentences)]) >= grade_of(sentences)
