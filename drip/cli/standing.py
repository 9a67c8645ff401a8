"""`drip status`, `report`, `hold`, `release`, `db upgrade` and `keys`: how things stand, and the big switches."""

from __future__ import annotations

import json
from typing import Any

import click

from drip.cli.names import COURSE

FORMAT = 1

KEPT_FOR_GOOD = "9999-"
"""How the last daily pass begins where none is ever due."""

QUIET_SECONDS_MAX = 30
"""A tick comes every few seconds; after this long without one something has stopped."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def status(*, as_json: bool) -> None:
    """Show how things stand right now.

    The clock, the workers, the sender, the limits, what is held, due and open.
    """
    from drip.cli.opening import opened
    from drip.flows import reporting

    with opened() as deployment:
        found = reporting.status(deployment.database, door=deployment.settings.sender)
        found["limits"] = reporting.limits(deployment.database, deployment.library)
    if as_json:
        click.echo(json.dumps({"format": FORMAT, **found}, indent=2))
        return
    tick = found["last_tick_seconds_ago"]
    click.echo(f"Calendar   {found['calendar']}")
    still = found["stands_still"]
    click.echo(f"Workers    {_still_words(still) if still else _tick_words(tick)}")
    sender = found["sender"]
    click.echo(f"Sender     {sender['door']}: {_sender_words(sender)}")
    for course in found["courses"]:
        people = ", ".join(f"{count} {stage}" for stage, count in sorted(course["people"].items())) or "nobody yet"
        held = f"  HELD: {course['held']}" if course["held"] else ""
        click.echo(f"Course     {course['course']}, version {course['version']}: {people}{held}")
    for limit in found["limits"]:
        click.echo(f"Rate       {limit['course']}: {limit['words']}")
    for lesson in found["held_lessons"]:
        click.echo(f"Held       {lesson['course']}/{lesson['letter']}: {lesson['detail']} ({lesson['reason']})")
    for letter in found["parked_letters"]:
        where = f"{letter['course']}/{letter['letter']}, delivery {letter['delivery']}"
        click.echo(f"Parked     {where}: {letter['reason']} {letter['detail']}")
    for chore in found["chores"]:
        click.echo(f"Provider   {_chore_words(chore)}")
    if found["unreachable_enrollments"]:
        numbers = ", ".join(map(str, found["unreachable_enrollments"]))
        click.echo(f"Blocked    the last letters of enrollments {numbers} were blocked or dropped; ask those people")
    click.echo(
        f"Letters    {found['due_now']} due, {found['open_now']} on their way, {found['reports_waiting']} reports to work off"
    )
    click.echo(f"Forgetting {_pass_words(found['last_forgotten'])}")
    click.echo(f"Next       {found['next_moment'] or 'nothing is dated'}")


def _chore_words(chore: dict[str, Any]) -> str:
    """Return what the provider must still be told, and what kept it."""
    what = {"erase": "to be told to erase", "clear": "to be told to take off its list"}[chore["kind"]]
    people = "1 address" if chore["people"] == 1 else f"{chore['people']} addresses"
    why = f": {chore['detail']}; tries again at {chore['next_try']}" if chore["detail"] else ""
    return f"{people} {what}{why}"


def _pass_words(last: str | None) -> str:
    """Return when the daily pass was last done."""
    if last and last.startswith(KEPT_FOR_GOOD):
        return "nobody: everybody is kept, as in the demo, which passes months in a minute"
    return f"the daily pass was done at {last}" if last else "no daily pass yet: a worker does it"


def _forgotten_words(found: dict[str, int]) -> str:
    """Return how many people were forgotten so far, and why."""
    why = {
        "erased": "at their wish",
        "left": "left",
        "ended": "unreachable",
        "finished": "finished",
        "pending": "never confirmed",
    }
    parts = ", ".join(f"{count} {why.get(reason, reason)}" for reason, count in sorted(found.items()))
    return f"forgotten: {sum(found.values())} ({parts}); their letters are in no figure above"


def _tick_words(seconds_ago: float | None) -> str:
    """Return when the workers last ticked, and what to do when they should have."""
    if seconds_ago is None:
        return "no tick yet: nothing is sent before drip up runs (or a beat and a worker)"
    if seconds_ago <= QUIET_SECONDS_MAX:
        return f"last tick {seconds_ago} seconds ago"
    return f"NOTHING RUNS: the last tick was {_span(seconds_ago)} ago; start drip up (or look at the beat and the worker)"


def _still_words(still: dict[str, str]) -> str:
    """Return why nothing goes on until an operator has spoken, and how she speaks."""
    return f"STANDS STILL: {still['why']}; its books end at {still['since']}; nothing goes until you run: drip restored"


def _span(seconds: float) -> str:
    """Return a length of time in its largest fitting unit."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}s"
    return f"{seconds:.0f} seconds"


def _sender_words(sender: dict[str, Any]) -> str:
    """Return whether letters go, and if not why, what to do, and when it is tried again."""
    words = {"closed": "working", "open": "waiting", "probing": "trying again with one letter", "paused": "paused"}
    parts = [words.get(sender["state"], sender["state"]), sender["reason"], sender["remedy"]]
    if sender["retry_at"] and sender["state"] != "closed":
        parts.append(f"tries again at {sender['retry_at']}")
    return "; ".join(part for part in parts if part)


@click.command()
@click.option("--audit", is_flag=True, help="Check that the books agree with themselves; exit 1 when they do not.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def report(ctx: click.Context, *, audit: bool, as_json: bool) -> None:
    """Show what became of every letter that fell due.

    due = submitted + withheld + failed + uncertain + open
    """
    from drip.cli.opening import opened
    from drip.flows import reporting

    with opened() as deployment:
        found: dict[str, Any] = reporting.report(deployment.database)
        if audit:
            found["faults"] = reporting.audit(deployment.database, deployment.library)
    if as_json:
        click.echo(json.dumps({"format": FORMAT, **found}, indent=2))
    else:
        for course in found["courses"]:
            parts = " + ".join(f"{course[name]} {name}" for name in ("submitted", "withheld", "failed", "uncertain", "open"))
            click.echo(f"{course['course']}: {course['due']} due = {parts}")
            for outcome, count in sorted(course["outcomes"].items()):
                click.echo(f"  {count} {outcome}")
        if found["forgotten"]:
            click.echo(_forgotten_words(found["forgotten"]))
        if not found["courses"]:
            click.echo("no letter fell due yet", err=True)
        for fault in found.get("faults", []):
            click.echo(fault, err=True)
        if audit and not found["faults"]:
            click.echo("The audit holds.")
    ctx.exit(1 if found.get("faults") else 0)


@click.command()
@click.argument("course", type=COURSE, required=False)
@click.option("--reason", default="", help="Why, for those who ask later.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def hold(*, course: str | None, reason: str, as_json: bool) -> None:
    """Stop sending COURSE, or every course.

    Nobody loses a letter, and nobody gets a burst after the release.
    """
    from drip.cli.opening import opened
    from drip.flows import holding

    with opened() as deployment:
        count = holding.hold(deployment.database, course, reason)
        again = not count and bool(reason) and holding.is_held(deployment.database, course)
    words = f"it was held already; the reason is now: {reason}" if again else _held_words(count, course)
    _say_courses("held", count, words, as_json=as_json)


def _say_courses(what: str, count: int, words: str, *, as_json: bool) -> None:
    """Say what became of how many courses."""
    click.echo(json.dumps({"format": FORMAT, what: count, "say": words}) if as_json else words)


def _held_words(count: int, course: str | None) -> str:
    """Return what a hold did and how to end it."""
    if not count:
        return "nothing to hold: it was held already, or there is no course yet"
    what = course or ("the course" if count == 1 else f"all {count} courses")
    return f"{what} stands still: nothing more goes out until drip release"


@click.command()
@click.argument("course", type=COURSE, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def release(*, course: str | None, as_json: bool) -> None:
    """Let COURSE, or every course, go on.

    The lessons that were held in it and the letters that were parked go on too. Complaints that came so far hold nothing
    more.
    """
    from drip.cli.opening import opened
    from drip.flows import holding

    with opened() as deployment:
        count = holding.release(deployment.database, course)
    what = course or ("the course" if count == 1 else f"{count} courses")
    goes_on = f"{what} goes on; whatever was waiting follows at people's own hours"
    words = goes_on if count else "no course was held; held lessons and parked letters may go now"
    _say_courses("released", count, words, as_json=as_json)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def db() -> None:
    """The database."""


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def upgrade(*, as_json: bool) -> None:
    """Bring the tables up to date; harmless when they are."""
    from drip import config
    from drip.wiring import Deployment

    deployment = Deployment(config.load())
    done = deployment.open_up()
    deployment.database.dispose()
    words = "the database is up to date now" if done else "the database was up to date already"
    click.echo(json.dumps({"format": FORMAT, "changed": done, "say": words}) if as_json else words)
