"""`drip operators …`: who may log in to the console, and what each may do there."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drip.wiring import Deployment

FORMAT = 1

LOOK, SEND = "look", "send"

FROM_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def operators() -> None:
    """People who may log in to the console, at /console of your pages."""


@operators.command()
@click.argument("name")
@click.option("--send", is_flag=True, help="She may change what goes out, too. [default: she may look]")
@FROM_STDIN
def add(*, name: str, send: bool, password_stdin: bool) -> None:
    """Let somebody log in as NAME; asks for her password twice, and shows it nowhere.

    It has at least 12 characters, of any kind. Exit code 1 when there is somebody by that name already.
    """
    from drip.cli.opening import opened
    from drip.flows import admitting

    with opened() as deployment:
        # What is wrong with the name is said before anybody thinks of a password.
        spelled = admitting.free_name(deployment.database, name)
        password = _password(from_stdin=password_stdin)
        admitting.add(deployment.database, spelled, password, permission=SEND if send else LOOK, by="command line")
        where = _console(deployment)
    click.echo(f"{spelled} may {'look and send' if send else 'look'}; log in at {where}")


@operators.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def list_(*, as_json: bool) -> None:
    """Show who may log in, what each may do, and in how many browsers each is."""
    from drip.cli.opening import opened
    from drip.flows import admitting

    with opened() as deployment:
        found = admitting.listed(deployment.database)
    if as_json:
        members = [
            {
                "name": one.name,
                "permission": one.permission,
                "added_at": one.added_at.isoformat(timespec="seconds"),
                "added_by": one.added_by,
                "logged_in_at": one.logged_in_at.isoformat(timespec="seconds") if one.logged_in_at else None,
                "sessions": one.sessions,
            }
            for one in found
        ]
        click.echo(json.dumps({"format": FORMAT, "operators": members}, indent=2))
        return
    width = max((len(one.name) for one in found), default=0)
    for one in found:
        last = f"last logged in {one.logged_in_at:%Y-%m-%d %H:%M} UTC" if one.logged_in_at else "never logged in"
        here = {0: "", 1: ", in 1 browser now"}.get(one.sessions, f", in {one.sessions} browsers now")
        click.echo(f"{one.name:<{width}}  {one.permission:<4}  since {one.added_at:%Y-%m-%d}, {last}{here}")
    if not found:
        click.echo("nobody may log in yet; add somebody: drip operators add NAME --send", err=True)


@operators.command()
@click.argument("name")
def remove(*, name: str) -> None:
    """Let NAME log in no more; whoever is logged in by it is out at once."""
    from drip.cli.opening import opened
    from drip.flows import admitting

    with opened() as deployment:
        admitting.remove(deployment.database, name)
    click.echo(f"{name.strip().lower()} is taken out, and logged out everywhere")


@operators.command()
@click.argument("name")
@FROM_STDIN
def password(*, name: str, password_stdin: bool) -> None:
    """Give NAME another password; every browser of hers is logged out."""
    from drip.cli.opening import opened
    from drip.flows import admitting

    with opened() as deployment:
        spelled = admitting.known_name(deployment.database, name)
        count = admitting.set_password(deployment.database, spelled, _password(from_stdin=password_stdin))
    browsers = {0: "she was logged in nowhere", 1: "logged out in 1 browser"}.get(count, f"logged out in {count} browsers")
    click.echo(f"{spelled} has another password; {browsers}")


@operators.command()
@click.argument("name")
@click.argument("permission", type=click.Choice((LOOK, SEND)))
def permit(*, name: str, permission: str) -> None:
    """Let NAME look, or look and send; it counts from her next press on."""
    from drip.cli.opening import opened
    from drip.flows import admitting

    with opened() as deployment:
        admitting.permit(deployment.database, name, permission)
    click.echo(f"{name.strip().lower()} may {'look and send' if permission == SEND else 'look'}")


def _password(*, from_stdin: bool) -> str:
    """Return the password that is typed twice without an echo, or that stands in the first line of standard input."""
    from drip.core.operator import why_no_password
    from drip.errors import UsageError

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password; give it on standard input with --password-stdin")
    while True:
        typed: str = click.prompt("Password", hide_input=True, err=True)
        fault = why_no_password(typed)
        if fault:
            click.echo(f"drip: {fault}", err=True)
        elif click.prompt("Once more", hide_input=True, err=True) != typed:
            click.echo("drip: the two are not the same", err=True)
        else:
            return typed


def _console(deployment: Deployment) -> str:
    return f"{deployment.settings.base_url.rstrip('/')}/console"
