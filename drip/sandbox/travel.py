"""The time machine over a living engine: from one due moment to the next, never faster than the letters go."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from drip import clock
from drip.core.address import address_key
from drip.core.enrollment import Enrollment, Pause, Stage
from drip.core.event import COMPLAINED, UNSUBSCRIBED
from drip.core.wording import MONTH_NAMES
from drip.errors import DripError
from drip.sandbox.api import make_sandbox
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.pages import Reader
from drip.sandbox.serve import serve as serve_application
from drip.sandbox.signing import load_key
from drip.store import enrollments, events, reports, stamps, subscribers, tallies
from drip.wiring import Deployment, sandbox_api_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from drip.config import Settings
    from drip.sandbox.timemachine import TimeStatus
    from drip.store.session import Connection, Database

POLL_SECONDS = 0.01
ASK_AGAIN_SECONDS = 1.0
STALLED_SECONDS = 90.0

ENDINGS = {COMPLAINED: "reported as spam", UNSUBSCRIBED: "unsubscribed at the provider"}
"""Why a course ended for good, where it was not a dead mailbox."""


class Stalled(DripError):
    """The letters that are due do not go; is a worker running, and is the sender open? `drip status` tells."""


class Traveller:
    """A time machine: it moves the calendar to the next due moment, asks for a tick, and waits until all is quiet.

    Quiet means that nobody is due, no letter is open, and no report of the provider waits to be worked off. Windows and
    gaps hold at any speed, because no moment is passed over.
    """

    def __init__(self, database: Database, ask_for_tick: Callable[[], None], *, stalled_seconds: float = STALLED_SECONDS) -> None:
        """Travel over *database*; *ask_for_tick* hints at the workers."""
        self._database = database
        self._ask_for_tick = ask_for_tick
        self._stalled_seconds = stalled_seconds
        self._running = threading.Lock()
        self._waiting_for = ""
        self._moved_at = datetime.min.replace(tzinfo=UTC)

    def step(self, limit: datetime | None = None) -> datetime | None:
        """Go to the next moment at which something is due, but not past *limit*, and return when all is quiet again.

        Returns that moment, or None when nothing is due any more up to *limit*. Raises Stalled when no worker takes
        the letters.
        """
        self._wait_until_quiet()
        # One transaction: a date that somebody brings forward meanwhile is seen, never passed over.
        with self._database.write() as connection:
            moment = self._next_moment(connection)
            if moment is None or (limit is not None and moment > limit):
                return None
            stamps.move_calendar(connection, moment)
        self._moved_at = clock.machine_now()
        self._ask_for_tick()
        self._wait_until_quiet()
        return moment

    def pass_days(self, days: int) -> None:
        """Let *days* days pass, letter by letter; nothing happens while it travels already."""
        limit = stamps.now(self._database).calendar + timedelta(days=days)
        # To move past letters that another journey is about to reach would pass them over.
        if self._travel(limit):
            self._move(limit)

    def run(self) -> None:
        """Let time pass until nothing is dated any more; nothing happens while it travels already."""
        self._travel(None)

    def status(self) -> TimeStatus:
        """Return the calendar's instant, whether it moves, how many people are on a course, and what it waits for."""
        with self._database.read() as connection:
            now = stamps.now_in(connection)
            people = sum(
                count for stage in reports.stages(connection).values() for name, count in stage.items() if name == "active"
            )
        return {"now": now.calendar, "running": self._running.locked(), "people": people, "waiting_for": self._waiting_for}

    def _travel(self, limit: datetime | None) -> bool:
        """Go on to *limit* and return whether this journey was the one that went."""
        if not self._running.acquire(blocking=False):
            return False
        try:
            while self.step(limit) is not None:
                pass
        finally:
            self._running.release()
        return True

    def _next_moment(self, connection: Connection) -> datetime | None:
        """Return the next moment at which something is due; the next full hour where letters wait for their rate."""
        now = stamps.now_in(connection)
        if not reports.limited_count(connection, now.calendar, self._moved_at):
            return reports.next_moment(connection)
        hour = tallies.hour_of(now.calendar) + tallies.HOUR
        moment = reports.next_moment(connection, after=now.calendar)
        return hour if moment is None else min(moment, hour)

    def _move(self, moment: datetime) -> None:
        with self._database.write() as connection:
            stamps.move_calendar(connection, moment)

    def _wait_until_quiet(self) -> None:
        begun = asked = clock.monotonic()
        before = ""
        while (what := self._unrest()) != "":
            now = clock.monotonic()
            if what != before:
                before, begun = what, now
            self._waiting_for = what
            if now - begun > self._stalled_seconds:
                raise Stalled
            if now - asked > ASK_AGAIN_SECONDS:
                self._ask_for_tick()
                asked = now
            clock.wait(POLL_SECONDS)
        self._waiting_for = ""

    def _unrest(self) -> str:
        """Return what is not quiet yet, in words; empty when all is."""
        with self._database.read() as connection:
            now = stamps.now_in(connection)
            # What the hour has no room for waits for the next one, and the next step goes there.
            limited = reports.limited_count(connection, now.calendar, self._moved_at)
            counts = {
                ("person due", "people due"): reports.due_count(connection, now.calendar),
                ("letter on its way", "letters on their way"): reports.open_count(connection, now.calendar) - limited,
                ("report to work off", "reports to work off"): events.count_unworked(connection),
            }
        return ", ".join(f"{count} {one if count == 1 else many}" for (one, many), count in counts.items() if count)


def standing(person: Enrollment) -> str:
    """Return in a few words why somebody gets no more letters, or none just now; empty while they come."""
    match person.state:
        case Stage.ASKED:
            return "asked to confirm"
        case Stage.FINISHED:
            return "finished"
        case Stage.LEFT:
            return "left"
        case Stage.ENDED:
            return ENDINGS.get(person.ended_why, "mailbox gone")
        case _ if person.paused == Pause.OPEN:
            return "pauses until she says"
        case _ if person.paused == Pause.WEEKS and person.next_letter_on is not None:
            return f"pauses until {person.next_letter_on.day} {MONTH_NAMES[person.next_letter_on.month - 1]}"
        case _:
            return ""


def serve(settings: Settings, host: str, port: int, *, ask_for_tick: Callable[[], None]) -> None:
    """Serve the sandbox of an installation until a signal ends the process; raises WrongDoor for a real one."""
    deployment = Deployment(settings)
    deployment.check_door()
    if settings.door != stamps.SANDBOX:
        msg = "the sandbox runs only where no provider is set"
        raise DripError(msg)
    database = deployment.database
    mailbox = Mailbox(settings.state / "mailbox.db")

    def enrollment_of(address: str) -> Enrollment | None:
        with database.read() as connection:
            subscriber = subscribers.find_by_key(connection, address_key(address, deployment.suppression_key))
            found = enrollments.find_for(connection, subscriber.id) if subscriber else []
        return found[0] if found else None

    def reader_of(address: str) -> Reader:
        found = enrollment_of(address)
        try:
            return Reader(ZoneInfo(found.zone), standing(found)) if found else Reader()
        except (KeyError, ValueError, OSError):
            return Reader()

    application = make_sandbox(
        mailbox,
        api_key=sandbox_api_key(settings),
        webhook_url=f"{settings.base_url.rstrip('/')}/webhooks/sendgrid",
        signing_key=load_key(settings.state / "sandbox-key.pem"),
        calendar=lambda: stamps.now(database).calendar,
        time_machine=Traveller(database, ask_for_tick),
        reader_of=reader_of,
    )
    try:
        serve_application(application, host, port)
    finally:
        mailbox.close()
        database.dispose()
