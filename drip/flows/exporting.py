"""Exporting: what is held about a person, in words, for herself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from drip.core.account import Chapter, chapters
from drip.core.delivery import ADDRESS_CHANGE
from drip.core.holding import ABOUT, LETTER_NOT_TOLD, TITLES
from drip.core.wording import WEEKDAY_NAMES
from drip.store import enrollments, holdings, subscribers, versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drip.core.enrollment import Enrollment
    from drip.mail.library import Library
    from drip.store.session import Database

FORMAT = 1
"""The version of the file that she takes away; it grows when a field goes away or changes its meaning."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one table holds about her: its title, and each row as words and values."""

    title: str
    rows: tuple[dict[str, Any], ...]


def everything(database: Database, public_id: str) -> list[Held]:
    """Return all that is held about the person whom a link names, table by table; nothing for a link that is nobody's.

    It holds her full address: it is for her alone.
    """
    _, rows = _rows(database, public_id)
    return [
        Held(
            TITLES[table], tuple({ABOUT[table][column]: _value(column, value) for column, value in row.items()} for row in found)
        )
        for table, found in rows.items()
    ]


def document(database: Database, public_id: str, *, made: datetime) -> str:
    """Return `everything` as the text of a JSON file that was *made* just now, for her to take away."""
    held = {one.title: one.rows for one in everything(database, public_id)}
    return json.dumps({"format": FORMAT, "made": made.isoformat(timespec="seconds"), **held}, ensure_ascii=False, indent=2) + "\n"


def account(database: Database, library: Library, public_id: str) -> list[Chapter]:
    """Return the same for her to read: in chapters, in plain words, her dates in her zone. What is empty is left out."""
    person, rows = _rows(database, public_id)
    if person is None:
        return []
    with database.read() as connection:
        running = versions.running(connection)
    live = library.course(running[person.course].version_id, person.course)
    book = library.book(live.version_id, person.course)

    def letter(letter_id: str) -> str:
        return book.title(live.current_id(letter_id) or letter_id)

    def course(course_id: str) -> str:
        state = running.get(course_id)
        return course_id if state is None else library.course(state.version_id, course_id).course.title

    return chapters(rows, zone=person.rhythm(live.course).zone, letter=letter, course=course)


def _rows(database: Database, public_id: str) -> tuple[Enrollment | None, dict[str, list[dict[str, Any]]]]:
    """Return the person whom a link names, and all rows about her by table; nobody and nothing for a link that is nobody's."""
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
        subscriber = None if person is None else subscribers.find(connection, person.subscriber_id)
        if subscriber is None or subscriber.address is None:
            return None, {}
        found = holdings.of(connection, subscriber)
    return person, {table: [_told(table, row) for row in rows] for table, rows in found.items()}


def _told(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    untold = LETTER_NOT_TOLD if table == "deliveries" and row["letter"] == ADDRESS_CHANGE else frozenset()
    return {column: row[column] for column in ABOUT[table] if column not in untold}


def _value(column: str, value: object) -> object:
    """Return a value as a file keeps it: dates as ISO 8601, a day of the week by its name, the rest as it is."""
    if column == "weekday" and isinstance(value, int):
        return WEEKDAY_NAMES[value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
