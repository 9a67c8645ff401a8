"""`drip plan`, `drip apply`, `drip versions` and `drip rollback`: an edit is seen before it acts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from drip.core.plan import Edition, Plan
    from drip.wiring import Deployment

FORMAT = 1
SHOWN_MAX = 40
"""How many changes a terminal shows before it sums up the rest."""


def _accepting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options by which hazards are accepted."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead."),
        click.option("--reason", default="", help="Why; the version keeps it."),
        click.option("--by", default="", help="Who applies; needed where something is accepted."),
        click.option("--accept", "names", multiple=True, metavar="HAZARD", help="Accept one hazard by its name; repeat it."),
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
    from drip.cli.opening import opened

    with opened() as deployment:
        planned = deployment.plan(deployment.edition())
    if as_json:
        click.echo(json.dumps(_as_json(planned), indent=2, ensure_ascii=False))
    else:
        _show(planned)
        if people:
            _show_people(planned)
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
        note = f"back to version {version}"
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
    from drip.errors import UsageError
    from drip.flows.applying import Accepting, Refused

    planned = deployment.plan(edition)
    if not planned.changes and planned.base is not None:
        click.echo(f"version {planned.base} says the same already; nothing to {command.partition(' ')[0]}", err=True)
        ctx.exit(0 if digest is None else 1)
    if digest is None:
        if as_json or not sys.stdin.isatty():
            if not as_json:
                _show(planned, command)
            msg = f"without a terminal, name the digest of the plan that you looked at: drip {command} {planned.digest}"
            raise UsageError(msg)
        _show(planned, command)
        if planned.refusals:
            ctx.exit(1)
        if set(names) >= {hazard.name for hazard in planned.hazards} and not click.confirm("Apply this?"):
            click.echo("nothing was changed", err=True)
            ctx.exit(1)
    elif digest != planned.digest:
        msg = f"the plan is another one now ({planned.digest}): the files, the version or the hazards moved; look at drip plan"
        raise Refused(msg)
    number = deployment.apply(edition, planned, Accepting(frozenset(names), by=by, reason=reason), note=note)
    if as_json:
        click.echo(json.dumps({"format": FORMAT, "version": number}))
    else:
        click.echo(f"version {number} is live: letters not yet on their way take it")


def _as_json(planned: Plan) -> dict[str, Any]:
    """Return a plan as plain values."""
    from dataclasses import asdict

    return {
        "format": FORMAT,
        "base": planned.base,
        "digest": planned.digest,
        "changes": [asdict(change) for change in planned.changes],
        "hazards": [asdict(hazard) for hazard in planned.hazards],
        "refusals": list(planned.refusals),
        "people": planned.people,
        "effects": dict(planned.effects),
        "people_turned": [
            {**asdict(one), "on_before": str(one.on_before or ""), "on_after": str(one.on_after or "")} for one in planned.turns
        ],
    }


def _show(planned: Plan, command: str = "apply") -> None:
    """Print a plan for people: data to stdout, what to do next to stderr."""
    from drip import config
    from drip.cli.screen import console

    out = console()
    what = "Nothing is live yet." if planned.base is None else f"Live is version {planned.base}."
    out.print(f"{what} {_people(planned)}")
    for change in planned.changes[:SHOWN_MAX]:
        out.print(f"  {change.what:<28} {change.text}", soft_wrap=True)
    if len(planned.changes) > SHOWN_MAX:
        out.print(f"  and {len(planned.changes) - SHOWN_MAX} more; --json shows all")
    if not planned.changes:
        out.print("  The files say what is live.")
    for refusal in planned.refusals:
        out.print(f"CANNOT GO LIVE  {refusal}", style="red", soft_wrap=True)
    for hazard in planned.hazards:
        count = "" if ":" in hazard.name else f"{hazard.count}: "
        out.print(f"HAZARD  {hazard.name}  {count}{hazard.text}", style="yellow", soft_wrap=True)
    if planned.changes and not planned.refusals:
        accept = "".join(f" --accept {hazard.name}" for hazard in planned.hazards)
        who = " --by NAME --reason WHY" if planned.hazards else ""
        click.echo(f"To apply exactly this: {config.command()} {command} {planned.digest}{accept}{who}", err=True)


def _people(planned: Plan) -> str:
    """Return how many people an edit meets, and what it does to their next letters."""
    if not planned.people:
        return "Nobody is on the course yet."
    words = {
        "earlier": "get their next letter earlier",
        "later": "get their next letter later",
        "other": "get another letter next",
        "ends": "have reached the end",
    }
    effects = dict(planned.effects)
    parts = [f"{effects[name]} {told}" for name, told in words.items() if effects.get(name)]
    who = f"{planned.people} {'person is' if planned.people == 1 else 'people are'} on the course"
    return f"{who}: {', '.join(parts)}." if parts else f"{who}; nobody's next letter moves."


def _show_people(planned: Plan) -> None:
    """Print a line for each person whose next letter or date changes, by the number of her enrollment."""
    for one in planned.turns:
        passed = f"  will not get {', '.join(one.passed)}" if one.passed else ""
        before = f"{one.next_before or '-'} {one.on_before or 'no date'}"
        after = f"{one.next_after or '-'} {one.on_after or 'no date'}"
        click.echo(f"{one.enrollment:>8}  {one.effect}  {before} → {after}{passed}")
