"""Bringing in who must not be mailed, from a file or from the provider, and telling what the register holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from drip.core.address import address_key
from drip.core.delivery import Reason
from drip.core.newcomer import Refusal
from drip.core.problem import Problem
from drip.core.suppression import Free, Listed, listed_of
from drip.errors import NotFound, ProblemsFound
from drip.store import endings, enrollments, imports, recovery, stamps, versions
from drip.store.subscribers import EVERY_COURSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from drip.clock import Now
    from drip.core.recipe import Columns
    from drip.files.sheet import Sheet
    from drip.mail.library import Library
    from drip.mail.lists import Lists
    from drip.store.session import Connection, Database

PAGE = 1_000
"""How many lines one transaction enters."""

ROUNDS_MAX = 5
"""How often one looks for people who signed up meanwhile; of whoever is still missed, every hand-over looks again."""

Item = Listed | Free | Refusal


@dataclass(slots=True)
class Report:
    """What became of the lines: each was *added*, stood there *already*, is *free* to be mailed, or was *refused*.

    *ended* counts the people whose course ended by it, *under_way* those of them to whom a letter was just being handed
    over and who may still get that one; *seen* what a list of the provider holds that does not suppress.
    """

    source: str
    dry_run: bool
    lines: int = 0
    added: Counter[str] = field(default_factory=Counter)
    already: int = 0
    free: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ended: int = 0
    under_way: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def refusals(self) -> int:
        """How many lines were refused."""
        return sum(self.refused.values())


def from_sheet(sheet: Sheet, columns: Columns, *, reason: str, now: datetime) -> Iterator[Item]:
    """Yield what the lines of a file say; raises ProblemsFound for a file without addresses."""
    missing = columns.missing()
    if missing:
        text, _, hint = missing.partition("; ")
        raise ProblemsFound([Problem(sheet.name, 1, 1, "C104", text, hint)])
    for row in sheet.rows():
        yield listed_of(row.line, columns.cells(row.cells), reason=reason, now=now)


def from_provider(lists: Lists, report: Report, *, now: datetime) -> Iterator[Item]:
    """Yield what the provider's lists say, list after list; those that do not suppress are counted in *report* and no more."""
    line = 0
    for name, reason in lists.names or [("lists", "")]:
        for page in lists.entries(name):
            if not reason:
                report.seen[name] += len(page)
                continue
            for entry in page:
                line += 1
                found = listed_of(line, {"email": entry.address}, reason=reason, now=now)
                yield found._replace(at=entry.at) if isinstance(found, Listed) else found


def bring_in(
    database: Database,
    library: Library,
    items: Iterable[Item],
    report: Report,
    *,
    course: str,
    suppression_key: bytes,
    refused: Callable[[Refusal], None],
    done: Callable[[int], None],
    wait_seconds: float,
) -> Report:
    """Enter addresses into the register, for *course* or every one, and end the courses of those who are on one.

    Running it again changes nothing. What is being handed over at this moment is waited for, at most *wait_seconds* each.
    """
    keeper = _Keeper(database, report, course, suppression_key)
    rest = iter(items)
    while page := list(islice(rest, PAGE)):
        ended = keeper.enter(page)
        for item in page:
            if isinstance(item, Refusal):
                refused(item)
        for subscriber_id in ended:
            quiet = recovery.wait_until_quiet(database, subscriber_id, library.course, wait_seconds=wait_seconds)
            report.under_way += not quiet
        done(len(page))
    return report


class _Keeper:
    """Enters one page after the other."""

    def __init__(self, database: Database, report: Report, course: str, suppression_key: bytes) -> None:
        self._database, self._report, self._course, self._key = database, report, course, suppression_key
        self._entered: set[str] = set()
        self._ended: set[int] = set()
        with database.read() as connection:
            running = versions.running(connection)
        if course and course not in running:
            msg = f"there is no course {course!r}; running are: {', '.join(running) or 'none yet'}"
            raise NotFound(msg)

    def enter(self, page: Sequence[Item]) -> list[int]:
        """Enter a page in one transaction and return the subscribers whose course it ended."""
        report, dry = self._report, self._report.dry_run
        report.lines += len(page)
        report.free += sum(isinstance(one, Free) for one in page)
        report.refused.update(one.why.value for one in page if isinstance(one, Refusal))
        listed = {address_key(one.address, self._key): one for one in reversed(page) if isinstance(one, Listed)}
        wanted = sum(isinstance(one, Listed) for one in page)
        with self._database.read() if dry else self._database.write() as connection:
            if not dry:
                imports.one_at_a_time(connection)
            now = stamps.now_in(connection)
            standing = imports.registered(connection, listed)
            new = {
                key: one
                for key, one in listed.items()
                if key not in self._entered and not {(key, EVERY_COURSE), (key, self._scope(one))} & standing
            }
            ended = {one.subscriber_id for one in self._running(connection, listed)}
            if not dry:
                self._end(connection, listed, ended, now, register=[self._row(key, one, now) for key, one in sorted(new.items())])
        if not dry:
            ended |= self._end_latecomers(listed)
        self._entered |= set(new)
        report.added.update(one.reason for one in new.values())
        report.already += wanted - len(new)
        ended -= self._ended
        self._ended |= ended
        report.ended += len(ended)
        return [] if dry else sorted(ended)

    def _end_latecomers(self, listed: dict[str, Listed]) -> set[int]:
        """End the courses of those who signed up while the register did not know them yet, and return who they are."""
        found: set[int] = set()
        for _ in range(ROUNDS_MAX):
            with self._database.read() as connection:
                late = {one.subscriber_id for one in self._running(connection, listed)}
            if not late:
                break
            with self._database.write() as connection:
                self._end(connection, listed, late, stamps.now_in(connection))
            found |= late
        return found

    def _scope(self, one: Listed) -> str:
        """Return the course that an entry is about: to leave one is possible, a dead mailbox is dead for all."""
        return self._course if one.reason == Reason.LEFT else EVERY_COURSE

    def _running(self, connection: Connection, listed: dict[str, Listed]) -> list[imports.Running]:
        """Return the runs that the entries end."""
        found = imports.running(connection, listed)
        return [one for one in found if self._scope(listed[one.address_key]) in {EVERY_COURSE, one.course}]

    def _end(
        self,
        connection: Connection,
        listed: dict[str, Listed],
        people: set[int],
        now: Now,
        register: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Lock *people*, enter the rows into the register, and end what those people are on."""
        # People and their runs before the register, as everywhere: whoever leaves now holds herself and wants her line.
        enrollments.locked_for(connection, people)
        imports.register(connection, register)
        barred: dict[str, str] = {}
        for one in self._running(connection, listed):
            if one.subscriber_id not in people:
                continue
            reason = listed[one.address_key].reason
            if reason == Reason.LEFT:
                person = enrollments.locked(connection, one.enrollment_id)
                endings.leave(connection, person, one.address_key, now, source=imports.SOURCE)
            else:
                barred[one.address_key] = reason
        endings.suppress(connection, barred, now=now)

    def _row(self, key: str, one: Listed, now: Now) -> dict[str, Any]:
        note = f"{imports.SOURCE}: {self._report.source} line {one.line}"
        return {"address_key": key, "course": self._scope(one), "reason": one.reason, "at": one.at or now.machine, "note": note}


def register(database: Database) -> list[imports.Share]:
    """Return how many addresses the register holds, by reason and course."""
    with database.read() as connection:
        return imports.shares(connection)


def standing(database: Database, address: str, suppression_key: bytes) -> list[imports.Entry]:
    """Return why an address must not be mailed, for every course or for some; nothing when it may be."""
    with database.read() as connection:
        return imports.entries(connection, address_key(address, suppression_key))
