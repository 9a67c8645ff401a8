"""`drip subscribers show|list|export`: one person, all of them, and what is held about one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drip.cli.names import COURSE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drip.flows.finding import Found, Run
    from drip.store.listings import Listed

FORMAT = 1

STATES = ("asked", "active", "finished", "left", "ended")


@click.command()
@click.argument("address")
@click.option("--course", default="", type=COURSE, metavar="ID", help="Only this course of hers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def show(*, address: str, course: str, as_json: bool) -> None:
    """Show somebody's courses: where she is, the date of her next letter, and what she chose.

    Her address is shown masked, her name not at all. Exit code 1 when there is nobody by that address.
    """
    from drip.cli.opening import opened
    from drip.cli.whom import key_of
    from drip.flows import finding

    with opened() as deployment:
        found = finding.find(deployment.database, deployment.library, key_of(address, deployment), course=course)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2, ensure_ascii=False))
        return
    click.echo(found.address)
    for run in found.runs:
        click.echo("")
        for name, words in _lines(run):
            click.echo(f"{name:<11}{words}")


def _document(found: Found) -> dict[str, Any]:
    return {"format": FORMAT, "address": found.address, "courses": [_run_as_json(run) for run in found.runs]}


def _run_as_json(run: Run) -> dict[str, Any]:
    from drip.core.timeword import WEEKDAYS

    person = run.person
    return {
        "course": person.course,
        "enrollment": person.id,
        "state": person.state,
        "ended_why": person.ended_why or None,
        "ended_at": person.ended_at.isoformat(timespec="seconds") if person.ended_at else None,
        "suppressed": run.register or None,
        "place": person.place,
        "next": run.lesson or None,
        "next_on": run.on.isoformat() if run.on else None,
        "paused": person.paused or None,
        "version": person.version_id,
        "settings": {
            "zone": person.zone,
            "days": [WEEKDAYS[day] for day in run.weekdays],
            "send_at": run.send_at,
            "every_weeks": person.pace,
            "length": "short" if person.short else "full",
            "country": person.country or None,
            "later_letters": person.afterwards,
            "keep_page": person.keep,
        },
    }


def _lines(run: Run) -> Iterable[tuple[str, str]]:
    """Yield what a person reads of one course, line by line."""
    from drip.core.wording import day_in_words, weekday_name

    person = run.person
    ended = f", since {person.ended_at:%Y-%m-%d}" if person.ended_at else ""
    why = f" ({person.ended_why})" if person.ended_why not in {"", person.state} else ""
    yield "Course", f"{person.course}, enrollment {person.id}: {person.state}{why}{ended}"
    if run.register:
        yield "Register", f"her address must not be mailed: {run.register}"
    yield "Place", person.place or "before the first letter"
    if run.on is not None:
        yield "Next", f"{run.lesson} on {day_in_words(run.on)} {run.on.year}"
    elif person.state == "active":
        yield "Next", f"{run.lesson or 'nothing'}, without a date"
    else:
        yield "Next", "nothing"
    if person.paused:
        yield "Paused", "until she says" if person.paused == "open" else "for some weeks"
    days = ", ".join(weekday_name(day) for day in run.weekdays)
    pace = "every week" if person.pace == 1 else f"every {person.pace} weeks"
    yield "Settings", f"{days} at {run.send_at}, {person.zone}, {pace}, {'short' if person.short else 'full'} letters"
    more = [f"country {person.country}"] if person.country else []
    more += ["the later letters"] if person.afterwards else []
    more += ["keeps her page"] if person.keep else []
    if more:
        yield "Chose", ", ".join(more)


@click.command("list")
@click.option("--course", default="", type=COURSE, metavar="ID", help="Only this course.")
@click.option(
    "--state", default="", type=click.Choice(("", *STATES)), metavar="|".join(STATES), help="Only people in this state."
)
@click.option("--limit", type=click.IntRange(1), help="At most so many. [default: all]")
@click.option("--after", type=click.IntRange(0), default=0, metavar="NUMBER", help="Those after this enrollment.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def list_(*, course: str, state: str, limit: int | None, after: int, as_json: bool) -> None:
    """List the people on the course, one line for each enrollment, with masked addresses and no names.

    The lines come as they are read, however many there are. Dates are those that were last worked out: drip subscribers
    show tells what an edit has made of one. With --limit the last line on stderr says how to go on.
    """
    from drip.cli.opening import opened
    from drip.flows import finding

    with opened() as deployment:
        found = finding.people(deployment.database, course=course, state=state, after=after, limit=limit)
        last, count = _print_all(found, as_json=as_json, limit=limit)
    if count == limit and not as_json:
        click.echo(f"there may be more: --after {last}", err=True)
    elif not count and not as_json:
        click.echo("nobody", err=True)


def _print_all(found: Iterable[Listed], *, as_json: bool, limit: int | None) -> tuple[int, int]:
    """Print people as they come; return the number of the last enrollment, and how many there were."""
    last = count = 0
    head = f'{{"format": {FORMAT}, "people": ['
    for one in found:
        if as_json:
            # With the first line, not before: a course that does not run must not leave half a document.
            click.echo(head if not count else "", nl=False)
            click.echo(("," if count else "") + "\n  " + json.dumps(_listed(one), ensure_ascii=False), nl=False)
        else:
            on = one.next_letter_on.isoformat() if _dated(one) and one.next_letter_on else "-"
            paused = " paused" if one.paused and one.state == "active" else ""
            click.echo(
                f"{one.id:>8}  {_masked(one):<30} {one.course:<16} {one.state + paused:<16} {_lesson(one) or '-':<24} {on}"
            )
        last, count = one.id, count + 1
    if as_json:
        following = last if count == limit else None
        click.echo(("\n" if count else head) + f'], "after": {json.dumps(following)}}}')
    return last, count


def _masked(one: Listed) -> str:
    from drip.core.address import masked

    return masked(one.address) if one.address else "being forgotten"


def _dated(one: Listed) -> bool:
    return one.state == "active" and one.paused != "open"


def _lesson(one: Listed) -> str:
    return (one.next_lesson or "") if one.state == "active" else ""


def _listed(one: Listed) -> dict[str, Any]:
    return {
        "enrollment": one.id,
        "address": _masked(one) if one.address else None,
        "course": one.course,
        "state": one.state,
        "paused": one.paused or None,
        "zone": one.zone,
        "next": _lesson(one) or None,
        "next_on": one.next_letter_on.isoformat() if _dated(one) and one.next_letter_on else None,
        "since": one.created_at.isoformat(timespec="seconds"),
    }


@click.command()
@click.argument("address")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def export(*, address: str, file: Path | None) -> None:
    """Write what is held about one person as JSON, the same as she gets from her own page.

    It holds her full address and is for her alone: FILE is made for its owner only, and never written over. Without FILE it
    goes to stdout. Exit code 1 when there is nobody by that address, or FILE is there already.
    """
    from drip.cli.opening import opened
    from drip.cli.whom import key_of
    from drip.flows import exporting, finding
    from drip.store import stamps

    with opened() as deployment:
        found = finding.find(deployment.database, deployment.library, key_of(address, deployment))
        made = stamps.now(deployment.database).machine
        text = exporting.document(deployment.database, found.runs[0].person.public_id, made=made)
    if file is None:
        click.echo(text, nl=False)
        return
    _write_new(file, text)
    click.echo(f"{file}: what is held about this person; give it to her, and delete it", err=True)


def _write_new(file: Path, text: str) -> None:
    """Write a file that nobody else may read and that is not there yet; half a file is none."""
    import os

    from drip.errors import DripError, UsageError

    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError as trouble:
        raise DripError(f"{file} is there already; name another file, nothing is written over") from trouble
    except OSError as trouble:
        raise UsageError(f"{file} cannot be made: {trouble.strerror}") from trouble
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as trouble:
        file.unlink(missing_ok=True)
        raise DripError(f"{file} could not be written: {trouble.strerror}") from trouble
