"""Fixed words that name a way somewhere lead there: a bare domain is a link, a number to call can be tapped.

The words stay as they are, to the letter: whoever is in a bad hour should have nothing to copy, and a clinician has agreed
to the words alone.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from markdown_it.token import Token

WAY = "way"
"""The mark (`info`) of a link that was made here: its words are the whole of it, so the text part says nothing more."""

_DOMAIN = re.compile(r"(?<![\w@/.-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|info|int|net|org)(?![\w@/-]|\.\w)")


def with_ways(tokens: Sequence[Token], numbers: Mapping[str, str] | None = None) -> list[Token]:
    """Return *tokens* with links where they name a domain, or one of *numbers*: what is read, and what a telephone takes."""
    targets = {words: f"tel:{number}" for words, number in (numbers or {}).items() if number}
    named = "|".join(re.escape(words) for words in sorted(targets, key=len, reverse=True))
    found = re.compile(f"{named}|{_DOMAIN.pattern}" if named else _DOMAIN.pattern)
    return [_linked(token, found, lambda words: targets.get(words, f"https://{words}")) for token in tokens]


def _linked(token: Token, found: re.Pattern[str], target: Callable[[str], str]) -> Token:
    if not token.children or any(child.type == "link_open" for child in token.children):
        return token
    changed = copy.copy(token)
    changed.children = [
        piece for child in token.children for piece in (_pieces(child, found, target) if child.type == "text" else [child])
    ]
    return changed


def _pieces(text: Token, found: re.Pattern[str], target: Callable[[str], str]) -> Iterator[Token]:
    position = 0
    for match in found.finditer(text.content):
        yield _text(text.content[position : match.start()])
        yield Token("link_open", "a", 1, attrs={"href": target(match[0])}, info=WAY)
        yield _text(match[0])
        yield Token("link_close", "a", -1, info=WAY)
        position = match.end()
    yield _text(text.content[position:])


def _text(words: str) -> Token:
    return Token("text", "", 0, content=words)
