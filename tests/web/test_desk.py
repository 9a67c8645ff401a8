"""How pages say an address: masked, in one piece, and never as markup."""

from __future__ import annotations

import pytest

from drip.web.desk import plainly, whole


def test_a_masked_address_is_one_piece() -> None:
    """It stands in an element that does not break after its dots."""
    assert '<span class="whole">s…@example.net</span>' == whole("s…@example.net")


def test_markup_in_an_address_is_words() -> None:
    """What a mailbox is called cannot end the element."""
    assert "<b>" not in whole("<b>…@example.net")


@pytest.mark.parametrize("words", ["a note about ada@example.net and more", "Tuesday 3 March 2026", "", "yes"])
def test_other_words_stand_as_they_are(words: str) -> None:
    """Only what is an address and nothing else is masked."""
    assert words == plainly(words)


def test_an_address_alone_is_masked() -> None:
    """In one piece, too."""
    assert whole("a…@example.net") == plainly("ada@example.net")
