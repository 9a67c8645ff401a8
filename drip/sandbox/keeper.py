"""Keeps one process for one parent: it ends the process when the parent goes, however the parent goes.

Run as `python -m drip.sandbox.keeper PARENT_PID -- COMMAND...`, with a pipe from the parent as standard input. A word on
the pipe, its end, or another parent all mean: stop. The command gets SIGTERM and time for its last words.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys

LOOK_SECONDS = 0.2
GRACE_SECONDS = 20.0


def keep(parent: int, command: list[str]) -> int:
    """Run *command* until it ends or the parent has gone; return the command's exit code."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as child:
        try:
            while child.poll() is None:
                readable, _, _ = select.select([0], [], [], LOOK_SECONDS)
                if readable or os.getppid() != parent:
                    break
        finally:
            _end(child)
        return child.returncode


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the command to end, and insist."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _leave(signal_number: int, _frame: object) -> None:
    """End the keeper by way of its `finally`."""
    raise SystemExit(128 + signal_number)


def main(arguments: list[str]) -> int:
    """Keep the process that the command line describes."""
    # Ctrl-C at a terminal is the parent's business: it stops its processes in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    parent, _, *command = arguments
    return keep(int(parent), command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
