"""People half-way: enrolled over months, each with the letters that she had so far, written by the database itself."""

from __future__ import annotations

import random
import secrets
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.core import timing
from drip.core.delivery import Kind, State
from drip.core.enrollment import Stage, zone_of
from drip.core.population import ZONES
from drip.store import stamps, versions
from drip.store.tables import deliveries, enrollments, subscribers

if TYPE_CHECKING:
    from drip.core.progress import LiveCourse
    from drip.wiring import Deployment

CHUNK = 10_000
HOURS = ("07:00", "12:00", "18:00")
WEEKS = 20
"""Over how many weeks people joined: the first of them have finished."""


def fill(deployment: Deployment, people: int, *, seed: int = 1) -> int:
    """Store *people* who joined over the last months in many zones, days, hours and paces; return how many letters they had."""
    chance = random.Random(seed)
    with deployment.database.read() as connection:
        now = stamps.now_in(connection).calendar
        state = next(iter(versions.running(connection).values()))
    live = deployment.library.course(state.version_id, state.id)
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for start in range(0, people, CHUNK):
        numbers = range(start + 1, min(start + CHUNK, people) + 1)
        rows = [
            {
                "id": number,
                "subscriber_id": number,
                "public_id": secrets.token_urlsafe(9),
                **_person(chance, live, state.id, now, known),
            }
            for number in numbers
        ]
        with deployment.database.write() as connection:
            connection.execute(
                subscribers.insert(),
                [
                    {"id": one, "address": f"p{one}@example.net", "address_key": f"{one:064}", "created_at": now}
                    for one in numbers
                ],
            )
            connection.execute(enrollments.insert(), rows)
    if not deployment.database.is_sqlite:
        # The numbers were given by hand; whoever comes next gets the ones after them.
        with deployment.database.write() as connection:
            for table in (subscribers, enrollments):
                highest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
                connection.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), highest)))
    return _letters(deployment, live, state.id)


def _person(
    chance: random.Random, live: LiveCourse, course: str, now: datetime, known: dict[tuple[Any, ...], dict[str, Any]]
) -> dict[str, Any]:
    """Return the row of one person, as the weeks since she joined have left it."""
    zone = chance.choices([name for name, _ in ZONES], [weight for _, weight in ZONES])[0]
    day = chance.choice(range(7)) if chance.random() < 0.4 else None
    hour = chance.choice(HOURS) if chance.random() < 0.3 else None
    key = (zone, day, hour, 2 if chance.random() < 0.15 else 1, chance.randrange(7 * WEEKS))
    if key not in known:
        known[key] = _row(live, course, now, *key)
    return known[key]


def _row(  # noqa: PLR0917 - all that people choose
    live: LiveCourse, course: str, now: datetime, zone: str, day: int | None, hour: str | None, pace: int, ago: int
) -> dict[str, Any]:
    here = zone_of(zone, live.course)
    send_at = None if hour is None else time.fromisoformat(hour)
    rhythm = timing.rhythm_of(live.course, here, weekday=day, send_at=send_at, pace=pace)
    today: date = now.astimezone(here).date()
    facts = {
        "course": course,
        "zone": zone,
        "weekday": day,
        "send_at": hour,
        "pace": pace,
        "version_id": live.version_id,
        "created_at": now - timedelta(days=ago),
        "confirmed_at": now - timedelta(days=ago),
    }
    meant = last = today - timedelta(days=ago)
    had = 0
    for lesson in live.course.sequence:
        after = timing.next_dates(lesson, rhythm, last_meant_on=meant, last_letter_on=last) if had else (meant, last)
        slot = timing.slot_on(after[1], rhythm, meant_on=after[0])
        if had and slot.due_at > now + timedelta(minutes=5):
            place = live.course.sequence[had - 1].id
            dates = {"next_meant_on": slot.meant_on, "next_letter_on": slot.letter_on}
            dates |= {"next_due_at": slot.due_at, "next_closes_at": slot.closes_at}
            here_now = {"state": Stage.ACTIVE.value, "place": place, "next_lesson": lesson.id, "ended_at": None, "ended_why": ""}
            return facts | here_now | dates | {"last_meant_on": meant, "last_letter_on": last, "deliveries_due": had}
        meant, last = after
        had += 1
    ended = {"state": Stage.FINISHED.value, "ended_at": datetime.combine(last, time(12), UTC), "ended_why": "finished"}
    nothing = dict.fromkeys(("next_lesson", "next_meant_on", "next_letter_on", "next_due_at", "next_closes_at"))
    place = live.course.sequence[-1].id
    return facts | ended | nothing | {"place": place, "last_meant_on": meant, "last_letter_on": last, "deliveries_due": had}


def _letters(deployment: Deployment, live: LiveCourse, course: str) -> int:
    """Write every letter that these people had, lesson by lesson, as time did."""
    facts = {
        "course": course,
        "occasion": "run:1",
        "kind": Kind.LESSON.value,
        "version_id": live.version_id,
        "state": State.SUBMITTED.value,
    }
    same = [sa.literal(value, deliveries.c[name].type).label(name) for name, value in facts.items()]
    for had, lesson in enumerate(live.course.sequence, start=1):
        rows = sa.select(
            enrollments.c.subscriber_id,
            enrollments.c.id,
            sa.literal("00000000"),
            sa.literal(live.first_id(lesson.id)),
            enrollments.c.last_meant_on,
            enrollments.c.last_letter_on,
            enrollments.c.last_letter_on,
            enrollments.c.created_at,
            enrollments.c.created_at,
            *same,
        ).where(enrollments.c.deliveries_due >= had)
        columns = [
            "subscriber_id",
            "enrollment_id",
            "nonce",
            "letter",
            "meant_on",
            "letter_on",
            "went_on",
            "created_at",
            "state_at",
        ]
        with deployment.database.write() as connection:
            connection.execute(deliveries.insert().from_select([*columns, *facts], rows.order_by(enrollments.c.id)))
    with deployment.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(deliveries)).scalar_one())
