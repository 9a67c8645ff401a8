"""Addresses: one spelling for one mailbox, and the keyed hash by which an erased one is still known."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

NAME_MAX = 60

ENCODED = "=?"
"""How an encoded word begins (RFC 2047): in a header it would be read as what it encodes, line breaks and all."""


def normal_address(text: str) -> str:
    """Return the one spelling of an address: trimmed, domain in lower case.

    Raises ValueError with a sentence that does not repeat what was typed.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as fault:
        msg = f"this is not an email address: {fault}"
        raise ValueError(msg) from fault
    if ENCODED in text:
        msg = "this is not an email address: what stands before the @ reads as something else in a mail"
        raise ValueError(msg)
    if found.ascii_email is None:
        msg = "this address has letters before the @ that the provider cannot carry"
        raise ValueError(msg)
    return found.ascii_email


def address_key(address: str, suppression_key: bytes) -> str:
    """Return the keyed hash (HMAC-SHA256, hex) of an address, the same for every capitalisation and both spellings of its domain.

    Addresses are stored with their domain in ASCII; a provider may report `bücher.example` for `xn--bcher-kva.example`.
    """
    return hmac.digest(suppression_key, _in_ascii(address.strip()).lower().encode(), hashlib.sha256).hex()


def _in_ascii(address: str) -> str:
    """Return an address with its domain in ASCII; what is none of ours stays as it is."""
    if address.isascii():
        return address
    try:
        return normal_address(address)
    except ValueError:
        return address


def masked(address: str) -> str:
    """Return an address as a page shows it, such as `s…@example.org`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def clean_name(text: str) -> str:
    """Return what to call somebody: one line, no control characters, at most `NAME_MAX` characters; never split."""
    return clean_text(text, NAME_MAX)


def clean_text(text: str, length_max: int) -> str:
    """Return text from elsewhere as one line of at most so many characters, without control characters."""
    # Format characters are kept out too: an override of the writing direction would turn the rest of the line.
    kept = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in unicodedata.normalize("NFC", text)
    )
    kept = "".join(
        letter for letter in kept if unicodedata.category(letter) not in {"Cf", "Cs", "Co"} or letter in "\u200c\u200d"
    )
    return re.sub(r"\s+", " ", kept).strip()[:length_max].strip()
