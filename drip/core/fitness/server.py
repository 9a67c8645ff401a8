"""What the database, Redis and the clocks look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from drip.core.finding import Finding, Level, fine, look, unknown, wrong

DATABASE, REDIS, CLOCK = "Database", "Redis", "Clock"

ROOM_LOOK, ROOM_WRONG = 2 * 1024**3, 200 * 1024**2
LOG_LOOK = 1024**3
"""A log ahead of the database that is larger than this is never written back: something holds a reader open."""

POSTGRESQL_MIN = 140000
DRIFT_LOOK, DRIFT_WRONG = timedelta(seconds=5), timedelta(minutes=30)
ZONES_YEARS = 2
MEMORY_FULL = 0.9


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a database says of itself; what only one kind knows is None for the other.

    *trouble* is why it does not answer, '' when it does; *stamp* is the door it was made for, '' while it has none.
    """

    sqlite: bool
    missing: bool = False
    trouble: str = ""
    version: int = 0
    shown: str = ""
    newest: bool | None = None
    stamp: str = ""
    door: str = ""
    journal: str | None = None
    free_bytes: int | None = None
    log_bytes: int | None = None
    mode: int | None = None
    forgets: tuple[str, ...] = ()
    """PostgreSQL's settings by which a commit may be lost."""


def database(facts: DatabaseFacts) -> Iterator[Finding]:
    """Yield what is to be said of the database."""
    kind = "SQLite" if facts.sqlite else "PostgreSQL"
    if facts.missing:
        yield _gone(DATABASE, "there is no database yet", "drip up makes one, and so does drip db upgrade")
        return
    if facts.trouble:
        remedy = "check DRIP_DATABASE_URL, and that the server runs and this user may use it"
        yield _gone(DATABASE, f"{kind} does not answer: {facts.trouble}", remedy)
        return
    old = not facts.sqlite and facts.version < POSTGRESQL_MIN
    if old:
        yield look(DATABASE, f"PostgreSQL {facts.shown} gets no repairs any more", "move to a version that is maintained")
    else:
        yield fine(DATABASE, f"{kind} {facts.shown} answers")
    if facts.newest is False:
        yield wrong(DATABASE, "its tables are not those of this program", "drip db upgrade")
    elif facts.newest:
        yield fine(DATABASE, "its tables are up to date")
    if facts.stamp and facts.stamp != facts.door:
        remedy = "set the provider's key again" if facts.stamp == "real" else "choose another DRIP_DATABASE_URL or DRIP_STATE"
        yield wrong(DATABASE, f"it was made for the {facts.stamp} door, and the settings ask for the {facts.door} one", remedy)
    if facts.forgets:
        names = ", ".join(facts.forgets)
        yield wrong(
            DATABASE,
            f"PostgreSQL may lose what it has confirmed when the machine fails ({names}), and then a letter goes twice",
            "switch them on in postgresql.conf, and reload it",
        )
    if facts.sqlite:
        yield from _file(facts)


def _file(facts: DatabaseFacts) -> Iterator[Finding]:
    if facts.journal is not None and facts.journal != "wal":
        yield wrong(
            DATABASE,
            f"SQLite keeps its journal as {facts.journal} and not as wal: whoever reads waits for whoever writes",
            "put the file on a local disk, not on a network share, and run drip db upgrade",
        )
    if facts.log_bytes is not None and facts.log_bytes > LOG_LOOK:
        yield look(
            DATABASE,
            f"the log beside the database has {_size(facts.log_bytes)}: a program keeps an old look at it open",
            "end what reads it from outside (a backup, a database browser), then restart drip",
        )
    if facts.free_bytes is not None:
        room = f"{_size(facts.free_bytes)} are free on its disk"
        if facts.free_bytes < ROOM_WRONG:
            yield wrong(DATABASE, f"only {room}: a full disk stops every letter", "make room, or move the database")
        elif facts.free_bytes < ROOM_LOOK:
            yield look(DATABASE, f"only {room}", "make room, or move the database")
        else:
            yield fine(DATABASE, room)
    if facts.mode is not None and facts.mode & 0o077:
        yield look(
            DATABASE,
            "the file of the database is open to other users of this machine, and it holds addresses",
            "chmod 600 on it and on the two files beside it",
        )


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What a Redis says of itself. *own* is the one that `drip up` brings, which runs only while that does."""

    own: bool
    trouble: str = ""
    version: str = ""
    policy: str = ""
    memory: int = 0
    memory_max: int = 0
    saving_failed: bool = False
    saves: bool = False


def redis(facts: RedisFacts) -> Iterator[Finding]:
    """Yield what is to be said of Redis."""
    if facts.trouble and facts.own:
        yield unknown(REDIS, "the embedded one does not run; it comes and goes with drip up", "drip up")
        return
    if facts.trouble:
        yield _gone(REDIS, f"it does not answer: {facts.trouble}", "check DRIP_REDIS_URL, and that the server runs")
        return
    yield fine(REDIS, f"{'the embedded one' if facts.own else 'version ' + facts.version} answers")
    if facts.policy and facts.policy != "noeviction":
        text = f"it throws hints away when its memory is full (maxmemory-policy {facts.policy})"
        remedy = "redis-cli config set maxmemory-policy noeviction, and the same in redis.conf; share it with no cache"
        yield wrong(REDIS, text, remedy) if facts.memory_max else look(REDIS, f"{text}; no limit is set now", remedy)
    if facts.memory_max and facts.memory > MEMORY_FULL * facts.memory_max:
        remedy = "raise maxmemory, or see what else is kept in it; when workers are down, start them"
        yield look(REDIS, f"its memory is full: {_size(facts.memory)} of {_size(facts.memory_max)}", remedy)
    if facts.saving_failed:
        remedy = "see its log: a full disk, or a folder that it may not write to"
        yield wrong(REDIS, "it cannot save, and may refuse to be written to because of that", remedy)
    how = "it saves what it holds" if facts.saves else "it saves nothing"
    yield fine(REDIS, f"{how}; it needs not: it holds hints alone, and letters live in the database")


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """The machine's clock beside others, all read at one moment; None where nobody could be asked.

    *zones* is the version of the time zone data, as 2026a.
    """

    machine: datetime
    database: datetime | None
    provider: datetime | None
    zones: str
    ahead: timedelta = timedelta(0)


def clocks(facts: ClockFacts) -> Iterator[Finding]:
    """Yield what is to be said of the clocks and the time zones."""
    for name, other in (("the database's", facts.database), ("the provider's", facts.provider)):
        if other is None:
            continue
        apart = abs(facts.machine - other)
        # A Date header has no fractions, and an answer takes its time.
        seconds = max(0, round(apart.total_seconds()) - 1)
        text = f"this machine's clock and {name} are {_seconds(seconds)} apart"
        remedy = "let both keep time by NTP: timedatectl set-ntp true"
        if apart > DRIFT_WRONG:
            yield wrong(CLOCK, text, remedy)
        elif apart > DRIFT_LOOK:
            yield look(CLOCK, text, remedy)
        else:
            yield fine(CLOCK, f"this machine's clock agrees with {name}")
    if facts.provider is None:
        yield unknown(CLOCK, "whether this machine's clock is right: no clock outside could be asked", "timedatectl")
    if facts.ahead > timedelta(hours=1):
        yield look(
            CLOCK,
            f"the sandbox's calendar is {facts.ahead.days} days ahead of this machine's clock",
            "it never goes back; for real dates choose a fresh DRIP_STATE",
        )
    year = int(facts.zones[:4]) if facts.zones[:4].isdigit() else None
    if year is None:
        yield unknown(CLOCK, "how old the time zone data is", "keep the package tzdata of this machine up to date")
    elif facts.machine.year - year >= ZONES_YEARS:
        remedy = "update the system's package tzdata; without one, update this environment's tzdata"
        yield look(
            CLOCK, f"the time zone data is of {facts.zones}: where hours were changed since, letters come at odd hours", remedy
        )
    else:
        yield fine(CLOCK, f"the time zone data is of {facts.zones}")


def _gone(group: str, text: str, remedy: str) -> Finding:
    return Finding(group, Level.WRONG, text, remedy, unreachable=True)


def _seconds(seconds: int) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def _size(count: int) -> str:
    for size, unit in ((1024**3, "GB"), (1024**2, "MB")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count // 1024} kB"
