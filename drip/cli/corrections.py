"""`drip corrections`: who got a letter in one wording."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from drip.cli.names import COURSE, LESSON

if TYPE_CHECKING:
    from drip.store.listings import Recipient

FORMAT = 1


@click.command()
@click.argument("lesson", type=LESSON)
@click.argument("version", type=click.IntRange(1, 2**63 - 1))
@click.option("--course", default="", type=COURSE, metavar="ID", help="The course. [default: the only one]")
@click.option("--people", is_flag=True, help="List every copy, by the number of her enrollment and her masked address.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def corrections(*, lesson: str, version: int, course: str, people: bool, as_json: bool) -> None:
    """Show who got LESSON in the wording of VERSION, so that they can be told what was wrong.

    Copies under other versions count where the letter read the same: the wording is its own text and front matter, not the
    layout and the fixed blocks around it. Copies in doubt count too. Whoever was forgotten is not known any more.
    """
    from drip.cli.opening import opened
    from drip.flows import correcting

    with opened() as deployment:
        found = correcting.wording(deployment.database, deployment.library, lesson, version, course=course)
        head = {
            "format": FORMAT,
            "course": found.course,
            "lesson": found.lesson,
            "version": version,
            "same_in_versions": list(found.versions),
            "copies": found.copies,
            "in_doubt": found.in_doubt,
            "people": found.people,
        }
        each = correcting.recipients(deployment.database, found) if people else ()
        if as_json:
            # Written as it is read: a course may have a million people.
            click.echo(json.dumps(head, ensure_ascii=False)[:-1] + (', "list": [' if people else "}"), nl=not people)
            comma = ""
            for one in each:
                click.echo(f"{comma}\n  {json.dumps(_as_json(one), ensure_ascii=False)}", nl=False)
                comma = ","
            if people:
                click.echo("\n]}" if comma else "]}")
            return
        copies = "1 copy" if found.copies == 1 else f"{found.copies:,} copies"
        whom = "1 person" if found.people == 1 else f"{found.people:,} people"
        doubt = f", {found.in_doubt:,} of them in doubt" if found.in_doubt else ""
        under = f" (read the same in version {', '.join(map(str, found.versions))})" if found.versions else ""
        click.echo(f"{found.lesson} in the wording of version {version}: {copies} to {whom}{doubt}{under}")
        for one in each:
            words = "in doubt" if one.state == "uncertain" else (one.outcome or "no report")
            day = one.went_on.isoformat() if one.went_on else "-"
            length = "short" if one.short else "full"
            click.echo(
                f"{one.enrollment:>8}  {_masked(one):<30} {day}  version {one.version_id}, {length}, {words}, {one.standing}"
            )


def _masked(one: Recipient) -> str:
    from drip.core.address import masked

    return masked(one.address) if one.address else "being forgotten"


def _as_json(one: Recipient) -> dict[str, Any]:
    return {
        "enrollment": one.enrollment,
        "address": _masked(one) if one.address else None,
        "version": one.version_id,
        "kind": one.kind,
        "length": "short" if one.short else "full",
        "went_on": one.went_on.isoformat() if one.went_on else None,
        "in_doubt": one.state == "uncertain",
        "outcome": one.outcome,
        "state": one.standing,
    }
