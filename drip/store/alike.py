"""Reading many rows of people who are alike: what they have in common is converted once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Dialect


F = TypeVar("F")


class Alike(Generic[F]):
    """Makes named tuples of rows of *table*: the first *own* of *fields* belong to one row alone, the others are often the same.

    A query that selects `columns` (and may select more after them) gives rows for `made`.
    """

    def __init__(self, table: sa.Table, make: Callable[[Iterable[Any]], F], fields: Sequence[str], *, own: int) -> None:
        """Remember what *make* is to make, and of what."""
        self._make = make
        self._own = own
        self._common = [table.c[name] for name in fields[own:]]
        # As the driver gives them: SQLAlchemy would convert each value of each row.
        raw = [sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in self._common]
        self.columns: list[sa.ColumnElement[Any]] = [*(table.c[name] for name in fields[:own]), *raw]
        self._converters: dict[str, list[tuple[int, Callable[[Any], Any]]]] = {}

    def made(self, connection: sa.Connection, rows: Iterable[Sequence[Any]]) -> list[F]:
        """Return what each of *rows* says."""
        own, end, make = self._own, len(self.columns), self._make
        known: dict[Sequence[Any], tuple[Any, ...]] = {}
        done = []
        for row in rows:
            raw = row[own:end]
            common = known.get(raw)
            if common is None:
                common = known[raw] = self._converted(connection.dialect, raw)
            done.append(make((*row[:own], *common)))
        return done

    def _converted(self, dialect: Dialect, raw: Sequence[Any]) -> tuple[Any, ...]:
        """Return the values that SQLAlchemy would make of what the driver gave."""
        if dialect.name not in self._converters:
            found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in self._common]
            self._converters[dialect.name] = [(place, convert) for place, convert in enumerate(found) if convert is not None]
        values = list(raw)
        for place, convert in self._converters[dialect.name]:
            values[place] = convert(values[place])
        return tuple(values)
