"""`drip preview`: the letters in the browser while they are written; another process, because that floor is not ours."""

from __future__ import annotations

from pathlib import Path

import click

from drip.cli.names import LESSON
from drip.cli.sources import of_files


@click.command()
@click.argument("lesson", type=LESSON, default="")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="Where to serve it. [default: a free one]")
@click.option("--no-open", is_flag=True, help="Open no browser; only print the address.")
@click.option("--as", "address", default="", metavar="ADDRESS", help="Show the letters as this subscriber would get them.")
@of_files
def preview(*, lesson: str, port: int, no_open: bool, address: str, schedule: Path, emails: Path) -> None:
    """Show the letters in the browser, live while you edit them.

    Every letter, or LESSON: light and dark, wide and on a phone, as text, on a lock screen, full and short, for sample
    readers or for a subscriber; faults stand where they are. Only this machine can see it. Nothing is changed, and
    nothing pressed in a preview reaches anybody. Ends with Ctrl-C.
    """
    import os
    import sys

    options = ["--schedule", str(schedule), "--emails", str(emails), "--port", str(port)]
    if address:
        # The process that serves the pages learns a number: her address is in no list of processes and in no page.
        options += ["--subscriber", str(_subscriber(address))]
    if no_open:
        options.append("--no-open")
    sys.stdout.flush()
    command = [sys.executable, "-m", "drip.web.preview", *options, *(["--", lesson] if lesson else [])]
    os.execv(sys.executable, command)  # noqa: S606 - our own Python


def _subscriber(address: str) -> int:
    from drip.cli.opening import opened
    from drip.cli.whom import key_of
    from drip.flows import previewing

    with opened() as deployment:
        return previewing.subscriber_behind(deployment.database, key_of(address, deployment))
