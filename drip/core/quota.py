"""The letters that any hour may have, on a virtual clock: granted one by one, and growing with the days that used them."""

from __future__ import annotations

from collections import deque
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.capacity import HOUR, moved_on

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from drip.core.capacity import Level
    from drip.core.schedule import Sending

TICK = timedelta(seconds=5)
"""How long after an hour is over the next tick comes."""


class Quota:
    """Grants letters within the moving hour, as `mail.rates` does for the engine."""

    def __init__(self, sending: Sending, level: Level | None, zone: ZoneInfo) -> None:
        """Begin where a growth stands (*level*), with the days of *zone*."""
        self.limits: dict[date, int] = {}
        self._sending = sending
        self._level = level
        self._zone = zone
        self._granted: deque[datetime] = deque()
        self._today = self._per_hour = 0
        self._day_ends: datetime | None = None
        self._told: datetime | None = None

    def has_room(self, now: datetime) -> bool:
        """Whether one more letter may go *now*."""
        while self._granted and now - self._granted[0] > HOUR:
            self._granted.popleft()
        return len(self._granted) < self._limit(now)

    def grant(self, now: datetime) -> None:
        """Count a letter that goes *now*."""
        self._granted.append(now)
        self._today += 1

    def room_at(self, now: datetime) -> datetime | None:
        """Return when the full hour has room again, once for each of them; None where that was said before."""
        if self._told is not None and self._told > now:
            return None
        self._told = self._granted[0] + HOUR + TICK
        return self._told

    def _limit(self, now: datetime) -> int:
        if self._day_ends is None or now >= self._day_ends:
            day = now.astimezone(self._zone).date()
            self._level = moved_on(day, self._sending, self._level, self._today)
            self._today, self._day_ends = 0, timing.instant(day + timedelta(days=1), time(0), self._zone)
            self.limits[day] = self._sending.per_hour if self._level is None else self._level.per_hour
            self._per_hour = self.limits[day]
        return self._per_hour
