"""`drip plan`, `drip apply`, `drip versions` and `drip rollback`: an edit is seen before it acts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from drip.core.plan import Edition, Plan
    from drip.flows.applying import Accepting
    from drip.wiring import Deployment

FORMAT = 1


def _accepting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options by which hazards are accepted."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead."),
        click.option("--reason", default="", help="Why; the version keeps it."),
        click.option("--by", default="", help="Who applies; needed where something is accepted."),
        click.option(
            "--accept",
            "names",
            multiple=True,
            metavar="HAZARD[=COUNT]",
            help="Accept one hazard by its name, for so many people at most; repeat it.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.option("--people", is_flag=True, help="Show what moves for each person, by the number of her enrollment.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def plan(ctx: click.Context, *, people: bool, as_json: bool) -> None:
    """Show what an edit would do, before it does it.

    Nothing is changed. Exits with 1 when the files have faults, cannot go live, or have hazards to accept.
    """
    from drip.cli import planned as telling
    from drip.cli.opening import opened
    from drip.cli.screen import busy

    with telling.people(telling.as_json if as_json else telling.as_line) as heard:
        with opened() as deployment:
            edition = deployment.edition()
            with busy("working out what it means for everybody"):
                planned = deployment.plan(edition, heard=heard.hear) if people or as_json else deployment.plan(edition)
        if as_json:
            telling.write_json(planned, heard)
        else:
            telling.show(planned)
        for line in heard.told() if people and not as_json else ():
            click.echo(line)
    ctx.exit(1 if planned.hazards or planned.refusals else 0)


@click.command()
@click.argument("digest", required=False)
@_accepting
@click.pass_context
def apply(ctx: click.Context, *, digest: str | None, names: tuple[str, ...], by: str, reason: str, as_json: bool) -> None:
    """Make the files the version that everybody gets.

    On a terminal it shows the plan and asks. Scripts name the DIGEST that drip plan printed.
    """
    from drip.cli.opening import made

    with made() as deployment:
        _apply(ctx, deployment, deployment.edition(), digest, names=names, by=by, reason=reason, as_json=as_json)


@click.command()
@click.argument("version", type=int)
@click.argument("digest", required=False)
@_accepting
@click.pass_context
def rollback(
    ctx: click.Context, *, version: int, digest: str | None, names: tuple[str, ...], by: str, reason: str, as_json: bool
) -> None:
    """Make an earlier VERSION live again, as a new one.

    It is a plan like any other; the files stay as they are.
    """
    from drip.cli.opening import opened
    from drip.errors import NotFound
    from drip.store import versions
    from drip.wiring import edition_of

    with opened() as deployment:
        with deployment.database.read() as connection:
            found = versions.find(connection, version)
        if found is None:
            raise NotFound(f"there is no version {version}; drip versions lists them")
        note = f"back to version {version}" + (f": {reason}" if reason.strip() else "")
        _apply(
            ctx,
            deployment,
            edition_of(found),
            digest,
            names=names,
            by=by,
            reason=reason,
            as_json=as_json,
            note=note,
            command=f"rollback {version}",
        )


def _require_counts(planned: Plan, accepting: Accepting) -> None:
    """Raise UsageError where a script accepts a hazard without saying for how many people.

    Nobody sees the plan then, and one that had grown since would be accepted unseen.
    """
    from drip.errors import UsageError

    bare = [one for one in planned.hazards if one.name in accepting.names - accepting.most.keys() and ":" not in one.name]
    if bare:
        words = " ".join(f"--accept {one.name}={one.count}" for one in bare)
        raise UsageError(f"say for how many people, as drip plan showed it; by the plan of now: {words}")


def _apply(
    ctx: click.Context,
    deployment: Deployment,
    edition: Edition,
    digest: str | None,
    *,
    names: tuple[str, ...],
    by: str,
    reason: str,
    as_json: bool,
    note: str = "",
    command: str = "apply",
) -> None:
    """Apply an edition as its plan stands, once the plan was named by its digest or shown and agreed to."""
    from drip.cli.planned import show
    from drip.cli.screen import busy
    from drip.errors import UsageError
    from drip.flows.applying import Accepting, Refused

    accepting = Accepting.of(names, by=by, reason=reason)
    with busy("working out what it means for everybody"):
        planned = deployment.plan(edition)
    if not planned.changes and planned.base is not None:
        verb = "apply" if command == "apply" else "roll back"
        click.echo(f"version {planned.base} says the same already; nothing to {verb}", err=True)
        if as_json:
            click.echo(json.dumps({"format": FORMAT, "version": planned.base, "changed": False}))
        ctx.exit(0 if digest is None else 1)
    if digest is None:
        if as_json or not sys.stdin.isatty():
            if not as_json:
                show(planned, command)
            msg = f"without a terminal, name the digest of the plan that you looked at: drip {command} {planned.digest}"
            raise UsageError(msg)
        show(planned, command)
        if planned.refusals:
            ctx.exit(1)
        if accepting.names >= {hazard.name for hazard in planned.hazards if hazard.needed} and not click.confirm("Apply this?"):
            click.echo("nothing was changed", err=True)
            ctx.exit(1)
    elif digest != planned.digest:
        msg = f"the plan is another one now ({planned.digest}): the files, the version or the hazards moved; look at drip plan"
        raise Refused(msg)
    else:
        _require_counts(planned, accepting)
    with busy("making it live"):
        number = deployment.apply(edition, planned, accepting, note=note)
    if as_json:
        click.echo(json.dumps({"format": FORMAT, "version": number}))
    else:
        click.echo(f"version {number} is live: letters not yet on their way take it")
