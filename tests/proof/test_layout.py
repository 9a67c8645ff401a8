"""Every letter in Chromium: on a small phone, in large type, in both schemes, turned round by a client, and bare."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.proof.letters import Shelf, every_letter, sample_letter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTHS = (280, 320, 390, 600, 700, 1280)
"""Small phones, of which 320 pixels are also a window of 640 at a zoom of 200 %; usual ones; windows."""

MEASURES = """
() => {
  const complaints = [];
  const say = (what, element) => complaints.push(`${what}: <${element.tagName.toLowerCase()} class="${element.className}"> `
    + element.textContent.trim().slice(0, 40));
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) complaints.push(`${document.documentElement.scrollWidth} pixels wide`);
  const column = document.querySelector('.column').getBoundingClientRect();
  if (column.width > 600 || Math.abs(column.left - (width - column.right)) > 1) complaints.push('no column in the middle');
  const small = '.standfirst, .line h2, .map, .source, .unreviewed, .foot';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    if (!walker.currentNode.data.trim() || element.closest('.preheader')) continue;
    const size = parseFloat(style.fontSize), line = parseFloat(style.lineHeight);
    if (size < (element.closest(small) || element.closest('code, pre') ? 16 : 17)) say(`${size} pixels`, element);
    if (!/^H[12]$/.test(element.tagName) && !element.closest('h1, h2') && line / size < 1.49) say('lines too close', element);
  }
  for (const link of document.querySelectorAll('.links a, .action a, .tall'))
    if (link.getClientRects()[0].height < 44) say('hard to hit', link);
  return complaints;
}
"""

CONTRAST = """
inverted => {
  const light = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
  const rgb = colour => colour.match(/[\\d.]+/g).map(Number);
  const seen = colour => rgb(colour).slice(0, 3).map(c => inverted ? 255 - c : c);
  const bright = colour => { const [r, g, b] = seen(colour); return 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b) };
  const own = element => getComputedStyle(element).backgroundColor;
  const ground = element => !element ? 'rgb(255, 255, 255)'
    : rgb(own(element))[3] === 0 ? ground(element.parentElement) : own(element);
  const ratio = (one, other) => {
    const [a, b] = [bright(one), bright(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('.preheader')) continue;
    const value = ratio(getComputedStyle(element).color, ground(element));
    if (value < 7) found.push(`${value.toFixed(1)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  // Where this letter is, on the map, shows without colour too: it is the one dark spot among pale ones.
  for (const here of document.querySelectorAll('.stop-here, .bead-here')) {
    const value = ratio(own(here), ground(here.parentElement));
    if (value < 4.5) found.push(`${value.toFixed(1)}: ${here.className}`);
  }
  return found;
}
"""

GREATEST = """
() => {
  const brightness = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3;
  return [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('h1')).color].map(brightness);
}
"""


def the_map() -> list[tuple[int, str, str]]:
    """Return the map as it stands in the first letter of the second phase."""
    places = ("Behind you", "You are here", "Still to come", "Still to come")
    return [
        (number, phase.title, place)
        for number, (phase, place) in enumerate(zip(Shelf().course().course.phases, places, strict=True), start=1)
    ]


def bare(html: str) -> str:
    """Return *html* as a client shows it that drops all styles."""
    return re.sub(r'\sstyle="[^"]*"', "", without_blocks(html))


def without_blocks(html: str) -> str:
    """Return *html* as a client shows it that drops style blocks."""
    return re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)


def large(html: str) -> str:
    """Return *html* as a phone shows it whose type is set to twice the size."""
    return re.sub(r"(font-size|line-height): ?(\d+)px", lambda found: f"{found[1]}: {2 * int(found[2])}px", html)


def as_it_is(html: str) -> str:
    """Return *html*."""
    return html


def complaints(page: Page, change: Callable[[str], str], script: str, argument: object = None) -> dict[str, Any]:
    """Return what *script* finds in each letter after a *change*, at the size and in the scheme that *page* has now."""
    found = {}
    for name, html in {**{name: letter.html for name, letter in every_letter().items()}, "sample": sample_letter()}.items():
        page.set_content(change(html))
        found[name] = page.evaluate(script, argument)
    return {name: said for name, said in found.items() if said}


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_is_large_enough(page: Page, width: int) -> None:
    """No line runs over, the column is 600 pixels or less, words 17 (notes 16) and well spaced, links that stand alone 44."""
    page.set_viewport_size({"width": width, "height": 800})
    assert {} == complaints(page, as_it_is, MEASURES)


def test_large_type_fits_a_phone(page: Page) -> None:
    """With type of twice the size on a phone 320 pixels wide nothing scrolls sideways."""
    page.set_viewport_size({"width": 320, "height": 800})
    assert {} == complaints(page, large, MEASURES)


def test_it_fits_where_styles_are_not_understood(page: Page) -> None:
    """Bare of all styles, or of the block and of the breaking of long words, a letter fits a phone as well."""
    page.set_viewport_size({"width": 320, "height": 800})
    wide = "() => document.documentElement.scrollWidth > 320 ? [document.documentElement.scrollWidth] : []"
    for change in (bare, lambda html: without_blocks(html).replace("overflow-wrap: break-word", "")):
        assert {"sample"} >= set(complaints(page, change, wide))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_easy_on_the_eyes(page: Page, scheme: str) -> None:
    """In both schemes text has a contrast of 7:1 or more on a ground that is neither white nor black."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    assert {} == complaints(page, as_it_is, CONTRAST, argument=False)
    ground, ink = page.evaluate(GREATEST)
    assert (16 < ground < 48 and 200 < ink < 240) if scheme == "dark" else (235 < ground < 252 and 24 < ink < 60)


@pytest.mark.parametrize("inverted", [False, True])
def test_a_client_that_ignores_the_block_is_readable(page: Page, inverted: bool) -> None:  # noqa: FBT001
    """Without the style block a letter keeps its light colours in the dark, and turned round it keeps its contrast."""
    page.emulate_media(color_scheme="dark")
    assert {} == complaints(page, without_blocks, CONTRAST, argument=inverted)


def test_without_styles_it_reads_from_top_to_bottom(page: Page) -> None:
    """Bare of all styles a letter is headings, paragraphs and lists in order, and the map says in words where she is."""
    page.set_content(bare(every_letter()["sleep-anchor"].html))
    words = re.sub(r"\s+", " ", page.locator("body").inner_text())
    assert [
        page.locator("h1").inner_text(),
        *("In one line", "This week's practice", "On a hard day", "You can stop here", "The idea", "How sure are we?"),
        *("Take care", "On the map", "Source"),
    ] == page.locator("h1, h2, h3").all_inner_texts()
    drawn = " ".join(f"{number} {title} {where}" for number, title, where in the_map())
    assert f"On the map {drawn} Phase 2 of 4: {the_map()[1][1]}. Letter 4 of" in words
    assert ["Pause", "Change day or pace", "Rough patch?", "When to get care", "All my letters", "Unsubscribe"] == [
        *page.locator("ul").last.locator("a").all_inner_texts()
    ]


def test_the_text_part_has_the_map_too() -> None:
    """The text part names the four phases and says where she is."""
    drawn = "\n".join(f"{number}. {title} ({where.lower()})" for number, title, where in the_map())
    assert f"\nOn the map\n\n{drawn}\n\nPhase 2 of 4: {the_map()[1][1]}." in every_letter()["sleep-anchor"].text


def test_headings_and_languages_are_real(page: Page) -> None:
    """One h1, no level skipped, and the language and direction stand on html and on the first element of the body."""
    for name, letter in every_letter().items():
        page.set_content(letter.html)
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(h => Number(h.tagName[1]))")
        assert [1] == [level for level in levels if level == 1], name
        assert [] == [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1], name
        marked = "[document.documentElement, document.body.firstElementChild].map(e => [e.lang, e.dir])"
        assert [["en", "ltr"], ["en", "ltr"]] == page.evaluate(marked), name


def test_a_language_from_right_to_left_is_drawn_from_the_right(page: Page) -> None:
    """In Hebrew the margins of lists, the mark of the hard day and the line of the map stand on the right."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.emulate_media(color_scheme="light")
    page.set_content(sample_letter("he"))
    assert [] == page.evaluate(MEASURES)
    assert [["he", "rtl"], ["he", "rtl"]] == page.evaluate(
        "[document.documentElement, document.body.firstElementChild].map(e => [e.lang, e.dir])"
    )
    sides = {".hard-day-box": ("borderRightWidth", "borderLeftWidth"), "ol": ("paddingRight", "paddingLeft")}
    sides[".road-ahead"] = ("borderLeftWidth", "borderRightWidth")
    for element, (here, there) in sides.items():
        script = f"e => [getComputedStyle(e).{here}, getComputedStyle(e).{there}].map(parseFloat)"
        marked, unmarked = page.locator(element).first.evaluate(script)
        assert marked > unmarked == 0, element


def test_it_is_small_and_its_colours_are_old() -> None:
    """A letter has less than 80 kB of HTML and 16 kB of style blocks, and its colours are six hexadecimal digits."""
    for name, letter in every_letter().items():
        assert len(letter.html.encode()) < 80_000, name
        blocks = re.findall(r"<style.*?</style>", letter.html, flags=re.DOTALL)
        assert len("".join(blocks).encode()) < 16_000, name
        styles = " ".join([*blocks, *re.findall(r'style="([^"]*)"', letter.html)])
        assert not re.search(r"\b(rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix|var|calc|min|max|clamp)\(", styles), name
        assert {7} == {len(colour) for colour in re.findall(r"#[0-9A-Za-z]+", styles)}, name
