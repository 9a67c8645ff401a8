"""The rule file: every slip has its line, and examples in it are tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.editorial.rulebook import MEASURED, Rulebook, parse_rules, severities_of
from drip.core.problem import Problem
from drip.files import read_yaml

LETTERS = ("welcome", "settle")
BLOCKS = ("FX-CARE",)


def read(text: str) -> tuple[Rulebook | None, list[Problem]]:
    """Return the rules in *text* and what is wrong with them."""
    document, broken = read_yaml(text, "emails/rules.yaml")
    assert [] == broken
    return parse_rules(document, letters=LETTERS, blocks=BLOCKS, files={"a/known.shingles": "00"}, folder="a/")


PATTERN = "patterns:\n  - {id: B01, pattern: 'a+', why: no, hit: [a], miss: [b]}\n"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", (1, 1, "E102"), "empty"),
        ("readin: {}", (1, 1, "E101"), "did you mean reading?"),
        ("reading: {grade_mx: 8}", (1, 11, "E101"), "did you mean grade_max?"),
        ("reading: {grade_max: hard}", (1, 22, "E103"), ""),
        ("reading: {sentence_max: -1}", (1, 25, "E105"), "at least 0"),
        ("must: {words: [must]}", (1, 1, "E102"), "most is missing"),
        ("must: {words: [], most: 1}", (1, 15, "E103"), ""),
        (
            "practice: {heading: A, minutes_max: 1, steps_max: 1, hard_day_words_max: 1, needs: {standng: a}}",
            (1, 85, "E101"),
            "standing",
        ),
        (PATTERN.replace("B01", "b 1"), (2, 10, "E104"), "b 1"),
        (PATTERN.replace("why: no", "severity: fatal, why: no"), (2, 40, "E106"), "error, warning"),
        (PATTERN.replace("'a+'", "'a('"), (2, 24, "E107"), "no regular expression"),
        (PATTERN.replace("'a+'", "'a*'"), (2, 24, "E107"), "finds nothing at all"),
        (PATTERN.replace("[a]", "[b, a]"), (2, 45, "E108"), "does not find its example 'b'"),
        (PATTERN.replace("[b]", "[b, bad]"), (2, 59, "E108"), "finds 'bad'"),
        (PATTERN + PATTERN.split("\n")[1] + "\n", (3, 10, "E110"), "two rules are called B01"),
        ("kinds: {a: {letters: [settel], words_min: 1, words_max: 2}}", (1, 23, "E109"), "did you mean settle?"),
        ("kinds: {a: {words_min: 1, words_max: 2}, b: {words_min: 1, words_max: 2}}", (1, 42, "E110"), "name no letters"),
        ("blocks: {demands: [{block: FX-CRAE, letters: [settle]}]}", (1, 28, "E109"), "did you mean FX-CARE?"),
        ("blocks: {movement: [FX-NO]}", (1, 21, "E109"), "no block"),
        ("blocks: {wording: {FX-CARE: abc}}", (1, 29, "E104"), "abc"),
        ("apply: {letters: [nobody]}", (1, 19, "E109"), "no letter"),
        ("apply: {letters: [], beside: FX-NO}", (1, 30, "E109"), "no block"),
        ("copy_of: [gone.shingles]", (1, 11, "E109"), "no file"),
    ],
)
def test_a_slip_in_the_rule_file_has_its_place(text: str, place: tuple[int, int, str], said: str) -> None:
    """Each is found at its line and column, with a remedy, and there are no rules then."""
    book, problems = read(text)
    assert place in [(one.line, one.column, one.code) for one in problems]
    assert any(said in f"{one.text} {one.hint}" for one in problems)
    assert book is None


def test_every_slip_is_told_at_once() -> None:
    """Two wrong examples and an unknown letter are three problems."""
    text = f"{PATTERN.replace('[a]', '[x]').replace('[b]', '[aa]')}kinds: {{a: {{letters: [no], words_min: 1, words_max: 2}}}}\n"
    assert ["E108", "E108", "E109"] == sorted(one.code for one in read(text)[1])


def test_a_file_may_leave_out_whatever_it_likes() -> None:
    """An empty group of keys is a rule file, and shingles are read beside it."""
    book, problems = read("{copy_of: [known.shingles]}")
    assert [] == problems
    assert book is not None
    assert frozenset({"00"}) == book.shingles


def test_a_letter_has_the_kind_that_names_it() -> None:
    """Any other has the kind without letters, or none."""
    book, _ = read("kinds: {w: {letters: [welcome], words_min: 1, words_max: 2}, o: {words_min: 3, words_max: 4}}")
    assert book is not None
    assert ["w", "o"] == [kind[0] for letter in LETTERS if (kind := book.rules.kind_of(letter))]
    alone, _ = read("kinds: {w: {letters: [welcome], words_min: 1, words_max: 2}}")
    assert alone is not None
    assert alone.rules.kind_of("settle") is None


def test_the_rules_of_a_course_are_known_by_their_ids() -> None:
    """Measured rules are known always, patterns where the file names them."""
    book, _ = read(PATTERN)
    assert book is not None
    assert set(MEASURED) | {"B01"} == set(severities_of(book.rules))
    assert set(MEASURED) == set(severities_of(None))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["kinds", "reading", "patterns", "blocks", "id"]), inner),
        max_leaves=8,
    )
)
def test_whatever_stands_in_a_rule_file_is_a_problem_and_no_crash(values: object) -> None:
    """A rule file of any shape is read or refused."""
    from drip.core.source import Document

    book, problems = parse_rules(Document("r", values), letters=(), blocks=(), files={})
    assert (book is None) is any(one.severity == "error" for one in problems)
