"""`drip restored`: an operator answers for a database that came back from a backup, so that no letter goes twice."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drip.core.lapse import Lapse
    from drip.flows.restoring import Restored

FORMAT = 1

LOST = (
    "What else is lost: whoever joined, left, paused, was erased or chose anything in that time, and what you applied.",
    "Do now: drip suppressions import --from-sendgrid, drip plan, and what docs/operating.md says under",
    '"The database is from yesterday\'s backup".',
)


@click.command()
@click.option("--until", metavar="INSTANT", help="When the lost engine stopped, as 2026-11-23T14:30Z. [default: now]")
@click.option("--since", metavar="INSTANT", help="When the backup was made. [default: the last tick that it knows of]")
@click.option("--nothing-went", is_flag=True, help="You know that no engine ran after the backup, as when you moved hosts.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def restored(*, until: str | None, since: str | None, nothing_went: bool, yes: bool, as_json: bool) -> None:
    """Answer for a database that came back from a backup.

    Letters that may have gone since the backup are put in doubt: they count as had, nobody gets them again by itself, and
    everybody's rhythm stays. Then the engine goes on. drip uncertain list shows them.
    """
    from drip.cli.opening import opened
    from drip.errors import UsageError
    from drip.flows import restoring
    from drip.wiring import log_to_stderr

    if nothing_went and until:
        raise UsageError("say either --until or --nothing-went")
    if not yes and not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; say --yes")
    first, last = _instant(since), _instant(until)
    with opened() as deployment:
        log_to_stderr(deployment.settings.log)
        lapse = restoring.expected(deployment.database, since=first, until=last)
        if nothing_went:
            last = lapse.since
        if not yes:
            click.echo(_question(lapse if last is None else lapse._replace(until=last)), err=True)
            click.confirm("Is that so?", abort=True, err=True)
        found = restoring.restored(deployment.database, deployment.library, deployment.memory, since=first, until=last)
    _say(found, as_json=as_json)


def _instant(given: str | None) -> datetime | None:
    """Return an instant as it was typed; raises UsageError where it is none, or leaves open in which zone it is."""
    from drip.errors import UsageError

    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        msg = f"{given!r} is no instant; write it with its zone, as 2026-11-23T14:30Z or 2026-11-23T15:30+01:00"
        raise UsageError(msg)
    return found


def _question(lapse: Lapse) -> str:
    if lapse.since == lapse.until:
        return f"You say that no engine ran after {lapse.since:%Y-%m-%d %H:%M} UTC. Whatever did go then goes twice."
    return (
        f"You say that the engine ran after the backup, and that its books from {lapse.since:%Y-%m-%d %H:%M} to "
        f"{lapse.until:%Y-%m-%d %H:%M} UTC are lost. What fell due in between is not handed over again."
    )


def _say(found: Restored, *, as_json: bool) -> None:
    if as_json:
        letters = [
            {"course": course, "letter": letter, "people": count} for (course, letter), count in sorted(found.letters.items())
        ]
        since, until = (instant.isoformat(timespec="seconds") for instant in found.lapse)
        document = {"format": FORMAT, "since": since, "until": until, "uncertain": found.doubted, "letters": letters}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for (course, letter), count in sorted(found.letters.items()):
        click.echo(f"{count:>8}  {course}/{letter}")
    letters_in_doubt = "1 letter is" if found.doubted == 1 else f"{found.doubted} letters are"
    click.echo(
        f"{letters_in_doubt} in doubt and will not go again by itself; the engine goes on"
        if found.doubted
        else "no letter fell due in that time; the engine goes on"
    )
    for line in LOST:
        click.echo(line, err=True)
