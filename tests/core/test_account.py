"""What is held, told in plain words: nothing is left out but what is empty, and no date reads like a machine's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.account import CHAPTERS, FIRST, LETTER_COLUMNS, WORDS, chapters, in_words
from drip.core.delivery import Outcome, Reason, State
from drip.core.enrollment import Pause, Stage
from drip.core.holding import ABOUT

VIENNA = ZoneInfo("Europe/Vienna")

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.just(""),
    st.text("abc -", min_size=1),
    st.integers(0, 6),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [{column: draw(VALUES) for column in labels} for _ in range(draw(st.integers(0, 2)))]
        for table, labels in ABOUT.items()
    }


@given(_rows())
def test_nothing_is_left_out(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Every row is an entry of its chapter, and every value in it that is not empty stands there by its label."""
    told = chapters(rows, zone=VIENNA, letter=str.upper, course=str.title)
    for title, tables in CHAPTERS.items():
        expected = [(table, row) for table in tables for row in rows[table]]
        entries = [entry for chapter in told if chapter.title == title for entry in chapter.entries]
        assert len(expected) == len(entries)
        for (table, row), entry in zip(expected, entries, strict=True):
            held = {ABOUT[table][column] for column, value in row.items() if value not in {None, ""} and value is not False}
            assert held == {label for label, words in entry.facts + entry.more if words}


def test_every_table_and_column_is_known() -> None:
    """Each table stands in one chapter; what is named about columns is about those that are shown."""
    assert sorted(ABOUT) == sorted(table for tables in CHAPTERS.values() for table in tables)
    named = {(table, column) for table, columns in (*WORDS.items(), *FIRST.items()) for column in columns} | LETTER_COLUMNS
    assert set() == {(table, column) for table, column in named if column not in ABOUT[table]}


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("deliveries", "state", State),
        ("deliveries", "reason", Reason),
        ("deliveries", "outcome", Outcome),
        ("enrollments", "state", Stage),
        ("enrollments", "paused", [one for one in Pause if one]),
    ],
)
def test_every_word_of_ours_has_plain_ones(table: str, column: str, values: Any) -> None:  # noqa: ANN401 - any enumeration
    """No state, reason or outcome is told as machines write it."""
    assert {str(value) for value in values} == set(WORDS[table][column]) - {"reported", "settled"}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("created_at", datetime(2026, 7, 3, 22, 30, tzinfo=UTC), "Saturday 4 July 2026, 00:30"),
        ("meant_on", date(2026, 7, 4), "Saturday 4 July 2026"),
        ("occasion", "run:2", "round 2 through the course"),
        ("occasion", "again:abcdefgh", "you asked to have it once more"),
        ("occasion", "page:abcdefgh", "you asked for a link to your page"),
        ("occasion", "change:abcdefgh", "you asked to move to another address"),
        ("occasion", "2026-07-04", "asked for on Saturday 4 July 2026"),
        ("occasion", "ask:1.0", "somebody asked for the letters"),
        ("short", True, "yes"),
        ("short", False, ""),
        ("weekday", 3, "Thursday"),
        ("country", "NL", "Netherlands"),
    ],
)
def test_values_in_words(column: str, value: object, words: str) -> None:
    """Days and hours are hers, a day of the week has its name, and no number of ours shows."""
    assert words == in_words("deliveries", column, value, zone=VIENNA)
    assert not re.search(r"T\d\d:|\+00:00|abcdefgh", in_words("deliveries", column, value, zone=VIENNA))
