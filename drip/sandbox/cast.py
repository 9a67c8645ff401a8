"""The people of the demo: a dozen in different zones, paces and moods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

COURSE_DAYS = 115
CHANGING = ("America/New_York", "Europe/London", "Australia/Sydney", "America/Santiago")
"""Zones that change their clocks at different times of the year: one of them does so during any four months."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One person of the demo; *after* letters she does *what*, by a link that she finds in a letter."""

    name: str
    zone: str
    address: str = ""
    pace: int = 1
    short: bool = False
    send_at: str | None = None
    confirmed: bool = True
    what: str = ""
    after: int = 0
    note: str = ""

    @property
    def mailbox(self) -> str:
        """Her address."""
        return self.address or f"{self.name.lower()}@example.net"


def clock_change(zone: str, begins: datetime, days: int) -> datetime | None:
    """Return the first instant within *days* after *begins* at which the clocks of *zone* change; None when they do not."""
    place = ZoneInfo(zone)
    for hours in range(1, days * 24):
        now, before = begins + timedelta(hours=hours), begins + timedelta(hours=hours - 1)
        if now.astimezone(place).utcoffset() != before.astimezone(place).utcoffset():
            return now
    return None


def cast(begins: datetime) -> list[Guest]:
    """Return a dozen people who join at *begins*; one of them lives through a clock change."""
    changing = next((zone for zone in CHANGING if clock_change(zone, begins, COURSE_DAYS)), CHANGING[0])
    change = clock_change(changing, begins, COURSE_DAYS)
    note = f"clocks change on {change.astimezone(ZoneInfo(changing)):%-d %B}" if change else ""
    return [
        Guest("Ada", "Europe/London"),
        Guest("Bo", changing, note=note),
        Guest("Chi", "Asia/Tokyo", short=True, note="short letters"),
        Guest("Dana", "Europe/Berlin", what="pause", after=4, note="pauses two weeks"),
        Guest("Eli", "America/Los_Angeles", what="leave", after=6, note="leaves"),
        Guest("Fay", "Europe/London", address="bounce.fay@example.net", note="mailbox is gone"),
        Guest("Gus", "Australia/Sydney", what="day", after=3, note="chooses Thursdays"),
        Guest("Hana", "Asia/Tokyo", what="confirm", confirmed=False, note="confirms by letter"),
        Guest("Iris", "Pacific/Auckland", pace=2, note="every two weeks"),
        Guest("Jon", "America/Sao_Paulo", pace=2, note="every two weeks"),
        Guest("Kim", "Asia/Kolkata", send_at="18:30", note="at half past six"),
        Guest("Lou", "Europe/London", what="rough", after=8, note="holds a letter a week"),
    ]
