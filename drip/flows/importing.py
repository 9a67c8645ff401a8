"""Importing people from a file, page by page, so that a second run of the same command ends what a first one began."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from drip.core.address import address_key, normal_address
from drip.core.delivery import CONFIRM_LETTER, Kind, Reason
from drip.core.enrollment import Stage, zone_of
from drip.core.newcomer import Newcomer, Reception, Refusal, Why, first_letter, passed_at, rhythm_of
from drip.core.problem import Problem
from drip.core.spread import Spread
from drip.errors import ProblemsFound
from drip.store import deliveries, imports, stamps, subscribers, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from drip.clock import Now
    from drip.core.enrollment import Changes
    from drip.core.newcomer import Terms
    from drip.core.recipe import Columns
    from drip.files.sheet import Row, Sheet
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

PAGE = 1_000
"""How many lines one transaction brings in."""


@dataclass(slots=True)
class Report:
    """What became of the lines: each is in exactly one of *entered*, *asked*, *already* and the *refused*.

    *already_from_this_file* are those of the *already* whom an earlier run of the same file brought in. *first_days* counts
    how many begin on which of their local dates; *asked_until* is when the last confirmation letter goes.
    """

    course: str
    file: str
    sha256: str
    dry_run: bool
    lines: int = 0
    entered: int = 0
    asked: int = 0
    already: int = 0
    already_from_this_file: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    first_days: Counter[date] = field(default_factory=Counter)
    asked_until: datetime | None = None
    lists_imported: bool = False
    day_capacity: int | None = None

    @property
    def refusals(self) -> int:
        """How many lines were refused."""
        return sum(self.refused.values())

    @property
    def fullest_day(self) -> tuple[date, int] | None:
        """The date on which most of them begin, and how many do."""
        return max(self.first_days.items(), key=lambda day: (day[1], -day[0].toordinal()), default=None)


@dataclass(slots=True)
class _Page:
    """One page on its way: its refusals so far, who is in already, and who may come in, each with a cursor or a moment."""

    refusals: list[Refusal]
    suppressed: Counter[str] = field(default_factory=Counter)
    already: list[int] = field(default_factory=list)
    from_this_file: int = 0
    fresh: list[Newcomer] = field(default_factory=list)
    cursors: list[Changes] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)


class Importer:
    """Brings one file in; make one for each run."""

    def __init__(
        self,
        database: Database,
        library: Library,
        sheet: Sheet,
        columns: Columns,
        terms: Terms,
        *,
        course: str,
        suppression_key: bytes,
        dry_run: bool,
    ) -> None:
        """Look at what is live; raises NotFound for a course that is not, ProblemsFound for a file without addresses."""
        missing = columns.missing()
        if missing:
            text, _, hint = missing.partition("; ")
            raise ProblemsFound([Problem(sheet.name, 1, 1, "C104", text, hint)])
        self._database, self._sheet, self._columns, self._terms = database, sheet, columns, terms
        with database.read() as connection:
            now = stamps.now_in(connection)
            state = versions.running_as(connection, course)
            course_id, self._live = state.id, library.course(state.version_id, state.id)
            self.report = Report(course_id, sheet.name, sheet.sha256, dry_run)
            self.report.lists_imported = imports.any_list_imported(connection)
            waiting = imports.waiting_confirmations(connection, course_id) if terms.ask else []
        sending = self._live.course.sending
        per_hour = None if sending is None else sending.per_hour
        self._spread = Spread(self._live.course.allow, per_hour=per_hour, now=now.calendar, taken=waiting)
        if per_hour is not None:
            send = self._live.course.send
            self.report.day_capacity = per_hour * (send.until.hour - send.at.hour)
        self._reception = Reception(self._live, terms, suppression_key, now=now.calendar)
        self._suppression_key = suppression_key
        self._seen: dict[str, int] = {}
        self._faulty: set[int] = set()
        self._dates: dict[tuple[Any, ...], Changes] = {}

    def run(self, *, refused: Callable[[Refusal, Row], None], done: Callable[[int], None]) -> Report:
        """Bring everybody in and return what became of the lines; *refused* hears of each that is not, *done* of each page."""
        rows = self._sheet.rows()
        while lines := list(islice(rows, PAGE)):
            page = self._page(lines)
            self._count(page, len(lines))
            texts = {row.line: row for row in lines}
            for refusal in sorted(page.refusals, key=lambda one: one.line):
                refused(refusal, texts[refusal.line])
            done(len(lines))
        return self.report

    def _page(self, rows: Sequence[Row]) -> _Page:
        """Decide on each line before any lock is taken, then look who is known, and bring the others in."""
        refusals: list[Refusal] = []
        people: list[Newcomer] = []
        for row in rows:
            found = self._decide(row)
            if isinstance(found, Newcomer):
                people.append(found)
            else:
                refusals.append(found)
        if self.report.dry_run:
            with self._database.read() as connection:
                page = self._sorted(connection, people, refusals)
                self._date(page, stamps.now_in(connection))
            return page
        with self._database.write() as connection:
            imports.one_at_a_time(connection)
            now = stamps.now_in(connection)
            ids = self._locked(connection, self._sorted(connection, people, refusals).fresh, now)
            # Between the look and the lock somebody may have signed up, or come into the register.
            page = self._sorted(connection, people, refusals)
            page.fresh = [one for one in page.fresh if one.key in ids]
            imports.forget_new(connection, set(ids.values()) - {ids[one.key] for one in page.fresh}, now.machine)
            self._date(page, now)
            self._enter(connection, page, ids, now)
        return page

    def _locked(self, connection: Connection, people: Sequence[Newcomer], now: Now) -> dict[str, int]:
        """Make subscribers of newcomers, lock them, and return their ids by key."""
        rows = [
            {
                "address": one.address,
                "address_key": one.key,
                "name": one.name,
                "timezone": one.zone if one.zone_given else None,
                "created_at": now.machine,
            }
            # In one order for everybody, so that two imports never wait for each other in a ring.
            for one in sorted(people, key=lambda one: one.key)
        ]
        return imports.ensure_subscribers(connection, rows)

    def _decide(self, row: Row) -> Newcomer | Refusal:
        """Return who stands in a line that can be read, for the first time in this file; or why not."""
        width = len(self._sheet.columns)
        if len(row.cells) < width or any(cell.strip() for cell in row.cells[width:]):
            say = (
                f"this line has {len(row.cells)} fields and the first line {width}; put a field with a delimiter in it in quotes"
            )
            return Refusal(row.line, Why.SHAPE, "", say)
        cells = self._columns.cells(row.cells)
        found: Newcomer | Refusal
        if broken := self._columns.unreadable(row.cells):
            say = """this is no JSON object, as {"timezone": "Europe/London"}; mend it, or empty the field"""
            found = Refusal(row.line, Why.SHAPE, broken, say)
        else:
            found = self._reception.decide(row.line, cells)
        if isinstance(found, Refusal):
            # Another line of hers must not bring her in otherwise before this one is corrected.
            self._faulty.add(row.line)
            with contextlib.suppress(ValueError):
                self._seen.setdefault(address_key(normal_address(cells.get("email", "")), self._suppression_key), row.line)
            return found
        before = self._seen.setdefault(found.key, row.line)
        if before in self._faulty:
            words = f"line {before} has the same address and was refused; correct that line, or leave it out"
            return Refusal(row.line, Why.DUPLICATE, "email", words)
        if before != row.line:
            return Refusal(row.line, Why.DUPLICATE, "email", f"line {before} has the same address; leave one of them out")
        return found

    def _sorted(self, connection: Connection, people: Sequence[Newcomer], refusals: Sequence[Refusal]) -> _Page:
        """Return the page with those who may come in told from those who are in already and those who must not be."""
        page = _Page(list(refusals))
        keys = [one.key for one in people]
        reasons = subscribers.suppressed(connection, keys, self.report.course)
        known = imports.known(connection, keys, self.report.course)
        for one in people:
            found = known.get(one.key)
            reason = reasons.get(one.key) or _ended(found)
            if reason:
                page.suppressed[reason] += 1
                page.refusals.append(Refusal(one.line, Why.SUPPRESSED, "email", _barred_words(reason)))
            elif found is not None and found.state is not None:
                page.already.append(found.id)
            else:
                page.fresh.append(one)
        page.from_this_file = imports.count_entered_from(connection, page.already, self._sheet.sha256)
        return page

    def _date(self, page: _Page, now: Now) -> None:
        """Give each newcomer her first date, or the moment of the letter that asks her."""
        course, start = self._live.course, self._terms.start
        for one in page.fresh:
            if self._terms.ask:
                page.moments.append(self._spread.moment(zone_of(one.zone, course)))
                continue
            alike = one.likeness()
            if alike not in self._dates:
                rhythm = rhythm_of(one, course)
                self._dates[alike] = first_letter(
                    course, one.place, rhythm, last_letter_on=one.last_letter_on, start=start, now=now.calendar
                )
            page.cursors.append(self._dates[alike])

    def _enter(self, connection: Connection, page: _Page, ids: Mapping[str, int], now: Now) -> None:
        """Store the newcomers of a page, with their consents and what they will not get."""
        people, course = page.fresh, self.report.course
        facts = {"course": course, "version_id": self._live.version_id, "created_at": now.machine}
        rows = [{"subscriber_id": ids[one.key], **facts, **_settings(one)} for one in people]
        if self._terms.ask:
            asked = {"state": Stage.ASKED.value, "deliveries_due": 1}
            rows = [{**row, **asked, "last_letter_on": one.last_letter_on} for row, one in zip(rows, people, strict=True)]
        else:
            active = {"state": Stage.ACTIVE.value, "confirmed_at": now.calendar}
            rows = [{**row, **active, **cursor} for row, cursor in zip(rows, page.cursors, strict=True)]
        entered = imports.enter(connection, rows)
        imports.note_consents(connection, [self._consent(one, ids[one.key], now) for one in people])
        self._pass(connection, people, entered)
        if self._terms.ask:
            deliveries.open_many(connection, self._questions(page, rows, entered), now=now.machine)

    def _consent(self, one: Newcomer, subscriber_id: int, now: Now) -> dict[str, Any]:
        """Return the entry that says where she comes from and how she agreed; the file itself is kept nowhere."""
        facts = {"subscriber_id": subscriber_id, "course": self.report.course}
        line = f"{self._sheet.name} sha256:{self._sheet.sha256} line {one.line}"
        if self._terms.ask:
            # What she is asked with are the course's own words: those of the file are where we know her from.
            return {**facts, "action": "asked", "at": now.machine, "wording": "", "form": f"{line}: {one.consent_source}"}
        return {**facts, "action": "agreed", "at": one.consented_at or now.machine, "wording": one.consent_source, "form": line}

    def _pass(self, connection: Connection, people: Sequence[Newcomer], entered: Sequence[int]) -> None:
        """Remember the lessons up to everybody's place as what she will not get here."""
        alike: dict[tuple[str | None, str], list[int]] = {}
        for one, enrollment_id in zip(people, entered, strict=True):
            alike.setdefault((one.place, one.came_from), []).append(enrollment_id)
        for (place, reason), ids in alike.items():
            letters = passed_at(self._live, place)
            imports.note_passed(connection, ids, letters, version_id=self._live.version_id, reason=reason)

    def _questions(self, page: _Page, rows: Sequence[dict[str, Any]], entered: Sequence[int]) -> list[dict[str, Any]]:
        """Return the letters that ask, each at its moment."""
        course = self._live.course
        found = []
        for one, row, enrollment_id, moment in zip(page.fresh, rows, entered, page.moments, strict=True):
            day = moment.astimezone(zone_of(one.zone, course)).date()
            found.append(
                {
                    "subscriber_id": row["subscriber_id"],
                    "enrollment_id": enrollment_id,
                    "course": self.report.course,
                    "letter": CONFIRM_LETTER,
                    "occasion": f"import:{self._sheet.sha256[:16]}",
                    "kind": Kind.CONFIRMATION.value,
                    "version_id": self._live.version_id,
                    "country": one.country if course.helplines_in(one.country) else "",
                    "meant_on": day,
                    "letter_on": day,
                    "not_before": moment,
                    "closes_at": None,
                }
            )
        return found

    def _count(self, page: _Page, lines: int) -> None:
        """Add what became of a page to the report."""
        report = self.report
        report.lines += lines
        report.suppressed += page.suppressed
        report.already += len(page.already)
        report.already_from_this_file += page.from_this_file
        for refusal in page.refusals:
            report.refused[refusal.why.value] += 1
        if self._terms.ask:
            report.asked += len(page.fresh)
            report.asked_until = max([*page.moments, *([report.asked_until] if report.asked_until else [])], default=None)
        else:
            report.entered += len(page.fresh)
            report.first_days.update(cursor["next_letter_on"] for cursor in page.cursors)


def _settings(one: Newcomer) -> dict[str, Any]:
    """Return the columns of an enrollment that the line says."""
    return {
        "zone": one.zone,
        "country": one.country,
        "weekday": one.weekday,
        "send_at": one.send_at,
        "pace": one.pace,
        "place": one.place,
    }


def _ended(found: imports.Known | None) -> str:
    """Return why a person that the database knows must not come in again; '' when nothing speaks against it."""
    if found is None:
        return ""
    if found.erased:
        return Reason.ERASED.value
    return {Stage.LEFT.value: Reason.LEFT.value, Stage.ENDED.value: Reason.SUPPRESSED.value}.get(found.state or "", "")


def _barred_words(reason: str) -> str:
    """Return what the operator reads of somebody who is never imported."""
    if reason in {Reason.LEFT, Reason.ERASED}:
        did = "left" if reason == Reason.LEFT else "was forgotten, as she asked"
        return f"this person {did}; only she can come back, by signing up herself: leave the line out"
    return f"this address must not be mailed ({reason}): leave the line out"
