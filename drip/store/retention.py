"""Retention: who is to be forgotten, and what else grows old, by the dates that letters and pages promised."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.enrollment import Stage
from drip.core.token import CHANGE_DAYS, CONFIRM_DAYS
from drip.store import address_changes, askings, chores, erasing
from drip.store.session import among
from drip.store.tables import chores as chore_table
from drip.store.tables import enrollments, events, wishes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from drip.clock import Now
    from drip.core.schedule import Retention

PENDING = timedelta(days=60)
"""How long a sign-up that nobody confirmed is kept after it was last asked for."""
FORMS = timedelta(days=7)
"""How long a form waits for a worker at most: longer than anybody leaves workers down, so that no sign-up is lost."""
REPORTS = timedelta(days=30)
"""How long a report that was worked off is kept: it stands against copies, which a provider brings for a day or so."""
TO_THE_END_OF_THE_DAY = timedelta(days=1)
"""The day that she was told ends last in the last zone; nobody is forgotten while it is that day somewhere."""

FORGOTTEN = {Stage.LEFT: "left", Stage.ENDED: "ended", Stage.FINISHED: "finished", Stage.ASKED: "pending"}
"""How each stage is counted."""


def page(
    connection: Connection, course: str, kept: Retention, calendar: datetime, *, after: int, limit: int
) -> list[tuple[int, int]]:
    """Return some runs of a course that are to be forgotten, each with its subscriber; their ids come after *after*."""
    query = sa.select(enrollments.c.id, enrollments.c.subscriber_id).where(
        enrollments.c.course == course, enrollments.c.id > after, _is_over(kept, calendar)
    )
    return [(row.id, row.subscriber_id) for row in connection.execute(query.order_by(enrollments.c.id).limit(limit))]


def still(connection: Connection, ids: Sequence[int], kept: Retention, calendar: datetime) -> dict[int, str]:
    """Return those of *ids* who are to be forgotten still, each with why, for a caller who has locked them since."""
    query = sa.select(enrollments.c.id, enrollments.c.state).where(among(enrollments.c.id, ids), _is_over(kept, calendar))
    return {row.id: FORGOTTEN[Stage(row.state)] for row in connection.execute(query)}


def _is_over(kept: Retention, calendar: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that the time for which an enrollment is kept is over."""
    today = calendar - TO_THE_END_OF_THE_DAY
    left, finished = today - timedelta(days=kept.left), today - timedelta(days=kept.finished)
    ended_at = enrollments.c.ended_at
    # Who asked again may still press the link; a stranger who asks in her name again and again puts it off by that once.
    link = timedelta(days=CONFIRM_DAYS)
    asked = erasing.confirmation_after(today - link)
    ended = enrollments.c.state.in_([Stage.LEFT.value, Stage.ENDED.value])
    gone = sa.and_(ended, ended_at < left, ~asked | (ended_at < left - link))
    stage = enrollments.c.state == Stage.FINISHED.value
    had_all = sa.and_(stage, ~enrollments.c.keep, ended_at < finished, ~asked | (ended_at < finished - link))
    # Created by the machine's clock, which the sandbox's calendar runs ahead of: the letter that asks has the calendar's.
    never = (enrollments.c.state == Stage.ASKED.value) & (enrollments.c.created_at < today - PENDING)
    return sa.or_(gone, had_all, never & ~erasing.confirmation_after(today - PENDING))


def tidy(connection: Connection, now: Now, limit: int) -> bool:
    """Delete what is old besides people; whether there may be more.

    Forms that nobody looked up go after a week, those that nobody confirmed after as long as a sign-up, new addresses that
    nobody confirmed with their link, reports once no copy can come, and a clearing that the provider still refuses after a
    month.
    """
    connection.execute(wishes.delete().where(wishes.c.at < now.machine - FORMS))
    askings.forget_old(connection, now.machine - PENDING)
    more = address_changes.forget(connection, now.machine - timedelta(days=CHANGE_DAYS + 1), limit) == limit
    old = (chore_table.c.kind == chores.CLEAR) & (chore_table.c.asked_at < now.machine - REPORTS)
    connection.execute(chore_table.delete().where(old))
    worked = sa.select(events.c.id).where(events.c.worked_at < now.machine - REPORTS).order_by(events.c.id).limit(limit)
    return connection.execute(events.delete().where(events.c.id.in_(worked))).rowcount >= limit or more
