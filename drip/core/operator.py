"""An operator: what she may be called, what she may do, and which passwords are too short."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

PASSWORD_MIN = 12
PASSWORD_MAX = 500
"""Longer ones are nobody's; hashing them would only cost time."""

# Before it is put into lower case: there are signs of other alphabets whose lower case is a plain letter.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?")


class Permission(StrEnum):
    """What an operator may do; stored as a plain string."""

    LOOK = "look"
    SEND = "send"


def login_name(text: str) -> str:
    """Return the one spelling of a login name; raises ValueError with a sentence for what is none."""
    name = text.strip()
    if _NAME.fullmatch(name) is None:
        raise ValueError("a name has 1 to 40 letters a to z, digits, dots, dashes or underscores, such as: kim")
    return name.lower()


def normal_password(text: str) -> str:
    """Return the one spelling of a password, whatever keyboard it was typed on."""
    return unicodedata.normalize("NFC", text)


def why_no_password(text: str) -> str:
    """Return why a password is not taken, as a sentence; '' when it is."""
    length = len(normal_password(text))
    if length < PASSWORD_MIN:
        return f"a password has at least {PASSWORD_MIN} characters; four words in a row are easy to keep"
    return f"a password has at most {PASSWORD_MAX} characters" if length > PASSWORD_MAX else ""
