"""What pages say of a letter: what a phone cuts off, and a fault beside its line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from drip.core.problem import Problem
from drip.web.preview.shown import EXCERPT, cut, fault, lines_of

TEXT = some.text(some.characters(codec="utf-8", exclude_characters="\r"), max_size=300)


@given(TEXT, some.integers(2, 60))
def test_a_cut_shows_no_more_than_there_is_room_for(words: str, most: int) -> None:
    """What is seen fits, and with the rest it is all there was."""
    found = cut(words, most)
    whole = " ".join(words.split())
    assert len(found.seen) <= most
    assert len(whole) == found.length
    assert whole.replace(" ", "") == (found.seen.removesuffix("…" if found.rest else "") + found.rest).replace(" ", "")


@given(TEXT, some.integers(1, 30), some.integers(1, 400))
def test_the_caret_stands_below_the_place(text: str, line: int, column: int) -> None:
    """Wherever a fault is, its caret stands below the very letter, in a line that fits; one beyond the file is borne."""
    found = fault(Problem("x.md", line, column, "L210", "words"), text)
    lines = text.split("\n")
    assert len(found.excerpt) <= EXCERPT
    if line <= len(lines) and column <= len(lines[line - 1].rstrip()):
        letter = lines[line - 1][column - 1]
        shown = found.excerpt.ljust(EXCERPT)[len(found.caret) - 1]
        assert shown == letter or not letter.isprintable()


@given(TEXT, some.lists(some.tuples(some.integers(1, 30), some.integers(1, 400)), max_size=5))
def test_every_line_and_every_fault_is_in_the_source(text: str, places: list[tuple[int, int]]) -> None:
    """The source view has all lines in order, and each fault once."""
    problems = [Problem("x.md", line, column, "L210", str(number)) for number, (line, column) in enumerate(places)]
    lines = list(lines_of(text, problems))
    assert text.removesuffix("\n").count("\n") + 1 == len(lines)
    assert sorted(one.text for one in problems) == sorted(one.text for line in lines for one in line.problems)
    assert [len(line) for line in text.removesuffix("\n").split("\n")] == [
        len(line.before + line.marked + line.after) for line in lines
    ]
