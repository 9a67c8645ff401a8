"""What a server said, made fit to be stored, shown and logged: no address, no key, one short line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

REASON_CHARACTERS_MAX = 300

_AT = r"(?:@|\uff20|%40|&#64;|&#x40;|&commat;)"
_ADDRESS = re.compile(rf'(?:"[^"]*"|\S*?){_AT}\S*', re.IGNORECASE)
_KEY = re.compile(r"\bSG\.[\w.-]+|\bBearer\s+\S+", re.IGNORECASE)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def scrubbed(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Return *text* as one line of at most 300 characters without *secrets*, keys, or anything that looks like an address."""
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = re.sub(re.escape(secret), "[…]", text, flags=re.IGNORECASE)
    text = _KEY.sub("[key]", _ADDRESS.sub("[address]", text))
    text = _SPACE.sub(" ", text).strip()
    # A lone surrogate cannot be stored.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= REASON_CHARACTERS_MAX else text[: REASON_CHARACTERS_MAX - 1] + "…"
