"""Five weaker designs of handing a letter over, each a little less careful than the real one.

They are those that `docs/delivery.md` argues against. Each is honest otherwise: it reads before it sends whether the
person has left, and it records what the provider answered.
"""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import sqlalchemy as sa

from drip.core.delivery import State, Submitted
from drip.core.enrollment import Stage
from drip.flows.sending import Sender
from drip.flows.sending.work import Piece, Work
from drip.store import deliveries, enrollments, results, stamps, subscribers, versions
from drip.store.claims import Ready
from drip.store.deliveries import Delivery
from drip.store.marking import Marked
from drip.store.tables import deliveries as table
from tests.engine import Engine


class Design:
    """The real design, asked three things: who sends, what is taken over from others, and how one leaves."""

    sender: type[Sender] = Sender

    def take_over(self, engine: Engine) -> list[str]:
        """Let a long time pass for whoever is at work, tick, and return the hints."""
        return engine.tick().hints

    def leave(self, engine: Engine, name: str) -> bool:
        """Leave, and return whether that is acknowledged."""
        return engine.leave(name, wait_seconds=0.05).acknowledged


class RecordAfterwards(Sender):
    """Calls first and records after; *claims* and *fenced* say how careful it is about who else may call."""

    claims = False
    fenced = False

    def send(self, batch_id: str) -> int:
        """Look, call, record."""
        token = uuid4().hex
        found = self._take(batch_id, token)
        if not found:
            return 0
        work = Work(batch_id, [Piece(tuple(one.id for one in found))], found[0])
        self._at("claimed")
        marked = self._look(found, token)
        if not marked.ready:
            return 0
        message = self._message(work, marked)
        self._at("marked")
        answer = self._submit(message)
        self._at("answered")
        if isinstance(answer, Submitted):
            self._note(marked)
        return len(found)

    def _take(self, batch_id: str, token: str) -> list[Delivery]:
        mine = (table.c.batch_id == batch_id) & (table.c.state == State.PENDING.value) & table.c.not_before.is_not(None)
        with self._database.write() as connection:
            ids = list(connection.execute(sa.select(table.c.id).where(mine)).scalars())
            if self.claims:
                values = {"state": State.CLAIMED.value, "owner": self._owner, "token": token}
                connection.execute(table.update().where(table.c.id.in_(ids)).values(values))
            return [one for found in ids if (one := deliveries.find(connection, found)) is not None]

    def _look(self, found: list[Delivery], token: str) -> Marked:
        ready = []
        people = {}
        with self._database.read() as connection:
            now = stamps.now_in(connection)
            for one in found:
                person = enrollments.find(connection, one.enrollment_id)
                subscriber = subscribers.find(connection, one.subscriber_id)
                assert person is not None
                assert subscriber is not None
                if person.state == Stage.ACTIVE:
                    people[person.id] = person
                    ready.append(Ready(one, subscriber.address, subscriber.address_key, subscriber.name, erased=False))
            state = versions.running(connection)[found[0].course]
        day: date = now.calendar.date()
        course = self._library.course(state.version_id, found[0].course)
        return Marked(token, 0.0, tuple(ready), {one.delivery.id: day for one in ready}, people, course)

    def _note(self, marked: Marked) -> None:
        ids = [one.delivery.id for one in marked.ready]
        ours = table.c.id.in_(ids) & ((table.c.token == marked.token) if self.fenced else sa.true())
        with self._database.write() as connection:
            now = stamps.now_in(connection)
            connection.execute(table.update().where(ours).values(state=State.SUBMITTED.value, state_at=now.machine))
            results.conclude(
                connection,
                [one.delivery for one in marked.ready],
                State.SUBMITTED,
                {marked.ready[0].delivery.course: marked.course},
                calendar=now.calendar,
                went_on=marked.went_on,
            )


class Lease(RecordAfterwards):
    """Claims for a while and records after the call."""

    claims = True


class FencedLease(Lease):
    """Claims for a while, and records only while nobody else has claimed since."""

    fenced = True


class AcksLateOnly(Design):
    """The broker gives a message to a second worker when the first has not finished; the database only remembers."""

    sender = RecordAfterwards

    def take_over(self, engine: Engine) -> list[str]:
        """Hear every message once more."""
        engine.tick()
        with engine.database.read() as connection:
            return [
                batch
                for batch in connection.execute(
                    sa.select(table.c.batch_id).where(table.c.state == State.PENDING.value).distinct()
                ).scalars()
                if batch
            ]


class DatabaseLease(Design):
    """A claim is a lease: when it has run out, whoever comes next claims again."""

    sender = Lease

    def take_over(self, engine: Engine) -> list[str]:
        """Let all leases run out."""
        with engine.database.write() as connection:
            connection.execute(
                table.update()
                .where(table.c.state == State.CLAIMED.value)
                .values(state=State.PENDING.value, owner=None, batch_id=None)
            )
        return engine.tick().hints


class LeaseWithFencing(DatabaseLease):
    """A lease whose holder can record only while nobody else has claimed since."""

    sender = FencedLease


class LeaveDoesNotWait(Design):
    """Everything is marked before the call, and a leave is acknowledged as soon as it is committed."""

    def leave(self, engine: Engine, name: str) -> bool:
        """Leave and do not look whether anything is under way."""
        engine.leave(name, wait_seconds=0.0)
        return True


class UncertainByTime(Design):
    """As the real one, but whoever has been submitting for long is taken for dead."""

    def take_over(self, engine: Engine) -> list[str]:
        """Let the time of everybody who is submitting run out."""
        with engine.database.write() as connection:
            connection.execute(
                table.update().where(table.c.state == State.SUBMITTING.value).values(state=State.UNCERTAIN.value, token=None)
            )
        return engine.tick().hints


WEAKER: dict[str, tuple[type[Design], set[str]]] = {
    "acks_late only": (AcksLateOnly, {"one copy", "leaving is final"}),
    "a lease, recorded after the call": (DatabaseLease, {"one copy", "leaving is final"}),
    "a lease with a fencing token": (LeaseWithFencing, {"one copy", "leaving is final"}),
    "a leave that does not wait": (LeaveDoesNotWait, {"leaving is final"}),
    "uncertain by time alone": (UncertainByTime, {"leaving is final"}),
}
"""Each weaker design, and the promises that it breaks."""
