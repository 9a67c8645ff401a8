"""References: which are cited, by whom, and where they are found."""

from __future__ import annotations

import pytest

from drip.core.reference import cited, refs_of

LINES = {
    "R1": {"cite": "Long.", "short": "Short.", "how_verified": "Read."},
    "R2": {"short": "Second."},
    "R3": {"cite": "Third."},
}


def test_only_what_is_cited_is_listed_in_the_order_of_the_file() -> None:
    """Each names its letters once, in their order; the short line serves where a full citation is missing."""
    fronts: list[tuple[str, dict[str, object]]] = [
        ("welcome", {"refs": ["R2"]}),
        ("settle", {"refs": ["R1", "R2", "R2"]}),
        ("kit", {}),
    ]

    found = cited(LINES, fronts)

    assert [("R1", "Long.", "Read.", ("settle",)), ("R2", "Second.", "", ("welcome", "settle"))] == [
        (one.id, one.cite, one.checked, one.letters) for one in found
    ]


@pytest.mark.parametrize(
    ("lines", "link"),
    [
        ({"doi": "10.1001/jama.2014.3266"}, "https://doi.org/10.1001/jama.2014.3266"),
        ({"doi": "https://doi.org/10.1/a(b)<c>"}, "https://doi.org/10.1/a(b)%3Cc%3E"),
        ({"doi": "10.1/x", "url": "https://example.org/"}, "https://doi.org/10.1/x"),
        ({"url": "https://www.nice.org.uk/guidance/ng193"}, "https://www.nice.org.uk/guidance/ng193"),
        ({"url": "javascript:alert(1)"}, ""),
        ({"url": "https://example.org/ two"}, ""),
        ({}, ""),
    ],
)
def test_a_link_is_a_doi_or_an_https_address(lines: dict[str, str], link: str) -> None:
    """Anything else is no link."""
    (found,) = cited({"R1": lines}, [("a", {"refs": ["R1"]})])

    assert link == found.link


def test_what_is_no_list_cites_nothing() -> None:
    """Front matter without references, or with something else in their place, names none."""
    assert () == refs_of({}) == refs_of({"refs": "R1"}) == refs_of({"refs": None})
