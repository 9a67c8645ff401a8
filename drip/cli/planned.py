"""A plan as lines for a terminal and as a JSON document; a million people are written as they come, and kept nowhere."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drip.core.plan import Lag, LoadDay, PersonTurn, Plan

FORMAT = 1
SHOWN_MAX = 40
"""How many changes a terminal shows before it sums up the rest."""

SHOWN_DAYS = 28
"""How many days ahead a terminal shows the load of."""

_SAME = "nobody's next letter moves"
_EFFECTS = {
    "earlier": "get their next letter earlier",
    "later": "get their next letter later",
    "other": "get another letter next",
    "ends": "have reached the end",
}


class People:
    """Everybody for whom a plan changes something, taken down in a file without a name, to be told after its sums."""

    def __init__(self, file: IO[str], written: Callable[[PersonTurn], str]) -> None:
        """Write each person as *written* says."""
        self._file = file
        self._written = written

    def hear(self, turn: PersonTurn) -> None:
        """Take down one person."""
        self._file.write(self._written(turn) + "\n")

    def told(self) -> Iterator[str]:
        """Yield what was taken down, line by line."""
        self._file.seek(0)
        for line in self._file:
            yield line.rstrip("\n")


@contextmanager
def people(written: Callable[[PersonTurn], str]) -> Iterator[People]:
    """Give what takes people down, each as *written* says."""
    with TemporaryFile("w+", encoding="utf-8") as file:
        yield People(file, written)


def as_line(one: PersonTurn) -> str:
    """Return one person as a line, by the number of her enrollment."""
    passed = f"  will not get {', '.join(one.passed)}" if one.passed else ""
    before = f"{one.next_before or '-'} {one.on_before or 'no date'}"
    after = f"{one.next_after or '-'} {one.on_after or 'no date'}"
    return f"{one.enrollment:>8}  {one.effect}  {before} → {after}{passed}"


def as_json(one: PersonTurn) -> str:
    """Return one person as a JSON object."""
    from dataclasses import asdict

    values = {**asdict(one), "on_before": str(one.on_before or ""), "on_after": str(one.on_after or "")}
    return json.dumps(values, ensure_ascii=False)


def write_json(planned: Plan, people: People) -> None:
    """Print a plan as one JSON document, with everybody for whom something changes at its end."""
    head = json.dumps(values(planned), indent=2, ensure_ascii=False)
    click.echo(head.removesuffix("\n}") + ',\n  "people_turned": [', nl=False)
    between = "\n    "
    for line in people.told():
        click.echo(f"{between}{line}", nl=False)
        between = ",\n    "
    click.echo("\n  ]\n}" if between.startswith(",") else "]\n}")


def values(planned: Plan) -> dict[str, Any]:
    """Return a plan as plain values, but for its people."""
    from dataclasses import asdict

    return {
        "format": FORMAT,
        "base": planned.base,
        "digest": planned.digest,
        "changes": [asdict(change) for change in planned.changes],
        "hazards": [asdict(hazard) for hazard in planned.hazards],
        "refusals": list(planned.refusals),
        "people": planned.people,
        "effects": dict(planned.effects),
        "load": [{**asdict(one), "day": one.day.isoformat()} for one in planned.load],
        "lags": [
            {
                "course": one.course,
                "over_before": one.over_before,
                "over": one.over,
                "day": None if one.day is None else one.day.isoformat(),
                "late_hours": round(one.late / timedelta(hours=1), 1),
            }
            for one in planned.lags
        ],
    }


def show(planned: Plan, command: str = "apply") -> None:
    """Print a plan for people: data to stdout, what to do next to stderr."""
    from drip import config
    from drip.cli.screen import console

    out = console()
    what = "Nothing is live yet." if planned.base is None else f"Live is version {planned.base}."
    out.print(f"{what} {_people(planned)}")
    for change in planned.changes[:SHOWN_MAX]:
        out.print(f"  {change.what:<28} {change.text}", soft_wrap=True)
    if len(planned.changes) > SHOWN_MAX:
        out.print(f"  and {len(planned.changes) - SHOWN_MAX} more; --json shows all")
    if not planned.changes:
        out.print("  The files say what is live.")
    for line in (*_load(planned.load, out.width), *map(_lag, planned.lags)):
        out.print(line, soft_wrap=True)
    for refusal in planned.refusals:
        out.print(f"CANNOT GO LIVE  {refusal}", style="red", soft_wrap=True)
    for hazard in planned.hazards:
        count = "" if ":" in hazard.name else f"{hazard.count}: "
        out.print(f"HAZARD  {hazard.name}  {count}{hazard.text}", style="yellow", soft_wrap=True)
    if planned.changes and not planned.refusals:
        needed = [hazard for hazard in planned.hazards if hazard.needed]
        accept = "".join(f" --accept {hazard.name}={hazard.count}" for hazard in needed)
        who = " --by NAME --reason WHY" if needed else ""
        click.echo(f"To apply exactly this: {config.typed()} {command} {planned.digest}{accept}{who}", err=True)
        for hazard in planned.hazards:
            if not hazard.needed:
                more = "" if needed else " --by NAME --reason WHY"
                click.echo(f"To bring about {hazard.name} as well: --accept {hazard.name}={hazard.count}{more}", err=True)


def _people(planned: Plan) -> str:
    """Return how many people an edit meets, and what it does to their next letters."""
    if not planned.people:
        return "Nobody is on the course yet."
    effects = dict(planned.effects)
    parts = [f"{effects[name]} {told}" for name, told in _EFFECTS.items() if effects.get(name)]
    who = f"{planned.people} {'person is' if planned.people == 1 else 'people are'} on the course"
    return f"{who}: {', '.join(parts)}." if parts else f"{who}; {_SAME}."


def _load(load: tuple[LoadDay, ...], width: int) -> Iterator[str]:
    """Yield the letters of the coming days, as they are and as planned; nothing where the edit moves none of them."""
    if all(one.before == one.after for one in load):
        return
    until = load[0].day + timedelta(days=SHOWN_DAYS)
    shown = [one for one in load if one.day < until]
    most = max(max(one.before, one.after) for one in shown)
    wide = max(6, len(f"{most}") + 1)
    yield f"Letters a day{'now':>{wide + 1}}{'then':>{wide}}   as people stand, everybody's whole course ahead"
    for one in shown:
        head = f"{one.day:%a} {one.day.isoformat()}{one.before:>{wide}}{one.after:>{wide}}"
        yield f"{head}  {_bar(one, most, width - len(head) - 2)}".rstrip()
    later = [one for one in load if one.day >= until]
    if later:
        sums = sum(one.before for one in later), sum(one.after for one in later)
        yield f"{'later':<14}{sums[0]:>{wide}}{sums[1]:>{wide}}  until {later[-1].day.isoformat()}; --json shows every day"


def _bar(one: LoadDay, most: int, room: int) -> str:
    """Return a bar of the letters of a day as planned: what stays is drawn with #, what comes with +, what goes with a dot."""
    if room < 1 or not most:
        return ""
    both, before, after = (-(-count * room // most) for count in (min(one.before, one.after), one.before, one.after))
    return "#" * both + "+" * max(0, after - both) + "." * max(0, before - both)


def _lag(lag: Lag) -> str:
    """Return how late the last letter is at the rate of a course."""
    if lag.day is None:
        return f"At its rate every letter of {lag.course} leaves within its hour."
    days, rest = divmod(int(lag.late / timedelta(hours=1)), 24)
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in ((days, "day"), (rest, "hour")) if count]
    over = f"; {lag.over} letters leave on a later day than theirs, now {lag.over_before}" if lag.over or lag.over_before else ""
    return f"At the rate of {lag.course} the latest letter is one of {lag.day}, {' '.join(parts) or 'under an hour'} late{over}."
