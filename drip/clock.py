"""The only module that reads a clock.

Two clocks rule drip. The *machine* clock drives leases, heartbeats, limits, backoff and the age of tokens; nothing
moves it. The *calendar* clock drives due dates, windows and pauses; in the sandbox the time machine moves it forward by
an offset that the database keeps, so that all processes see the same day. With a real provider the offset is zero.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of both clocks, taken once per request, tick or command.

    *machine* and *calendar* are aware datetimes in UTC.
    """

    machine: datetime
    calendar: datetime


def machine_now() -> datetime:
    """Return the instant the machine shows, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds on a clock that never jumps; only differences mean anything."""
    return time.monotonic()


def elapsed() -> float:
    """Return seconds on a clock that never jumps and also counts while the machine sleeps; only differences mean anything."""
    # On macOS, CLOCK_MONOTONIC itself counts through sleep.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def wait(seconds: float) -> None:
    """Sleep for *seconds* of machine time."""
    time.sleep(seconds)


def read(offset: timedelta = timedelta(0)) -> Now:
    """Return both clocks, the calendar being *offset* ahead of the machine."""
    machine = machine_now()
    return Now(machine=machine, calendar=machine + offset)
