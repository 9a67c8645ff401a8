"""`drip why`: every rule that decided, decides and will decide on one person's letters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from drip.cli.names import COURSE, LESSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drip.flows.explaining import Explanation

FORMAT = 1

MARKS = {"passes": "yes   ", "waits": "WAITS ", "never": "NEVER "}


@click.command()
@click.argument("address")
@click.argument("lesson", type=LESSON, default="")
@click.option("--course", default="", type=COURSE, metavar="ID", help="Only this course of hers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def why(*, address: str, lesson: str, course: str, as_json: bool) -> None:
    """Say why somebody's letters came, come or do not come, or one LESSON of them.

    What happened stands first, then every rule that decides on her next letter, in the order in which it is asked, each
    with what it looks at, and then the dates from there on. It changes nothing, and repeats no address. Exit code 1 when
    there is nobody by that address, or no such lesson.
    """
    from drip.cli.opening import opened
    from drip.cli.whom import key_of
    from drip.flows import explaining
    from drip.store.stamps import REAL

    with opened() as deployment:
        key = key_of(address, deployment)
        door = explaining.Door(deployment.settings.sender, real=deployment.settings.door == REAL)
        found = explaining.explain(deployment.database, deployment.library, key, door, course=course, lesson=lesson)
    if as_json:
        click.echo(json.dumps({"format": FORMAT, "courses": [_as_json(one) for one in found]}, indent=2, ensure_ascii=False))
        return
    for one in found:
        for line in _lines(one, only=bool(lesson)):
            click.echo(line)


def _as_json(found: Explanation) -> dict[str, Any]:
    return {
        "course": found.course,
        "enrollment": found.enrollment,
        "state": found.state,
        "zone": found.zone,
        "calendar": found.now.calendar.isoformat(timespec="seconds"),
        "answer": found.answer,
        "said": [{"at": at.isoformat(timespec="seconds"), "words": words} for at, words in found.said],
        "happened": [
            {
                "lesson": one.lesson,
                "occasion": one.occasion,
                "words": one.words,
                "at": one.at.isoformat(timespec="seconds"),
                "facts": one.facts,
            }
            for one in found.happened
        ],
        "next": found.next or None,
        "rules": [
            {"rule": one.name, "verdict": one.verdict.value, "words": one.words, "inputs": dict(one.inputs)}
            for one in found.rules
        ],
        "decides": found.decides.name if found.decides else None,
        "ahead": [
            {"lesson": one.lesson, "on": one.on.isoformat(), "due_at": one.due_at.isoformat(timespec="seconds")}
            for one in found.ahead
        ],
        "omitted": [{"lesson": lesson, "words": words} for lesson, words in found.omitted],
    }


def _lines(found: Explanation, *, only: bool) -> Iterator[str]:
    """Return an explanation as a person reads it at night: the answer first where one thing was asked."""
    from drip.core.wording import day_in_words

    if only:
        yield found.answer
    else:
        now = found.now.calendar.astimezone(_zone(found.zone))
        yield f"{found.course}, enrollment {found.enrollment}: {found.state}"
        yield f"For her it is {day_in_words(now.date())}, {now:%H:%M} in {found.zone}"
        yield ""
        yield "What she said"
        yield from (f"  {at:%Y-%m-%d %H:%M} UTC  {words}" for at, words in found.said)
    if found.happened:
        yield ""
        yield "What happened"
        for one in found.happened:
            day = one.facts.get("went on", one.facts["letter date"])
            yield f"  {day}  {one.lesson:<24} {one.words}"
            if only:
                yield from (f"              {name}: {value}" for name, value in one.facts.items())
    if found.rules:
        yield ""
        would = "Her next letter" if found.state == "active" else "Her next letter, were she on the course"
        yield f"{would}: {found.next or 'none'}"
        for rule in found.rules:
            yield f"  {MARKS[rule.verdict]} {rule.name:<12} {rule.words}"
            inputs = "; ".join(f"{name} {value}" for name, value in rule.inputs.items() if value)
            if inputs:
                yield f"                      {inputs}"
        yield f"  So {found.conclusion}"
    if found.ahead and not (only and found.next):
        yield ""
        yield "What lies ahead, if nothing is changed"
        yield from (f"  {day_in_words(one.on):<22} {one.lesson}" for one in found.ahead)
    if found.omitted:
        yield ""
        yield "What she does not get"
        yield from (f"  {lesson:<24} {words}" for lesson, words in found.omitted)
    yield ""


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
