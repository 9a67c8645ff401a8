"""Letters that many people did not ask for just now: so many an hour, and none of them at night."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drip.core.schedule import Allow

HOUR = timedelta(hours=1)


class Spread:
    """Gives out moments from *now* on: at most *per_hour* in any hour (None: no limit), within what *allow* calls day."""

    def __init__(self, allow: Allow, *, per_hour: int | None, now: datetime, taken: Iterable[datetime] = ()) -> None:
        """Keep the bounds; *taken* are moments that letters of an earlier import wait for."""
        self._allow = allow
        self._per_hour = per_hour
        self._now = now
        self._counts: Counter[int] = Counter(max(0, (moment - now) // HOUR) for moment in taken)
        self._next: dict[str, int] = {}

    def moment(self, zone: ZoneInfo) -> datetime:
        """Return the next free moment that is by day in *zone*, and take it."""
        hour = self._next.get(zone.key, 0)
        while True:
            moment = self._free(hour)
            if moment is not None and self._allow.opens <= moment.astimezone(zone).time() < self._allow.closes:
                self._counts[hour] += 1
                self._next[zone.key] = hour
                return moment
            hour += 1

    def _free(self, hour: int) -> datetime | None:
        """Return the next moment of an hour, counted from now; None when it is full."""
        begins = self._now + hour * HOUR
        if self._per_hour is None:
            return begins
        if self._counts[hour] >= self._per_hour:
            return None
        return begins + HOUR * self._counts[hour] / self._per_hour
