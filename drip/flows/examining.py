"""Examining an installation by its database: what works, what waits, and what is live; it reads and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drip.core.fitness.work import REPORT, Waiting, WorkFacts
from drip.errors import DripError
from drip.store import conditions, events, reports, restores, senders, stamps, versions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

FORGETTING = "forgetting"
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database tells of the work: heartbeats and what waits, the live version, letters that stop people, reports."""

    work: WorkFacts
    live: int
    digest: str
    held: tuple[tuple[str, str], ...]
    waiting: tuple[Waiting, ...]
    handed_over: int
    last_report: datetime | None


def stand(database: Database, library: Library, *, door: str, real: bool) -> Standing:
    """Return how things stand; a live version that cannot be read any more is named among what is held."""
    with database.read() as connection:
        now = stamps.now_in(connection)
        tick = stamps.last_beat(connection, "tick")
        passed = stamps.last_beat(connection, FORGETTING)
        still = restores.standstill(connection)
        sender = senders.find(connection, door, now.machine)
        newest = versions.newest(connection)
        running = versions.running(connection)
        held = [(state.id, state.held_reason or "by an operator") for state in running.values() if state.held_at]
        held += [(f"{row.course}/{row.letter}", row.detail or row.reason) for row in versions.held_lessons(connection)]
        waiting: list[Waiting] = []
        for state in running.values():
            try:
                live = library.course(state.version_id, state.id)
            except DripError:
                held.append((state.id, f"version {state.version_id}, which is live, is refused by the rules of this program"))
                continue
            waiting += _waiting(connection, library, live, state.id, now.machine.date(), real=real)
        return Standing(
            WorkFacts(
                now.machine,
                None if tick is None else tick.machine_at,
                None if passed is None else passed.machine_at,
                reports.due_count(connection, now.calendar),
                events.count_unworked(connection),
                sender.state,
                sender.reason,
                sender.remedy,
                len(reports.parked(connection)),
                conditions.in_doubt(connection),
                "" if still is None else still.why,
            ),
            0 if newest is None else newest[0],
            "" if newest is None else newest[1],
            tuple(held),
            tuple(waiting),
            conditions.handed_over(connection, since=now.machine - WEEK, until=now.machine - REPORT),
            conditions.last_report(connection),
        )


def _waiting(
    connection: Connection, library: Library, live: LiveCourse, course: str, today: date, *, real: bool
) -> Iterator[Waiting]:
    """Yield the letters of a live course that real people must not get, with how many wait for each and how many come to it."""
    coming: dict[str, int] = {}
    for name, count in conditions.coming_to(connection, course).items():
        now_called = live.current_id(name) or name
        coming[now_called] = coming.get(now_called, 0) + count
    ahead = 0
    for lesson in live.course.sequence:
        why = library.why_not_real(live.version_id, course, lesson.id, today)
        here = coming.get(lesson.id, 0)
        if why:
            yield Waiting(course, lesson.id, why, here if real else 0, ahead if real else 0)
        ahead += here
