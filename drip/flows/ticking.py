"""One tick: recover what dead workers left, open what is due, make batches of it, and say which to hint at.

A tick may run any number of times at once, on any number of hosts, and may die anywhere: each step is one transaction
that takes only what nobody else took, and nothing is hinted at before it is committed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from drip import clock
from drip.core import timing
from drip.core.delivery import Breaker, Reason, State
from drip.core.enrollment import Enrollment, Stage, placed
from drip.core.handover import facts_of, opening_of
from drip.core.progress import next_step
from drip.errors import DripError
from drip.store import (
    batches,
    deliveries,
    enrollments,
    moves,
    owners,
    recovery,
    reopenings,
    restores,
    results,
    senders,
    stamps,
    tallies,
    turns,
    versions,
    warmups,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drip.clock import Now
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.senders import Sender as SenderState
    from drip.store.session import Connection, Database

PAGE = 2_000
WAITING_MAX = 32_000
"""How many letters may wait for a worker before a tick opens no more: the queue holds hints, the database holds work."""

RATE_REST = timedelta(minutes=1)
"""How long letters that found the hour's rate used up are left alone before they are tried again."""

CLOCK_DRIFT_MAX = timedelta(hours=1)
BATCHES_KEPT = timedelta(days=1)

Opening = tuple[dict[str, Any], list[Enrollment]]
"""What a new delivery says, and the people who get one that says it."""

log = structlog.get_logger("drip.tick")


class CameBack(DripError):
    """The database came back from a backup; nothing goes on until an operator has said so: drip restored."""


class ClockJumped(DripError):
    """The clock is more than an hour off; the tick does nothing until it is right again."""


@dataclass(slots=True)
class Report:
    """What one tick did, in numbers, the batches a worker should be hinted at, and whether more is due right now."""

    hints: list[str] = field(default_factory=list)
    opened: int = 0
    moved: int = 0
    turned: int = 0
    reopened: int = 0
    recovered: int = 0
    doubted: int = 0
    more: bool = False


class Ticker:
    """Ticks of one process: it remembers how its two readings of time relate, to notice a clock that jumps."""

    def __init__(
        self,
        database: Database,
        library: Library,
        *,
        door: str,
        batch_max: int,
        page: int = PAGE,
        memory: restores.Memory | None = None,
    ) -> None:
        """Keep what every tick needs; *door* names the sender, *batch_max* is the most people a request may have.

        *memory* is what this host remembers of the database, by which a restored one is noticed.
        """
        self._database = database
        self._library = library
        self._door = door
        self._batch_max = batch_max
        self._page = page
        self._memory = memory
        self._last: tuple[datetime, float] | None = None
        self._said = False

    def tick(self) -> Report:
        """Do one bounded pass and return what it did.

        Raises ClockJumped when the clock is off and CameBack when the database came back from a backup; neither opens
        anything.
        """
        now = stamps.now(self._database)
        self._check_clock(now)
        self._check_books(now)
        report = Report()
        self._recover(now, report)
        self._warm_up(now)
        self._reopen(now, report)
        with self._database.write() as connection:
            live = {
                state.id: self._library.course(state.version_id, state.id)
                for state in versions.running(connection).values()
                if state.held_at is None
            }
            versions.take(connection)
            self._turn(connection, live, now, report)
            senders.ensure(connection, self._door, now.machine)
            sender = senders.find(connection, self._door, now.machine)
            self._move_overdue(connection, live, now, report)
            if batches.waiting(connection, now.calendar) < WAITING_MAX:
                self._open(connection, live, now, report, batched=sender.state == Breaker.CLOSED)
            self._batch(connection, sender, now, report)
            batches.forget_answered(connection, now.machine - BATCHES_KEPT)
            tallies.forget(connection, now.machine)
            stamps.beat(connection, "tick", now, f"opened {report.opened}, moved {report.moved}")
            restores.count(connection, now)
        if self._memory is not None:
            with self._database.read() as connection:
                self._memory.keep(connection)
        return report

    def _check_books(self, now: Now) -> None:
        """Stand still where the database came back from a backup: nobody knows which letters went since."""
        with self._database.read() as connection:
            found = self._why_still(connection, now)
        if found is None:
            return
        with self._database.write() as connection:
            # Once more: an operator may just have spoken.
            found = self._why_still(connection, now)
            if found is None:
                return
            restores.stand_still(connection, found, now)
        if not self._said:
            self._said = True
            log.error("came-back", why=found.why, since=found.since.isoformat())
        raise CameBack

    def _why_still(self, connection: Connection, now: Now) -> restores.Standstill | None:
        found = restores.standstill(connection)
        why = "" if found is not None or self._memory is None else self._memory.doubts(connection, now.machine)
        if not why:
            return found
        beat = stamps.last_beat(connection, "tick")
        return restores.Standstill(why, now.calendar if beat is None else beat.calendar_at, None)

    def _check_clock(self, now: Now) -> None:
        """Compare the machine clock with its own last reading, with the last heartbeat, and with the database's."""
        # A machine that slept did not jump: its clock is right, and what fell due meanwhile follows as after any outage.
        elapsed = clock.elapsed()
        with self._database.read() as connection:
            beat = stamps.last_beat(connection, "tick")
            server = stamps.database_now(connection)
        wrong = ""
        if self._last is not None:
            expected = self._last[0] + timedelta(seconds=elapsed - self._last[1])
            if abs(now.machine - expected) > CLOCK_DRIFT_MAX:
                wrong = "it jumped while this process ran"
        if beat is not None and beat.machine_at - now.machine > CLOCK_DRIFT_MAX:
            wrong = "the last heartbeat lies more than an hour in the future; if the clock is right now, run: drip release"
        if abs(server - now.machine) > CLOCK_DRIFT_MAX:
            wrong = "the database's clock shows another hour"
        if wrong:
            log.error("clock-off", why=wrong, machine=now.machine.isoformat())
            msg = f"the clock of this machine seems off: {wrong}; set it right (timedatectl), then restart drip"
            raise ClockJumped(msg)
        self._last = (now.machine, elapsed)

    # Recovery -------------------------------------------------------------------------------------------------------

    def _recover(self, now: Now, report: Report) -> None:
        """Take over from every owner that is proven dead: what it had claimed waits again, what was leaving is in doubt."""
        with self._database.read() as connection:
            unburied = owners.find_unburied(connection)
        for owner in unburied:
            with self._database.write() as connection:
                if not owners.proven_dead(connection, owner, now.machine):
                    continue
                live = {
                    state.id: self._library.course(state.version_id, state.id) for state in versions.running(connection).values()
                }
                waiting, doubted = recovery.bury(connection, owner, live, now)
                report.recovered += waiting
                report.doubted += doubted
                if waiting or doubted:
                    log.warning("owner-dead", owner=owner.id, back=waiting, uncertain=doubted)

    def _warm_up(self, now: Now) -> None:
        """Remember where the limits stand that grow: news once a day and course, in a transaction of its own."""
        with self._database.read() as connection:
            growing = {
                state.id: self._library.course(state.version_id, state.id).course
                for state in versions.running(connection).values()
            }
            news = [name for name, course in growing.items() if warmups.is_news(connection, name, course, now.calendar)]
        for name in news:
            with self._database.write() as connection:
                warmups.move_on(connection, name, growing[name], now.calendar)

    # Turning --------------------------------------------------------------------------------------------------------

    def _turn(self, connection: Connection, live: Mapping[str, LiveCourse], now: Now, report: Report) -> None:
        """Turn a page of people to the version that is live, before anything is opened for them."""
        for state in versions.running(connection).values():
            if state.id not in live:
                continue
            ids = turns.page(connection, state.id, state.dates_from, self._page, soon=now.calendar + timing.NOTICE)
            turned = turns.turn(connection, ids, state.id, live[state.id], state.dates_from, self._library.course, now)
            report.turned += turned
            report.more = report.more or len(ids) >= self._page

    def _reopen(self, now: Now, report: Report) -> None:
        """Let a page of people go on who had finished, where an edit was accepted to do that; held courses wait."""
        with self._database.read() as connection:
            names = reopenings.pending(connection)
        for name in names:
            with self._database.write() as connection:
                state = versions.running(connection)[name]
                if state.held_at is None:
                    live = self._library.course(state.version_id, name)
                    report.reopened += reopenings.work(connection, name, live, self._library.course, now)
                    report.more = report.more or name in reopenings.pending(connection)

    # Opening --------------------------------------------------------------------------------------------------------

    def _open(self, connection: Connection, live: Mapping[str, LiveCourse], now: Now, report: Report, *, batched: bool) -> None:
        """Open a delivery for everybody who is due and inside her window, and give the others a new date.

        While the sender is closed to nobody, deliveries are opened in batches: *batched*.
        """
        page = [person for person in enrollments.due(connection, now.calendar, self._page) if person.course in live]
        report.more = report.more or len(page) >= self._page
        alike: dict[tuple[object, ...], list[Enrollment]] = {}
        for person in page:
            alike.setdefault(person.likeness(), []).append(person)
        opening: dict[tuple[object, ...], Opening] = {}
        for people in alike.values():
            course = live[people[0].course]
            found = _decided(people[0], course, now)
            if isinstance(found, timing.Slot):
                enrollments.change_alike(connection, [person.id for person in people], placed(found))
                report.moved += len(people)
            elif found is None:
                self._reset_all(connection, people, course, now)
            else:
                # People of different zones or places may well get deliveries that say the same.
                opening.setdefault(tuple(found.values()), (found, []))[1].extend(people)
        new = self._without_had(connection, list(opening.values()), live, now)
        groups: list[batches.Group] = [(facts, [person.id for person in people]) for facts, people in new if people]
        if batched:
            groups, hints = self._into_batches(connection, groups, now)
            report.hints += hints
        ids = deliveries.open_alike(connection, groups, now=now.machine)
        enrollments.park_at(connection, ids)
        report.opened += len(ids)

    def _into_batches(
        self, connection: Connection, groups: list[batches.Group], now: Now
    ) -> tuple[list[batches.Group], list[str]]:
        """Store the batches into which *groups* can be opened; return the groups with them, and the batches.

        A held lesson gets none: its deliveries wait for the tick that finds it released.
        """
        held = {(row.course, row.letter, row.version_id) for row in versions.held_lessons(connection)}
        waits = [(facts["course"], facts["letter"], facts["version_id"]) in held for facts, _ in groups]
        free = [group for group, wait in zip(groups, waits, strict=True) if not wait]
        cut = batches.cut(free, self._batch_max)
        loose = [group for group, wait in zip(groups, waits, strict=True) if wait]
        return loose + cut, batches.add_many(connection, cut, now.machine)

    def _without_had(
        self, connection: Connection, opening: list[Opening], live: Mapping[str, LiveCourse], now: Now
    ) -> list[Opening]:
        """Return *opening* without whoever had the letter already: she goes on to the next."""
        wanted: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for facts, people in opening:
            keys = wanted.setdefault((facts["course"], facts["letter"]), [])
            keys += [(person.subscriber_id, facts["occasion"]) for person in people]
        taken = {
            (course, letter, *key)
            for (course, letter), keys in wanted.items()
            for key in deliveries.existing(connection, course, letter, keys)
        }
        new: list[Opening] = []
        for facts, people in opening:
            had = [one for one in people if (facts["course"], facts["letter"], one.subscriber_id, facts["occasion"]) in taken]
            self._reset_all(connection, had, live[facts["course"]], now)
            known = {person.id for person in had}
            new.append((facts, [person for person in people if person.id not in known] if known else people))
        return new

    def _reset_all(self, connection: Connection, people: Sequence[Enrollment], course: LiveCourse, now: Now) -> None:
        for person in people:
            enrollments.change(connection, person.id, self._reset(connection, person, course, now))

    def _reset(self, connection: Connection, person: Enrollment, course: LiveCourse, now: Now) -> dict[str, Any]:
        """Return the cursor of someone whose next lesson is gone or was had already: the next one that she has not had."""
        had = frozenset(deliveries.history(connection, person.subscriber_id, person.course, person.occasion()))
        step = next_step(course.course, person.place, had, course.firsts, afterwards=person.afterwards)
        if step is None:
            return {
                "state": Stage.FINISHED.value,
                "ended_at": now.calendar,
                "ended_why": "finished",
                "next_lesson": None,
                "next_due_at": None,
                "next_closes_at": None,
                "next_meant_on": None,
                "next_letter_on": None,
            }
        rhythm = person.rhythm(course.course)
        anchor = person.last_meant_on or now.calendar.astimezone(rhythm.zone).date()
        meant_on = timing.meant_after(anchor, step.lesson, rhythm, afterwards=step.afterwards)
        slot = timing.redate(meant_on, step.lesson, rhythm, last_letter_on=person.last_letter_on, now=now.calendar)
        return {"next_lesson": step.lesson.id, **placed(slot)}

    def _move_overdue(self, connection: Connection, live: Mapping[str, LiveCourse], now: Now, report: Report) -> None:
        """Give open letters whose window has closed the date on which they follow."""
        late = [delivery for delivery in deliveries.overdue(connection, now.calendar, self._page) if delivery.course in live]
        moves.lock_people(connection, [delivery.subscriber_id for delivery in late])
        # Between the look and the lock she may have paused or chosen another day: her date stands.
        late = deliveries.still_overdue(connection, [delivery.id for delivery in late], now.calendar)
        people = enrollments.find_many(connection, [delivery.enrollment_id for delivery in late])
        for delivery in late:
            person, course = people[delivery.enrollment_id], live[delivery.course]
            if person.state == Stage.ACTIVE:
                moves.follow_up(connection, delivery, person, course, now, reason=Reason.WINDOW)
            elif person.state == Stage.ENDED:
                withheld = deliveries.withhold(connection, [delivery.id], reason=Reason.SUPPRESSED, now=now.machine)
                results.conclude(connection, [delivery] if withheld else [], State.WITHHELD, live, calendar=now.calendar)
            else:
                # She left while it was under way and it came back: it waits for her.
                moves.undate(connection, delivery.id, now, reason=Reason.LEFT)
        report.moved += len(late)

    # Batches --------------------------------------------------------------------------------------------------------

    def _batch(self, connection: Connection, sender: SenderState, now: Now, report: Report) -> None:
        """Make batches of what is pending in none, and choose those that a worker should hear of."""
        if sender.state == Breaker.CLOSED:
            # Thousands that wait for the next hour would else be claimed and put back by every tick. Where the sandbox's
            # calendar was moved, an hour may pass in a moment.
            rested = now.machine - RATE_REST if now.calendar == now.machine else None
            loose = deliveries.sendable(connection, now.calendar, self._page, batched=False, rested=rested)
            for members in batches.group(loose, self._batch_max):
                report.hints.append(batches.add(connection, [member.id for member in members], now.machine))
            report.more = report.more or len(loose) >= self._page
            again = batches.unanswered(connection, now.machine, now.calendar, since=sender.since)
            report.hints += [batch for batch in again if batch not in report.hints]
            return
        if sender.state == Breaker.PROBING and sender.probe_batch is not None:
            self._mind_probe(connection, sender.probe_batch, now, report)
            return
        self._probe(connection, now, report)

    def _probe(self, connection: Connection, now: Now, report: Report) -> None:
        """Send one letter to try the door, when it is time."""
        found = deliveries.sendable(connection, now.calendar, 1, batched=False) or deliveries.sendable(
            connection, now.calendar, 1, batched=True
        )
        batch_id = batches.new_id()
        if found and senders.begin_probe(connection, self._door, batch_id, now.machine):
            report.hints.append(batches.add(connection, [found[0].id], now.machine, batch_id=batch_id, probe=True))

    def _mind_probe(self, connection: Connection, batch_id: str, now: Now, report: Report) -> None:
        """Hint at the probe again when its message was lost; give it up when its letter came to nothing."""
        if batches.unanswered(connection, now.machine, now.calendar, only=batch_id):
            report.hints.append(batch_id)
        elif not batches.is_open(connection, batch_id):
            senders.give_up_probe(connection, self._door, batch_id, now.machine)


def _decided(person: Enrollment, course: LiveCourse, now: Now) -> dict[str, Any] | timing.Slot | None:
    """Return the delivery to open for a person who is due; or the slot that she waits for; or None: her lesson is gone.

    It is the same for everybody who is alike (`Enrollment.likeness`), so nothing here looks at who she is.
    """
    found = opening_of(person, course, now=now.calendar)
    if found is None:
        return None
    return facts_of(person, course, found) if found.goes else found.slot
