"""Where everybody on a course stands: as much as an edit's effect follows from, read for a million people in pages.

A plan asks for each person which lessons she had. The key that makes copies impossible holds just that, in her order, so one
read of it answers without touching her letters; what follows from their order is read for the few for whom it matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from drip.core.enrollment import Enrollment, Stage
from drip.store.session import among
from drip.store.tables import IS_OPEN, consents, deliveries, enrollments, subscribers, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection

PAGE = 5_000

SLACK = 10_000
"""How many ids below the highest may belong to transactions that are still open; on SQLite one writes at a time, so none."""

OWN = 2
"""How many values of a row are one person's alone."""

_FACTS = (
    "state",
    "zone",
    "weekday",
    "send_at",
    "pace",
    "afterwards",
    "run",
    "place",
    "last_meant_on",
    "last_letter_on",
    "next_lesson",
    "next_meant_on",
    "next_letter_on",
    "version_id",
    "paused",
    "pause_from_on",
)
_NOTHING = Enrollment._make([0, "", 0, None, 0, None, "", *[None] * (len(Enrollment._fields) - 7)])._replace(
    short=False, resumed=False, ended_why="", country="", keep=False
)


class Standing(NamedTuple):
    """Where people who are alike stand: the facts that a turn asks for, the lessons of this run, and the one that is open."""

    facts: Enrollment
    lessons: frozenset[str]
    opened: str | None

    @property
    def had(self) -> frozenset[str]:
        """The first ids of the lessons of this run that came to a result."""
        return self.lessons - {self.opened} if self.opened else self.lessons


class Standings:
    """Reads where people of one course stand; what is asked for only once for all who are alike is made by `of`."""

    def __init__(self, connection: Connection, course: str, *, finished: bool) -> None:
        """Read the active, and with *finished* also those who finished and may be written to."""
        self._connection = connection
        self._course = course
        columns = [enrollments.c[name] for name in _FACTS]
        # As the driver gives them: SQLAlchemy would convert each value of each row.
        raw = [sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in columns]
        converters = [
            column.type.dialect_impl(connection.dialect).result_processor(connection.dialect, None) for column in columns
        ]
        self._converters = [(place, convert) for place, convert in enumerate(converters) if convert is not None]
        opened = sa.select(deliveries.c.letter).where(deliveries.c.id == enrollments.c.open_delivery).scalar_subquery()
        # Spelled so that the index alone answers, which is in the order of the letters' names.
        joined = sa.func.group_concat if connection.dialect.name == "sqlite" else sa.func.string_agg
        lessons = (
            sa.select(joined(deliveries.c.letter, sa.literal(",")))
            .where(
                deliveries.c.subscriber_id == enrollments.c.subscriber_id,
                deliveries.c.course == course,
                deliveries.c.occasion == sa.literal("run:") + sa.cast(enrollments.c.run, sa.Text()),
            )
            .scalar_subquery()
        )
        states = [Stage.ACTIVE.value, Stage.FINISHED.value] if finished else [Stage.ACTIVE.value]
        self._query = (
            sa.select(enrollments.c.id, enrollments.c.subscriber_id, lessons, opened, *raw)
            .where(enrollments.c.course == course, enrollments.c.state.in_(states))
            .order_by(enrollments.c.id)
        )
        if finished:
            self._query = self._query.where((enrollments.c.state == Stage.ACTIVE.value) | reachable(course))

    def pages(self) -> Iterator[Sequence[sa.Row[Any]]]:
        """Yield everybody, a page at a time, in the order of their enrollments.

        A row begins with the ids of the enrollment and of its subscriber; whoever has the rest in common is alike.
        """
        after = 0
        query = self._query.where(enrollments.c.id > sa.bindparam("after")).limit(PAGE)
        while rows := self._connection.execute(query, {"after": after}).all():
            after = rows[-1][0]
            yield rows

    def some(self, ids: Sequence[int]) -> Sequence[sa.Row[Any]]:
        """Return the rows of those of *ids* who are on the course still."""
        return self._connection.execute(self._query.where(among(enrollments.c.id, ids))).all()

    def of(self, row: Sequence[Any]) -> Standing:
        """Return what a row says."""
        values = list(row[OWN + 2 :])
        for place, convert in self._converters:
            values[place] = convert(values[place])
        facts = _NOTHING._replace(id=row[0], course=self._course, **dict(zip(_FACTS, values, strict=True)))
        lessons, opened = row[OWN : OWN + 2]
        return Standing(facts, frozenset(lessons.split(",")) if lessons else frozenset(), opened)


def reachable(course: str) -> sa.ColumnElement[bool]:
    """Return the condition that letters of a course may go to the subscriber of an enrollment: she is not in the register."""
    barred = (
        sa.exists()
        .where(
            suppressions.c.address_key == subscribers.c.address_key,
            suppressions.c.course.in_(["", course]),
        )
        .correlate(subscribers)
    )
    return (
        sa.exists()
        .where(subscribers.c.id == enrollments.c.subscriber_id, subscribers.c.address.is_not(None), ~barred)
        .correlate(enrollments)
    )


# Who moved on meanwhile ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """What tells later who has moved on since: the highest ids, and the letters that were open."""

    enrollment: int
    delivery: int
    consent: int
    open: tuple[int, ...]


def moment(connection: Connection) -> Moment:
    """Return the present moment, to ask `moved_since` about."""
    opened = connection.execute(sa.select(deliveries.c.id).where(IS_OPEN)).scalars()
    return Moment(
        _highest(connection, enrollments), _highest(connection, deliveries), _highest(connection, consents), tuple(opened)
    )


def _highest(connection: Connection, table: sa.Table) -> int:
    """Return an id up to which every row of a table is there to be read."""
    slack = 0 if connection.dialect.name == "sqlite" else SLACK
    return max(0, int(connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0) - slack)


def moved_since(connection: Connection, course: str, since: Moment) -> list[int]:
    """Return the enrollments of a course that joined, came back, had a letter opened or had one come to its result since."""
    ended = sa.select(deliveries.c.enrollment_id).where(among(deliveries.c.id, since.open), ~deliveries.c.is_open)
    opened = sa.select(deliveries.c.enrollment_id).where(deliveries.c.id > since.delivery)
    joined = sa.select(enrollments.c.id).where(enrollments.c.id > since.enrollment)
    agreed = sa.select(enrollments.c.id).where(
        enrollments.c.subscriber_id.in_(sa.select(consents.c.subscriber_id).where(consents.c.id > since.consent))
    )
    found = connection.execute(sa.union(ended, opened, joined, agreed)).scalars()
    theirs = sa.select(enrollments.c.id).where(among(enrollments.c.id, list(found)), enrollments.c.course == course)
    return list(connection.execute(theirs.order_by(enrollments.c.id)).scalars())
