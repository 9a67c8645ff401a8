"""Countries: two capitals each, a name for a menu and one for a sentence."""

from __future__ import annotations

import pytest

from drip.core.country import country_hint, country_in_words, country_name, country_names


def test_every_country_has_two_capitals_and_a_name_of_its_own() -> None:
    """The list that comes with the time zones is whole, and no two countries are called alike."""
    names = country_names()

    assert len(names) > 240
    assert all(len(code) == 2 and code.isupper() for code in names)
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        ("GB", "United Kingdom", "the United Kingdom"),
        ("FR", "France", "France"),
        ("NL", "Netherlands", "the Netherlands"),
        ("", "", ""),
        ("XX", "XX", "XX"),
    ],
)
def test_a_country_is_named_as_people_say_it(code: str, name: str, words: str) -> None:
    """With *the* inside a sentence where it belongs; what is no country stays as it is."""
    assert (name, words) == (country_name(code), country_in_words(code))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("gb", "did you mean GB?"),
        ("UK", "did you mean GB?"),
        ("Scotland", "did you mean GB?"),
        ("france", "did you mean FR?"),
        ("Irland", "did you mean IE?"),
        ("ZZ", "write two capitals, such as GB"),
        ("", "write two capitals, such as GB"),
    ],
)
def test_what_is_no_country_is_perhaps_one(text: str, hint: str) -> None:
    """Small letters, names and near misses lead to the capitals that were meant."""
    assert hint == country_hint(text)
