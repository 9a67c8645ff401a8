"""`drip subscribers erase`: everything about one person goes, for good."""

from __future__ import annotations

import json
import sys

import click

FORMAT = 1


@click.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def erase(ctx: click.Context, *, address: str, yes: bool, as_json: bool) -> None:
    """Erase everything about one person, in every course; it cannot be undone.

    A keyed hash of the address, the reason and the date stay, so that no import brings her back. Exit code 1 when there
    is nobody by that address, or while a letter of hers is on its way: run it again then, the rest follows by itself.
    """
    from drip.cli.opening import opened
    from drip.cli.screen import busy
    from drip.cli.whom import key_of
    from drip.errors import UsageError
    from drip.flows import forgetting
    from drip.wiring import log_to_stderr

    if not yes and not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; say --yes")
    with opened() as deployment:
        log_to_stderr(deployment.settings.log)
        key = key_of(address, deployment)
        known = forgetting.find(deployment.database, key)
        if known is None:
            click.echo("there is nobody by this address: nothing to erase", err=True)
            ctx.exit(1)
        courses = ", ".join(f"{course} ({stage})" for course, stage in known.courses) or "no course"
        if not yes:
            click.echo(f"This person is on: {courses}.", err=True)
            click.confirm("Erase everything about her, for good?", abort=True, err=True)
        with busy("until nothing of hers is on its way"):
            erasing = forgetting.erase_subscriber(
                deployment.database,
                deployment.library,
                known.subscriber_id,
                source="command line",
                wait_seconds=deployment.leave_wait_seconds,
            )
    if as_json:
        click.echo(
            json.dumps({"format": FORMAT, "erased": erasing.acknowledged, "courses": [course for course, _ in known.courses]})
        )
        ctx.exit(0 if erasing.acknowledged else 1)
    if not erasing.acknowledged:
        click.echo("a letter of hers is on its way at this moment; nothing more follows, and the rest goes by itself", err=True)
        ctx.exit(1)
    click.echo("erased here; the workers tell the provider (drip status shows when that is done)")
