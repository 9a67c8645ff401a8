"""Who works: one incarnation per worker process, and the proof that one is dead.

A worker child holds a file lock from birth to death. The lock survives SIGSTOP and is freed by the kernel within
milliseconds of kill -9, so on one host *the lock is free* proves *the process is gone*. Across hosts the proof is an
advisory lock on a PostgreSQL connection of the worker's own, believed only after a long grace, because the server
frees it too when it restarts while the worker lives.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import sqlalchemy as sa

from drip import clock
from drip.store.session import DatabaseTrouble
from drip.store.tables import owners

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from sqlalchemy.engine import Connection

    from drip.store.session import Database

BEAT_SECONDS = 0.5
ROW_SECONDS = 30.0
REMOTE_GRACE = timedelta(minutes=10)


def host_name() -> str:
    """Return the name under which this host's owners are known."""
    return socket.gethostname()


def boot_id() -> str:
    """Return what changes with every start of this host; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Incarnation:
    """The life of one worker process as an owner of deliveries; make it in the child, after the fork."""

    def __init__(self, database: Database, directory: Path) -> None:
        """Take the lock in *directory*, write the row, and keep beating until `close` or death."""
        self.id = uuid4().hex
        self.database = database
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock_path = directory / f"{self.id}.lock"
        self._file = self.lock_path.open("w", encoding="ascii")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.write(f"{os.getpid()} {os.getppid()}\n")
        self._file.flush()
        self._advisory_key = int(self.id[:15], 16)
        self._advisory: Connection | None = None
        now = clock.machine_now()
        with database.write() as connection:
            connection.execute(
                owners.insert().values(
                    id=self.id,
                    host=host_name(),
                    boot=boot_id(),
                    pid=os.getpid(),
                    lock_path=str(self.lock_path.resolve()),
                    advisory_key=self._advisory_key,
                    started_at=now,
                    beat_at=now,
                )
            )
        self._stopping = threading.Event()
        # Two threads: a database that is slow to answer must not look like a heart that has stopped.
        self._beaters = [
            threading.Thread(target=beat, name=f"drip-{name}", daemon=True)
            for name, beat in (("heart", self._beat), ("row", self._beat_row))
        ]
        self._take_advisory_lock()
        for beater in self._beaters:
            beater.start()

    def _take_advisory_lock(self) -> None:
        if self.database.is_sqlite or self._advisory is not None:
            return
        try:
            self._advisory = self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._advisory.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": self._advisory_key})
        except DatabaseTrouble:
            self._drop_advisory_lock()

    def _drop_advisory_lock(self) -> None:
        if self._advisory is not None:
            self._advisory.invalidate()
            self._advisory.close()
            self._advisory = None

    def _beat(self) -> None:
        """Touch the lock file: its time is what the watchdog on this host reads."""
        while not self._stopping.wait(BEAT_SECONDS):
            with suppress(FileNotFoundError):
                os.utime(self.lock_path)

    def _beat_row(self) -> None:
        """Keep the row and the advisory lock fresh: they are what people and other hosts read."""
        while not self._stopping.wait(ROW_SECONDS):
            try:
                with self.database.write() as connection:
                    connection.execute(owners.update().where(owners.c.id == self.id).values(beat_at=clock.machine_now()))
                if self._advisory is not None:
                    self._advisory.execute(sa.text("SELECT 1"))
            except DatabaseTrouble:
                self._drop_advisory_lock()
            self._take_advisory_lock()

    def close(self) -> None:
        """End this incarnation: it owns nothing from now on."""
        self._stopping.set()
        for beater in self._beaters:
            beater.join(timeout=5)
        self._drop_advisory_lock()
        # The file stays: free to lock, it is the proof that this incarnation is over. The tick tidies it away.
        self._file.close()

    def __enter__(self) -> Self:
        """Return this incarnation."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()


@dataclass(frozen=True, slots=True)
class Owner:
    """The row of an incarnation."""

    id: str
    host: str
    boot: str
    pid: int
    lock_path: str
    advisory_key: int
    started_at: datetime
    beat_at: datetime
    dead_at: datetime | None


def find_many(connection: Connection, ids: list[str]) -> list[Owner]:
    """Return the incarnations *ids*."""
    return [Owner(*row) for row in connection.execute(sa.select(owners).where(owners.c.id.in_(ids)))]


def find_unburied(connection: Connection) -> list[Owner]:
    """Return the incarnations that nobody has found dead yet."""
    return [Owner(*row) for row in connection.execute(sa.select(owners).where(owners.c.dead_at.is_(None)))]


def proven_dead(connection: Connection, owner: Owner, now: datetime) -> bool:
    """Whether it is proven that the process *owner* is gone; time alone never proves it."""
    if owner.dead_at is not None:
        return True
    one_host = connection.dialect.name == "sqlite"
    if owner.host == host_name() or one_host:
        told = _lock_tells(owner)
        if told is not None:
            return told
    if one_host:
        # The lock file was wiped: only the process table can tell.
        here = boot_id()
        return (bool(owner.boot) and bool(here) and owner.boot != here) or not _runs(owner.pid)
    # Another host, or a container of the same name that sees neither our files nor our processes.
    if now - owner.beat_at < REMOTE_GRACE:
        return False
    taken = connection.execute(sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": owner.advisory_key}).scalar_one()
    return bool(taken)


def _lock_tells(owner: Owner) -> bool | None:
    """Whether the lock of *owner* says that it is dead; None when there is no lock to ask."""
    try:
        with Path(owner.lock_path).open("r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except OSError:
        # It is held; or somebody else's file that we may not open, and then nothing is proven.
        return False
    return True


def may_work(connection: Connection, owner_id: str) -> bool:
    """Whether an owner is not taken for dead; until the transaction ends nobody can take it for dead.

    A worker cut off for long loses its advisory lock and is buried by another host. When it comes back it must not go on
    under its old name: everybody believes that nothing of that name is under way.
    """
    row = connection.execute(sa.select(owners.c.dead_at).where(owners.c.id == owner_id).with_for_update(read=True)).first()
    return row is not None and row.dead_at is None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def mark_dead(connection: Connection, owner: Owner, now: datetime) -> None:
    """Remember that *owner* is dead; from here on it may not mark anything, see `may_work`."""
    connection.execute(owners.update().where(owners.c.id == owner.id, owners.c.dead_at.is_(None)).values(dead_at=now))


def tidy(owner: Owner) -> None:
    """Remove the lock file of a dead *owner* of this host."""
    with suppress(OSError):
        Path(owner.lock_path).unlink(missing_ok=True)


LOOKS = 4
"""How many looks in a row without a heartbeat make a child hung."""


class Watchdog:
    """Finds the children of this process whose heart has stopped.

    A stopped or hung worker keeps what it owns, and a leave waits for it; killing it frees the lock, which is the proof.
    Silence is counted in looks, not by a clock: a machine that slept, or whose clock was set, has no hung workers.
    """

    def __init__(self, directory: Path) -> None:
        """Watch the locks in *directory*."""
        self._directory = directory
        self._silent: dict[Path, tuple[int, int]] = {}

    def look(self) -> list[int]:
        """Look once, and return the pids of the children that were silent for `LOOKS` looks."""
        hung = []
        before, self._silent = self._silent, {}
        for path in self._directory.glob("*.lock"):
            try:
                pid, parent = (int(word) for word in path.read_text(encoding="ascii").split())
                beat = path.stat().st_mtime_ns
            except (OSError, ValueError):
                continue
            if parent != os.getpid() or not _is_child(pid):
                continue
            last, looks = before.get(path, (beat, -1))
            looks = looks + 1 if beat == last else 0
            self._silent[path] = (beat, looks)
            if looks >= LOOKS:
                hung.append(pid)
        return hung

    @staticmethod
    def kill(pid: int) -> None:
        """Kill a hung child."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_child(pid: int) -> bool:
    """Whether *pid* is a living child of this process: a lock file may outlive its process, and a pid may come again."""
    if not hasattr(os, "waitid"):
        return _runs(pid)
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False
