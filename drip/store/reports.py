"""Figures over all rows: what became of the letters, and whether the books agree with themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from drip.core.delivery import OPEN, Kind, Outcome, Reason, State
from drip.core.enrollment import Pause, Stage
from drip.store.deliveries import held as held_delivery
from drip.store.enrollments import held_next_lesson
from drip.store.tables import IS_OPEN, courses, deliveries, enrollments, omissions, owners

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from drip.core.progress import LiveCourse

    CourseOf = Callable[[int, str], LiveCourse]
    """Returns a course as it stands in a version."""

_OPEN = [state.value for state in OPEN]


@dataclass(frozen=True, slots=True)
class Sums:
    """The sum of one course: every letter that fell due is in exactly one of the five."""

    course: str
    due: int
    submitted: int
    withheld: int
    failed: int
    uncertain: int
    open: int

    @property
    def accounted(self) -> int:
        """How many letters have a named state."""
        return self.submitted + self.withheld + self.failed + self.uncertain + self.open

    @property
    def adds_up(self) -> bool:
        """Whether due = submitted + withheld + failed + uncertain + open."""
        return self.due == self.accounted


def sums(connection: Connection) -> list[Sums]:
    """Return the sums per course: what fell due as the enrollments counted it, what became of it from the deliveries."""
    due = {
        row[0]: int(row[1])
        for row in connection.execute(
            sa.select(enrollments.c.course, sa.func.sum(enrollments.c.deliveries_due)).group_by(enrollments.c.course)
        )
    }
    counts: dict[str, dict[str, int]] = {}
    for course, state, count in connection.execute(
        sa.select(deliveries.c.course, deliveries.c.state, sa.func.count()).group_by(deliveries.c.course, deliveries.c.state)
    ):
        counts.setdefault(course, {})[state] = count
    return [
        Sums(
            course=course,
            due=due.get(course, 0),
            submitted=counts.get(course, {}).get(State.SUBMITTED, 0),
            withheld=counts.get(course, {}).get(State.WITHHELD, 0),
            failed=counts.get(course, {}).get(State.FAILED, 0),
            uncertain=counts.get(course, {}).get(State.UNCERTAIN, 0),
            open=sum(counts.get(course, {}).get(state, 0) for state in _OPEN),
        )
        for course in sorted({*due, *counts})
    ]


def outcomes(connection: Connection) -> dict[str, dict[str, int]]:
    """Return per course how many deliveries have each outcome; the empty name counts those without a report."""
    found: dict[str, dict[str, int]] = {}
    for course, outcome, count in connection.execute(
        sa.select(deliveries.c.course, deliveries.c.outcome, sa.func.count()).group_by(deliveries.c.course, deliveries.c.outcome)
    ):
        found.setdefault(course, {})[outcome or ""] = count
    return found


def stages(connection: Connection) -> dict[str, dict[str, int]]:
    """Return per course how many enrollments are in each stage."""
    found: dict[str, dict[str, int]] = {}
    for course, stage, count in connection.execute(
        sa.select(enrollments.c.course, enrollments.c.state, sa.func.count()).group_by(enrollments.c.course, enrollments.c.state)
    ):
        found.setdefault(course, {})[stage] = count
    return found


def places(connection: Connection, course: str) -> dict[str | None, int]:
    """Return how many active people stand at each lesson: the one they had most recently."""
    rows = connection.execute(
        sa.select(enrollments.c.place, sa.func.count())
        .where(enrollments.c.course == course, enrollments.c.state.in_([Stage.ACTIVE.value, Stage.FINISHED.value]))
        .group_by(enrollments.c.place)
    )
    return {row[0]: row[1] for row in rows}


def _may_move() -> sa.ColumnElement[bool]:
    """Return the condition that an enrollment is active, waits for a date, and is not held."""
    held = sa.exists().where(courses.c.id == enrollments.c.course, courses.c.held_at.is_not(None)).correlate(enrollments)
    return sa.and_(enrollments.c.state == Stage.ACTIVE.value, enrollments.c.open_delivery.is_(None), ~held, ~held_next_lesson())


def next_moment(connection: Connection, after: datetime | None = None) -> datetime | None:
    """Return the next calendar instant at which something is to be done; None when nothing is dated.

    What is held or parked has no moment until an operator lets it go. With *after* only later ones count.
    """
    waiting: list[Any] = [IS_OPEN, deliveries.c.state == State.PENDING.value, deliveries.c.blocked.is_(False), ~held_delivery()]
    dated = [_may_move()]
    if after is not None:
        waiting.append(deliveries.c.not_before > after)
        dated.append(enrollments.c.next_due_at > after)
    earliest = [
        connection.execute(sa.select(sa.func.min(enrollments.c.next_due_at)).where(*dated)).scalar(),
        connection.execute(sa.select(sa.func.min(deliveries.c.not_before)).where(*waiting)).scalar(),
    ]
    return min((instant for instant in earliest if instant is not None), default=None)


def open_count(connection: Connection, calendar: datetime) -> int:
    """Return how many letters are on their way: claimed, being handed over, or pending with their time come and not held."""
    query = sa.select(sa.func.count()).where(
        IS_OPEN, sa.or_(deliveries.c.state.in_([State.CLAIMED.value, State.SUBMITTING.value]), _waiting(calendar))
    )
    return int(connection.execute(query).scalar_one())


def limited_count(connection: Connection, calendar: datetime, since: datetime) -> int:
    """Return how many of those found the hour's rate used up, by machine time not before *since*: they wait for the next."""
    kept = (deliveries.c.reason == Reason.RATE.value, deliveries.c.state_at >= since)
    return int(connection.execute(sa.select(sa.func.count()).where(IS_OPEN, _waiting(calendar), *kept)).scalar_one())


def _waiting(calendar: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a letter is pending, its time has come, and nobody holds it."""
    return sa.and_(
        deliveries.c.state == State.PENDING.value,
        deliveries.c.not_before <= calendar,
        deliveries.c.blocked.is_(False),
        ~held_delivery(),
    )


def due_count(connection: Connection, calendar: datetime) -> int:
    """Return how many people are due, have no delivery open yet and are not held."""
    query = sa.select(sa.func.count()).where(_may_move(), enrollments.c.next_due_at <= calendar)
    return int(connection.execute(query).scalar_one())


def parked(connection: Connection, limit: int = 20) -> list[sa.Row[tuple[int, str, str, str, str]]]:
    """Return deliveries that wait for an operator: id, course, letter, reason, detail."""
    columns = (deliveries.c.id, deliveries.c.course, deliveries.c.letter, deliveries.c.reason, deliveries.c.detail)
    query = sa.select(*columns).where(deliveries.c.state == State.PENDING.value, deliveries.c.blocked.is_(True))
    return list(connection.execute(query.order_by(deliveries.c.id).limit(limit)))


def unreachable(connection: Connection, in_a_row: int = 3, limit: int = 20) -> list[int]:
    """Return active enrollments whose last letters, so many in a row, were blocked or dropped: somebody should look."""
    newest = (
        sa.select(
            deliveries.c.enrollment_id,
            deliveries.c.outcome,
            sa.func.row_number().over(partition_by=deliveries.c.enrollment_id, order_by=deliveries.c.id.desc()).label("age"),
        )
        .where(deliveries.c.outcome.is_not(None))
        .subquery()
    )
    bad = sa.case((newest.c.outcome.in_([Outcome.BLOCKED.value, Outcome.DROPPED.value]), 1), else_=0)
    query = (
        sa.select(newest.c.enrollment_id)
        .join(enrollments, enrollments.c.id == newest.c.enrollment_id)
        .where(newest.c.age <= in_a_row, enrollments.c.state == Stage.ACTIVE.value)
        .group_by(newest.c.enrollment_id)
        .having(sa.func.sum(bad) == in_a_row)
        .order_by(newest.c.enrollment_id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


# The audit ----------------------------------------------------------------------------------------------------------


def audit(connection: Connection, live: Mapping[str, LiveCourse], course_of: CourseOf) -> list[str]:
    """Return every way in which the books do not agree with themselves, in sentences; none when they do.

    *live* holds the courses as they are live, *course_of* gives one as it stands in a version.
    """
    faults = [
        f"{one.course}: {one.due} letters fell due and {one.accounted} are accounted for"
        for one in sums(connection)
        if not one.adds_up
    ]
    faults += _unknown_states(connection)
    faults += _futures(connection)
    faults += _pointers(connection)
    faults += _copies(connection)
    faults += _ownerless(connection)
    for course_id, course in live.items():
        faults += _gaps(connection, course_id, course, course_of)
    return faults


def _unknown_states(connection: Connection) -> list[str]:
    known = [state.value for state in State]
    rows = connection.execute(sa.select(deliveries.c.id, deliveries.c.state).where(deliveries.c.state.not_in(known)).limit(20))
    return [f"delivery {row.id} is in a state nobody knows: {row.state}" for row in rows]


def _futures(connection: Connection) -> list[str]:
    """An active enrollment has exactly one of a date, an open delivery and a pause; an ended one has no date."""
    dated = sa.case((enrollments.c.next_due_at.is_not(None), 1), else_=0)
    opened = sa.case((enrollments.c.open_delivery.is_not(None), 1), else_=0)
    paused = sa.case(((enrollments.c.paused == Pause.OPEN.value) & enrollments.c.open_delivery.is_(None), 1), else_=0)
    futures = dated + opened + paused
    active = connection.execute(
        sa.select(enrollments.c.id, futures).where(enrollments.c.state == Stage.ACTIVE.value, futures != 1).limit(20)
    )
    faults = [f"enrollment {row[0]} is active and has {row[1]} of: a date, an open letter, a pause" for row in active]
    ended = connection.execute(
        sa.select(enrollments.c.id, enrollments.c.state)
        .where(enrollments.c.state != Stage.ACTIVE.value, enrollments.c.next_due_at.is_not(None))
        .limit(20)
    )
    return faults + [f"enrollment {row.id} is {row.state} and still has a date" for row in ended]


def _pointers(connection: Connection) -> list[str]:
    """An open scheduled letter and its enrollment name each other."""
    lost = connection.execute(
        sa.select(enrollments.c.id)
        .outerjoin(deliveries, deliveries.c.id == enrollments.c.open_delivery)
        .where(enrollments.c.open_delivery.is_not(None))
        .where(
            sa.or_(deliveries.c.id.is_(None), deliveries.c.state.not_in(_OPEN), deliveries.c.enrollment_id != enrollments.c.id)
        )
        .limit(20)
    )
    faults = [f"enrollment {row.id} waits for a letter that is not open" for row in lost]
    orphans = connection.execute(
        sa.select(deliveries.c.id)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(deliveries.c.state.in_(_OPEN), deliveries.c.kind == Kind.LESSON.value)
        .where(sa.or_(enrollments.c.open_delivery.is_(None), enrollments.c.open_delivery != deliveries.c.id))
        .where(enrollments.c.state == Stage.ACTIVE.value)
        .limit(20)
    )
    faults += [f"delivery {row.id} is open and nobody waits for it" for row in orphans]
    stuck = connection.execute(
        sa.select(deliveries.c.id)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(deliveries.c.state == State.PENDING.value, deliveries.c.not_before.is_(None))
        .where(
            sa.or_(
                deliveries.c.kind != Kind.LESSON.value,
                (enrollments.c.state == Stage.ACTIVE.value) & (enrollments.c.paused != Pause.OPEN.value),
            )
        )
        .limit(20)
    )
    return faults + [f"delivery {row.id} waits and has no date on which it may go" for row in stuck]


def _copies(connection: Connection) -> list[str]:
    rows = connection.execute(
        sa.select(deliveries.c.subscriber_id, deliveries.c.letter)
        .group_by(deliveries.c.subscriber_id, deliveries.c.course, deliveries.c.letter, deliveries.c.occasion)
        .having(sa.func.count() > 1)
        .limit(20)
    )
    return [f"subscriber {row.subscriber_id} has two deliveries of {row.letter} for one occasion" for row in rows]


def _ownerless(connection: Connection) -> list[str]:
    """What is claimed or being handed over belongs to an owner that is not taken for dead."""
    rows = connection.execute(
        sa.select(deliveries.c.id, deliveries.c.state)
        .outerjoin(owners, owners.c.id == deliveries.c.owner)
        .where(deliveries.c.state.in_([State.CLAIMED.value, State.SUBMITTING.value]))
        .where(sa.or_(owners.c.id.is_(None), owners.c.dead_at.is_not(None)))
        .limit(20)
    )
    return [f"delivery {row.id} is {row.state} by nobody who lives" for row in rows]


def _gaps(connection: Connection, course_id: str, live: LiveCourse, course_of: CourseOf) -> list[str]:
    """Every lesson up to her place, and of whoever finished every lesson, has a delivery or a record that she will not get it.

    Her own version says which those are: what an edit adds when she has finished or left is none of hers.
    """
    had = _had(connection, course_id)
    behind: dict[tuple[int, str | None, bool], list[str]] = {}
    faults = []
    finished = enrollments.c.state == Stage.FINISHED.value
    for enrollment_id, version_id, place, over in connection.execute(
        sa.select(enrollments.c.id, enrollments.c.version_id, enrollments.c.place, finished)
        .where(enrollments.c.course == course_id, enrollments.c.place.is_not(None) | finished)
        .order_by(enrollments.c.id)
    ):
        key = (version_id, place, over)
        if key not in behind:
            behind[key] = _behind(course_of(version_id, course_id), live, None if over else place)
        missing = [letter for letter in behind[key] if letter not in had.get(enrollment_id, ())]
        if missing:
            names = ", ".join(missing)
            faults.append(
                f"enrollment {enrollment_id} " + (f"finished without {names}" if over else f"is past {names} and never had it")
            )
    return faults[:20]


def _behind(course: LiveCourse, live: LiveCourse, place: str | None) -> list[str]:
    """Return the first ids of the lessons of a course up to *place*; of all where it names none of the phases'."""
    order = [course.first_id(lesson.id) for lesson in course.course.sequence]
    # A result may have come in while an edit that renames it was live and she was not turned to it yet.
    here = (course if place in course.course.lessons else live).first_id(place or "")
    return order[: order.index(here) + 1] if here in order else order


def _had(connection: Connection, course_id: str) -> dict[int, set[str]]:
    """Return the lessons of everybody's present run that have a delivery or a recorded omission, by enrollment."""
    had: dict[int, set[str]] = {}
    opened = (
        sa.select(deliveries.c.enrollment_id, deliveries.c.letter)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(
            deliveries.c.course == course_id,
            deliveries.c.kind == Kind.LESSON.value,
            deliveries.c.occasion == sa.literal("run:") + sa.cast(enrollments.c.run, sa.Text()),
        )
    )
    passed = sa.select(omissions.c.enrollment_id, omissions.c.letter).join(
        enrollments, (enrollments.c.id == omissions.c.enrollment_id) & (enrollments.c.run == omissions.c.run)
    )
    for query in (opened, passed.where(enrollments.c.course == course_id)):
        for enrollment_id, letter in connection.execute(query):
            had.setdefault(enrollment_id, set()).add(letter)
    return had
