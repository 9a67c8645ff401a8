"""Addresses and names: one spelling, one hash, one line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drip.core.address import NAME_MAX, address_key, clean_name, masked, normal_address

KEY = b"a-key-for-addresses"


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (" Ada@Example.ORG ", "Ada@example.org"),
        ("a+b@x.test", "a+b@x.test"),
        ("ada@bücher.example.org", "ada@xn--bcher-kva.example.org"),
    ],
)
def test_an_address_has_one_spelling(typed: str, normal: str) -> None:
    """Trimmed, and its domain in lower case and ASCII."""
    assert normal == normal_address(typed)


@pytest.mark.parametrize("typed", ["", "ada", "ada@", "@x.org", "a b@x.org", "a@x..org", "müller@x.org", "a@x.org\nbcc: b@x.org"])
def test_what_is_no_address_is_refused_without_repeating_it(typed: str) -> None:
    """The sentence may be shown on a page."""
    with pytest.raises(ValueError, match=r"address|letters") as refusal:
        normal_address(typed)
    assert len(typed) < 3 or typed not in str(refusal.value)


@given(st.emails())
def test_normal_is_normal(address: str) -> None:
    """Normalising twice changes nothing, and every capitalisation has the same hash."""
    try:
        normal = normal_address(address)
    except ValueError:
        return
    assert normal == normal_address(normal)
    assert address_key(normal, KEY) == address_key(f" {normal.upper()} ", KEY)


@pytest.mark.parametrize("spelt", ["ada@bücher.example.org", "Ada@BÜCHER.Example.org", "ada@bu\u0308cher.example.org"])
def test_a_domain_in_its_own_letters_has_the_same_hash(spelt: str) -> None:
    """Whoever re-spells an address, the provider above all, still names the same mailbox."""
    assert address_key("ada@xn--bcher-kva.example.org", KEY) == address_key(spelt, KEY)
    assert address_key("ada@bucher.example.org", KEY) != address_key(spelt, KEY)


@given(st.text(min_size=1, max_size=60))
def test_anything_has_a_hash(text: str) -> None:
    """A report may name what is no address of ours; it is hashed as it stands, and trimmed."""
    assume(not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text))
    assert address_key(f" {text} ", KEY) == address_key(text, KEY)


def test_another_key_is_another_hash() -> None:
    """Without the key a hash says nothing."""
    assert address_key("a@x.org", KEY) != address_key("a@x.org", b"another-key-entirely")


@given(st.text(max_size=200))
def test_a_name_is_one_clean_line(text: str) -> None:
    """No controls, no overrides of direction, no line breaks, not too long; cleaning twice changes nothing."""
    name = clean_name(text)
    assert len(name) <= NAME_MAX
    assert name == name.strip() == clean_name(name)
    assert not [one for one in name if unicodedata.category(one) in {"Cc", "Zl", "Zp", "Cs", "Co"}]
    assert "\u202e" not in name


@pytest.mark.parametrize("name", ["Ana María", "مريم", "O’Neill", "李小龍", "👩\u200d🦽 Ada"])
def test_a_real_name_is_kept(name: str) -> None:
    """Names are not split, and joiners stay where scripts need them."""
    assert name == clean_name(f"  {name}\n")


@given(st.text("abcdef.+", min_size=2, max_size=30), st.text("abc", min_size=1))
def test_a_masked_address_keeps_one_letter_and_the_domain(local: str, domain: str) -> None:
    """Whatever else stands before the last at sign is gone."""
    assert f"{local[0]}…@{domain}.example" == masked(f"{local}@{domain}.example")


@pytest.mark.parametrize(("address", "seen"), [("a@x.test", "a…@x.test"), ('"a@b"@x.test', '"…@x.test'), ("@x.test", "…@x.test")])
def test_odd_addresses_are_masked_too(address: str, seen: str) -> None:
    """One letter alone, a quoted at sign and nothing at all."""
    assert seen == masked(address)
