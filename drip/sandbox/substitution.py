"""SendGrid's substitution: plain replacement of tags, none inside another's value."""

from __future__ import annotations

import re
from collections.abc import Mapping


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with each tag replaced by its raw value, in one pass: a tag inside a value stays as it is.

    Where one tag begins like another the longer one wins.
    """
    present = [tag for tag in values if tag in text]
    if not present:
        return text
    tags = "|".join(re.escape(tag) for tag in sorted(present, key=len, reverse=True))
    return re.sub(tags, lambda found: values[found.group()], text)
