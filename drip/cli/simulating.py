"""`drip simulate`: a population through the course on a virtual clock, before anybody real goes through it."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drip.cli.names import COURSE
from drip.cli.sources import of_files

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from drip.core.schedule import Schedule
    from drip.core.witness import Outage

PEOPLE_MAX = 1_000_000
FIRST_OUTAGE = timedelta(weeks=4)
"""When an outage without a date begins, counted from the first day."""


def _share(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """Return a share, as 0.1 or 10%, as a number from 0 to 1."""
    text = value.strip()
    if re.fullmatch(r"\d{1,3}(\.\d+)?%?", text):
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        if share <= 1:
            return share
    raise click.BadParameter(f"{value!r} is no share; write 0.1 or 10%", ctx, param)


def _lengths(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[tuple[int, date | None]]:
    """Return outages, each as 3 or 3@2026-12-24: the days it lasts, and the first of them, None for none given."""
    found: list[tuple[int, date | None]] = []
    for value in values:
        days, at, day = value.partition("@")
        try:
            first = date.fromisoformat(day) if at else None
        except ValueError:
            days, first = "", None
        if not re.fullmatch(r"[1-9]\d{0,2}", days):
            text = f"{value!r} is no outage; write its days, as 3, or its days and the first of them, as 3@2026-12-24"
            raise click.BadParameter(text, ctx, param)
        found.append((int(days), first))
    return found


@click.command()
@click.option("--seed", default="1", show_default=True, help="The same seed gives the same people and the same bytes.")
@click.option("--people", type=click.IntRange(1, PEOPLE_MAX), default=1000, show_default=True, help="How many people join.")
@click.option("--living", is_flag=True, help="Instead, the people of this installation, from where they stand; read only.")
@click.option("--live", is_flag=True, help="Through the version that is live, instead of the files.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The first day. [default: today]")
@click.option("--over", type=click.IntRange(1, 730), default=7, show_default=True, help="The days over which people join.")
@click.option("--weeks", type=click.IntRange(1, 260), default=16, show_default=True, help="The weeks after the last has joined.")
@click.option(
    "--outage", "outages", multiple=True, callback=_lengths, metavar="DAYS[@DATE]", help="Nothing goes then; repeat it."
)
@click.option("--pauses", callback=_share, default="0", metavar="SHARE", help="How many take a pause, as 0.1 or 10%.")
@click.option("--bounces", callback=_share, default="0", metavar="SHARE", help="How many addresses bounce.")
@click.option("--leaves", callback=_share, default="0", metavar="SHARE", help="How many leave on the way.")
@click.option("--course", default="", type=COURSE, metavar="ID", help="The course, where there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@of_files
@click.pass_context
def simulate(ctx: click.Context, /, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options, as click hands them on
    """Walk a population through the course on a virtual clock.

    Nothing is sent, written or rendered. Every letter is held against what must always hold; exits with 1 when something
    does not, and names the person by her number. It also exits with 1 when letters do not fit into their day.
    """
    _refuse_for_the_living(ctx, living=given["living"])
    from drip.cli.screen import busy

    with busy("walking everybody through the course"):
        found = _run(given)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        from drip.cli.chart import lines
        from drip.cli.screen import console

        for line in lines(found, console().width):
            click.echo(line)
    ctx.exit(1 if found["broken_in_all"] or found["hazards"] else 0)


def _refuse_for_the_living(ctx: click.Context, *, living: bool) -> None:
    """Raise when the living are asked for and people are to be made as well."""
    made = [
        f"--{'from' if name == 'first' else name}"
        for name in ("people", "first", "over")
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if living and made:
        words = " and ".join(made)
        raise click.UsageError(f"--living takes the people who are there, from where they stand now; leave {words} out", ctx)


def _run(given: dict[str, Any]) -> dict[str, Any]:
    """Read what is asked for, walk through it, and return what came of it."""
    from drip import clock
    from drip.cli.opening import opened
    from drip.core.enrollment import zone_of
    from drip.core.population import Shape
    from drip.core.progress import LiveCourse, first_ids
    from drip.flows import simulating

    first = given["first"].date() if given["first"] else None
    living: simulating.Living | None = None
    if given["living"] or given["live"]:
        schedule = None if given["live"] else _schedule(given)
        name = given["course"] if schedule is None else simulating.course_in(schedule, given["course"])
        with opened() as deployment:
            name, live = simulating.live_course(deployment.database, deployment.library, name)
            if given["living"]:
                files = None if schedule is None else schedule.courses[name]
                living = simulating.living(deployment.database, deployment.library, name, files)
                live = living.course
    else:
        schedule = _schedule(given)
        name = simulating.course_in(schedule, given["course"])
        live = LiveCourse(1, schedule.courses[name], first_ids(schedule.courses[name], {}))
    zone = zone_of("", live.course)
    now = living.now if living else clock.read().calendar
    shape = Shape(
        first_day=first or now.astimezone(zone).date(),
        people=len(living.people) if living else given["people"],
        over=0 if living else given["over"],
        weeks=given["weeks"],
        pauses=given["pauses"],
        bounces=given["bounces"],
        leaves=given["leaves"],
    )
    people = simulating.troubled(living, shape, given["seed"]) if living else simulating.made(shape, live, name, given["seed"])
    outages = _outages(given["outages"], shape.first_day, zone)
    run = simulating.simulate(
        live,
        people,
        begins=living.now if living else shape.begins(zone),
        ends=shape.ends(zone),
        outages=outages,
        level=living.level if living else None,
    )
    asked: dict[str, Any] = {
        "course": name,
        "through": "live" if given["live"] else "files",
        "people": "living" if living else "made",
    }
    asked |= {"from": shape.first_day.isoformat(), "over": shape.over, "weeks": shape.weeks}
    asked |= {"pauses": shape.pauses, "bounces": shape.bounces, "leaves": shape.leaves}
    return simulating.told(run, live, outages=outages, asked=asked, seed=given["seed"])


def _schedule(given: dict[str, Any]) -> Schedule:
    """Return the schedule of the files; raises ProblemsFound when they have faults. No letter is rendered."""
    from drip.core.project import project_of
    from drip.errors import ProblemsFound
    from drip.files import parse_source, read_project

    schedule, emails = str(given["schedule"]), str(given["emails"])
    parsed = parse_source(read_project(Path(schedule), Path(emails)), schedule_file=schedule, emails=emails)
    project, problems = project_of(parsed)
    if project is None:
        raise ProblemsFound([problem for problem in problems if problem.severity == "error"])
    return project.schedule


def _outages(asked: list[tuple[int, date | None]], first_day: date, zone: ZoneInfo) -> list[Outage]:
    """Return the outages from midnight to midnight of the course's zone."""
    from datetime import time

    from drip.core.timing import instant
    from drip.core.witness import Outage

    days = [(begins or first_day + FIRST_OUTAGE, length) for length, begins in asked]
    return sorted(
        (Outage(instant(day, time(0), zone), instant(day + timedelta(days=length), time(0), zone)) for day, length in days),
        key=lambda outage: outage.begins,
    )
