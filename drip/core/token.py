"""Signed links: one purpose each, unforgeable, with keys that rotate while old links live."""

from __future__ import annotations

import hashlib
import hmac
from binascii import b2a_base64
from typing import TYPE_CHECKING

from itsdangerous import BadData, Signer, TimestampSigner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

MY = "my"
LEAVE = "leave"
CONFIRM = "confirm"
OWN = "own"
CHANGE = "change"
FORM = "form"
"""A form for strangers: it says when the page was made, and which words stood on it."""

CONFIRM_DAYS = 30
OWN_DAYS = 1
"""How long a link mailed afresh opens what only the owner of the mailbox may do: take away, erase, move elsewhere."""
CHANGE_DAYS = 3
"""How long a new address can be confirmed."""

_MARK = "."
_MARK_LENGTH = 12

_TO_URL = bytes.maketrans(b"+/", b"-_")


def bound(public_id: str, address_key: str) -> str:
    """Return what a link says that holds for one mailbox only: whose it is, and a mark of the address it was mailed to.

    After a move the old mailbox still has yesterday's links; its mark is not that of the new address.
    """
    return f"{public_id}{_MARK}{address_key[:_MARK_LENGTH]}"


def answering(public_id: str, form: str) -> str:
    """Return what a link to confirm says: whom it asks, and which form its letter answers; '' for none."""
    return f"{public_id}{_MARK}{form}" if form else public_id


def form_in(value: str) -> str:
    """Return which form the letter of a link to confirm answers; '' when it answers none."""
    return value.partition(_MARK)[2]


def is_bound(value: str, address_key: str) -> bool:
    """Whether what a link says was made for the mailbox of this keyed address."""
    return value == bound(owner_of(value), address_key)


def owner_of(value: str) -> str:
    """Return the public id in what a link says, whatever it says besides."""
    return value.partition(_MARK)[0]


class _LinkSigner(Signer):
    """A signer that derives the key of its purpose once, and not anew for each of thousands of links."""

    def __init__(self, keys: Sequence[str], *, salt: str) -> None:
        super().__init__(list(keys), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
        self._derived: dict[str | bytes | None, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Return the key that signs; the newest one when none is named."""
        if secret_key not in self._derived:
            self._derived[secret_key] = super().derive_key(secret_key)
        return self._derived[secret_key]


class _DatedSigner(TimestampSigner):
    """A signer whose clock is an argument."""

    def __init__(self, keys: Sequence[str], *, salt: str, at: int) -> None:
        super().__init__(list(keys), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
        self._at = at

    def get_timestamp(self) -> int:
        """Return the second it was told."""
        return self._at


class Tokens:
    """Makes and reads the tokens of links; *keys* are oldest first, the last one signs."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Keep the *keys*; at least one."""
        if not keys:
            msg = "at least one key is needed to sign links"
            raise ValueError(msg)
        self._keys = tuple(keys)
        self._signers = {purpose: _LinkSigner(keys, salt=f"drip.{purpose}") for purpose in (MY, LEAVE)}
        self._begun = {
            purpose: hmac.new(signer.derive_key(), digestmod=hashlib.sha256) for purpose, signer in self._signers.items()
        }

    def sign(self, purpose: str, public_id: str) -> str:
        """Return a token that never expires, for a link of one *purpose*: what the signer that reads it would make.

        Each letter carries two. From a signature begun with the key they cost half of what the signer takes.
        """
        begun = self._begun[purpose].copy()
        begun.update(public_id.encode())
        signature = b2a_base64(begun.digest(), newline=False).translate(_TO_URL).rstrip(b"=")
        return f"{public_id}.{signature.decode()}"

    def read(self, purpose: str, token: str) -> str | None:
        """Return the public id in *token*, or None when it is forged, cut short or made for another purpose."""
        try:
            return self._signers[purpose].unsign(token).decode()
        except (BadData, UnicodeError):
            return None

    def sign_dated(self, purpose: str, public_id: str, *, now: datetime) -> str:
        """Return a token that says when it was made (machine time), for a link that grows old."""
        return _DatedSigner(self._keys, salt=f"drip.{purpose}", at=int(now.timestamp())).sign(public_id).decode()

    def read_aged(self, purpose: str, token: str, *, now: datetime) -> tuple[str, timedelta] | None:
        """Return the value in a dated *token* and how old it is; None when it is not ours."""
        signer = _DatedSigner(self._keys, salt=f"drip.{purpose}", at=int(now.timestamp()))
        try:
            value, made = signer.unsign(token, return_timestamp=True)
            return value.decode(), now - made
        except (BadData, UnicodeError, OverflowError, OSError, ValueError):
            return None

    def read_dated(self, purpose: str, token: str, *, now: datetime, days: int) -> tuple[str, bool] | None:
        """Return the public id in *token* and whether it is older than *days*; None when it is not ours."""
        found = self.read_aged(purpose, token, now=now)
        return None if found is None else (found[0], found[1].days >= days)
