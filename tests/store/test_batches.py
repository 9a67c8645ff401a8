"""Batches: what never goes in one request."""

from __future__ import annotations

from typing import Any

from drip.store import batches
from drip.store.deliveries import Member

FACTS: dict[str, Any] = {
    "course": "small",
    "letter": "hello",
    "version_id": 1,
    "short": False,
    "resumed": False,
    "kind": "lesson",
    "country": "",
}


def test_countries_with_a_helpline_never_share_a_batch() -> None:
    """A batch has one text, so a line of one country can never reach somebody in another, however the batch is made."""
    countries = ["GB", "", "NL", "GB", ""]
    members = [
        Member(id=one, subscriber_id=one, claims=0, **{**FACTS, "country": country}) for one, country in enumerate(countries)
    ]

    grouped = batches.group(members, 10)
    cut = batches.cut([({**FACTS, "country": country}, [one]) for one, country in enumerate(countries)], 10)

    assert [[0, 3], [1, 4], [2]] == [[member.id for member in batch] for batch in grouped]
    assert 3 == len({facts["batch_id"] for facts, _ in cut})
    assert all(
        len({facts["country"] for facts, _ in cut if facts["batch_id"] == one}) == 1 for one in {f["batch_id"] for f, _ in cut}
    )
