"""Words of a proof are found again in the file of the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.editorial.proof import EVIDENCE, Manuscript, Passage
from drip.files import read_letter

TEXT = """\
---
subject: "One more, once more"
evidence_line: >-
  Nobody knows. It was
  tried once.
---
## In one line

The {{ lessons_total }} letters come *when you* like, see [the map]({{ links.page }}) and rest!!
Once more, rest.

{{ block("FX-CARE") }}
"""


def manuscript() -> Manuscript:
    """The letter above."""
    letter, problems = read_letter(TEXT, "one/first.md")
    assert [] == problems
    return Manuscript(letter, TEXT)


def place_of(words: str, *, nth: int = 1) -> tuple[int, int]:
    """Return where *words* stand in the text for the nth time."""
    offset = -1
    for _ in range(nth):
        offset = TEXT.index(words, offset + 1)
    return TEXT[:offset].count("\n") + 1, offset - TEXT.rfind("\n", 0, offset)


BODY = Passage("paragraph", "In one line", "The 16 letters come when you like, see the map and rest!! Once more, rest.")


@pytest.mark.parametrize(
    ("phrase", "place"),
    [
        ("when you like", place_of("when you")),
        ("the map and rest", place_of("the map")),
        ("16 letters come", place_of("letters come")),
        ("!!", place_of("!!")),
        ("Once more", place_of("Once more")),
        ("", place_of("letters come")),
        ("never written", place_of("letters come")),
    ],
)
def test_markup_and_values_between_words_do_not_hide_them(phrase: str, place: tuple[int, int]) -> None:
    """What is printed into a sentence is passed over; what is nowhere is where its sentence begins."""
    assert place == manuscript().of_passage(BODY, phrase)


def test_the_second_of_two_like_words_has_its_own_place() -> None:
    """As many as stand before are passed over."""
    assert place_of("rest", nth=1) == manuscript().of_passage(BODY, "rest")
    assert place_of("rest", nth=2) == manuscript().of_passage(BODY, "rest", skip=1)
    assert place_of("more", nth=2) == manuscript().in_front(("subject",), "more", skip=1)


def test_words_of_the_front_matter_are_looked_for_there() -> None:
    """A folded value runs over lines, and a field that is missing has the first line."""
    passage = Passage("paragraph", "How sure are we?", "Nobody knows. It was tried once.", EVIDENCE)
    assert place_of("It was") == manuscript().of_passage(passage, "It was tried once")
    assert (1, 1) == manuscript().in_front(("nothing",))


def test_a_block_is_where_it_is_placed() -> None:
    """Its words are in another file."""
    passage = Passage("paragraph", "Take care", "Get help now.", "FX-CARE")
    assert place_of('block("FX-CARE')[0] == manuscript().of_passage(passage, "help")[0]


@given(st.text(max_size=40), st.text(max_size=40))
def test_every_phrase_has_a_place_inside_the_file(phrase: str, sentence: str) -> None:
    """Whatever is looked for, the answer is a line and a column that exist."""
    line, column = manuscript().in_body(phrase, inside=sentence)
    lines = TEXT.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1
