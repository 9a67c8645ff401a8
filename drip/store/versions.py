"""Versions: applied schedules with their letters, numbered and immutable, and which one is live for each course."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.delivery import State
from drip.core.plan import Answer
from drip.core.review import Acceptance
from drip.errors import NotFound
from drip.store.tables import IS_OPEN, courses, deliveries, lesson_holds, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Version:
    """One applied schedule: its number, the schedule's text, the letters by path, and all renames so far.

    *accepted* says who answers for which unreviewed wording, *answers* who accepted which other effect of this version.
    """

    id: int
    schedule_text: str
    letters: Mapping[str, str]
    first_ids: Mapping[str, Mapping[str, str]]
    accepted: tuple[Acceptance, ...] = ()
    answers: tuple[Answer, ...] = ()
    applied_at: datetime | None = None
    applied_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CourseState:
    """What is true of a running course: the live version, and since when and why it is held."""

    id: str
    version_id: int
    dates_from: int
    held_at: datetime | None
    held_reason: str


_STATE = (courses.c.id, courses.c.version_id, courses.c.dates_from, courses.c.held_at, courses.c.held_reason)


def digest_of(schedule_text: str, letters: Mapping[str, str]) -> str:
    """Return the hash of a schedule and its letters, equal exactly when the files are."""
    return hashlib.sha256(_packed(schedule_text, letters).encode()).hexdigest()


def _packed(schedule_text: str, letters: Mapping[str, str]) -> str:
    return json.dumps({"schedule": schedule_text, "letters": dict(letters)}, sort_keys=True, ensure_ascii=False)


def publish(
    connection: Connection,
    *,
    schedule_text: str,
    letters: Mapping[str, str],
    course_ids: Iterable[str],
    first_ids: Mapping[str, Mapping[str, str]],
    now: datetime,
    applied_by: str = "",
    note: str = "",
    accepted: Iterable[Acceptance] = (),
    answers: Iterable[Answer] = (),
    redated: Iterable[str] = (),
) -> int:
    """Store a version and make it live for *course_ids*; return its number.

    Letters that are open and not yet claimed take it too. The people of the courses *redated* are turned to it by the ticks.
    """
    number = connection.execute(
        versions.insert()
        .values(
            applied_at=now,
            applied_by=applied_by,
            note=note,
            digest=digest_of(schedule_text, letters),
            source=_packed(schedule_text, letters),
            accepted=json.dumps([*map(asdict, accepted), *map(asdict, answers)]),
            first_ids=json.dumps({course: dict(ids) for course, ids in first_ids.items()}, sort_keys=True),
        )
        .returning(versions.c.id)
    ).scalar_one()
    for course in course_ids:
        if connection.execute(courses.update().where(courses.c.id == course).values(version_id=number)).rowcount == 0:
            connection.execute(courses.insert().values(id=course, version_id=number))
    for course in redated:
        connection.execute(courses.update().where(courses.c.id == course).values(dates_from=number))
    take(connection)
    return int(number)


def take(connection: Connection) -> int:
    """Let every letter that is open and not yet claimed take the version that is live, and return how many did."""
    live = sa.select(courses.c.version_id).where(courses.c.id == deliveries.c.course).scalar_subquery()
    return connection.execute(
        deliveries.update()
        .where(IS_OPEN, deliveries.c.state == State.PENDING.value, deliveries.c.version_id != live)
        .values(version_id=live)
    ).rowcount


def find(connection: Connection, version_id: int) -> Version | None:
    """Return version *version_id*."""
    row = connection.execute(sa.select(versions).where(versions.c.id == version_id)).first()
    if row is None:
        return None
    packed = json.loads(row.source)
    accepted = json.loads(row.accepted)
    return Version(
        row.id,
        packed["schedule"],
        packed["letters"],
        json.loads(row.first_ids),
        tuple(Acceptance(**one) for one in accepted if "letter" in one),
        tuple(Answer(**one) for one in accepted if "hazard" in one),
        row.applied_at,
        row.applied_by,
        row.note,
    )


def listed(connection: Connection) -> list[sa.Row[tuple[int, datetime, str, str, str]]]:
    """Return all versions, the newest first: id, applied_at, applied_by, note, digest."""
    columns = (versions.c.id, versions.c.applied_at, versions.c.applied_by, versions.c.note, versions.c.digest)
    return list(connection.execute(sa.select(*columns).order_by(versions.c.id.desc())))


def newest(connection: Connection) -> tuple[int, str] | None:
    """Return the number and the digest of the newest version."""
    row = connection.execute(sa.select(versions.c.id, versions.c.digest).order_by(versions.c.id.desc()).limit(1)).first()
    return None if row is None else (row.id, row.digest)


def running(connection: Connection) -> dict[str, CourseState]:
    """Return every course that has a live version, by id."""
    rows = connection.execute(sa.select(*_STATE).order_by(courses.c.id))
    return {row.id: CourseState(*row) for row in rows}


def running_as(connection: Connection, course: str) -> CourseState:
    """Return how the course of that id runs; of the only one there is when *course* is ''. Raises NotFound."""
    known = running(connection)
    if not course and len(known) == 1:
        return next(iter(known.values()))
    if course not in known:
        names = ", ".join(known) or "none yet: start drip up once"
        raise NotFound(f"there is no course {course!r}; running are: {names}" if course else f"say which course: {names}")
    return known[course]


def kept_still(connection: Connection, course: str) -> CourseState:
    """Return *course*, which nobody can hold or release until the transaction ends: a hold then waits for the mark before it."""
    query = sa.select(*_STATE).where(courses.c.id == course)
    return CourseState(*connection.execute(query.with_for_update(read=True)).one())


def hold(connection: Connection, course: str | None, reason: str, now: datetime) -> int:
    """Hold *course*, or every course, and return how many were not held before."""
    change = courses.update().where(courses.c.held_at.is_(None)).values(held_at=now, held_reason=reason)
    return connection.execute(change if course is None else change.where(courses.c.id == course)).rowcount


def reason_again(connection: Connection, course: str | None, reason: str) -> int:
    """Give *course*, or every course, that is held another reason, and return how many are held."""
    change = courses.update().where(courses.c.held_at.is_not(None)).values(held_reason=reason)
    return connection.execute(change if course is None else change.where(courses.c.id == course)).rowcount


def release(connection: Connection, course: str | None) -> int:
    """Release *course*, or every course, with the lessons held in it, and return how many courses were held."""
    change = courses.update().where(courses.c.held_at.is_not(None)).values(held_at=None, held_reason="")
    lift = lesson_holds.delete()
    connection.execute(lift if course is None else lift.where(lesson_holds.c.course == course))
    return connection.execute(change if course is None else change.where(courses.c.id == course)).rowcount


def hold_lesson(
    connection: Connection, course: str, letter: str, *, version_id: int, reason: str, detail: str, now: datetime
) -> None:
    """Hold one lesson of one version: its letter is broken, or the provider refuses it for everybody."""
    connection.execute(lesson_holds.delete().where(lesson_holds.c.course == course, lesson_holds.c.letter == letter))
    connection.execute(
        lesson_holds.insert().values(
            course=course, letter=letter, version_id=version_id, reason=reason, detail=detail, held_at=now
        )
    )


def lesson_held(connection: Connection, course: str, letter: str, *, version_id: int) -> bool:
    """Whether one lesson of one version is held."""
    query = sa.select(lesson_holds.c.letter).where(
        lesson_holds.c.course == course, lesson_holds.c.letter == letter, lesson_holds.c.version_id == version_id
    )
    return connection.execute(query).first() is not None


def held_lessons(connection: Connection) -> list[sa.Row[tuple[str, str, datetime, str, str, int]]]:
    """Return the held lessons: course, letter, held_at, reason, detail, version_id."""
    return list(connection.execute(sa.select(lesson_holds).order_by(lesson_holds.c.course, lesson_holds.c.letter)))
