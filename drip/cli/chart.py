"""What came of a simulation as lines for a terminal: plain characters, as wide as it is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WIDE = 64
"""From this many columns on a week shows its days."""

BAR = "#"
DAYS_MAX = 10
"""How many days with late letters are told one by one."""


def lines(found: dict[str, Any], width: int) -> Iterator[str]:
    """Yield the lines that tell *found*, a simulation as plain values, in *width* columns."""
    asked = found["asked"]
    yield f"{found['people']:,} people through {asked['course']} ({asked['through']}), seed {found['seed']}"
    yield f"{found['letters']:,} letters from {asked['from']}; days and hours are those of {found['zone']}"
    yield ""
    yield from _weeks(found["days"], width)
    yield ""
    yield from _hours(found["hours"], width)
    yield ""
    yield from _words(found)
    yield from _broken(found)


def _weeks(days: dict[str, int], width: int) -> Iterator[str]:
    """Yield a line for each week: its days where they fit, its sum, and a bar."""
    if not days:
        return
    counts = {date.fromisoformat(day): count for day, count in days.items()}
    monday = min(counts) - timedelta(days=min(counts).weekday())
    last = max(counts)
    cell = max(4, *(len(f"{count}") + 1 for count in counts.values()))
    wide = width >= max(_WIDE, 10 + 7 * cell + 8 + 10)
    weeks: list[tuple[date, list[int]]] = []
    while monday <= last:
        weeks.append((monday, [counts.get(monday + timedelta(days=ahead), 0) for ahead in range(7)]))
        monday += timedelta(days=7)
    most = max(sum(week) for _, week in weeks)
    yield "Week of   " + ("".join(f"{day:>{cell}}" for day in _DAYS) if wide else "") + f"{'Sum':>8}"
    for begins, week in weeks:
        cells = "".join(f"{count or '.':>{cell}}" for count in week) if wide else ""
        head = f"{begins.isoformat()}{cells}{sum(week):>8}"
        yield _with_bar(head, sum(week), most, width)


def _hours(hours: list[int], width: int) -> Iterator[str]:
    """Yield a line for each hour of the day between the first and the last that has letters."""
    used = [hour for hour, count in enumerate(hours) if count]
    if not used:
        return
    yield f"{'Hour':<10}{'Sum':>8}"
    for hour in range(used[0], used[-1] + 1):
        yield _with_bar(f"{hour:02}:00     {hours[hour]:>8}", hours[hour], max(hours), width)


def _with_bar(head: str, count: int, most: int, width: int) -> str:
    room = width - len(head) - 2
    length = 0 if room < 1 or not most else -(-count * room // most)
    return f"{head}  {BAR * length}".rstrip()


def _words(found: dict[str, Any]) -> Iterator[str]:
    """Yield what the figures say."""
    finished, late, top = found["finished"], found["late"], found["fullest_hour"]
    if finished["people"]:
        days = f"{finished['earliest']} to {finished['latest']}, median {finished['median']}"
        yield f"Finished       {finished['people']:,}: {days}"
    else:
        yield "Finished       nobody yet; --weeks looks further"
    yield f"Left, bounced  {found['left']:,}, {found['bounced']:,}; pauses {found['pauses']:,}"
    yield f"Clock changes  {found['clock_changes']:,} met"
    if top is not None:
        yield f"Fullest hour   {top['letters']:,} letters from {top['begins']}"
    for outage in found["outages"]:
        after = f"{outage['letters_in_the_hour_after']:,} letters in the hour after"
        yield f"Outage         {outage['begins']} to {outage['ends']}; {after}"
    if found["per_hour"] is not None:
        yield from _rate(found)
    if late["letters"]:
        last = late["last"]
        yield f"Late           {late['letters']:,} letters, half of them by {_length(late['median_minutes'])} or less"
        yield f"  the latest   {_length(late['most_minutes'])}: {last['lesson']} to person {last['person']} at {last['at']}"
        if found["per_hour"] is not None:
            yield from _late_days(late["days"])
    else:
        yield "Late           none"
    if found["waiting"]:
        yield f"Waiting        {found['waiting']:,} letters have no room up to the last day; --weeks looks further"
    for hazard in found["hazards"]:
        yield f"HAZARD         {hazard['name']}: {hazard['count']:,} {hazard['text']}"
    yield f"Invariants     {len(found['invariants'])} looked at for every letter, broken {found['broken_in_all']:,} times"


def _rate(found: dict[str, Any]) -> Iterator[str]:
    """Yield what the rate is and how it grows."""
    limits = found["limits"]
    said = f"Rate           {found['per_hour']:,} letters an hour"
    if found["grows"] is None or not limits:
        yield said
        return
    last = max(limits.values())
    day = next(day for day, limit in limits.items() if limit == last)
    yield f"{said}, {found['grows']}: {last:,} from {day} on"


def _late_days(days: dict[str, dict[str, int]]) -> Iterator[str]:
    """Yield a line for each day with late letters, the worst ones where there are many, in the order of the calendar."""
    worst = sorted(days, key=lambda day: (-days[day]["most_minutes"], day))[:DAYS_MAX]
    for day in sorted(worst):
        found = days[day]
        over = f", {found['over']:,} not on that day" if found["over"] else ""
        yield f"  {day}   {found['letters']:,} late, the last by {_length(found['most_minutes'])}{over}"
    if len(days) > len(worst):
        yield f"  and {len(days) - len(worst):,} more days; --json has them all"


def _broken(found: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each broken invariant that is told, with all that finds the letter again."""
    for one in found["broken"]:
        where = f"seed {found['seed']}, person {one['person']}, {one['lesson'] or 'no lesson'}, {one['at']}"
        yield f"BROKEN  {one['invariant']}  {where}: {one['text']}"
    more = found["broken_in_all"] - len(found["broken"])
    if more:
        yield f"BROKEN  and {more} more than these"


def _length(minutes: int) -> str:
    days, rest = divmod(minutes, 24 * 60)
    parts = [(days, "d"), (rest // 60, "h"), (rest % 60, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"
