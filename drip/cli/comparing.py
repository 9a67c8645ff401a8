"""`drip versions`: what was applied, what each version changed, and how two of them differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from drip.core.change import Comparison

FORMAT = 1


@click.command(name="versions")
@click.argument("version", type=int, required=False)
@click.argument("other", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def versions_(*, version: int | None, other: int | None, as_json: bool) -> None:
    """List what was applied, the newest first, with what each version changed.

    With a VERSION, show how it differs from the one before it; with an OTHER as well, how the later of the two differs from
    the earlier.
    """
    from drip.cli.opening import opened
    from drip.flows import comparing
    from drip.wiring import edition_of

    with opened() as deployment:
        if version is not None:
            older, newer = (None, version) if other is None else sorted((version, other))
            _show(comparing.compare(deployment.database, older, newer, edition_of), as_json=as_json)
            return
        found = list(comparing.history(deployment.database, edition_of))
    if as_json:
        click.echo(json.dumps({"format": FORMAT, "versions": found}, indent=2, ensure_ascii=False))
        return
    for one in found:
        words = "  ".join(str(part) for part in (one["applied_at"], one["by"], one["note"]) if part)
        click.echo(f"{one['version']:>4}  {'live  ' if one['live'] else '      '}{words}")
        click.echo(f"{'':12}{one['changes'] or 'nothing'}")
    if not found:
        click.echo("nothing was applied yet; look at drip plan", err=True)


def _show(found: Comparison, *, as_json: bool) -> None:
    """Print a comparison: the changes, and the diff of each file."""
    from dataclasses import asdict

    from drip.cli.screen import console

    if as_json:
        click.echo(json.dumps({"format": FORMAT, **asdict(found), "line": found.line}, indent=2, ensure_ascii=False))
        return
    out = console()
    against = "the first" if found.older is None else f"against version {found.older}"
    out.print(f"Version {found.newer}, {against}: {found.line or 'nothing changed'}")
    for change in found.changes:
        out.print(f"  {change.what:<28} {change.text}", soft_wrap=True)
    for diff in () if found.older is None else found.diffs:
        out.print()
        for line in diff.lines:
            _line(out, line)


def _line(out: Console, line: str) -> None:
    """Print a line of a diff; a screen that knows colours shows what went and what came in them too."""
    heads = line.startswith(("---", "+++", "@@"))
    style = "bold" if heads else {"-": "red", "+": "green"}.get(line[:1], "")
    out.print(line, style=style, markup=False, soft_wrap=True)
