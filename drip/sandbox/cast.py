"""The people of the demo: a dozen in different zones, paces and moods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from drip.core.wording import MONTH_NAMES

CHANGING = ("Europe/London", "America/New_York", "Australia/Sydney", "America/Santiago", "Africa/Cairo")
"""Zones that change their clocks at different times of the year. From May to August nobody does."""

SETTLED_DAYS = 14
"""By this day of the course a letter has come at the usual hour."""

WEEKLY_DAYS = 100
"""By this day of the course, read every week, a letter at the usual hour is still to come."""


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


LATE_SINCE = timedelta(days=25)
"""How long ago the last two joined when the demo stays up: they have had letters, and most are still to come."""


def clock_change(zone: str, begins: datetime, ends: datetime) -> datetime | None:
    """Return the hour between *begins* and *ends* at which the clocks of *zone* first change; None when they do not."""
    place = ZoneInfo(zone)
    day = begins
    while day < ends:
        after = min(day + timedelta(days=1), ends)
        if day.astimezone(place).utcoffset() != after.astimezone(place).utcoffset():
            hours = (day + timedelta(hours=hour) for hour in range(1, 25))
            return next(hour for hour in hours if hour.astimezone(place).utcoffset() == after.astimezone(place).utcoffset())
        day = after
    return None


def witness(begins: datetime) -> Guest:
    """Return somebody who joins at *begins* and gets letters at nine both before and after a change of her clocks."""
    first = begins + timedelta(days=SETTLED_DAYS)
    # The clocks of the world rest for months in summer; who reads every two weeks is still there when they change.
    for pace in (1, 2):
        last = begins + timedelta(days=WEEKLY_DAYS * pace)
        changes = [(change, zone) for zone in CHANGING if (change := clock_change(zone, first, last))]
        if changes:
            change, zone = min(changes)
            local = change.astimezone(ZoneInfo(zone))
            return Guest("Bo", zone, pace=pace, note=f"clocks change on {local.day} {MONTH_NAMES[local.month - 1]}")
    return Guest("Bo", CHANGING[0])


def cast(begins: datetime) -> list[Guest]:
    """Return a dozen people who join at *begins*; one of them lives through a clock change."""
    return [
        Guest("Ada", "Europe/London"),
        witness(begins),
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


LATE = (
    Guest("Mia", "Europe/London", note="joined last"),
    Guest("Noor", "America/New_York", note="joined last"),
)
"""Who joins when everybody else has finished, so that somebody is half-way while the demo stays up."""
