"""`drip subscribers pause|resume|leave`: what somebody asks for by a reply, done as her own buttons do it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from drip.cli.names import COURSE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drip.core.enrollment import Enrollment
    from drip.flows.adjusting import Adjusted
    from drip.flows.finding import Run
    from drip.wiring import Deployment

FORMAT = 1

Done = tuple[str, bool, str]
"""A course, whether what was asked for is acknowledged, and words for it."""

ON_ITS_WAY = "a letter of hers is on its way at this moment; run this again in a minute"


def _of_one(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what each of the three takes."""
    for option in (
        click.pass_context,
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead."),
        click.option("--course", default="", type=COURSE, metavar="ID", help="Only this course of hers. [default: all]"),
        click.argument("address"),
    ):
        command = option(command)
    return command


@click.command()
@_of_one
@click.option("--weeks", type=click.Choice(("1", "2", "4")), help="For so many weeks.")
@click.option("--until-she-says", "open_ended", is_flag=True, help="Until she, or you, ends it. [default]")
def pause(ctx: click.Context, address: str, course: str, *, weeks: str | None, open_ended: bool, as_json: bool) -> None:
    """Pause somebody's course, as her own button does; again replaces the pause.

    Exit code 1 when there is nobody by that address, she is not on the course, or a letter is on its way at this moment.
    """
    from drip.errors import UsageError
    from drip.flows import adjusting

    if weeks and open_ended:
        raise UsageError("say either --weeks or --until-she-says")

    def act(deployment: Deployment, run: Run) -> Done:
        number = int(weeks) if weeks else None
        found = adjusting.pause(
            deployment.database,
            deployment.library,
            run.person.public_id,
            weeks=number,
            wait_seconds=deployment.leave_wait_seconds,
        )
        return _adjusted(run.person, found, "paused")

    _act(ctx, address, course, act, as_json=as_json, active=True)


@click.command()
@_of_one
def resume(ctx: click.Context, address: str, course: str, *, as_json: bool) -> None:
    """End somebody's pause, as her own button does; harmless when she is not paused."""
    from drip.flows import adjusting

    def act(deployment: Deployment, run: Run) -> Done:
        found = adjusting.resume(
            deployment.database, deployment.library, run.person.public_id, wait_seconds=deployment.leave_wait_seconds
        )
        return _adjusted(run.person, found, "not paused")

    _act(ctx, address, course, act, as_json=as_json, active=True)


@click.command()
@_of_one
def leave(ctx: click.Context, address: str, course: str, *, as_json: bool) -> None:
    """Let somebody leave, as one who replied stop asks for: every course of hers, at once; harmless when she left already.

    She alone can come back, from any letter of hers. Exit code 1 when there is nobody by that address, or while a letter is
    on its way at this moment: nothing follows it.
    """
    from drip.flows import unsubscribing

    def act(deployment: Deployment, run: Run) -> Done:
        before = run.person.state
        found = unsubscribing.leave(
            deployment.database,
            deployment.library,
            run.person.public_id,
            source="command line",
            wait_seconds=deployment.leave_wait_seconds,
        )
        if not found.acknowledged:
            return run.person.course, False, "she has left; one letter is on its way at this moment, and nothing follows it"
        return run.person.course, True, "she had left already" if before == "left" else "she has left"

    _act(ctx, address, course, act, as_json=as_json)


def _adjusted(person: Enrollment, found: Adjusted, what: str) -> Done:
    from drip.core.wording import day_in_words

    if not found.acknowledged:
        return person.course, False, ON_ITS_WAY
    if found.person.state != "active":
        # She left, or came to the end, between the look and the press.
        return person.course, False, _not_on(found.person)
    date = f"her next letter comes on {day_in_words(found.next_on)}" if found.next_on else "no letter comes until she says"
    return person.course, True, f"{what}; {date}"


def _act(
    ctx: click.Context,
    address: str,
    course: str,
    act: Callable[[Deployment, Run], Done],
    *,
    as_json: bool,
    active: bool = False,
) -> None:
    """Do *act* in each course of the person behind an address, only where she is *active*, and say what came of it."""
    from drip.cli.opening import opened
    from drip.cli.whom import key_of
    from drip.flows import finding
    from drip.wiring import log_to_stderr

    with opened() as deployment:
        log_to_stderr(deployment.settings.log)
        found = finding.find(deployment.database, deployment.library, key_of(address, deployment), course=course)
        runs = [run for run in found.runs if run.person.state == "active"] if active else found.runs
        done = [act(deployment, run) for run in runs]
    # Of several courses those that are over need no word; where all are, that is the answer.
    done = done or [(run.person.course, False, _not_on(run.person)) for run in found.runs]
    _say(done, as_json=as_json)
    ctx.exit(0 if all(acknowledged for _, acknowledged, _ in done) else 1)


def _not_on(person: Enrollment) -> str:
    return f"she is not on it: {person.state}"


def _say(done: Sequence[Done], *, as_json: bool) -> None:
    if as_json:
        courses = [{"course": course, "done": acknowledged, "say": words} for course, acknowledged, words in done]
        click.echo(json.dumps({"format": FORMAT, "courses": courses}, indent=2, ensure_ascii=False))
        return
    for course, acknowledged, words in done:
        click.echo(f"{course}: {words}", err=not acknowledged)
