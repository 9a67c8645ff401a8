"""The links of a letter, as somebody who reads it would find them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads, and its words."""

    text: str
    url: str


class _Finder(HTMLParser):
    """Collects the anchors of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Link] = []
        self._url: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a link."""
        if tag == "a":
            self._url = dict(attrs).get("href")
            self._words = []

    def handle_data(self, data: str) -> None:
        """Keep the words of a link."""
        if self._url is not None:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        """End a link."""
        if tag == "a" and self._url is not None:
            self.found.append(Link(" ".join("".join(self._words).split()), self._url))
            self._url = None


def links_of(html: str, text: str) -> list[Link]:
    """Return the links of the *html* part in order, or those of the *text* part when there is no HTML."""
    if not html:
        return [Link("", url) for url in _ADDRESS.findall(text)]
    finder = _Finder()
    finder.feed(html)
    finder.close()
    return finder.found
