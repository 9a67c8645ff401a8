"""A whole installation on one machine: Redis, sandbox, pages, worker and beat, started in order and never left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self
from urllib.parse import urlsplit

import structlog

from drip import clock, config
from drip.errors import DripError, SettingsError, Unreachable
from drip.sandbox.signing import load_key, public_text
from drip.sandbox.valkey import EmbeddedValkey
from drip.store import restores, stamps
from drip.store.session import DatabaseTrouble
from drip.wiring import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from drip.config import Settings

READY_SECONDS = 60.0
STOP_SECONDS = 25.0
PREDECESSOR_SECONDS = 3.0
"""How long what a killed predecessor left may take to go."""
RESTARTS_MAX = 5
RESTART_WINDOW_SECONDS = 60.0

log = structlog.get_logger("drip.up")


class InUse(DripError):
    """Another drip is running in this folder."""

    exit_code = 3


@dataclass(slots=True)
class Child:
    """One process of the installation under its keeper; its words go to a log file, or to our own stderr where none is named."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log_path: Path | None
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start the process."""
        keeper = [config.python(), "-m", "drip.sandbox.keeper", str(os.getpid()), "--", *self.command]
        with self._words() as words:
            self.process = subprocess.Popen(
                keeper, stdin=subprocess.PIPE, stdout=words, stderr=words, env=self.environment, start_new_session=True
            )
        self.starts.append(clock.monotonic())

    def _words(self) -> contextlib.AbstractContextManager[int | IO[bytes]]:
        """Give what the process writes to."""
        if self.log_path is None:
            return contextlib.nullcontext(sys.stderr.fileno())
        config.make_private(self.log_path.parent)
        return self.log_path.open("ab")

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.process is not None and self.process.poll() is not None

    def ask_to_stop(self) -> None:
        """Ask the process to end; it may take a while for its last words."""
        stdin = None if self.process is None else self.process.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                stdin.write(b"stop")
                stdin.close()

    def wait(self) -> None:
        """Return when the process is gone, by force if need be."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        # The keeper leads a process group: when somebody killed it alone, its command lives on and holds its port.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()

    def last_words(self, lines: int = 15) -> str:
        """Return where the log is, and its end."""
        if self.log_path is None:
            return "its last words stand above, or in the journal"
        try:
            words = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        except OSError:
            words = []
        return "\n".join([f"{self.log_path} ends with:", *words])


class Machine:
    """The processes of one installation, as a context: inside the block everything runs."""

    def __init__(
        self,
        settings: Settings,
        *,
        workers: int = 2,
        tell: Callable[[str], None] = lambda _line: None,
        to_stderr: bool = False,
    ) -> None:
        """Keep the *settings*; *workers* is how many letters' requests may be under way at once, *tell* hears progress.

        With *to_stderr* every process writes there, for a service manager that keeps its lines.
        """
        self._to_stderr = to_stderr
        self.settings = settings
        self._workers = workers
        self._tell = tell
        self._valkey: EmbeddedValkey | None = None
        self._begun = clock.machine_now()
        self.children: list[Child] = []

    @property
    def mailbox_url(self) -> str:
        """The address of the mailbox page; empty with a real provider."""
        return f"{self.settings.sandbox_url}/" if self.settings.door == stamps.SANDBOX else ""

    def __enter__(self) -> Self:
        """Start everything and return when it answers; what was started is stopped again when something does not."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, trouble: BaseException | None, trace: TracebackType | None) -> None:
        """Stop everything."""
        self.stop()

    def _start(self) -> None:
        settings = self.settings
        config.make_private(settings.state)
        web_port = _port_of(settings.base_url) if settings.door == stamps.SANDBOX else self._web_port
        _require_free(web_port, "DRIP_BASE_URL")
        if not settings.redis_url:
            self._tell("Redis: an embedded Valkey on a private socket")
            self._valkey = EmbeddedValkey(settings.state / "valkey").start()
            settings = settings.model_copy(update={"redis_url": self._valkey.celery_url})
        if settings.door == stamps.SANDBOX:
            _require_free(_port_of(settings.sandbox_url), "DRIP_SANDBOX_URL")
            settings = settings.model_copy(update={"webhook_key": public_text(load_key(settings.state / "sandbox-key.pem"))})
        self.settings = settings
        python = config.python()
        if settings.door == stamps.SANDBOX:
            self._add("sandbox", [python, "-m", "drip", "sandbox", "--port", str(_port_of(settings.sandbox_url))])
        self._add("web", [python, "-m", "drip", "web", "--port", str(web_port)])
        celery = [python, "-m", "celery", "-A", "worker"]
        self._add(
            "worker",
            [*celery, "worker", "--concurrency", str(self._workers), "--without-gossip", "--without-mingle", "-l", "WARNING"],
        )
        self._add("beat", [*celery, "beat", "-s", str(settings.state / "beat"), "--pidfile", "", "-l", "WARNING"])
        for child in self.children:
            child.start()
        for child in self.children:
            self._await(child, web_port)

    @property
    def _web_port(self) -> int:
        address = urlsplit(self.settings.base_url)
        return address.port or 8000

    def _add(self, name: str, command: list[str]) -> None:
        log_path = None if self._to_stderr else self.settings.state / "log" / f"{name}.log"
        self.children.append(Child(name, command, config.environment_for(self.settings), log_path))

    def _await(self, child: Child, web_port: int) -> None:
        """Return when *child* answers; raise Unreachable with its last words when it does not."""
        answers: dict[str, Callable[[], bool]] = {
            "sandbox": lambda: _answers(f"{self.settings.sandbox_url}/sandbox/counts"),
            "web": lambda: _answers(f"http://127.0.0.1:{web_port}/healthz"),
            "worker": self._ticks,
            "beat": lambda: True,
        }
        deadline = clock.monotonic() + READY_SECONDS
        while not answers[child.name]():
            if child.has_ended or clock.monotonic() > deadline:
                msg = f"the {child.name} does not start; {child.last_words()}"
                raise Unreachable(msg)
            clock.wait(0.05)
        self._tell(f"{child.name} is up")

    def _ticks(self) -> bool:
        """Whether a worker did a tick since this machine was made."""
        deployment = Deployment(self.settings)
        try:
            with deployment.database.read() as connection:
                # A worker that finds a restored database stands still and says so: its pages are needed all the same.
                alive = [stamps.last_beat(connection, name) for name in ("tick", restores.STANDSTILL)]
        except DatabaseTrouble:
            return False
        else:
            return any(beat is not None and beat.machine_at >= self._begun for beat in alive)
        finally:
            deployment.database.dispose()

    def mind(self) -> None:
        """Start again what has ended by itself; raise Unreachable for a process that will not stay up."""
        for child in self.children:
            if not child.has_ended:
                continue
            now = clock.monotonic()
            child.starts = [start for start in child.starts if now - start < RESTART_WINDOW_SECONDS]
            if len(child.starts) >= RESTARTS_MAX:
                msg = f"the {child.name} ended {RESTARTS_MAX} times within a minute; {child.last_words()}"
                raise Unreachable(msg)
            log.error("restarted", process=child.name)
            child.wait()
            child.start()

    def wind_down(self) -> None:
        """Ask beat and worker to finish what they do, and return at once; pages and mailbox stay up."""
        for child in self.children:
            if child.name in {"beat", "worker"}:
                child.ask_to_stop()

    def stop(self) -> None:
        """Stop everything in order: letters on their way are finished, then the pages close, and Redis goes last."""
        for names in (("beat", "worker"), ("web", "sandbox")):
            some = [child for child in self.children if child.name in names]
            for child in some:
                child.ask_to_stop()
            for child in some:
                child.wait()
        self.children.clear()
        if self._valkey is not None:
            self._valkey.stop()
            self._valkey = None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status < 400)
    except (urllib.error.URLError, OSError):
        return False


def _port_of(url: str) -> int:
    address = urlsplit(url)
    return address.port or (443 if address.scheme == "https" else 80)


@contextlib.contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold *state* while the block runs; raises InUse when another drip holds it. A lock of the dead is free at once."""
    config.make_private(state)
    with (state / "up.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"drip is running in {state} already; stop it there, or choose another folder in DRIP_STATE"
            raise InUse(msg) from None
        yield


def free_port(wanted: int) -> int:
    """Return *wanted* when nobody listens there on this machine, else a port that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unreachable


def _require_free(port: int, setting: str) -> None:
    deadline = clock.monotonic() + PREDECESSOR_SECONDS
    while free_port(port) != port:
        if clock.monotonic() < deadline:
            clock.wait(0.1)
            continue
        msg = f"port {port} is taken on this machine; stop what listens there, or choose another in {setting}"
        raise SettingsError(msg)
