"""What a result does to the cursor of the person it is about; shared by everything that records one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drip.core.delivery import Kind, State
from drip.core.enrollment import Enrollment, Result, Stage, advanced
from drip.core.progress import next_step, place_of
from drip.store import deliveries, enrollments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from drip.core.progress import LiveCourse
    from drip.store.deliveries import Delivery


def conclude(
    connection: Connection, ended: Sequence[Delivery], state: State, live: Mapping[str, LiveCourse], *, calendar: datetime
) -> None:
    """Move the cursors of everybody whose scheduled letter just came to a result.

    Only an enrollment that still waits for exactly this delivery moves, so that recording the same result twice is
    harmless. A letter that she asked for moves nothing.
    """
    lessons = {delivery.id: delivery for delivery in ended if delivery.kind == Kind.LESSON}
    if not lessons:
        return
    people = enrollments.find_many(connection, [delivery.enrollment_id for delivery in lessons.values()])
    waiting = [
        (people[delivery.enrollment_id], delivery)
        for delivery in lessons.values()
        if people[delivery.enrollment_id].open_delivery == delivery.id and delivery.course in live
    ]
    had = _had_next(connection, waiting, live)
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for person, delivery in waiting:
        course = live[delivery.course]
        place = _place(connection, person, delivery, course)
        result = Result(place, delivery.meant_on, state, delivery.went_on)
        changes = advanced(
            person, result, course.course, had.get(person.id, frozenset({delivery.letter})), course.firsts, now=calendar
        )
        rows.setdefault(tuple(sorted(changes)), []).append({"id": person.id, **changes})
    for same_columns in rows.values():
        enrollments.change_many(connection, same_columns)


def _place(connection: Connection, person: Enrollment, delivery: Delivery, course: LiveCourse) -> str | None:
    current = course.current_id(delivery.letter)
    if current is not None:
        return current
    before = deliveries.history(connection, person.subscriber_id, delivery.course, person.occasion())
    return place_of(course.course, before, course.firsts) or person.place


def _had_next(
    connection: Connection, waiting: Sequence[tuple[Enrollment, Delivery]], live: Mapping[str, LiveCourse]
) -> dict[int, frozenset[str]]:
    """Return what those people had already whose next lesson is one they had: reordering does that, seldom.

    One look-up of the next lesson answers for nearly everybody; the whole history is read for the few others.
    """
    asked: dict[tuple[str, str], list[tuple[Enrollment, Delivery]]] = {}
    for person, delivery in waiting:
        course = live[delivery.course]
        step = next_step(
            course.course, course.current_id(delivery.letter), frozenset(), course.firsts, afterwards=person.afterwards
        )
        if person.state == Stage.ACTIVE and step is not None:
            asked.setdefault((delivery.course, course.first_id(step.lesson.id)), []).append((person, delivery))
    found: dict[int, frozenset[str]] = {}
    for (course_id, letter), pairs in asked.items():
        keys = [(person.subscriber_id, person.occasion()) for person, _ in pairs]
        known = deliveries.existing(connection, course_id, letter, keys)
        for person, delivery in pairs:
            if (person.subscriber_id, person.occasion()) in known:
                before = deliveries.history(connection, person.subscriber_id, course_id, person.occasion())
                found[person.id] = frozenset({*before, delivery.letter})
    return found
