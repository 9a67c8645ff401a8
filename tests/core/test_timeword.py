"""The words for times and zones: what is offered to somebody who wrote a zone that does not exist."""

from __future__ import annotations

import pytest

from drip.core.timeword import zone_hint


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("London", "did you mean Europe/London?"),
        ("new york", "did you mean America/New_York?"),
        ("Europe/Lodnon", "did you mean Europe/London?"),
        ("the moon", "write a name such as Europe/London"),
    ],
)
def test_a_city_alone_finds_its_zone(written: str, hint: str) -> None:
    """Whoever writes only a city, or mistypes the name, is told the zone; otherwise an example."""
    assert hint == zone_hint(written)
