"""Names and passwords of operators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.operator import PASSWORD_MAX, PASSWORD_MIN, login_name, normal_password, why_no_password


@given(st.text(max_size=60))
def test_a_name_has_one_spelling(text: str) -> None:
    """What is taken is taken again as it is, in lower case, and holds nothing that would need quoting anywhere."""
    try:
        name = login_name(text)
    except ValueError:
        return
    assert name == login_name(name) == login_name(f" {name.upper()} ")
    assert name.isascii()
    assert 1 <= len(name) <= 40
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@pytest.mark.parametrize(
    "text", ["kim@example.net", "", ".", "-kim", "kim.", "k i m", "ki\u0301m", "x" * 41, "kim\n@", "\u212aim", "İm"]
)
def test_what_is_no_name(text: str) -> None:
    """An address above all: none is ever stored."""
    with pytest.raises(ValueError, match="a name has 1 to 40 letters"):
        login_name(text)


def test_the_length_of_a_password_is_all_that_counts() -> None:
    """Counted as it is kept, whatever keyboard wrote it."""
    assert "" == why_no_password("x" * PASSWORD_MIN) == why_no_password("ä" * PASSWORD_MAX)
    assert "at least 12" in why_no_password("x" * (PASSWORD_MIN - 1))
    assert "at least 12" in why_no_password("a\u0308" * (PASSWORD_MIN - 1))
    assert "at most 500" in why_no_password("x" * (PASSWORD_MAX + 1))
    assert normal_password("a\u0308") == normal_password("ä")
