"""`drip check`, `drip schema` and `drip shingles`: what an author needs before anything is live."""

from __future__ import annotations

import json
import textwrap
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drip.cli.sources import of_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from drip.core.problem import Problem

ALIKE_MIN = 4
"""From how many warnings of the same words on one line tells them all, so that no other is overlooked among them."""

FORMAT = 1
"""The version of the JSON that `drip check --json` prints; it grows when a field goes away or changes its meaning."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.option(
    "--join", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The day somebody joins, as 2026-11-30. [default: today]"
)
@click.option("--zone", metavar="ZONE", help="Her time zone, as Europe/London. [default: the course's]")
@of_files
@click.option("--drafts", is_flag=True, help="Judge drafts like finished letters.")
@click.pass_context
def check(
    ctx: click.Context, *, as_json: bool, drafts: bool, join: datetime | None, zone: str | None, schedule: Path, emails: Path
) -> None:
    """Find every fault in the schedule and the letters.

    Ends with the calendar of one person who joins.
    Nothing is changed. Exits with 1 when there is a fault; warnings alone exit with 0.
    """
    from drip.cli.calendar import calendars_of, print_calendar
    from drip.cli.letters import proofs, render_faults
    from drip.cli.screen import busy
    from drip.clock import read
    from drip.files import read_project
    from drip.flows import scheduling

    chosen = None if zone is None else zone_named(zone)
    with busy("reading every letter"):
        result = scheduling.check(
            read_project(schedule, emails),
            render_check=render_faults,
            editor=scheduling.Editor(proofs, read().calendar.date(), drafts),
            schedule_file=str(schedule),
            emails=str(emails),
        )
    calendars = [] if result.schedule is None else calendars_of(result.schedule, join.date() if join else None, chosen)
    errors = sum(problem.severity == "error" for problem in result.problems)
    warnings = len(result.problems) - errors
    if as_json:
        answer = {
            "format": FORMAT,
            "ok": result.is_sound,
            "errors": errors,
            "warnings": warnings,
            "problems": [problem.as_json() for problem in result.problems],
            "calendars": [calendar.as_json() for calendar in calendars],
        }
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        ctx.exit(0 if result.is_sound else 1)
    from drip.cli.screen import console

    out = console()
    # Errors come last, nearest to the prompt; the JSON keeps them by place.
    for line in _warnings([problem for problem in result.problems if problem.severity != "error"]):
        out.print(line, style="yellow", soft_wrap=True)
    for problem in result.problems:
        if problem.severity == "error":
            out.print(str(problem), style="red", soft_wrap=True)
    for calendar in calendars:
        print_calendar(calendar, out)
    click.echo(_summary(errors, warnings), err=True)
    ctx.exit(0 if result.is_sound else 1)


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Exit with 1 when the file differs from what would be printed.")
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    default=Path("schedules.schema.json"),
    show_default=True,
    help="What --check reads.",
)
@click.pass_context
def schema(ctx: click.Context, *, only_check: bool, file: Path) -> None:
    """Print the JSON Schema of schedules.yaml, for editors."""
    from drip.core.schedule import json_schema
    from drip.errors import NotFound

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if not only_check:
        click.echo(text, nl=False)
        return
    try:
        written = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as trouble:
        raise NotFound(f"{file} cannot be read; write it with: drip schema > {file}") from trouble
    if written != text:
        click.echo(f"{file} is stale; write it anew with: drip schema > {file}", err=True)
        ctx.exit(1)
    click.echo(f"{file} is fresh", err=True)


@click.command()
@click.argument("text", type=click.Path(path_type=Path))
def shingles(text: Path) -> None:
    """Print the hashes of every eight words in a row of TEXT, for `copy_of` in a rule file.

    With them `drip check` finds words that a letter shares with TEXT, and the project need not hold TEXT itself.
    """
    from drip.core.editorial.wording import shingles_of
    from drip.errors import NotFound

    try:
        words = text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as trouble:
        raise NotFound(f"{text} cannot be read as text") from trouble
    for digest in sorted({digest for _, digest in shingles_of(words)}):
        click.echo(digest)


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone called *name*, or say which one was perhaps meant."""
    from zoneinfo import ZoneInfo

    from drip.core.timeword import zone_hint, zone_names
    from drip.errors import UsageError

    if name not in zone_names():
        raise UsageError(f"there is no time zone {name!r}; {zone_hint(name)}")
    return ZoneInfo(name)


def _warnings(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield a line for each warning, or one for many that say the same of one file each: it names them all."""
    alike: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        alike.setdefault((problem.code, problem.text, problem.hint), []).append(problem)
    for same in alike.values():
        if len({problem.file for problem in same}) < ALIKE_MIN:
            yield from (f"{problem}  (warning)" for problem in same)
        else:
            code, text, hint = same[0].code, same[0].text, same[0].hint
            yield f"{code} {text}{'  ' if hint else ''}{hint}  ({len(same)} warnings)"
            files = " ".join(sorted({problem.file for problem in same}))
            yield textwrap.fill(
                files, 78, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
            )


def _summary(errors: int, warnings: int) -> str:
    """Return how many problems there are, in words."""
    counts = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in ((errors, "error"), (warnings, "warning")) if count]
    return f"{' and '.join(counts)}" if counts else "no problems"
