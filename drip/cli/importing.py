"""`drip subscribers import`: people who come from another tool, with the proof of their consent."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drip.cli.names import COURSE
from drip.errors import UsageError

if TYPE_CHECKING:
    from drip.core.newcomer import Refusal
    from drip.core.recipe import Columns, LeftAlone
    from drip.files.sheet import Row, Sheet
    from drip.flows.importing import Report

FORMAT = 1

SHOWN_MAX = 20
"""How many refused lines stand on the screen; all of them are in the file that --refused names."""

RECIPES = ("kit", "mailchimp", "listmonk")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)

Refused = Callable[["Refusal", "Row"], None]


@click.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--consent-source", required=True, metavar="TEXT", help="Where and how these people agreed; kept with each of them."
)
@click.option("--course", default="", type=COURSE, metavar="ID", help="The course. [default: the only one]")
@click.option("--recipe", type=click.Choice(RECIPES), help="Read the columns of another tool's export.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="Read FIELD from COLUMN; may be repeated.")
@click.option("--ask", is_flag=True, help="Ask each of them by a letter; nothing else comes before she says yes.")
@click.option("--confirmed", is_flag=True, help="You can prove the consent of everybody, also where a line has no date of it.")
@click.option("--welcome", is_flag=True, help="Begin with the welcome letter, where a line has no last_lesson.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="No lesson comes before this day.")
@click.option("--no-suppressions", is_flag=True, help="There is no list of people who must not be mailed.")
@click.option("--refused", type=OUTPUT, metavar="FILE", help="Write every refused line and why into this file.")
@click.option("--dry-run", is_flag=True, help="Change nothing; report what a run would do.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def import_(  # noqa: PLR0917 - the options
    ctx: click.Context,
    file: Path,
    consent_source: str,
    course: str,
    recipe: str | None,
    maps: tuple[str, ...],
    ask: bool,  # noqa: FBT001 - click's
    confirmed: bool,  # noqa: FBT001
    welcome: bool,  # noqa: FBT001
    start: datetime | None,
    no_suppressions: bool,  # noqa: FBT001
    refused: Path | None,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Bring people in from a CSV file.

    People with a proof of consent go on where they were: each gets her next lesson on her own weekday. Nobody gets two
    letters close together, and nobody a welcome. The file is read, never kept. Run the same command again after any
    trouble: it goes on where it stopped. Exits with 1 when a line was refused. See docs/importing.md.
    """
    from drip.cli.opening import opened
    from drip.core.newcomer import Terms
    from drip.core.recipe import RECIPES as KNOWN
    from drip.core.recipe import people_columns
    from drip.files.sheet import read_sheet
    from drip.flows.importing import Importer

    if ask and confirmed:
        raise UsageError("--ask and --confirmed exclude each other: either you can prove that they agreed, or a letter asks them")
    if not consent_source.strip():
        raise UsageError("say in --consent-source where and how these people agreed")
    _require_another(file, refused)
    sheet = read_sheet(file)
    columns = mapped(people_columns(sheet.columns), None if recipe is None else KNOWN[recipe].people, maps)
    terms = Terms(consent_source.strip(), ask=ask, confirmed=confirmed, welcome=welcome, start=start.date() if start else None)
    with opened() as deployment:
        importer = Importer(
            deployment.database,
            deployment.library,
            sheet,
            columns,
            terms,
            course=course,
            suppression_key=deployment.suppression_key,
            dry_run=dry_run,
        )
        if not (importer.report.lists_imported or no_suppressions):
            click.echo(NO_LISTS, err=True)
        with _refusals(refused, sheet) as (write, kept), progress(sheet.count) as done:
            report = importer.run(refused=write, done=done)
    left_alone = columns.left_alone
    summarise(report, kept, refused)
    say_left_alone(left_alone)
    if as_json:
        alone = [{"column": one.column, "seems": one.field} for one in left_alone]
        click.echo(json.dumps({**_document(report, kept), "columns_left_alone": alone}, indent=2))
    ctx.exit(1 if report.refusals else 0)


NO_LISTS = (
    "No list of people who must not be mailed was imported so far. If your other tool keeps one (unsubscribed, bounced,\n"
    "complained), bring it in before the people: drip suppressions import FILE. If there is none, say --no-suppressions."
)


def mapped(columns: Columns, recipe: Mapping[str, tuple[str, ...]] | None, maps: tuple[str, ...]) -> Columns:
    """Return *columns* that follow a recipe and what the command line says of them; raises UsageError."""
    if recipe is not None:
        columns.follow(recipe)
    for said in maps:
        trouble = columns.map(said)
        if trouble:
            raise UsageError(trouble)
    return columns


def _require_another(file: Path, refused: Path | None) -> None:
    """Raise UsageError when the refused lines would be written over the file that is read."""
    if refused is not None and refused.exists() and refused.samefile(file):
        raise UsageError("--refused names the file that is imported; name another one")


def _inert(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@contextlib.contextmanager
def _refusals(path: Path | None, sheet: Sheet) -> Iterator[tuple[Refused, list[Refusal]]]:
    """Give a function that writes each refused line down, and the list in which they are kept for the screen."""
    kept: list[Refusal] = []
    if path is None:
        yield lambda refusal, _: kept.append(refusal), kept
        return
    # It holds addresses: readable by its owner alone, whoever made it, and never through somebody's link.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    os.fchmod(handle, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output)
        writer.writerow(["line", "column", "why", "original"])

        def write(refusal: Refusal, row: Row) -> None:
            kept.append(refusal)
            writer.writerow([refusal.line, _inert(refusal.column), refusal.say, _inert(row.text.rstrip("\r\n"))])

        yield write, kept
    click.echo(f"{len(kept)} refused lines of {sheet.name} are in {path}", err=True)


@contextlib.contextmanager
def progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Give a function that hears how many more lines are done; on a terminal it moves a bar."""
    from rich.progress import Progress

    from drip.cli.screen import console

    screen = console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("lines", total=total)
        yield lambda count: bar.advance(task, count)


def summarise(report: Report, kept: list[Refusal], refused: Path | None) -> None:
    """Say on stderr what became of the lines."""
    say = [
        f"{report.file}: {report.lines:,} lines{'; nothing was changed, this is what a run would do' if report.dry_run else ''}"
    ]
    fullest = report.fullest_day
    if fullest is not None:
        say.append(f"  {report.entered:,} go on; most of them, {fullest[1]:,}, on {fullest[0]:%A %-d %B %Y}")
        if report.day_capacity is not None and fullest[1] > report.day_capacity:
            say.append(
                f"  too many for one day: sending.per_hour lets {report.day_capacity:,} letters out, the rest follow later; "
                "give people weekdays of their own (column weekday), or bring them in by parts with --start"
            )
    if report.asked_until is not None:
        say.append(f"  {report.asked:,} are asked by a letter, the last of them on {report.asked_until:%A %-d %B %Y}")
    if report.already:
        say.append(f"  {report.already:,} are on the course already ({report.already_from_this_file:,} came from this very file)")
    if report.refusals:
        say.append(
            f"  {report.refusals:,} refused: {', '.join(f'{count:,} {why}' for why, count in report.refused.most_common())}"
        )
    if report.refused["status"]:
        say.append("  whoever left or bounced elsewhere is kept out for good by: drip suppressions import with this same file")
    click.echo("\n".join(say), err=True)
    for refusal in kept[:SHOWN_MAX]:
        column = f", {refusal.column}" if refusal.column else ""
        click.echo(f"  line {refusal.line}{column}: {refusal.say}", err=True)
    if len(kept) > SHOWN_MAX:
        rest = len(kept) - SHOWN_MAX
        click.echo(f"  and {rest:,} more" + ("" if refused else "; --refused FILE writes all of them down"), err=True)


def say_left_alone(columns: list[LeftAlone]) -> None:
    """Say on stderr from which columns nothing was read, and how those would be that look like a field of ours."""
    from drip.core.address import clean_text

    if not columns:
        return
    names = [clean_text(one.column, 60) for one in columns]
    say = [f"  nothing was read from {len(names)} of the columns: {', '.join(names)}"]
    for one, name in zip(columns, names, strict=True):
        if one.field:
            say.append(f'  {name}: did you mean {one.field}? Then add --map "{name}={one.field}"')
    click.echo("\n".join(say), err=True)


def _document(report: Report, kept: list[Refusal]) -> dict[str, Any]:
    """Return the report as plain values."""
    fullest = report.fullest_day
    return {
        "format": FORMAT,
        "dry_run": report.dry_run,
        "course": report.course,
        "file": report.file,
        "sha256": report.sha256,
        "lines": report.lines,
        "entered": report.entered,
        "asked": report.asked,
        "already": report.already,
        "already_from_this_file": report.already_from_this_file,
        "refused": report.refusals,
        "refused_by_reason": dict(sorted(report.refused.items())),
        "suppressed_by_reason": dict(sorted(report.suppressed.items())),
        "first_days": {day.isoformat(): count for day, count in sorted(report.first_days.items())},
        "fullest_day": None if fullest is None else fullest[0].isoformat(),
        "asked_until": None if report.asked_until is None else report.asked_until.isoformat(),
        "refusals": [{"line": one.line, "column": one.column, "reason": one.why.value, "say": one.say} for one in kept],
    }
