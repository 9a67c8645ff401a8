"""What cells of other tools' tables say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drip.core.cell import instant_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2025-01-02", datetime(2025, 1, 2, tzinfo=UTC)),
        ("2025-01-02 03:04:05", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02 03:04:05 UTC", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02 03:04:05 +0200", datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)),
        # As Go prints it, and so listmonk's export; the zone may have no name, and zeros at the end are left out.
        ("2025-01-02 03:04:05.12345 +0000 UTC", datetime(2025, 1, 2, 3, 4, 5, 123_450, tzinfo=UTC)),
        ("2025-01-02 03:04:05 -0500 EST", datetime(2025, 1, 2, 8, 4, 5, tzinfo=UTC)),
        ("2025-01-02 03:04:05.5 +0100 +0100", datetime(2025, 1, 2, 2, 4, 5, 500_000, tzinfo=UTC)),
        ("01/02/2025", None),
        ("2.1.2025", None),
        ("20250102", None),
        ("1735786800", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
    ],
)
def test_a_date_is_read_where_it_can_be_read_one_way_only(text: str, found: datetime | None) -> None:
    """Slashes and bare numbers are not guessed at."""
    assert found == instant_of(text)
