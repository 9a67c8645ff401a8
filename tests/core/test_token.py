"""Links: one purpose each, unforgeable, and old ones live when the keys rotate."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from drip.core.token import CHANGE, CONFIRM, CONFIRM_DAYS, FORM, LEAVE, MY, OWN, Tokens

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
TOKENS = Tokens(["first-key-of-drip"])
IDS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-", min_size=1, max_size=24)


@given(IDS, st.sampled_from([MY, LEAVE]))
def test_a_token_is_read_back(public_id: str, purpose: str) -> None:
    """What was signed for a purpose is read for it."""
    assert public_id == TOKENS.read(purpose, TOKENS.sign(purpose, public_id))


@given(IDS, st.sampled_from([MY, LEAVE]))
def test_a_token_is_what_its_signer_makes(public_id: str, purpose: str) -> None:
    """The quick way gives the same bytes, so links from before it live on."""
    slow = Signer(["old-key", "first-key-of-drip"], salt=f"drip.{purpose}", key_derivation="hmac", digest_method=hashlib.sha256)
    assert slow.sign(public_id).decode() == TOKENS.sign(purpose, public_id)


@given(IDS)
def test_a_token_has_one_purpose(public_id: str) -> None:
    """The link to her page does not unsubscribe, and a confirmation opens no page."""
    assert None is TOKENS.read(LEAVE, TOKENS.sign(MY, public_id))
    assert None is TOKENS.read(MY, TOKENS.sign(LEAVE, public_id))
    assert None is TOKENS.read(MY, TOKENS.sign_dated(CONFIRM, public_id, now=NOW))
    assert None is TOKENS.read_dated(CONFIRM, TOKENS.sign(MY, public_id), now=NOW, days=1)


@given(IDS, st.integers(0, 200), st.characters())
def test_a_changed_token_is_nobodys(public_id: str, place: int, letter: str) -> None:
    """One other character, or one less, and it is not read."""
    token = TOKENS.sign(MY, public_id)
    place %= len(token)
    if token[place] != letter and place < len(token) - 1:
        # The very last character of base64 holds bits that do not count.
        assert None is TOKENS.read(MY, token[:place] + letter + token[place + 1 :])
    assert None is TOKENS.read(MY, token[:place])


@given(st.text())
def test_anything_at_all_may_be_asked(text: str) -> None:
    """No text makes reading raise."""
    assert None is TOKENS.read(MY, text)
    assert None is TOKENS.read_dated(CONFIRM, text, now=NOW, days=1)


def test_keys_rotate_and_old_links_live() -> None:
    """A new key signs; the old one is still read, until it is taken out."""
    old = TOKENS.sign(MY, "ada")
    rotated = Tokens(["first-key-of-drip", "second-key-of-drip"])
    assert "ada" == rotated.read(MY, old)
    assert None is TOKENS.read(MY, rotated.sign(MY, "ada"))
    assert None is Tokens(["second-key-of-drip"]).read(MY, old)


@pytest.mark.parametrize("purpose", [CONFIRM, OWN, CHANGE])
def test_dated_links_outlive_a_rotation_too(purpose: str) -> None:
    """Whoever was asked, or mailed a fresh link, just before the keys rotated still gets in; and by that purpose alone."""
    old = TOKENS.sign_dated(purpose, "ada", now=NOW)
    rotated = Tokens(["first-key-of-drip", "second-key-of-drip"])
    assert ("ada", False) == rotated.read_dated(purpose, old, now=NOW, days=1)
    assert None is Tokens(["second-key-of-drip"]).read_dated(purpose, old, now=NOW, days=1)
    for other in {CONFIRM, OWN, CHANGE} - {purpose}:
        assert None is rotated.read_dated(other, old, now=NOW, days=1)
    for lasting in (MY, LEAVE):
        assert None is rotated.read(lasting, old)
        assert None is rotated.read_dated(purpose, rotated.sign(lasting, "ada"), now=NOW, days=1)


@pytest.mark.parametrize(("age", "is_old"), [(0, False), (29.9, False), (30, True), (3000, True)])
def test_a_dated_token_grows_old(age: float, is_old: bool) -> None:  # noqa: FBT001 - the expected value
    """A confirmation link lives thirty days; an older one is still known as ours."""
    token = TOKENS.sign_dated(CONFIRM, "ada", now=NOW)
    assert ("ada", is_old) == TOKENS.read_dated(CONFIRM, token, now=NOW + timedelta(days=age), days=CONFIRM_DAYS)


def test_without_a_key_there_are_no_links() -> None:
    """A forgotten setting is no empty key."""
    with pytest.raises(ValueError, match="key"):
        Tokens([])


def test_a_dated_token_tells_its_age() -> None:
    """To the second in which it was made; one for another purpose tells nothing."""
    token = TOKENS.sign_dated(FORM, "words", now=NOW)
    assert ("words", timedelta(seconds=5)) == TOKENS.read_aged(FORM, token, now=NOW + timedelta(seconds=5))
    assert None is TOKENS.read_aged(CONFIRM, token, now=NOW)
