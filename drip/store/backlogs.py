"""Backlogs: how many people wait for which letter, and how many letters wait for an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.delivery import State
from drip.core.enrollment import Stage
from drip.store.tables import deliveries, enrollments

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def nexts(connection: Connection, course: str) -> dict[str, int]:
    """Return for how many active people each lesson is the next one, by its id; those for whom none follows are left out."""
    rows = connection.execute(
        sa.select(enrollments.c.next_lesson, sa.func.count())
        .where(enrollments.c.course == course, enrollments.c.state == Stage.ACTIVE.value, enrollments.c.next_lesson.is_not(None))
        .group_by(enrollments.c.next_lesson)
    )
    return {row[0]: row[1] for row in rows}


def doubts(connection: Connection) -> int:
    """Return how many deliveries are uncertain."""
    query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.state == State.UNCERTAIN.value)
    return int(connection.execute(query).scalar_one())
