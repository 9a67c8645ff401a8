"""`drip suppressions …`: the register of addresses that must not be mailed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drip.cli.importing import FILE, RECIPES, SHOWN_MAX, mapped, progress
from drip.cli.names import COURSE
from drip.errors import UsageError

if TYPE_CHECKING:
    from drip.core.newcomer import Refusal
    from drip.flows.suppressing import Report
    from drip.store.imports import Entry
    from drip.wiring import Deployment

FORMAT = 1

REASONS = ("bounced", "complained", "left", "unsubscribed", "invalid")

WAIT_SECONDS_MAX = 30.0
"""How long the command waits for a letter that is being handed over to somebody it has just entered."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def suppressions() -> None:
    """Addresses that must not be mailed."""


@suppressions.command("import")
@click.argument("file", type=FILE, required=False)
@click.option("--from-sendgrid", is_flag=True, help="Ask SendGrid for its lists instead of reading a file.")
@click.option("--reason", type=click.Choice(REASONS), help="Why, for lines that do not say it themselves.")
@click.option(
    "--course", default="", type=COURSE, metavar="ID", help="For people who left: the course they left. [default: every course]"
)
@click.option("--recipe", type=click.Choice(RECIPES), help="Read the columns of another tool's export.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="Read FIELD from COLUMN; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Change nothing; report what a run would do.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def import_(  # noqa: PLR0917 - the options
    ctx: click.Context,
    file: Path | None,
    from_sendgrid: bool,  # noqa: FBT001 - click's
    reason: str | None,
    course: str,
    recipe: str | None,
    maps: tuple[str, ...],
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Enter addresses that must not be mailed, from a CSV file or from SendGrid.

    Whoever is on a course leaves it. The register keeps a keyed hash, the reason and the date, never the address. Bring
    these in before the people. Exits with 1 when a line was refused. See docs/importing.md.
    """
    from drip.cli.opening import opened
    from drip.flows.suppressing import Report
    from drip.wiring import log_to_stderr

    if (file is None) is not from_sendgrid:
        raise UsageError("name a file, or say --from-sendgrid")
    kept: list[Refusal] = []
    with opened() as deployment:
        # What recovers a dead worker on the way writes to the log, and stdout is for data.
        log_to_stderr(deployment.settings.log)
        if file is None:
            if reason or recipe or maps or course:
                raise UsageError("SendGrid's lists say themselves why: --reason, --recipe, --map and --course are for files")
            report = Report("sendgrid", dry_run)
            _from_sendgrid(deployment, report, kept)
        else:
            report = Report("", dry_run)
            _from_file(deployment, report, kept, file, reason=reason or "", recipe=recipe, maps=maps, course=course)
    _summarise(report, kept)
    if as_json:
        click.echo(json.dumps(_document(report, kept), indent=2))
    ctx.exit(1 if report.refusals else 0)


def _from_file(
    deployment: Deployment,
    report: Report,
    kept: list[Refusal],
    file: Path,
    *,
    reason: str,
    recipe: str | None,
    maps: tuple[str, ...],
    course: str,
) -> None:
    from drip.core.recipe import RECIPES as KNOWN
    from drip.core.recipe import listed_columns
    from drip.files.sheet import read_sheet
    from drip.flows import suppressing
    from drip.store import stamps

    sheet = read_sheet(file)
    known = None if recipe is None else KNOWN[recipe]
    columns = mapped(listed_columns(sheet.columns), None if known is None else known.listed, maps)
    reason = reason or ("" if known is None else columns.says(known.reasons))
    if not reason and not (columns.found["reason"] or columns.found["status"]):
        raise UsageError(f"the file does not say why these addresses must not be mailed; say --reason {'|'.join(REASONS)}")
    report.source = f"{sheet.name} sha256:{sheet.sha256}"
    now = stamps.now(deployment.database).machine
    with progress(sheet.count) as done:
        suppressing.bring_in(
            deployment.database,
            deployment.library,
            suppressing.from_sheet(sheet, columns, reason=reason, now=now),
            report,
            course=course,
            suppression_key=deployment.suppression_key,
            refused=kept.append,
            done=done,
            wait_seconds=WAIT_SECONDS_MAX,
        )


def _from_sendgrid(deployment: Deployment, report: Report, kept: list[Refusal]) -> None:
    from contextlib import closing

    from drip.flows import suppressing
    from drip.store import stamps

    now = stamps.now(deployment.database).machine
    with closing(deployment.lists()) as lists, progress(None) as done:
        suppressing.bring_in(
            deployment.database,
            deployment.library,
            suppressing.from_provider(lists, report, now=now),
            report,
            course="",
            suppression_key=deployment.suppression_key,
            refused=kept.append,
            done=done,
            wait_seconds=WAIT_SECONDS_MAX,
        )


def _summarise(report: Report, kept: list[Refusal]) -> None:
    """Say on stderr what became of the lines."""
    would = "; nothing was changed, this is what a run would do" if report.dry_run else ""
    say = [f"{report.source.partition(' ')[0]}: {report.lines:,} addresses{would}"]
    added = ", ".join(f"{count:,} {reason}" for reason, count in report.added.most_common())
    say.append(f"  {sum(report.added.values()):,} entered{': ' if added else ''}{added}")
    if report.already:
        say.append(f"  {report.already:,} stood there already")
    if report.free:
        say.append(f"  {report.free:,} may be mailed, by their status")
    if report.ended:
        say.append(f"  {report.ended:,} of them were on a course and are not any more")
    if report.under_way:
        say.append(f"  to {report.under_way:,} of those one letter was on its way and may still arrive")
    say += [f"  {count:,} {name} only counted: they may be mailed again" for name, count in sorted(report.seen.items())]
    if report.refusals:
        say.append(
            f"  {report.refusals:,} refused: {', '.join(f'{count:,} {why}' for why, count in report.refused.most_common())}"
        )
    click.echo("\n".join(say), err=True)
    for refusal in kept[:SHOWN_MAX]:
        click.echo(f"  line {refusal.line}, {refusal.column}: {refusal.say}", err=True)
    if len(kept) > SHOWN_MAX:
        click.echo(f"  and {len(kept) - SHOWN_MAX:,} more; --json tells all of them", err=True)


def _document(report: Report, kept: list[Refusal]) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "format": FORMAT,
        "dry_run": report.dry_run,
        "source": report.source,
        "lines": report.lines,
        "added": sum(report.added.values()),
        "added_by_reason": dict(sorted(report.added.items())),
        "already": report.already,
        "free": report.free,
        "ended": report.ended,
        "under_way": report.under_way,
        "only_counted": dict(sorted(report.seen.items())),
        "refused": report.refusals,
        "refused_by_reason": dict(sorted(report.refused.items())),
        "refusals": [{"line": one.line, "column": one.column, "reason": one.why.value, "say": one.say} for one in kept],
    }


@suppressions.command("list")
@click.option("--address", metavar="ADDRESS", help="Tell whether this one address stands in the register, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def list_(*, address: str | None, as_json: bool) -> None:
    """Show how many addresses must not be mailed, and why.

    The register knows them by a keyed hash alone: it cannot name anybody, but it can be asked about one address.
    """
    from drip.cli.opening import opened
    from drip.flows import suppressing

    with opened() as deployment:
        if address is not None:
            _tell(suppressing.standing(deployment.database, _normal(address), deployment.suppression_key), as_json=as_json)
            return
        shares = suppressing.register(deployment.database)
    if as_json:
        held = [
            {
                "reason": one.reason,
                "course": one.course,
                "addresses": one.addresses,
                "first": one.first.isoformat(),
                "last": one.last.isoformat(),
            }
            for one in shares
        ]
        click.echo(json.dumps({"format": FORMAT, "held": held}, indent=2))
        return
    for one in shares:
        span = f"{one.first:%Y-%m-%d} to {one.last:%Y-%m-%d}"
        click.echo(f"{one.addresses:>8,}  {one.reason:<22} {one.course or 'every course':<20} {span}")
    if not shares:
        click.echo("the register is empty", err=True)


def _normal(address: str) -> str:
    from drip.core.address import normal_address

    try:
        return normal_address(address)
    except ValueError as fault:
        raise UsageError(str(fault)) from fault


def _tell(found: list[Entry], *, as_json: bool) -> None:
    """Say whether one address stands in the register, and why."""
    if as_json:
        entries = [{"reason": one.reason, "course": one.course, "at": one.at.isoformat(), "note": one.note} for one in found]
        click.echo(json.dumps({"format": FORMAT, "suppressed": bool(found), "entries": entries}, indent=2))
        return
    for one in found:
        note = f"  ({one.note})" if one.note else ""
        click.echo(f"{one.reason}, {one.course or 'every course'}, since {one.at:%Y-%m-%d}{note}")
    if not found:
        click.echo("this address may be mailed")
