"""Exporting: what is held about a person, in words, for herself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from drip.core.delivery import ADDRESS_CHANGE
from drip.core.holding import ABOUT, LETTER_NOT_TOLD, TITLES
from drip.core.wording import WEEKDAY_NAMES
from drip.store import enrollments, holdings, subscribers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drip.store.session import Database


@dataclass(frozen=True, slots=True)
class Held:
    """What one table holds about her: its title, and each row as words and values."""

    title: str
    rows: tuple[dict[str, Any], ...]


def everything(database: Database, public_id: str) -> list[Held]:
    """Return all that is held about the person whom a link names, table by table; nothing for a link that is nobody's.

    It holds her full address: it is for her alone.
    """
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
        subscriber = None if person is None else subscribers.find(connection, person.subscriber_id)
        if subscriber is None or subscriber.address is None:
            return []
        rows = holdings.of(connection, subscriber)
    return [Held(TITLES[table], tuple(_in_words(table, row) for row in found)) for table, found in rows.items()]


def _in_words(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    untold = LETTER_NOT_TOLD if table == "deliveries" and row["letter"] == ADDRESS_CHANGE else frozenset()
    return {label: _value(column, row[column]) for column, label in ABOUT[table].items() if column not in untold}


def _value(column: str, value: object) -> object:
    """Return a value as a file keeps it: dates as ISO 8601, a day of the week by its name, the rest as it is."""
    if column == "weekday" and isinstance(value, int):
        return WEEKDAY_NAMES[value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
