"""Colours, their contrast, and what a mail program would paint in light and in dark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.editorial.contrast import Paint, faint_text, paint_of, ratio_of
from drip.core.editorial.markup import tree_of
from drip.mail.render import LetterBook
from tests.mail.test_render_letters import LETTERS, PEOPLE, real_book

BYTE = st.integers(0, 255)


def faint(html: str) -> list[tuple[str, str, str]]:
    """Return scheme, colour and ground of every pair that is hard to see."""
    return [(one.scheme, one.color, one.ground) for one in faint_text(tree_of(html))]


@pytest.mark.parametrize(
    ("text", "ground", "ratio"),
    [("#000000", "#ffffff", 21), ("#fff", "#FFFFFF", 1), ("#777777", "white", 4.48), ("rgb(118, 118, 118)", "#fff", 4.54)],
)
def test_contrast_is_counted_as_wcag_does(text: str, ground: str, ratio: float) -> None:
    """The figures are those of the guideline's own examples."""
    one, other = paint_of(text), paint_of(ground)
    assert one is not None
    assert other is not None
    assert ratio_of(one, other) == pytest.approx(ratio, abs=0.01)


def test_what_is_no_colour_is_none() -> None:
    """Words, gradients and modern notations are not taken for something else."""
    assert [None] * 4 == [paint_of(value) for value in ("", "gold-ish", "oklch(1 0 0)", "rgb(0 0 0 / .5)")]


@given(BYTE, BYTE, BYTE, st.floats(0, 1))
def test_a_colour_half_through_lies_between(red: int, green: int, blue: int, cover: float) -> None:
    """What covers in part never stands out more than what covers all, and nothing leaves the scale."""
    white = Paint(255, 255, 255, 1, "white")
    full = ratio_of(Paint(red, green, blue, 1, "a"), white)
    part = ratio_of(Paint(red, green, blue, cover, "a"), white)
    assert 1 <= part <= full + 1e-9 <= 21 + 1e-6


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p style='color: #777'>Words</p>", [("light", "#777", "#ffffff")]),
        ("<p style='color: #767676'>Words</p>", []),
        ("<div style='background: #222'><p>Words</p></div>", [("light", "#000000", "#222")]),
        ("<div style='background-color: #222; color: #eee'><p>Words</p></div>", []),
        ("<table bgcolor='#222222'><tr><td>Words</td></tr></table>", [("light", "#000000", "#222222")]),
        ("<p style='color: rgba(0, 0, 0, .3)'>Words</p>", [("light", "rgba(0, 0, 0, .3)", "#ffffff")]),
        ("<div style='display: none; color: #fff'>Words</div>", []),
        ("<p style='color: #fff'><b style='color: #000'>Words</b></p>", []),
        ("<p style='color: #fff'>&nbsp;</p>", []),
        ("<div style='background: #0000ee'><a href='/a'>Words</a></div>", [("light", "#0000ee", "#0000ee")]),
    ],
)
def test_text_is_measured_against_its_own_ground(html: str, expected: list[tuple[str, str, str]]) -> None:
    """Colours and grounds are inherited, hidden text is free, and a link has its usual blue."""
    assert expected == faint(html)


DARK = (
    "<style>@media (prefers-color-scheme: dark) {{ {} }}</style>"
    "<div class='a' style='background: #fff; color: #222'><p>Words</p></div>"
)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (".a { background: #111 !important; color: #eee !important }", []),
        (".a { background: #111 !important }", [("dark", "#222", "#111")]),
        (".a { background: #111 }", []),
        ("p { color: #eee !important }", [("dark", "#eee", "#fff")]),
        (".a > p, .b p { color: #eee !important }", [("dark", "#eee", "#fff")]),
        (".a p { color: #222 !important } p { color: #eee !important }", []),
        ("p:hover, p + p { color: #eee !important }", []),
    ],
)
def test_the_dark_block_wins_only_with_important(rules: str, expected: list[tuple[str, str, str]]) -> None:
    """Styles are written into the tags, so a rule of the block must say `!important`; the more specific one wins."""
    assert expected == faint(DARK.format(rules))


@pytest.mark.parametrize("letter", LETTERS)
def test_every_letter_can_be_read_in_light_and_dark(letter: str) -> None:
    """No pair of colours of our own layout is hard to see."""
    book: LetterBook = real_book()
    assert [] == faint(book.render(letter, after_pause=True, person=PEOPLE["plain"]).html)
