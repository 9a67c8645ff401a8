"""Helplines in a letter: before the fixed words, in both parts, and still one text for many."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest

from drip.core.schedule import Helpline
from tests.mail.test_render import ANA, BODY, book, replaced, words_in_html

CRISIS = BODY + '\n{{ block("FX-CRISIS") }}\n'
FILES = {"_base/blocks/FX-CRISIS.md": "Get help *now*.\n"}


def lines(*countries: str) -> tuple[Helpline, ...]:
    """Return made-up helplines, with marks in them that Markdown would take for its own."""
    return tuple(
        Helpline(country=country, name=f"Line *{number}*", number="000 111", hours="9_to_5_", checked_on=date(2026, 11, 1))
        for number, country in enumerate(countries)
    )


@pytest.mark.parametrize("full", [True, False])
def test_the_lines_of_her_country_stand_before_the_fixed_words(full: bool) -> None:  # noqa: FBT001
    """They are a paragraph of their own, in the body and at the foot; nothing else changes, the blocks not by a byte."""
    letters = book(CRISIS, files=FILES, blocks=["FX-CRISIS"])
    without, letter = letters.render("fixed", full=full), letters.render("fixed", full=full, helplines=lines("GB"))

    said = "In the United Kingdom: Line *0*, 000\u00a0111 (9_to_5_)."
    for fixed in ("Get help now.", "In crisis? Call your local emergency number."):
        assert f"\n\n{said}\n\n{fixed}\n" in letter.text
    seen = " ".join(words_in_html(letter.html))
    assert 2 == letter.text.count(said) == seen.count(" ".join(said.split()))
    assert 2 == letter.html.count('href="tel:000111"')
    assert without.text == letter.text.replace(f"{said}\n\n", "")
    assert words_in_html(without.html) == words_in_html(re.sub(r"<p[^>]*>In the United Kingdom:.*?</p>", "", letter.html))
    [block] = re.findall(r'<div class="block fx-crisis"[^>]*>.*?</div>', without.html, re.DOTALL)
    assert block in letter.html


def test_several_lines_stand_one_below_the_other() -> None:
    """Each line of a country has a line of its own in both parts."""
    letter = book().render("fixed", helplines=lines("NL", "NL"))

    number = "000\u00a0111"
    one, two = (f"Line *{line}*, {number} (9_to_5_)." for line in range(2))
    assert f"\n\nIn the Netherlands:\n{one}\n{two}\n\nIn crisis?" in letter.text
    html = re.sub(rf'<a href="tel:000111"[^>]*>{number}</a>', number, unescape(letter.html))
    assert re.search(rf"In the Netherlands:<br ?/?>\s*{re.escape(one)}<br ?/?>\s*{re.escape(two)}</p>", html)


def test_words_to_text_are_no_number_to_call() -> None:
    """Where a line is reached by a word to text, nothing pretends that a tap calls it."""
    line = Helpline(country="GB", name="Typing", number="text HEY to 00000", hours="", checked_on=date(2026, 11, 1))

    assert "tel:" not in book().render("fixed", helplines=(line,)).html


def test_a_letter_with_helplines_is_rendered_once_for_its_country() -> None:
    """A batch is kept apart from those of other countries, and is what one person would get alone."""
    letters = book(CRISIS, files=FILES, blocks=["FX-CRISIS"])
    british, dutch = letters.render("fixed", helplines=lines("GB")), letters.render("fixed", helplines=lines("NL"))

    assert british is letters.render("fixed", helplines=lines("GB"))
    assert 3 == len({british.text, dutch.text, letters.render("fixed").text})
    alone = letters.render("fixed", helplines=lines("GB"), person=ANA)
    assert replaced(alone, {}) == replaced(british, letters.substitutions(british.tags, ANA))


def test_letters_of_drip_itself_have_none() -> None:
    """A confirmation goes to whoever was named in a form, and has no crisis words to stand before."""
    assert book().render("confirm").text == book().render("confirm", helplines=lines("GB")).text
