"""Links: what older keys signed stays good, and nothing else passes."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from drip.core.token import LEAVE, MY, Tokens

OLD, NEW = "the-old-key-of-links", "the-new-key-of-links"
IDS = st.text(st.sampled_from("abcXYZ019-_"), min_size=1, max_size=24)


@given(IDS)
def test_a_token_is_what_any_signer_of_this_kind_makes(public_id: str) -> None:
    """Keeping the derived key changes no link."""
    signer = Signer([OLD, NEW], salt="drip.my", key_derivation="hmac", digest_method=hashlib.sha256)
    tokens = Tokens([OLD, NEW])
    assert signer.sign(public_id).decode() == tokens.sign(MY, public_id)
    # The derived keys are kept; a second token is as good as the first.
    assert signer.sign(public_id).decode() == tokens.sign(MY, public_id)


@given(IDS)
def test_a_link_of_an_older_key_lives_on_and_one_of_another_purpose_does_not(public_id: str) -> None:
    """Keys rotate while old links live."""
    old, rotated, foreign = Tokens([OLD]), Tokens([OLD, NEW]), Tokens(["a-key-of-somebody-else"])
    assert public_id == rotated.read(MY, old.sign(MY, public_id))
    assert public_id == rotated.read(MY, rotated.sign(MY, public_id))
    assert None is old.read(MY, rotated.sign(MY, public_id))
    assert None is rotated.read(LEAVE, rotated.sign(MY, public_id))
    assert None is rotated.read(MY, foreign.sign(MY, public_id))
