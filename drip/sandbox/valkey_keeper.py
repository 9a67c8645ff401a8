"""Keeps one Valkey server for one parent: it ends the server when the parent goes, however the parent goes.

Run as `python -m drip.sandbox.valkey_keeper PARENT_PID SOCKET -- COMMAND...`, with a pipe from the parent as standard
input. The parent is gone when the pipe ends, or says a word, or when this process gets another parent: a child that the
parent forked may hold the pipe open after it. Both signs exist on Linux and macOS, and kill -9 cannot prevent them.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

LOOK_SECONDS = 0.2
GRACE_SECONDS = 1.0
# A server that lives shorter than this many looks was never up; so many in a row are no accident.
SHORT_LIFE_LOOKS = 5
SHORT_LIVES_MAX = 5


def keep(parent: int, socket: Path, command: list[str]) -> int:
    """Run *command* until the parent has gone, and again when it ends by itself; return the exit code."""
    short_lives = 0
    while short_lives < SHORT_LIVES_MAX:
        looks = 0
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as server:
            try:
                while server.poll() is None:
                    if _has_gone(parent):
                        return 0
                    looks += 1
            finally:
                _end(server)
                socket.unlink(missing_ok=True)
        # It ended by itself. An empty Redis costs seconds, none costs the course.
        short_lives = short_lives + 1 if looks < SHORT_LIFE_LOOKS else 0
        if _has_gone(parent):
            return 0
    return 1


def _has_gone(parent: int) -> bool:
    """Look once, for a moment, whether the parent has gone."""
    readable, _, _ = select.select([0], [], [], LOOK_SECONDS)
    return bool(readable) or os.getppid() != parent


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, and insist."""
    with contextlib.suppress(ProcessLookupError):
        server.terminate()
        try:
            server.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _leave(signal_number: int, _frame: object) -> None:
    """End the keeper by way of its `finally`."""
    raise SystemExit(128 + signal_number)


def main(arguments: list[str]) -> int:
    """Keep the server that the command line describes."""
    # Ctrl-C at a terminal is the parent's business: its workers may need Redis for their last words.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    parent, socket, _, *command = arguments
    return keep(int(parent), Path(socket), command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
