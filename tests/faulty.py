"""A database that fails when told: before a commit, so that nothing is kept, or after it, so that only its answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from drip.store.session import Connection, Database


class Failing:
    """Counts the write transactions of a database and lets chosen ones fail."""

    def __init__(self, database: Database) -> None:
        """Begin to count; nothing fails yet."""
        self.count = 0
        self.before: set[int] = set()
        self.after: set[int] = set()
        self._write = database.write
        database.write = self.write  # type: ignore[method-assign]

    def expect(self, *, before: tuple[int, ...] = (), after: tuple[int, ...] = ()) -> None:
        """Count from one again and let these transactions fail."""
        self.count, self.before, self.after = 0, set(before), set(after)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Stand in for `Database.write`."""
        self.count += 1
        number = self.count
        with self._write() as connection:
            yield connection
            if number in self.before:
                raise trouble()
        if number in self.after:
            raise trouble()


def trouble() -> sa.exc.OperationalError:
    """Return what a driver raises when the connection breaks."""
    return sa.exc.OperationalError("COMMIT", {}, ConnectionResetError("server closed the connection"))


Point = Callable[[], object]


class Points:
    """Hears the named points of a batch and does something at one of them, once."""

    def __init__(self) -> None:
        """Do nothing yet."""
        self.heard: list[str] = []
        self._to_do: dict[str, Point] = {}

    def on(self, point: str, action: Point) -> None:
        """Do *action* when *point* is next heard."""
        self._to_do[point] = action

    def __call__(self, point: str) -> None:
        """Hear a point."""
        self.heard.append(point)
        action = self._to_do.pop(point, None)
        if action is not None:
            action()
