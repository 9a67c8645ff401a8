"""The whole engine in one process, with a door that remembers: what tests of the flows drive and look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from drip.clock import Now
from drip.core.enrollment import Enrollment
from drip.errors import NotFound
from drip.flows import adjusting, enrolling, forgetting, reporting, unsubscribing
from drip.flows.sending import Sender
from drip.flows.ticking import Report, Ticker
from drip.store import deliveries, enrollments, reports, senders, stamps
from drip.store.deliveries import Delivery
from drip.store.owners import Incarnation
from drip.store.session import Database
from drip.store.tables import deliveries as delivery_table
from drip.store.tables import enrollments as enrollment_table
from drip.store.tables import senders as sender_table
from drip.store.tables import subscribers as subscriber_table
from drip.wiring import Deployment
from tests.mailer import RememberingDirectory, RememberingMailer

ROUNDS_MAX = 60
LESSON_SUBJECTS = {name: f"About {name}" for name in ("hello", "breathe", "walk", "rest", "goodbye", "encore", "kit")}


class Engine:
    """A prepared deployment with a remembering door, one owner and one ticker; people are called by the name before the @."""

    def __init__(self, deployment: Deployment, mailer: RememberingMailer) -> None:
        """Put *mailer* where the deployment's own door would be."""
        self.deployment = deployment
        self.mailer = mailer
        deployment.mailer = mailer
        self.directory = RememberingDirectory()
        deployment.directory = self.directory
        self.library = deployment.library
        self.door = deployment.settings.sender
        self.owner: Incarnation = deployment.incarnation()
        self.ticker: Ticker = deployment.ticker()
        self.sender: Sender = deployment.sender(self.owner)

    @property
    def database(self) -> Database:
        """The database of the deployment."""
        return self.deployment.database

    # Time ------------------------------------------------------------------------------------------------------------

    def now(self) -> Now:
        """Return both clocks."""
        return stamps.now(self.database)

    def go_to(self, instant: datetime) -> None:
        """Move the calendar forward to *instant*."""
        with self.database.write() as connection:
            stamps.move_calendar(connection, instant)

    def go_on(self, **by: float) -> None:
        """Move the calendar forward by `days=`, `hours=`, `minutes=`."""
        self.go_to(self.now().calendar + timedelta(**by))

    def next_moment(self) -> datetime | None:
        """Return the next instant at which something is to be done."""
        with self.database.read() as connection:
            return reports.next_moment(connection)

    # Work ------------------------------------------------------------------------------------------------------------

    def tick(self) -> Report:
        """Do one tick."""
        return self.ticker.tick()

    def send(self, report: Report) -> None:
        """Hand over what a tick hinted at."""
        for hint in report.hints:
            self.sender.send(hint)

    def chores(self) -> int:
        """Do what a worker does after each tick for whoever is to be forgotten, or is back."""
        return forgetting.work(self.database, self.library, self.directory)

    def work(self) -> None:
        """Tick and send until a tick has nothing to hint at."""
        for _ in range(ROUNDS_MAX):
            self.chores()
            report = self.tick()
            if not report.hints and not report.more:
                return
            self.send(report)
        msg = f"there is still work after {ROUNDS_MAX} rounds"
        raise AssertionError(msg)

    def run_to_the_end(self) -> None:
        """Go from one due moment to the next, working at each, until nothing is dated."""
        for _ in range(ROUNDS_MAX):
            self.work()
            moment = self.next_moment()
            if moment is None:
                return
            self.go_to(moment)
        msg = "the course does not end"
        raise AssertionError(msg)

    def to_lesson(self, name: str, lesson: str) -> None:
        """Run until the next letter of *name* is *lesson* and due, and nothing is open."""
        for _ in range(ROUNDS_MAX):
            person = self.person(name)
            if person.next_lesson == lesson and person.next_due_at is not None:
                self.go_to(person.next_due_at)
                return
            self.work()
            if self.person(name).next_lesson != lesson:
                moment = self.next_moment()
                assert moment is not None
                self.go_to(moment)
        msg = f"{name} never comes to {lesson}"
        raise AssertionError(msg)

    # People ----------------------------------------------------------------------------------------------------------

    def join(self, *names: str, confirmed: bool = True, **wish: Any) -> None:  # noqa: ANN401 - the facts of a wish
        """Enroll people by name; *wish* is what `enrolling.Wish` knows."""
        for name in names:
            wished = enrolling.Wish(f"{name}@example.net", name=name.capitalize(), **wish)
            enrolling.enroll(
                self.database, self.library, wished, suppression_key=self.deployment.suppression_key, confirmed=confirmed
            )

    def person(self, name: str) -> Enrollment:
        """Return the enrollment of *name*."""
        with self.database.read() as connection:
            found = connection.execute(
                sa.select(enrollment_table.c.id)
                .join(subscriber_table, subscriber_table.c.id == enrollment_table.c.subscriber_id)
                .where(subscriber_table.c.address == f"{name}@example.net")
            ).scalar()
            person = None if found is None else enrollments.find(connection, found)
        if person is None:
            raise NotFound(name)
        return person

    def deliveries(self, name: str) -> list[Delivery]:
        """Return all deliveries of *name*, oldest first."""
        subscriber_id = self.person(name).subscriber_id
        with self.database.read() as connection:
            ids = connection.execute(
                sa.select(delivery_table.c.id)
                .where(delivery_table.c.subscriber_id == subscriber_id)
                .order_by(delivery_table.c.id)
            ).scalars()
            return [found for one in list(ids) if (found := deliveries.find(connection, one)) is not None]

    def states(self, name: str) -> dict[str, str]:
        """Return the state of each letter of *name*."""
        return {one.letter: one.state for one in self.deliveries(name)}

    def state_of(self, name: str) -> tuple[str, str]:
        """Return state and reason of the newest delivery of *name*."""
        newest = self.deliveries(name)[-1]
        return newest.state, newest.reason

    def leave(self, name: str, *, wait_seconds: float = 2.0) -> unsubscribing.Leaving:
        """Leave, as by the link."""
        link = self.person(name).public_id
        return unsubscribing.leave(self.database, self.library, link, source="test", wait_seconds=wait_seconds)

    def undo(self, name: str) -> bool:
        """Come back, as by the link."""
        return unsubscribing.undo(self.database, self.library, self.person(name).public_id, source="test")

    def erase(
        self, name: str, *, wait_seconds: float = 2.0, at: Callable[[str], None] = forgetting.nothing
    ) -> forgetting.Erasing:
        """Be erased, as by the link."""
        link = self.person(name).public_id
        return forgetting.erase(self.database, self.library, link, source="test", wait_seconds=wait_seconds, at=at)

    def pause(self, name: str, weeks: int | None, *, wait_seconds: float = 2.0) -> adjusting.Adjusted:
        """Pause for some weeks, or until she says."""
        return adjusting.pause(self.database, self.library, self.person(name).public_id, weeks=weeks, wait_seconds=wait_seconds)

    def resume(self, name: str) -> adjusting.Adjusted:
        """End a pause."""
        return adjusting.resume(self.database, self.library, self.person(name).public_id, wait_seconds=2.0)

    def choose(self, name: str, **choices: str) -> adjusting.Adjusted:
        """Choose weekday, send_at, zone, pace or length."""
        return adjusting.choose(self.database, self.library, self.person(name).public_id, choices, wait_seconds=2.0)

    def next_now(self, name: str, lesson: str | None = None, *, wait_seconds: float = 2.0) -> adjusting.Adjusted:
        """Ask for the next letter at once; *lesson* is what the form names, by default her next one."""
        person = self.person(name)
        asked = person.next_lesson or "" if lesson is None else lesson
        return adjusting.next_now(self.database, self.library, person.public_id, lesson=asked, wait_seconds=wait_seconds)

    def begin_again(self, name: str, phase: str, run: int | None = None) -> adjusting.Adjusted:
        """Begin a phase again; *run* is what the form names, by default her present one."""
        person = self.person(name)
        number = person.run if run is None else run
        return adjusting.begin_again(self.database, self.library, person.public_id, phase=phase, run=number, wait_seconds=2.0)

    def subjects(self, name: str) -> list[str]:
        """Return the lesson ids that the door accepted for *name*, in order."""
        return [subject.removeprefix("About ") for who, subject in self.mailer.reached if who == name]

    # The whole -------------------------------------------------------------------------------------------------------

    def breaker(self) -> senders.Sender:
        """Return the sender's state."""
        with self.database.read() as connection:
            return senders.find(connection, self.door, self.now().machine)

    def let_it_try_again(self) -> None:
        """Make the breaker's backoff be over."""
        with self.database.write() as connection:
            connection.execute(sender_table.update().values(retry_at=self.now().machine - timedelta(seconds=1)))

    def sums(self) -> reports.Sums:
        """Return the sums of the one course."""
        with self.database.read() as connection:
            (found,) = reports.sums(connection)
        return found

    def audit(self) -> list[str]:
        """Return what does not add up."""
        return reporting.audit(self.database, self.library)

    def assert_sound(self) -> None:
        """Nothing went twice, the books agree, and nothing is stuck in a hand-over."""
        accepted = self.mailer.accepted
        assert len(set(accepted)) == len(accepted), "a letter went twice"
        assert [] == self.audit()
        with self.database.read() as connection:
            stuck = connection.execute(
                sa.select(sa.func.count()).where(delivery_table.c.state.in_(["claimed", "submitting"]))
            ).scalar()
        assert 0 == stuck

    def close(self) -> None:
        """End the owner."""
        self.owner.close()


@contextmanager
def engine_on(deployment: Deployment, mailer: RememberingMailer | None = None) -> Iterator[Engine]:
    """Give an engine on a prepared deployment."""
    engine = Engine(deployment, mailer or RememberingMailer())
    try:
        yield engine
    finally:
        engine.close()
