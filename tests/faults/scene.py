"""A whole drip on this machine, people on a course in it, and the one list of what must hold after any trouble."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from drip import clock, config
from drip.core.delivery import State
from drip.core.enrollment import Stage
from drip.flows import adjusting, enrolling, forgetting, reporting, unsubscribing
from drip.sandbox.api import make_sandbox
from drip.sandbox.faults import Faults, Rule
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.serve import serving
from drip.sandbox.signing import new_key, public_text
from drip.sandbox.valkey import EmbeddedValkey
from drip.store import stamps, versions
from drip.store.tables import deliveries, enrollments, senders, subscribers
from drip.wiring import Deployment, sandbox_api_key
from tests.faults.cast import Answer, Cast, Fates, Member
from tests.faults.gate import Order, Orders
from tests.faults.patience import PATIENCE, WAIT_SECONDS
from tests.faults.processes import ROOT, Company
from tests.faults.webhook import receiving

FIRST = "welcome"
LETTER = "loaded-and-locked"
"""The weekly letter that all trouble is about; everybody had the first one in peace."""

ZONES = (*["Europe/London"] * 5, "Asia/Tokyo", "America/New_York")
"""Tokyo's evening is London's morning, so six people fall due together; New York follows when the trouble is over."""

T = TypeVar("T")


def wait_for(what: str, found: Callable[[], T | None], *, said: Callable[[], str] = str) -> T:
    """Return what *found* returns as soon as that is something; fail with *what*, and with what was *said*, when it never is."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        result = found()
        if result is not None and result is not False:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen in {WAIT_SECONDS:.0f} seconds\n{said()}")
        time.sleep(0.02)


class Scene:
    """Sandbox, Valkey, webhook, workers and beats around one database."""

    def __init__(self, folder: Path, database_url: str, stack: ExitStack) -> None:
        """Start everything; *stack* stops it."""
        self.folder = folder
        self.orders = Orders(folder / "orders")
        self.faults = Faults()
        self.is_at_peace = True
        self._addresses = count(1)
        self._presses: list[tuple[Member, Future[Answer]]] = []
        self.valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        settings = config.load(
            {
                "DRIP_STATE": str(folder / "state"),
                "DRIP_DATABASE_URL": database_url,
                "DRIP_REDIS_URL": self.valkey.celery_url,
                "DRIP_SCHEDULE": str(ROOT / "schedules.yaml"),
                "DRIP_EMAILS": str(ROOT / "emails"),
            }
        )
        self.mailbox = Mailbox(folder / "mail.db")
        stack.callback(self.mailbox.close)
        key = new_key()
        self.webhook = stack.enter_context(receiving(public_text(key)))
        sandbox = make_sandbox(
            self.mailbox, api_key=sandbox_api_key(settings), webhook_url=self.webhook.url, signing_key=key, faults=self.faults
        )
        self.settings = settings.model_copy(update={"sandbox_url": stack.enter_context(serving(sandbox))})
        self.deployment = Deployment(self.settings, PATIENCE)
        self.database, self.library = self.deployment.database, self.deployment.library
        stack.callback(self.database.dispose)
        self.deployment.prepare()
        # Scene follows scene and the calendar goes on by months: whoever left in one is asked about in the next.
        forgetting.keep_everybody(self.database)
        self.webhook.suppression_key = self.deployment.suppression_key
        self.webhook.database = self.database
        self._pool = stack.enter_context(ThreadPoolExecutor(8))
        environment = config.environment_for(self.settings) | {"DRIP_TEST_ORDERS": str(self.orders.folder)}
        self.company = Company(environment, folder)
        stack.callback(self.company.stop)
        self.company.worker()
        self.company.beat()

    # People -----------------------------------------------------------------------------------------------------------

    def enroll(self, zones: tuple[str, ...] = ZONES) -> Cast:
        """Return people who joined together and have the first letter, all of them in one batch where that can be."""
        self.is_at_peace = False
        with self.held():
            members = [self._enroll(zone) for zone in zones]
        self.wait_for_quiet()
        assert {member.address for member in members} == self._with(FIRST, members)
        return Cast(members)

    def _enroll(self, zone: str) -> Member:
        wish = enrolling.Wish(f"person{next(self._addresses)}@example.net", timezone=zone)
        key = self.deployment.suppression_key
        made = enrolling.enroll(self.database, self.library, wish, suppression_key=key, confirmed=True)
        with self.database.read() as connection:
            row = connection.execute(
                sa.select(enrollments.c.public_id, enrollments.c.subscriber_id).where(enrollments.c.id == made.enrollment_id)
            ).one()
        assert made.enrollment_id is not None
        return Member(wish.address, zone, row.public_id, row.subscriber_id, made.enrollment_id)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold all courses meanwhile, so that everybody who joins falls due in one tick."""
        with self.database.write() as connection:
            versions.hold(connection, None, "the cast gathers", clock.machine_now())
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Release all courses and lessons, as an operator does."""
        with self.database.write() as connection:
            versions.release(connection, None)

    # Time -------------------------------------------------------------------------------------------------------------

    def move_on(self, cast: Cast) -> None:
        """Move the calendar to the instant at which most of the cast fall due."""
        dates = sorted(self._due(cast).values())
        self._move_to(dates[len(dates) // 2])

    def _due(self, cast: Cast) -> dict[int, datetime]:
        """Return the instants at which members fall due whose next letter is the one that it is all about."""
        ids = [member.enrollment_id for member in cast.members]
        with self.database.read() as connection:
            rows = connection.execute(
                sa.select(enrollments.c.id, enrollments.c.next_due_at).where(
                    enrollments.c.id.in_(ids),
                    enrollments.c.state == "active",
                    enrollments.c.next_lesson == LETTER,
                    enrollments.c.next_due_at.is_not(None),
                )
            )
            return {row.id: row.next_due_at for row in rows}

    def _move_to(self, instant: datetime) -> None:
        with self.database.write() as connection:
            stamps.move_calendar(connection, instant)

    def wait_for(self, what: str, found: Callable[[], T | None]) -> T:
        """Wait for *found* to return something; a failure shows what the workers said last."""
        return wait_for(what, found, said=self.company.last_words)

    def wait_for_quiet(self) -> None:
        """Wait until nothing is due, open or unworked, and the provider has nothing left to report."""
        self.wait_for("quiet", self._is_quiet)

    def _is_quiet(self) -> bool:
        # As a service manager does.
        self.company.replace_dead()
        try:
            status = reporting.status(self.database, door=self.settings.sender)
        except DBAPIError:
            return False
        busy: int = status["due_now"] + status["open_now"] + status["reports_waiting"] + self.mailbox.counts().unreported
        return busy == 0

    def wait_for_gate(self, order: Order) -> int:
        """Wait until a worker stands at the gate and return its pid."""
        return self.wait_for("a worker at the gate", order.reached)

    # What people and the provider do ------------------------------------------------------------------------------------

    def trouble(self, action: str, **more: object) -> None:
        """Order trouble at the provider."""
        self.faults.add([Rule.model_validate({"action": action, **more})])

    def leave(self, member: Member, *, wait_seconds: float = WAIT_SECONDS) -> Future[Answer]:
        """Leave, in a thread: the answer may have to wait."""
        return self._press(
            member,
            lambda: (
                unsubscribing.leave(
                    self.database, self.library, member.public_id, source="test", wait_seconds=wait_seconds
                ).acknowledged
            ),
        )

    def wait_until_left(self, member: Member) -> None:
        """Wait until a leave is committed, acknowledged or not."""
        query = sa.select(enrollments.c.state).where(enrollments.c.id == member.enrollment_id)

        def has_left() -> bool:
            with self.database.read() as connection:
                return bool(connection.execute(query).scalar_one() == Stage.LEFT)

        self.wait_for("a committed leave", has_left)

    def pause(self, member: Member, *, wait_seconds: float = WAIT_SECONDS) -> Future[Answer]:
        """Pause until she says, in a thread."""
        return self._press(
            member,
            lambda: (
                adjusting.pause(self.database, self.library, member.public_id, weeks=None, wait_seconds=wait_seconds).acknowledged
            ),
        )

    def _press(self, member: Member, button: Callable[[], bool]) -> Future[Answer]:
        """Press *button* in a thread; where the database is away she presses again, as she would on a failing page."""

        def press() -> Answer:
            while True:
                try:
                    acknowledged = button()
                    at = clock.machine_now()
                    return Answer(acknowledged, at, self._under_way(member))
                except DBAPIError:
                    time.sleep(0.05)

        future = self._pool.submit(press)
        self._presses.append((member, future))
        return future

    def _under_way(self, member: Member) -> int:
        query = sa.select(sa.func.count()).where(
            deliveries.c.subscriber_id == member.subscriber_id, deliveries.c.state == State.SUBMITTING.value
        )
        while True:
            try:
                with self.database.read() as connection:
                    return int(connection.execute(query).scalar_one())
            except DBAPIError:
                time.sleep(0.05)

    # What must hold ---------------------------------------------------------------------------------------------------

    def finish(self, cast: Cast, *, without: tuple[Member, ...] = ()) -> Fates:
        """Let everybody get her letter, check all that must hold, and say what became of the letters.

        *without* are those who need not have it, whatever the state of theirs; people who left or paused are among them.
        """
        self.orders.clear()
        self.wait_for_quiet()
        while waiting := self._due(cast):
            self._move_to(min(waiting.values()))
            self.wait_for_quiet()
        answers = [(member, press.result(WAIT_SECONDS)) for member, press in self._presses]
        self._presses.clear()
        fates = self._fates(cast)
        self._check_people(cast, fates, {*without, *(member for member, _ in answers)})
        self._check_answers(answers)
        self._check_books()
        self._go_home(cast)
        self.is_at_peace = True
        return fates

    def _check_people(self, cast: Cast, fates: Fates, without: set[Member]) -> None:
        """Everybody who should have the letter has it, or hers is named uncertain."""
        for member in cast.members:
            if member not in without:
                state, has = fates.of(member)
                told = f"{member.address}: {state}\n{self.company.last_words()}"
                assert has or State.UNCERTAIN == state, told
                assert state in {State.SUBMITTED, State.UNCERTAIN}, told

    def _check_answers(self, answers: list[tuple[Member, Answer]]) -> None:
        """Nothing was accepted, or under way, after an acknowledged leave or pause."""
        for member, answer in answers:
            if answer.acknowledged:
                late = [mail.subject for mail in self.mailbox.mails(address=member.address) if mail.accepted_at > answer.at]
                assert not late, f"{member.address} was told at {answer.at} that nothing comes any more"
                assert 0 == answer.under_way

    def _check_books(self) -> None:
        """No letter came twice to anybody, the audit finds nothing, and the report adds up."""
        assert 0 == self.mailbox.counts().duplicates
        letters = self._letters()
        assert len(letters) == len(set(letters)), "a lesson came to somebody twice, under two ids"
        assert [] == reporting.audit(self.database, self.library)
        assert all(course["adds_up"] for course in reporting.report(self.database)["courses"])

    def _letters(self) -> list[tuple[str, str]]:
        """Return (address, letter) of every mail in the mailbox."""
        with self.database.read() as connection:
            rows = connection.execute(sa.select(deliveries.c.id, deliveries.c.nonce, deliveries.c.letter))
            named = {f"{row.id}-{row.nonce}": row.letter for row in rows}
        return [(mail.address, named[mail.delivery]) for mail in self.mailbox.mails(limit=100_000)]

    def _with(self, letter: str, members: list[Member]) -> set[str]:
        wanted = {member.address for member in members}
        return {address for address, name in self._letters() if name == letter and address in wanted}

    def _fates(self, cast: Cast) -> Fates:
        ids = [member.subscriber_id for member in cast.members]
        with self.database.read() as connection:
            rows = connection.execute(
                sa.select(subscribers.c.address, deliveries.c.state)
                .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
                .where(deliveries.c.subscriber_id.in_(ids), deliveries.c.letter == LETTER)
            )
            states = {row.address: row.state for row in rows}
        return Fates(states, self._with(LETTER, cast.members))

    def parked(self, member: Member) -> tuple[int, str] | None:
        """Return how many workers one person's letter ended, and the reason why it is parked; None when it is not."""
        with self.database.read() as connection:
            row = connection.execute(
                sa.select(deliveries.c.claims, deliveries.c.reason).where(
                    deliveries.c.subscriber_id == member.subscriber_id, deliveries.c.blocked.is_(True)
                )
            ).first()
        return None if row is None else (row.claims, row.reason)

    def outcome(self, member: Member) -> str | None:
        """Return what the provider reported of one person's letter while it is being handed over."""
        with self.database.read() as connection:
            found: str | None = connection.execute(
                sa.select(deliveries.c.outcome).where(
                    deliveries.c.subscriber_id == member.subscriber_id, deliveries.c.state == State.SUBMITTING.value
                )
            ).scalar()
        return found

    @staticmethod
    def let_pass(seconds: float) -> None:
        """Let machine time pass in which something must not happen."""
        time.sleep(seconds)

    def sender_state(self) -> str:
        """Return the state of the sandbox's sender."""
        with self.database.read() as connection:
            return str(connection.execute(sa.select(senders.c.state)).scalar_one())

    def _go_home(self, cast: Cast) -> None:
        """Let everybody leave, so that the next story has the stage for itself."""
        for member in cast.members:
            left = unsubscribing.leave(self.database, self.library, member.public_id, source="test", wait_seconds=WAIT_SECONDS)
            assert left.acknowledged
