"""Simulating: who goes through a course, made by a seed or read from the database, and what came of it; nothing is written."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from drip.core import population
from drip.core.enrollment import placed, zone_of
from drip.core.progress import LiveCourse, first_ids
from drip.core.simulation import Simulation, Steps, Traveller
from drip.core.timing import Slot
from drip.core.turn import turned
from drip.core.witness import INVARIANTS
from drip.errors import NotFound
from drip.store import deliveries, enrollments, stamps, versions, warmups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from drip.core.capacity import Level
    from drip.core.enrollment import Changes, Enrollment
    from drip.core.population import Shape
    from drip.core.schedule import Course, Schedule
    from drip.core.witness import Broken, Outage
    from drip.mail.library import Library
    from drip.store.deliveries import Delivery
    from drip.store.session import Connection, Database

FORMAT = 1
OVER_CAPACITY = "over-capacity"
"""The hazard that letters do not leave on their day, by the name that a plan gives it."""

PAGE = 5_000
TOLD_MAX = 100
"""How many broken invariants are told one by one; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Living:
    """The people of an installation as they stand at *now*, ready to go on; and the course that they go through."""

    people: tuple[Traveller, ...]
    course: LiveCourse
    now: datetime
    level: Level | None = None


def course_in(schedule: Schedule, name: str) -> str:
    """Return the id of the course to walk through: the one called *name*, or the only one; raises NotFound."""
    if name in schedule.courses:
        return name
    known = ", ".join(schedule.courses)
    if name:
        raise NotFound(f"there is no course {name!r}; there is {known}")
    if len(schedule.courses) != 1:
        raise NotFound(f"there are several courses; choose one with --course: {known}")
    return known


def made(shape: Shape, course: LiveCourse, name: str, seed: str) -> list[Traveller]:
    """Return made people; each has numbers of her own, so that she is the same in a smaller or a larger population."""
    return [population.made(number, shape, course, name, _draw(seed, number)) for number in range(1, shape.people + 1)]


def _draw(seed: str, number: int) -> Callable[[], float]:
    # Nothing secret is drawn here: the same seed must give the same people.
    return random.Random(f"{seed}/{number}").random  # noqa: S311


def live_course(database: Database, library: Library, name: str) -> tuple[str, LiveCourse]:
    """Return the id of a course and the version of it that is live; raises NotFound when none is."""
    with database.read() as connection:
        return _live(connection, library, name)


def _live(connection: Connection, library: Library, name: str) -> tuple[str, LiveCourse]:
    running = versions.running(connection)
    if not name and len(running) == 1:
        (name,) = running
    state = running.get(name)
    if state is None:
        raise NotFound(f"no course {name!r} is live; drip versions lists what was applied, --course chooses")
    return name, library.course(state.version_id, name)


def living(database: Database, library: Library, name: str, files: Course | None) -> Living:
    """Return everybody who is under way, turned to the course of the *files*, or to the version that is live (None)."""
    with database.read() as connection:
        (name, live), now = _live(connection, library, name), stamps.now_in(connection).calendar
        newest = versions.newest(connection)
        if files is not None and newest is not None:
            version = versions.find(connection, newest[0])
            known = {} if version is None else version.first_ids.get(name, {})
            live = LiveCourse(newest[0] + 1, files, first_ids(files, known))
        level = warmups.level_on(connection, name, live.course, now)
        return Living(tuple(_people(connection, library, name, live, now)), live, now, level)


def _people(connection: Connection, library: Library, name: str, live: LiveCourse, now: datetime) -> list[Traveller]:
    found: list[Traveller] = []
    after = 0
    while people := enrollments.active(connection, name, after, PAGE):
        after = people[-1].id
        histories = deliveries.histories(connection, [person.subscriber_id for person in people], name)
        opened = deliveries.find_many(connection, [person.open_delivery for person in people if person.open_delivery is not None])
        for person in people:
            history = histories.get((person.subscriber_id, person.occasion()), [])
            delivery = opened.get(person.open_delivery or 0)
            facts = person._replace(**_turned(person, library.course(person.version_id, name), live, history, delivery, now=now))
            found.append(Traveller(person.id, facts, had=frozenset(history)))
    return found


def _turned(
    person: Enrollment, since: LiveCourse, live: LiveCourse, history: Sequence[str], delivery: Delivery | None, *, now: datetime
) -> Changes:
    """Return what the turn to another version does to somebody, and where her open letter stands; no turn to her own."""
    slot = _slot(delivery)
    if since.version_id == live.version_id:
        return {} if slot is None else placed(slot)
    turn = turned(person, since, live, history, None if delivery is None else delivery.letter, now=now)
    if turn.withdrawn:
        # The letter on its way is of a lesson that is gone: she goes on from where she stands.
        here = person._replace(**turn.changes, open_delivery=None)
        return turn.changes | turned(here, since, live, history, None, now=now).changes
    slot = slot if turn.slot is None else turn.slot
    return turn.changes if slot is None else turn.changes | placed(slot)


def _slot(delivery: Delivery | None) -> Slot | None:
    """Return where an open letter stands in time; None while it waits for her."""
    if delivery is None or delivery.not_before is None or delivery.closes_at is None:
        return None
    return Slot(delivery.meant_on, delivery.letter_on, delivery.not_before, delivery.closes_at)


def troubled(found: Living, shape: Shape, seed: str) -> list[Traveller]:
    """Return the living with what befalls them from now on."""
    letters = len(found.course.course.sequence)
    return [population.troubled(person, shape, found.now, letters, _draw(seed, person.number)) for person in found.people]


def simulate(
    course: LiveCourse,
    people: Sequence[Traveller],
    *,
    begins: datetime,
    ends: datetime,
    outages: Sequence[Outage] = (),
    level: Level | None = None,
    steps: Steps = Steps(),  # noqa: B008 - frozen
) -> Simulation:
    """Walk *people* through a course at the rate that it allows, from the *level* where that stands; return what came of it."""
    sending = course.course.sending
    run = Simulation(course, people, begins=begins, ends=ends, outages=outages, sending=sending, level=level, steps=steps)
    run.run()
    return run


def told(run: Simulation, course: LiveCourse, *, outages: Sequence[Outage], asked: dict[str, Any], seed: str) -> dict[str, Any]:
    """Return what came of a simulation as plain values: the same run, the same bytes."""
    zone, tally = zone_of("", course.course), run.tally
    days: Counter[date] = Counter()
    hours: Counter[int] = Counter()
    fullest: Counter[datetime] = Counter()
    for at, count in tally.letters.items():
        local = at.astimezone(zone)
        days[local.date()] += count
        hours[local.hour] += count
        fullest[at.replace(minute=0, second=0, microsecond=0)] += count
    top = max(fullest.items(), key=lambda item: (item[1], -item[0].timestamp()), default=None)
    finished = sorted(tally.finished)
    sending = course.course.sending
    return {
        "format": FORMAT,
        "seed": seed,
        "asked": asked,
        "zone": zone.key,
        "people": len(run.people),
        "letters": sum(tally.letters.values()),
        "days": {day.isoformat(): days[day] for day in sorted(days)},
        "hours": [hours[hour] for hour in range(24)],
        "fullest_hour": None if top is None else {"begins": _shown(top[0]), "letters": top[1]},
        "lessons": {lesson: tally.lessons[lesson] for lesson in course.course.lessons if tally.lessons[lesson]},
        "finished": {
            "people": len(finished),
            "earliest": finished[0].isoformat() if finished else None,
            "median": statistics.median_low(finished).isoformat() if finished else None,
            "latest": finished[-1].isoformat() if finished else None,
        },
        "left": tally.left,
        "bounced": tally.bounced,
        "pauses": tally.pauses,
        "clock_changes": run.witness.clock_changes,
        "outages": [_outage(outage, tally.letters) for outage in outages],
        "per_hour": None if sending is None else sending.per_hour,
        "grows": None if sending is None or sending.grow is None else f"{sending.grow}x daily",
        "limits": {day.isoformat(): limit for day, limit in sorted(tally.limits.items())},
        "late": _late(run, zone),
        "waiting": tally.waiting,
        "hazards": _hazards(run),
        "invariants": INVARIANTS,
        "broken": [_broken(one) for one in run.witness.broken[:TOLD_MAX]],
        "broken_in_all": len(run.witness.broken),
    }


def _hazards(run: Simulation) -> list[dict[str, Any]]:
    """Return what an operator should not be surprised by: the letters that do not fit into their day."""
    over = run.tally.over
    if not over:
        return []
    day, most = max(over.items(), key=lambda item: (item[1], -item[0].toordinal()))
    count = sum(over.values())
    text = f"letters do not fit into their day at sending.per_hour: {most:,} of those of {day.isoformat()} alone"
    return [{"name": OVER_CAPACITY, "count": count, "text": text}]


def _late(run: Simulation, zone: ZoneInfo) -> dict[str, Any]:
    """Return how late letters were in all, and by the day that was promised."""
    late = sorted(run.tally.late)
    if not late:
        return {"letters": 0, "median_minutes": 0, "most_minutes": 0, "last": None, "days": {}}
    days: dict[date, list[timedelta]] = {}
    for length, at, *_ in late:
        days.setdefault((at - length).astimezone(zone).date(), []).append(length)
    most, at, who, lesson = late[-1]
    return {
        "letters": len(late),
        "median_minutes": _minutes(late[(len(late) - 1) // 2][0]),
        "most_minutes": _minutes(most),
        "last": {"person": who, "lesson": lesson, "at": _shown(at)},
        "days": {
            day.isoformat(): {
                "letters": len(days[day]),
                "most_minutes": _minutes(days[day][-1]),
                "over": run.tally.over[day],
            }
            for day in sorted(days)
        },
    }


def _outage(outage: Outage, letters: Counter[datetime]) -> dict[str, Any]:
    after = sum(count for at, count in letters.items() if outage.ends <= at < outage.ends + timedelta(hours=1))
    return {"begins": _shown(outage.begins), "ends": _shown(outage.ends), "letters_in_the_hour_after": after}


def _broken(one: Broken) -> dict[str, Any]:
    return {"invariant": one.name, "person": one.who, "lesson": one.lesson, "at": _shown(one.at), "text": one.text}


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def _shown(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
