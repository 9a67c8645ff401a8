"""Countries by their two capitals (ISO 3166-1), named as a person would say them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from drip.core.problem import did_you_mean

# The list that comes with the time zones keeps names short for a menu; in a sentence these read better.
_NAMES = {
    "AS": "American Samoa",
    "BQ": "Caribbean Netherlands",
    "CD": "Democratic Republic of the Congo",
    "CF": "Central African Republic",
    "CG": "Republic of the Congo",
    "GB": "United Kingdom",
    "KP": "North Korea",
    "KR": "South Korea",
    "MF": "St Martin",
    "MM": "Myanmar",
    "SX": "Sint Maarten",
    "SZ": "Eswatini",
    "TC": "Turks & Caicos Islands",
    "TF": "French Southern Territories",
    "VC": "St Vincent & the Grenadines",
    "VG": "British Virgin Islands",
    "VI": "US Virgin Islands",
    "WS": "Samoa",
}
_WITH_THE = frozenset(
    "AE BQ BS CC CD CF CG CK CZ DO FK FO GB GM IM IO KM KY MH MP MV NL PH SB SC TC TF UM US VG VI".split()  # noqa: SIM905
)
_OTHER_WORDS = {"UK": "GB", "BRITAIN": "GB", "GREAT BRITAIN": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB", "USA": "US"}


@cache
def country_names() -> Mapping[str, str]:
    """Return every country's name by its two capitals."""
    lines = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {code: _NAMES.get(code, name) for code, name in pairs}


def country_name(code: str) -> str:
    """Return the name of a country, such as `United Kingdom`; its capitals where there is none."""
    return country_names().get(code, code)


def country_in_words(code: str) -> str:
    """Return a country as a sentence names it, such as `the United Kingdom`."""
    return f"the {country_name(code)}" if code in _WITH_THE else country_name(code)


def country_hint(text: str) -> str:
    """Return the remedy for what is no country's two capitals: the ones that were perhaps meant, or an example."""
    word = text.strip().upper()
    by_name = {name.upper(): code for code, name in country_names().items()} | _OTHER_WORDS
    found = word if word in country_names() else by_name.get(word)
    if found:
        return f"did you mean {found}?"
    near = did_you_mean(word, by_name).removeprefix("did you mean ").removesuffix("?")
    return f"did you mean {by_name[near]}?" if near and len(word) > 3 else "write two capitals, such as GB"
