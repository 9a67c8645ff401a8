"""`drip up` and `drip demo`: everything on one machine. They become another process, because that floor is not ours."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Requests that may be under way at once."
)
@click.option("--log-to-stderr", is_flag=True, help="No files in var/log: a service manager keeps the lines of all processes.")
def up(*, workers: int, log_to_stderr: bool) -> None:
    """Run everything on this machine, in real time, until Ctrl-C.

    Without a provider's key letters go into a local mailbox and nothing leaves the machine.
    """
    _become("up", "--workers", str(workers), *(["--log-to-stderr"] if log_to_stderr else []))


@click.command()
@click.option("--exit", "exit_when_done", is_flag=True, help="End by itself; the exit code is 0 only when the audit holds.")
def demo(*, exit_when_done: bool) -> None:
    """Run the whole course in a minute, into a local mailbox.

    A dozen people, the same worker, beat and client as in production; everything is kept in var/demo.
    """
    _become("demo", *(["--exit"] if exit_when_done else []))


def _become(*arguments: str) -> None:
    """Replace this process: the same terminal, the same pid, the same signals."""
    import os
    import sys

    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "drip.sandbox", *arguments])  # noqa: S606 - our own Python
