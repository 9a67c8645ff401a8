"""Reporting: the sums, the audit, and how things stand right now."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from drip.store import chores, erasing, events, reports, restores, senders, stamps, versions, warmups

if TYPE_CHECKING:
    from drip.mail.library import Library
    from drip.store.session import Database

FORGETTING = "forgetting"
"""The heartbeat of the daily pass over everybody whose time is over."""


def report(database: Database) -> dict[str, Any]:
    """Return per course the sums over all deliveries and what the provider reported of them, and how many were forgotten.

    Of whoever was forgotten nothing but the number is left: their letters are in no sum, on neither side of it.
    """
    with database.read() as connection:
        outcomes = reports.outcomes(connection)
        return {
            "courses": [
                {
                    **asdict(one),
                    "adds_up": one.adds_up,
                    "outcomes": {name: count for name, count in outcomes.get(one.course, {}).items() if name},
                }
                for one in reports.sums(connection)
            ],
            "forgotten": erasing.counted(connection),
        }


def audit(database: Database, library: Library) -> list[str]:
    """Return every way in which the books do not agree with themselves; none when they do."""
    with database.read() as connection:
        live = {state.id: library.course(state.version_id, state.id) for state in versions.running(connection).values()}
        return reports.audit(connection, live, library.course)


def limits(database: Database, library: Library) -> list[dict[str, Any]]:
    """Return for each course with a limit how it stands today, and when it grows."""
    found = []
    with database.read() as connection:
        now = stamps.now_in(connection)
        for state in versions.running(connection).values():
            limit = warmups.limit(connection, state.id, library.course(state.version_id, state.id).course, now.calendar)
            if limit is not None:
                found.append({"course": state.id, **asdict(limit), "words": limit.words})
    return found


def status(database: Database, *, door: str) -> dict[str, Any]:
    """Return how things stand: the clocks, the last tick, the sender, what is held, what is due and what is open."""
    with database.read() as connection:
        now = stamps.now_in(connection)
        beat = stamps.last_beat(connection, "tick")
        sender = senders.find(connection, door, now.machine)
        still = restores.standstill(connection)
        return {
            "calendar": now.calendar.isoformat(),
            "machine": now.machine.isoformat(),
            "last_tick_seconds_ago": None if beat is None else round((now.machine - beat.machine_at).total_seconds(), 1),
            "stands_still": None if still is None else {"why": still.why, "since": still.since.isoformat()},
            "sender": {
                "door": door,
                "state": sender.state,
                "reason": sender.reason,
                "remedy": sender.remedy,
                "retry_at": sender.retry_at.isoformat() if sender.retry_at else None,
            },
            "courses": [
                {
                    "course": state.id,
                    "version": state.version_id,
                    "held": state.held_reason or "held" if state.held_at else None,
                    "people": reports.stages(connection).get(state.id, {}),
                }
                for state in versions.running(connection).values()
            ],
            "held_lessons": [
                {"course": row.course, "letter": row.letter, "reason": row.reason, "detail": row.detail}
                for row in versions.held_lessons(connection)
            ],
            "parked_letters": [
                {"delivery": row.id, "course": row.course, "letter": row.letter, "reason": row.reason, "detail": row.detail}
                for row in reports.parked(connection)
            ],
            "chores": [
                {
                    "kind": one.kind,
                    "people": one.count,
                    "asked_at": one.asked_at.isoformat(),
                    "next_try": one.not_before.isoformat(),
                    "detail": one.detail,
                }
                for one in chores.standing(connection)
            ],
            "last_forgotten": None
            if (last := stamps.last_beat(connection, FORGETTING)) is None
            else last.calendar_at.isoformat(),
            "unreachable_enrollments": reports.unreachable(connection),
            "due_now": reports.due_count(connection, now.calendar),
            "open_now": reports.open_count(connection, now.calendar),
            "reports_waiting": events.count_unworked(connection),
            "next_moment": instant.isoformat() if (instant := reports.next_moment(connection)) else None,
        }
