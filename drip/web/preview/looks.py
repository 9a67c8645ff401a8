"""A letter in a frame: the bytes that are mailed, but for what a frame needs.

A page cannot tell a frame that the night has come, nor may it follow whether the writer's own desk is dark. So the light
and the dark look are made here: in the letter's style blocks, each question for the colour scheme is replaced by one that
is always answered yes, or always no. Nothing else about colours is touched: what the dark look shows is what the letter's
own dark styles ask for.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Literal, get_args

from drip.web.preview.snapshot import ADDRESS

Look = Literal["light", "dark"]
LOOKS: tuple[Look, ...] = get_args(Look)

YES, NO = "(min-width: 0)", "(max-width: 0)"

PRESSED = "/pressed"
"""Where the links of a previewed letter lead: to a page that says what each is for, and does nothing."""

_STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.IGNORECASE | re.DOTALL)
_ASKS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![\w-])color-scheme\s*:\s*[^;}\"]*", re.IGNORECASE)
_ROOT = re.compile(r"<html\b[^>]*>", re.IGNORECASE)
_META = re.compile(r'(<meta name="(?:supported-)?color-schemes?" content=")[^"]*(">)')
_HEAD = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)
_LINK = re.compile(rf'href="{re.escape(ADDRESS)}(/[^"]*)"')

# A phone lays its scrollbar over the page; a desk's would take its width from the letter.
_FRAME = '<base target="_blank"><style>html { scrollbar-width: none; }</style>'

WAYS = {
    "page": "her page, with all letters so far",
    "pause": "the page where she pauses her letters",
    "settings": "the page where she changes day, hour, pace and length",
    "rough": "the kit for rough days",
    "after": "the page for what comes after the course",
    "care": "the page When to get care",
    "letter": "this letter in full, on her page",
    "leave": "the page where she stops the letters with one press",
    "own": "her page, opened afresh",
    "confirm": "the page whose button confirms that she wants the letters",
    "change": "the page whose button moves her letters to the new address",
}
"""What each link of a letter is for, in words that follow *leads to*."""


def framed(html: str, look: Look) -> str:
    """Return a mailed letter as it stands in a frame in one *look*; its links open pages that do nothing."""

    def style(found: re.Match[str]) -> str:
        css = _ASKS.sub(lambda asked: YES if asked[1].lower() == look else NO, found[2])
        return f"{found[1]}{_SCHEME.sub(f'color-scheme: {look}', css)}{found[3]}"

    html = _META.sub(rf"\g<1>{look}\g<2>", _STYLE.sub(style, html))
    html = _ROOT.sub(lambda root: _SCHEME.sub(f"color-scheme: {look}", root[0]), html, count=1)
    html = _LINK.sub(lambda found: f'href="{PRESSED}/{way_of(unescape(found[1]))}"', html)
    head = _HEAD.search(html)
    end = head.end() if head else 0
    return html[:end] + _FRAME + html[end:]


def way_of(path: str) -> str:
    """Return the name of the way that a link's *path* leads, as in `WAYS`."""
    match path.strip("/").split("/"):
        case ["my", _]:
            return "page"
        case ["my", _, "letters", *_]:
            return "letter"
        case ["my", _, name, *_] | [name, *_] if name in WAYS:
            return name
    return "page"
