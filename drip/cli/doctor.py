"""`drip doctor`: everything an installation stands on, looked at once, each finding with its remedy."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drip.core.finding import Finding

FORMAT = 1

STYLES = {"fine": "green", "look": "yellow", "wrong": "red", "not known": "cyan"}


@click.command()
@click.option("--quiet", is_flag=True, help="Leave out what is fine.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def doctor(ctx: click.Context, *, quiet: bool, as_json: bool) -> None:
    """Look at everything this installation stands on, and say what to do.

    Settings, keys, database, Redis, workers, clock, schedule, provider, reports, and the domain that letters come from.
    Nothing is changed, and no address and no key is printed. Exits with 1 when something is wrong, and with 3 when the
    database or Redis does not answer; everything else is said all the same.
    """
    from drip import config
    from drip.cli.examining import examine
    from drip.cli.screen import busy
    from drip.core.finding import exit_code_of
    from drip.mail.resolver import DnsResolver

    with busy("looking at everything"):
        found = list(examine(config.examine(), DnsResolver()))
    if as_json:
        click.echo(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        _show([one for one in found if not (quiet and one.level == "fine")])
        click.echo(_summary(found), err=True)
    ctx.exit(exit_code_of(found))


def _document(found: Sequence[Finding]) -> dict[str, object]:
    levels = [one.level.value for one in found]
    return {
        "format": FORMAT,
        "wrong": levels.count("wrong"),
        "look": levels.count("look"),
        "not_known": levels.count("not known"),
        "unreachable": any(one.unreachable for one in found),
        "findings": [one.as_json() for one in found],
    }


def _show(found: Iterable[Finding]) -> None:
    from rich.text import Text

    from drip.cli.screen import console

    out = console()
    width = max(40, min(out.width, 120)) - 13 if out.is_terminal else 10_000
    group = ""
    for one in found:
        if one.group != group:
            out.print(f"{'' if not group else chr(10)}{one.group}", style="bold", soft_wrap=True)
            group = one.group
        first, *rest = textwrap.wrap(one.text, width, break_long_words=False) or [""]
        out.print(Text.assemble("  ", (f"{one.level.value:<10}", STYLES[one.level.value]), first), soft_wrap=True)
        for line in rest:
            out.print(f"            {line}", soft_wrap=True)
        for line in textwrap.wrap(one.remedy, width - 3, break_long_words=False):
            out.print(f"            → {line}" if line == one.remedy[: len(line)] else f"              {line}", soft_wrap=True)


def _summary(found: Sequence[Finding]) -> str:
    counts = {level: sum(one.level == level for one in found) for level in ("wrong", "look", "not known")}
    words = {"wrong": "wrong", "look": "worth a look", "not known": "not known from here"}
    said = [f"{count} {words[level]}" for level, count in counts.items() if count]
    return ", ".join(said) if said else "all is well"
