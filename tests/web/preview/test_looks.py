"""A letter in a frame: the bytes that are mailed, but for the colour scheme, the links and what the frame needs."""

from __future__ import annotations

import re

import pytest

from drip.core.reader import SAMPLES, Reader
from drip.web.preview.looks import LOOKS, NO, WAYS, YES, Look, framed, way_of
from drip.web.preview.snapshot import ADDRESS
from tests.web.preview.conftest import Desk

FRAME = '<base target="_blank"><style>html { scrollbar-width: none; }</style>'


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_else_of_a_letter_is_touched(desk: Desk, look: Look) -> None:
    """Put back what a look replaces, and the mailed bytes are there again."""
    rendered = desk.sight().rendered
    assert rendered is not None
    shown = framed(rendered.html, look)
    assert 1 == shown.count(FRAME)
    answer = YES if look == "dark" else NO
    assert answer in shown
    mailed = iter(re.findall(rf'href="{ADDRESS}[^"]*"', rendered.html))
    back = re.sub(r'href="/pressed/[a-z]+"', lambda _: next(mailed), shown.replace(FRAME, ""))
    back = back.replace(answer, "(prefers-color-scheme: dark)")
    assert rendered.html == re.sub(rf"(color-scheme(?:: |s?\" content=\")){look}(?=[;\"])", r"\1light dark", back)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("reader", SAMPLES, ids=lambda reader: reader.key)
def test_no_link_leads_to_a_page_of_hers(desk: Desk, reader: Reader, look: Look) -> None:
    """Every link with an address of ours opens the page that does nothing, in both lengths."""
    for full in (True, False):
        rendered = desk.sight(reader, full=full).rendered
        assert rendered is not None
        shown = framed(rendered.html, look)
        assert ADDRESS not in shown
        assert {"pause", "settings", "rough", "care", "page", "leave"} <= set(re.findall(r'href="/pressed/([a-z]+)"', shown))


def test_only_style_blocks_are_asked_for_colours() -> None:
    """Words of a letter that speak of colour schemes stay as they are; a question in company keeps its company."""
    html = (
        "<html><head><style>@media screen and (prefers-color-scheme:dark) and (max-width: 9px) { a { color: red } }"
        " @media (prefers-color-scheme: light) { b { color: blue } } p { -x-color-scheme: y }</style></head>"
        "<p>(prefers-color-scheme: dark) and color-scheme: light dark</p></html>"
    )
    shown = framed(html, "dark")
    assert f"@media screen and {YES} and (max-width: 9px)" in shown
    assert f"@media {NO} {{ b" in shown
    assert "-x-color-scheme: y" in shown
    assert "<p>(prefers-color-scheme: dark) and color-scheme: light dark</p>" in shown


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/my/m.x", "page"),
        ("/my/m.x/pause", "pause"),
        ("/my/m.x/letters/settle", "letter"),
        ("/my/m.x/unheard-of", "page"),
        ("/leave/l.x", "leave"),
        ("/care", "care"),
        ("/confirm/s.x", "confirm"),
        ("/", "page"),
    ],
)
def test_each_link_says_what_it_is_for(path: str, way: str) -> None:
    """The page behind a pressed link names where the real one leads."""
    assert way == way_of(path)
    assert way in WAYS
