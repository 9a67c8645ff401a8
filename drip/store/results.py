"""What a result does to the cursor of the person it is about; shared by everything that records one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drip.core.delivery import Kind, State
from drip.core.enrollment import Enrollment, Result, Stage, advanced
from drip.core.progress import next_step, place_of
from drip.core.turn import PASSED_BY, passed_by
from drip.store import deliveries, enrollments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.engine import Connection

    from drip.core.progress import LiveCourse
    from drip.store.deliveries import Delivery


def conclude(
    connection: Connection,
    ended: Sequence[Delivery],
    state: State,
    live: Mapping[str, LiveCourse],
    *,
    calendar: datetime,
    went_on: Mapping[int, date] | None = None,
) -> None:
    """Move the cursors of everybody whose scheduled letter just came to a result.

    Only an enrollment that still waits for exactly this delivery moves, so that recording the same result twice is
    harmless. A letter that she asked for moves nothing. *went_on* gives the local dates of deliveries that were read
    before they were marked.
    """
    lessons = {delivery.id: delivery for delivery in ended if delivery.kind == Kind.LESSON}
    if not lessons:
        return
    people = enrollments.find_many(connection, [delivery.enrollment_id for delivery in lessons.values()])
    waiting = [
        (person, delivery)
        for delivery in lessons.values()
        if (person := people.get(delivery.enrollment_id)) and person.open_delivery == delivery.id and delivery.course in live
    ]
    had = _had_next(connection, waiting, live)
    # Whoever is alike and had the same letter goes on to the same date, so each likeness is worked out once.
    places = {
        (course, letter): live[course].current_id(letter)
        for course, letter in {(delivery.course, delivery.letter) for _, delivery in waiting}
    }
    alike: dict[tuple[Any, ...], list[Enrollment]] = {}
    for person, delivery in waiting:
        day = delivery.went_on if went_on is None else went_on[delivery.id]
        place = places.get((delivery.course, delivery.letter)) or _place(connection, person, delivery, live[delivery.course])
        known = had.get(person.id, frozenset({delivery.letter}))
        result = (place, delivery.meant_on, state, day)
        alike.setdefault((person.likeness(), delivery.course, known, result), []).append(person)
    groups = []
    for (_, course_id, known, result), same in alike.items():
        course = live[course_id]
        changes = advanced(same[0], Result(*result), course.course, known, course.firsts, now=calendar)
        if changes.get("state") == Stage.FINISHED and same[0].version_id < course.version_id:
            # No tick turns her any more: what this version put before her place is noted here.
            changes["version_id"] = course.version_id
            _note_passed(connection, same, course, changes["place"])
        groups.append((changes, [person.id for person in same]))
    enrollments.change_many(connection, groups)


def _place(connection: Connection, person: Enrollment, delivery: Delivery, course: LiveCourse) -> str | None:
    """Return the place of somebody whose letter was removed from the course: the last one she had that still stands."""
    before = deliveries.history(connection, person.subscriber_id, delivery.course, person.occasion())
    return place_of(course.course, before, course.firsts) or person.place


def _note_passed(connection: Connection, people: Sequence[Enrollment], course: LiveCourse, place: str | None) -> None:
    """Remember the lessons before their *place* that these people of one course never had."""
    histories = deliveries.histories(connection, [person.subscriber_id for person in people], people[0].course)
    for person in people:
        had = frozenset(histories.get((person.subscriber_id, person.occasion()), ()))
        at = person._replace(version_id=course.version_id)
        enrollments.note_omissions(connection, at, passed_by(course, place, had, None), PASSED_BY)


def _had_next(
    connection: Connection, waiting: Sequence[tuple[Enrollment, Delivery]], live: Mapping[str, LiveCourse]
) -> dict[int, frozenset[str]]:
    """Return what those people had already whose next lesson is one they had: reordering does that, seldom.

    One look-up of the next lesson answers for nearly everybody; the whole history is read for the few others.
    """
    asked: dict[tuple[str, str], list[tuple[Enrollment, Delivery]]] = {}
    following: dict[tuple[str, str, bool], str | None] = {}
    for person, delivery in waiting:
        key = (delivery.course, delivery.letter, person.afterwards)
        if key not in following:
            course = live[delivery.course]
            place = course.current_id(delivery.letter)
            step = next_step(course.course, place, frozenset(), course.firsts, afterwards=person.afterwards)
            following[key] = None if step is None else course.first_id(step.lesson.id)
        letter = following[key]
        if person.state == Stage.ACTIVE and letter is not None:
            asked.setdefault((delivery.course, letter), []).append((person, delivery))
    found: dict[int, frozenset[str]] = {}
    for (course_id, letter), pairs in asked.items():
        keys = [(person.subscriber_id, person.occasion()) for person, _ in pairs]
        known = deliveries.existing(connection, course_id, letter, keys)
        for person, delivery in pairs:
            if (person.subscriber_id, person.occasion()) in known:
                before = deliveries.history(connection, person.subscriber_id, course_id, person.occasion())
                found[person.id] = frozenset({*before, delivery.letter})
    return found
