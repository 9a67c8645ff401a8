"""The workbench: the files as they are now, read again whenever they change, and each letter as it last could be shown."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from drip import clock
from drip.core.reader import Reader
from drip.errors import ProblemsFound, RenderFault, where
from drip.files import read_project
from drip.mail.render.person import Rendered
from drip.web.preview.snapshot import Files, Snapshot

LOOK_SECONDS = 0.2
"""How often the files are looked at."""

SETTLE_SECONDS = 0.05
"""An editor writes a file in pieces, or aside and then in place: for so long nothing may have changed before it is read."""

QUIET_SECONDS = 0.7
"""Every letter is read for faults once nobody has saved for so long: what was just saved shall show first."""

SETTLE_TIMES = 10
"""So often a change is waited out; then the files are read as they are."""

log = structlog.get_logger("drip.preview")

EARLIER = 8
"""So many earlier readings are kept, for a letter that broke before anybody looked at it."""

Signature = tuple[tuple[str, int, int, int], ...]


def signature(files: Files) -> Signature:
    """Return what changes whenever one of the files does: their names, times, sizes and numbers on the disk."""
    return (*_facts(files.schedule), *_below(files.emails))


def _below(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith((".", "#")) or entry.name.endswith("~"):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path))
            else:
                yield from _facts(Path(entry.path))


def _facts(path: Path) -> Iterator[tuple[str, int, int, int]]:
    with contextlib.suppress(OSError):
        facts = path.stat()
        yield str(path), facts.st_mtime_ns, facts.st_size, facts.st_ino


@dataclass(frozen=True, slots=True)
class Sight:
    """A letter as it can be shown: *rendered* from *snapshot*, which is an earlier one when *stale*; None when it never could."""

    rendered: Rendered | None
    snapshot: Snapshot
    stale: bool


class Bench:
    """Reads the files when they change, and keeps what could last be shown of each letter."""

    def __init__(self, files: Files, *, signed: Callable[[Files], Signature] = signature) -> None:
        """Read the *files* once; raises ProblemsFound where the schedule or the folder of letters is not there at all.

        *signed* tells whether something has changed.
        """
        self.files = files
        self._signed = signed
        self._began = secrets.token_hex(4)
        self._count = 0
        self._stop = threading.Event()
        self._to_check = threading.Event()
        self._good: dict[tuple[str, str], Snapshot] = {}
        self._earlier: deque[Snapshot] = deque(maxlen=EARLIER)
        self._seen = signed(files)
        self.current = self.readable = self._taken()
        places = {str(files.schedule), str(files.emails)}
        if missing := [problem for problem in self.current.source.unread if problem.code == "F101" and problem.file in places]:
            raise ProblemsFound(missing)

    @property
    def stamp(self) -> str:
        """What a page compares to know whether there is something new to show."""
        return f"{self._began}-{self._count}"

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Follow the files while the block runs."""
        threads = [threading.Thread(target=work, name=f"preview-{name}", daemon=True) for name, work in self._works()]
        self._to_check.set()
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._to_check.set()
            for thread in threads:
                thread.join()

    def sight(self, course: str, letter: str, reader: Reader, *, full: bool) -> Sight:
        """Return a letter as the files say it, or as they last said it while they cannot be read."""
        current = self.current
        for snapshot in (current, self._good.get((course, letter)), *reversed(self._earlier)):
            if snapshot is None:
                continue
            try:
                rendered = snapshot.render(course, letter, reader, full=full, now=clock.read().calendar)
            except RenderFault:
                continue
            if snapshot is current:
                self._good[course, letter] = current
            return Sight(rendered, snapshot, stale=snapshot is not current)
        return Sight(None, current, stale=True)

    def look(self) -> bool:
        """Read the files again if they have changed, and return whether they say something new."""
        seen = self._signed(self.files)
        if seen == self._seen:
            return False
        for _ in range(SETTLE_TIMES):
            self._stop.wait(SETTLE_SECONDS)
            again = self._signed(self.files)
            if again == seen:
                break
            seen = again
        self._seen = seen
        taken = self._taken()
        if taken.source == self.current.source:
            return False
        self._earlier.append(self.current)
        self.current = taken
        if taken.project is not None:
            self.readable = taken
        self._count += 1
        self._to_check.set()
        return True

    def check(self) -> None:
        """Find every problem in the files as they are now, unless that is known."""
        snapshot = self.current
        if snapshot.checked is None:
            snapshot.check(today=snapshot.at.date())
            self._count += 1

    def _taken(self) -> Snapshot:
        return Snapshot(read_project(self.files.schedule, self.files.emails), self.files, at=clock.machine_now())

    def _works(self) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "watch", self._watch
        yield "check", self._check

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            with _lasting():
                self.look()

    def _check(self) -> None:
        while self._to_check.wait() and not self._stop.is_set():
            if self._stop.wait(QUIET_SECONDS):
                return
            self._to_check.clear()
            with _lasting():
                self.check()


@contextlib.contextmanager
def _lasting() -> Iterator[None]:
    """Log what goes wrong and go on: the next edit may mend it."""
    try:
        yield
    except Exception as trouble:  # noqa: BLE001 - whatever it is, the pages stay up
        log.error("preview-broke", error=type(trouble).__name__, at=where(trouble))  # noqa: TRY400 - see `where`
