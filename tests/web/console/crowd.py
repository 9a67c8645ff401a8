"""A crowd half-way: hundreds of people spread over a course, with letters that came, bounced, are in doubt or wait."""

from __future__ import annotations

import random
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from drip.core import timing
from drip.core.enrollment import Pause, Stage
from drip.store import stamps, versions
from drip.store.tables import deliveries, enrollments, subscribers

if TYPE_CHECKING:
    from drip.clock import Now
    from drip.core.progress import LiveCourse
    from drip.wiring import Deployment

ZONES = ("Europe/London", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Australia/Sydney")
HOURS = (9, 9, 9, 9, 9, 7, 8, 12, 18, 20)
STAGES = (
    *(Stage.ACTIVE,) * 30,
    *(Stage.FINISHED,) * 4,
    *(Stage.LEFT,) * 3,
    Stage.ENDED,
    *(Stage.ASKED,) * 2,
)
OUTCOMES = (*("delivered",) * 320, *(None,) * 9, *("bounced",) * 5, *("blocked",) * 3, "deferred", "complained", "unsubscribed")
NO_ANSWER = "the connection was cut before an answer came (read timeout after 30 s)"
CHUNK = 5_000


def gather(deployment: Deployment, people: int, *, seed: int = 1, letters: bool = True) -> None:
    """Store *people* of the first course, spread over it as they are after some months; *letters* adds what they had."""
    chance = random.Random(seed)
    with deployment.database.read() as connection:
        now = stamps.now_in(connection)
        state = next(iter(versions.running(connection).values()))
    live = deployment.library.course(state.version_id, state.id)
    for start in range(1, people + 1, CHUNK):
        crowd = [_person(number, state.id, live, now, chance) for number in range(start, min(start + CHUNK, people + 1))]
        with deployment.database.write() as connection:
            connection.execute(
                subscribers.insert(),
                [
                    {
                        "id": one["id"],
                        "address": f"person.{one['id']}@example.net",
                        "address_key": f"key-{one['id']}",
                        "name": "",
                        "created_at": now.machine,
                    }
                    for one in crowd
                ],
            )
            connection.execute(enrollments.insert(), crowd)
            if letters:
                rows = [row for one in crowd for row in _letters(one, live, now, chance)]
                if rows:
                    # Ids grow as time does.
                    connection.execute(deliveries.insert(), sorted(rows, key=lambda row: row["created_at"]))


def _person(number: int, course: str, live: LiveCourse, now: Now, chance: random.Random) -> dict[str, Any]:
    stage = chance.choice(STAGES)
    lessons = [lesson.id for lesson in live.course.sequence]
    zone = chance.choice(ZONES)
    # Many have only begun, and fewer are far.
    had = 0 if stage is Stage.ASKED else min(len(lessons) - 1, int(chance.betavariate(1.1, 1.8) * len(lessons)))
    if stage is Stage.FINISHED:
        had = len(lessons)
    active = stage is Stage.ACTIVE
    paused = chance.choice([Pause.NONE] * 17 + [Pause.WEEKS] * 2 + [Pause.OPEN]) if active else Pause.NONE
    on = _next_day(now.calendar, zone, chance, weeks=2 if paused is Pause.WEEKS else 0)
    due = timing.instant(on, datetime(2000, 1, 1, chance.choice(HOURS), tzinfo=UTC).time(), ZoneInfo(zone))
    last = None if had == 0 else on - timedelta(days=7)
    dated = active and paused is not Pause.OPEN
    return {
        "id": number,
        "public_id": secrets.token_urlsafe(12),
        "subscriber_id": number,
        "course": course,
        "state": stage.value,
        "zone": zone,
        "version_id": live.version_id,
        "place": lessons[had - 1] if had else None,
        "last_meant_on": last,
        "last_letter_on": last,
        "next_lesson": lessons[had] if active else None,
        "next_meant_on": on if active else None,
        "next_letter_on": on if active else None,
        "next_due_at": due if dated else None,
        "next_closes_at": due + timedelta(hours=11) if dated else None,
        "paused": paused.value,
        "pause_from_on": on if paused is not Pause.NONE else None,
        "deliveries_due": had,
        "created_at": now.machine - timedelta(days=7 * had + 1),
        "confirmed_at": None if stage is Stage.ASKED else now.machine - timedelta(days=7 * had + 1),
        "ended_at": now.calendar - timedelta(days=3) if stage in {Stage.FINISHED, Stage.LEFT, Stage.ENDED} else None,
        "ended_why": stage.value if stage in {Stage.FINISHED, Stage.LEFT, Stage.ENDED} else "",
    }


def _next_day(now: datetime, zone: str, chance: random.Random, *, weeks: int) -> date:
    """Return a day of the coming week, a Tuesday for most."""
    tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    days = [tomorrow + timedelta(days=more) for more in range(7)]
    tuesday = next(day for day in days if day.weekday() == 1)
    return (tuesday if chance.random() < 0.6 else chance.choice(days)) + timedelta(days=7 * weeks)


def _letters(person: dict[str, Any], live: LiveCourse, now: Now, chance: random.Random) -> list[dict[str, Any]]:
    rows = []
    for index, lesson in enumerate(live.course.sequence[: person["deliveries_due"]]):
        ago = timedelta(days=7 * (person["deliveries_due"] - index))
        on = person["last_letter_on"] - ago + timedelta(days=7)
        fate = chance.random()
        state = "submitted" if fate < 0.985 else "uncertain" if fate < 0.988 else "withheld" if fate < 0.995 else "failed"
        outcome = chance.choice(OUTCOMES) if state == "submitted" else None
        rows.append(
            {
                "nonce": f"{chance.getrandbits(32):08x}",
                "subscriber_id": person["subscriber_id"],
                "enrollment_id": person["id"],
                "course": person["course"],
                "letter": live.first_id(lesson.id),
                "occasion": "run:1",
                "kind": "lesson",
                "version_id": live.version_id,
                "meant_on": on,
                "letter_on": on,
                "went_on": on if state in {"submitted", "uncertain"} else None,
                "state": state,
                "reason": {"withheld": "suppressed", "failed": "invalid-address"}.get(state, ""),
                "outcome": outcome,
                "created_at": now.machine - ago,
                "state_at": now.machine - ago,
                "message_id": f"msg-{person['id']}-{index}" if state == "submitted" else None,
                "detail": NO_ANSWER if state == "uncertain" else "",
            }
        )
    return rows
