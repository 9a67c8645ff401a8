"""Forgetting: erasing somebody at her wish, telling the provider, and the daily pass over everybody whose time is over.

An erasure is a row of steps, each committed and each finding out by itself whether it was done, so that a process killed
between any two is finished by the next that looks. Named points (`begun quiet reports deleted taken told`) let tests kill
it there.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from drip import clock
from drip.mail.directory import Declined, NotNow, Told
from drip.store import chores, enrollments, erasing, moves, recovery, retention, stamps, subscribers, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drip.clock import Now
    from drip.core.schedule import Retention
    from drip.mail.directory import Directory, Reply
    from drip.mail.library import Library
    from drip.store.chores import Chore
    from drip.store.session import Connection, Database

ERASED = "erased"
BEAT = "forgetting"
"""The heartbeat of the last daily pass that came to its end."""

PAGE = 50
"""How many people one transaction forgets: as long as it lasts, nobody else writes on SQLite."""
REPORT_PAGE = 5_000
CLEAR_PAGE = 5
SECONDS_MAX = 5.0
"""How long one look works at the daily pass; the next goes on."""

RETRY_SECONDS = 30.0
RETRY_SECONDS_MAX = 3_600.0
REFUSED_AGAIN = timedelta(days=1)

log = structlog.get_logger("drip.forget")


def nothing(_point: str) -> None:
    """Do nothing at a named point."""


@dataclass(frozen=True, slots=True)
class Erasing:
    """What became of a wish to be erased.

    *acknowledged* is true once nothing of hers is under way and her rows are gone; until then one letter may still arrive,
    and the rest follows by itself. Somebody unknown, or erased before, is acknowledged: there is nothing of hers.
    """

    known: bool
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who may be erased: her number here, and her courses, each with how she stands in it."""

    subscriber_id: int
    courses: tuple[tuple[str, str], ...]


def find(database: Database, address_key: str) -> Known | None:
    """Return who is behind a keyed address; None when nobody is, or she was erased."""
    with database.read() as connection:
        person = subscribers.find_by_key(connection, address_key)
        if person is None:
            return None
        return Known(person.id, tuple((one.course, one.state) for one in enrollments.find_for(connection, person.id)))


# At her wish --------------------------------------------------------------------------------------------------------------


def erase(
    database: Database,
    library: Library,
    public_id: str,
    *,
    source: str,
    wait_seconds: float,
    at: Callable[[str], None] = nothing,
) -> Erasing:
    """Erase the person whom a link names, with every course of hers; *source* says where she pressed.

    *wait_seconds* bounds the wait for a letter that is being handed over; no lock is held while waiting.
    """
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
    if person is None:
        return Erasing(known=False, acknowledged=True)
    return erase_subscriber(database, library, person.subscriber_id, source=source, wait_seconds=wait_seconds, at=at)


def erase_subscriber(
    database: Database,
    library: Library,
    subscriber_id: int,
    *,
    source: str,
    wait_seconds: float,
    at: Callable[[str], None] = nothing,
) -> Erasing:
    """Erase a subscriber: commit first, so that nothing new begins, wait until nothing of hers is under way, then delete.

    The provider is told by whoever works next, see `work`.
    """
    with database.write() as connection:
        known = erasing.begin(connection, subscriber_id, stamps.now_in(connection))
    if not known:
        return Erasing(known=False, acknowledged=True)
    at("begun")
    done = _finish(database, library, subscriber_id, wait_seconds=wait_seconds, at=at)
    # No number of hers: after this line there is nobody whom it would name.
    log.info("erased", source=source, acknowledged=done)
    return Erasing(known=True, acknowledged=done)


def _finish(
    database: Database, library: Library, subscriber_id: int, *, wait_seconds: float, at: Callable[[str], None] = nothing
) -> bool:
    """Delete everything of an erased subscriber once nothing of hers is under way; False while something is."""
    if not recovery.wait_until_quiet(database, subscriber_id, library.course, wait_seconds=wait_seconds):
        return False
    at("quiet")
    with database.read() as connection:
        runs = [person.id for person in enrollments.find_for(connection, subscriber_id)]
        keys = chores.keys_of(connection, subscriber_id)
    with database.write() as connection:
        names = erasing.forget_reports(connection, runs, keys)
    at("reports")
    with database.write() as connection:
        now = stamps.now_in(connection)
        moves.lock_people(connection, [subscriber_id])
        runs = [person.id for person in enrollments.find_for(connection, subscriber_id)]
        here = erasing.is_here(connection, subscriber_id)
        gone = erasing.delete_rows(connection, runs)
        if len(gone) == len(runs):
            erasing.delete_subscribers(connection, [subscriber_id])
            chores.rows_are_gone(connection, subscriber_id)
            erasing.count(connection, {ERASED: int(here)}, now)
    at("deleted")
    with database.write() as connection:
        erasing.drop_reports(connection, names, keys)
    return len(gone) == len(runs)


# What the worker does -----------------------------------------------------------------------------------------------------


def work(database: Database, library: Library, directory: Directory, *, at: Callable[[str], None] = nothing) -> int:
    """Finish erasures that were begun and tell the provider what it must be told; return how many chores came to their end.

    No transaction is open while the provider thinks, and whoever took a chore and died leaves it to the next.
    """
    with database.read() as connection:
        now = stamps.now_in(connection)
        begun = chores.unfinished(connection, PAGE)
        kinds = chores.due_kinds(connection, now.machine)
    finished = [one for one in begun if _finish(database, library, one, wait_seconds=0.0, at=at)]
    done = 0
    if finished or chores.ERASE in kinds:
        done += _tell(database, chores.ERASE, directory.erase, directory.erase_max, at)
    if chores.CLEAR in kinds:
        done += _tell(database, chores.CLEAR, lambda addresses: directory.clear(addresses[0]), CLEAR_PAGE, at)
    return done


def _tell(database: Database, kind: str, request: Callable[[Sequence[str]], Reply], limit: int, at: Callable[[str], None]) -> int:
    """Take due chores of a *kind*, make the request, and note what the provider said; return how many it took."""
    with database.write() as connection:
        taken = chores.claim(connection, kind, stamps.now_in(connection).machine, limit)
    at("taken")
    groups = [taken] if kind == chores.ERASE else [[one] for one in taken]
    done = 0
    while groups:
        group = groups.pop(0)
        if not group:
            continue
        answer = request([one.address for one in group])
        at("told")
        if isinstance(answer, Declined) and answer.one_of_them and len(group) > 1:
            groups += [[one] for one in group]
            continue
        _note(database, kind, group, answer)
        done += len(group) if isinstance(answer, Told) else 0
        if isinstance(answer, NotNow):
            # The others would meet the same trouble; their lease brings them back.
            break
    return done


def _note(database: Database, kind: str, group: Sequence[Chore], answer: Reply) -> None:
    """Record what became of a request about some chores."""
    with database.write() as connection:
        now = stamps.now_in(connection).machine
        match answer:
            case Told():
                chores.done(connection, group)
            case NotNow():
                tries = max(one.tries for one in group)
                backoff = min(RETRY_SECONDS * 2 ** min(tries, 10), RETRY_SECONDS_MAX)
                wait = timedelta(seconds=max(backoff, answer.retry_after_seconds or 0.0))
                chores.again(connection, group, not_before=now + wait, detail=answer.reason)
            case Declined():
                detail = f"{answer.reason}. {answer.remedy}"
                chores.again(connection, group, not_before=now + REFUSED_AGAIN, detail=detail)
    match answer:
        case Told():
            log.info("provider-told", what=kind, people=len(group))
        case NotNow():
            log.warning("provider-not-told", what=kind, people=len(group), why=answer.reason)
        case Declined():
            log.error("provider-declined", what=kind, people=len(group), why=answer.reason, remedy=answer.remedy)


# By the calendar ----------------------------------------------------------------------------------------------------------


def pass_over(database: Database, library: Library, *, seconds_max: float = SECONDS_MAX) -> bool:
    """Forget everybody whose time is over, once on each day of the calendar; return whether the day's pass is done.

    Any number of workers may do it at once: each page is looked at again under lock. A pass that takes long is gone on
    with by the next look, and only its end is remembered.
    """
    with database.read() as connection:
        now = stamps.now_in(connection)
        if _passed(connection, now):
            return True
        kept = {
            state.id: library.course(state.version_id, state.id).course.retention
            for state in versions.running(connection).values()
        }
    deadline = clock.monotonic() + seconds_max
    counts: Counter[str] = Counter()
    # Each course has its turn, also when one of them took all the time.
    whole = False not in [_forget_course(database, course, days, now, counts, deadline) for course, days in kept.items()]
    with database.write() as connection:
        whole = not retention.tidy(connection, now, REPORT_PAGE) and whole
        if whole and not _passed(connection, now):
            stamps.beat(connection, BEAT, now, json.dumps(counts, sort_keys=True))
    if counts:
        log.info("forgotten", **counts)
    return whole


def _passed(connection: Connection, now: Now) -> bool:
    """Return whether a pass of this day, or of a later one, has come to its end."""
    last = stamps.last_beat(connection, BEAT)
    return last is not None and last.calendar_at.date() >= now.calendar.date()


def keep_everybody(database: Database) -> None:
    """Let no daily pass be due any more, for a demo in which somebody who left in spring is to be looked at in autumn."""
    with database.write() as connection:
        now = stamps.now_in(connection)
        stamps.beat(connection, BEAT, replace(now, calendar=datetime.max.replace(tzinfo=UTC)), "everybody is kept")


def _forget_course(  # noqa: PLR0917 - a course and how far the pass is
    database: Database, course: str, kept: Retention, now: Now, counts: Counter[str], deadline: float
) -> bool:
    """Forget everybody of one course whose time is over, in pages; False when time ran out first."""
    after = 0
    while True:
        with database.read() as connection:
            page = retention.page(connection, course, kept, now.calendar, after=after, limit=PAGE)
        if not page:
            return True
        after = page[-1][0]
        counts.update(_forget_page(database, page, kept, now))
        if clock.monotonic() >= deadline:
            return False


def _forget_page(database: Database, page: Sequence[tuple[int, int]], kept: Retention, now: Now) -> Mapping[str, int]:
    """Forget a page of runs, reports first; return how many by the reason why."""
    runs, people = [run for run, _ in page], [subscriber_id for _, subscriber_id in page]
    with database.write() as connection:
        keys = subscribers.keys_of(connection, people)
        names = erasing.forget_reports(connection, runs, keys)
    with database.write() as connection:
        moves.lock_people(connection, people)
        why = retention.still(connection, runs, kept, now.calendar)
        gone = Counter(why[run] for run in erasing.delete_rows(connection, list(why)))
        erasing.count(connection, gone, now)
    with database.write() as connection:
        erasing.drop_reports(connection, names, keys)
    return gone
