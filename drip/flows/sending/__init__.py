"""Sending one batch: claim, render, mark, hand over, record.

The database decides and the provider is only called. `submitting` is committed before the request begins and nobody
ever calls again from it; only the owner's recorded answer, the provider's report, or proof that the owner is dead
moves it on. Named points (`claimed rendered marked answered recorded`) let tests kill the process in between.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from drip import clock
from drip.core.delivery import (
    Answer,
    Breaker,
    Kind,
    Reason,
    Refused,
    SenderRefused,
    State,
    Submitted,
    TryLater,
    Unknown,
    next_state,
)
from drip.errors import RenderFault, where
from drip.flows.sending.addressing import addressees, rendering
from drip.flows.sending.refusals import Refusals
from drip.flows.sending.work import CannotRecord, Piece, Records, Work
from drip.mail.guard import Unsendable
from drip.mail.render import NeedsPerson
from drip.store import (
    claims,
    deliveries,
    marking,
    moves,
    owners,
    recovery,
    restores,
    results,
    senders,
    stamps,
    tallies,
    versions,
)
from drip.store.marking import Marked
from drip.store.session import DatabaseTrouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drip.clock import Now
    from drip.mail.envelope import Envelopes
    from drip.mail.library import Library
    from drip.mail.message import Mailer, Message
    from drip.store.deliveries import Delivery
    from drip.store.session import Connection, Database

RECORD_SECONDS_MAX = 60.0
SEND_BY_SECONDS = 5.0
"""How long after its mark a request may still begin; a process that slept longer takes the mark back and reads again."""

log = structlog.get_logger("drip.send")


def nothing(_point: str) -> None:
    """Do nothing at a named point."""


class Sender:
    """Sends batches for one worker process through one door."""

    def __init__(
        self,
        database: Database,
        library: Library,
        mailer: Mailer,
        envelopes: Envelopes,
        *,
        door: str,
        owner: str,
        real: bool,
        granted: Callable[[str, int], int] = lambda _course, wanted: wanted,
        at: Callable[[str], None] = nothing,
        backoff_scale: float = 1.0,
        record_seconds: float = RECORD_SECONDS_MAX,
        memory: restores.Memory | None = None,
    ) -> None:
        """Keep what the worker is wired with; *owner* is its incarnation, *granted* the shared rate limit.

        *memory* is what this host remembers of the database, by which a restored one is noticed.
        """
        self._database = database
        self._library = library
        self._mailer = mailer
        self._envelopes = envelopes
        self._door = door
        self._owner = owner
        self._real = real
        self._granted = granted
        self._at = at
        self._memory = memory
        self._backoff_scale = backoff_scale
        self._records = Records(database, record_seconds)
        self._refusals = Refusals(database, library, self._records, owner=owner)

    def send(self, batch_id: str) -> int:
        """Hand over what is pending of a batch and record what became of it; return how many were claimed.

        Raises CannotRecord when the database stays away; the caller must then end the process.
        """
        work = self._claim(batch_id)
        if work is None:
            return 0
        count = sum(len(piece.ids) for piece in work.pieces)
        try:
            self._at("claimed")
            self._render(work)
            while work.pieces and not work.stopped:
                self._send_piece(work, work.pieces.pop(0))
            self._refusals.judge(work)
        except CannotRecord:
            raise
        except Exception as trouble:
            log.error("batch-broke", batch=batch_id, error=type(trouble).__name__, at=where(trouble))  # noqa: TRY400 - see `where`
            self._give_back(work.batch_id, reason=Reason.CRASHES, crashed=not isinstance(trouble, DatabaseTrouble))
            self._die_if_anything_is_left()
            raise
        if work.stopped or work.limited:
            self._give_back(work.batch_id, reason=Reason.RATE if work.limited and not work.stopped else work.why)
        self._at("recorded")
        return count

    def _die_if_anything_is_left(self) -> None:
        """Raise CannotRecord when something of ours is still marked: only our death can settle it now."""
        left: list[Delivery] = []
        self._records.write(lambda connection: left.extend(claims.owned_by(connection, self._owner)))
        if any(one.state == State.SUBMITTING for one in left):
            raise CannotRecord

    # Claim ----------------------------------------------------------------------------------------------------------

    def _claim(self, batch_id: str) -> Work | None:
        """Claim a batch in one committed transaction; None when the sender is closed or nothing is left of it."""
        ids: list[int] = []
        letter: Delivery | None = None
        try:
            with self._database.write() as connection:
                now = stamps.now_in(connection)
                if not owners.may_work(connection, self._owner):
                    raise CannotRecord
                if self._may_trust(connection, now) and senders.find(connection, self._door, now.machine).allows(batch_id):
                    claims.claim(connection, batch_id, owner=self._owner, now=now.machine, calendar=now.calendar)
                    ids = claims.claimed(connection, batch_id, owner=self._owner)
                    letter = deliveries.find(connection, ids[0]) if ids else None
        except DatabaseTrouble:
            # The commit may have reached the database though its answer did not reach us.
            self._give_back(batch_id, reason=Reason.LATER)
            raise
        if letter is None:
            return None
        size = self._mailer.batch_max
        pieces = [Piece(tuple(ids[start : start + size])) for start in range(0, len(ids), size)]
        return Work(batch_id, pieces, letter)

    def _may_trust(self, connection: Connection, now: Now) -> bool:
        """Whether the books are known to be whole: hints may be older than a database that came back from a backup."""
        if restores.standstill(connection) is not None:
            return False
        return self._memory is None or not self._memory.doubts(connection, now.machine)

    def _render(self, work: Work) -> None:
        """Render the letter once for the whole batch, or find that it must be rendered person by person.

        A broken letter stops this lesson and nothing else: everybody due for it waits, and the operator is told.
        """
        letter = work.letter
        if letter.kind == Kind.ASKED and self._library.course(letter.version_id, letter.course).current_id(letter.letter) is None:
            self._withdraw(work)
            return
        try:
            why = self._why_not_real(letter)
            if why:
                self._refusals.hold(work, Reason.NOT_READY, why)
                return
            self._envelopes.render(rendering(letter))
        except NeedsPerson:
            work.one_by_one = True
            work.pieces = [Piece((one,)) for piece in work.pieces for one in piece.ids]
        except RenderFault as fault:
            self._refusals.hold(work, Reason.BROKEN, str(fault))
        self._at("rendered")

    def _withdraw(self, work: Work) -> None:
        """End copies of a letter that an edit removed from the course since they were asked for."""
        ids = [one for piece in work.pieces for one in piece.ids]

        def write(connection: Connection) -> None:
            deliveries.withhold(connection, ids, reason=Reason.REMOVED, now=stamps.now_in(connection).machine)

        self._records.write(write)
        work.pieces.clear()

    def _why_not_real(self, letter: Delivery) -> str:
        """Return why a letter must not go to real people; empty in the sandbox, and where it may."""
        if not self._real:
            return ""
        return self._library.why_not_real(letter.version_id, letter.course, letter.letter, clock.machine_now().date())

    # One request ----------------------------------------------------------------------------------------------------

    def _send_piece(self, work: Work, piece: Piece) -> None:
        """Mark, hand over and record one request."""
        if work.credit < len(piece.ids):
            work.credit += self._granted(work.letter.course, len(piece.ids) - work.credit)
        if work.credit < len(piece.ids):
            # What the hour's rate leaves over waits for the next tick.
            work.limited = True
            piece = replace(piece, ids=piece.ids[: work.credit])
        if not piece.ids:
            return
        token = uuid4().hex
        try:
            marked = self._mark(work, piece, token)
        except DatabaseTrouble:
            # The mark may be committed; nothing was handed over, so it can be taken back.
            self._unmark(piece.ids, token)
            raise
        if marked is None or not marked.ready:
            return
        try:
            message = self._message(work, marked)
        except RenderFault as fault:
            self._unmark(piece.ids, token)
            self._refusals.hold(work, Reason.BROKEN, str(fault))
            return
        except Exception:
            self._unmark(piece.ids, token)
            raise
        self._at("marked")
        if clock.elapsed() - marked.at > SEND_BY_SECONDS:
            self._unmark(piece.ids, token)
            work.pieces.insert(0, piece)
            return
        answer = self._submit(message)
        self._at("answered")
        self._record(work, piece, marked, answer)
        if isinstance(answer, (Submitted, Unknown)):
            # What was refused costs nothing of the hour: the same grant serves the halves.
            work.credit -= len(marked.ready)

    def _message(self, work: Work, marked: Marked) -> Message:
        """Put the rendered letter and each person's values into one request."""
        letter = work.letter
        text = rendering(letter)
        fields = self._envelopes.fields(text, one_by_one=work.one_by_one)
        people = addressees(marked, fields)
        return self._envelopes.message(text, Kind(letter.kind), people, one_by_one=work.one_by_one)

    def _submit(self, message: Message) -> Answer:
        """Hand over once; an exception that escapes the door leaves the fate of the request unknown."""
        try:
            return self._mailer.submit(message)
        except Unsendable as fault:
            # Our own mistake, found before anything left: the letter waits, and nobody pays for it.
            return Refused(str(fault), about_letter=True)
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the request may have gone
            log.error("door-broke", error=type(trouble).__name__, at=where(trouble))  # noqa: TRY400 - see `where`
            return Unknown(f"the door raised {type(trouble).__name__}")

    def _mark(self, work: Work, piece: Piece, token: str) -> Marked | None:
        """Commit `submitting` for those of a piece who may have the letter now; None when the sender closed meanwhile."""
        letter = work.letter
        with self._database.write() as connection:
            now = stamps.now_in(connection)
            if not senders.find(connection, self._door, now.machine).allows(work.batch_id):
                work.stopped = True
                claims.release(connection, piece.ids, owner=self._owner, now=now.machine, reason=Reason.LATER)
                return None
            if not owners.may_work(connection, self._owner):
                raise CannotRecord
            state = versions.kept_still(connection, letter.course)
            course = self._library.course(state.version_id, letter.course)
            marked = marking.mark(connection, letter, piece.ids, course, now, owner=self._owner, token=token, state=state)
        return replace(marked, at=clock.elapsed())

    def _unmark(self, ids: Sequence[int], token: str) -> None:
        """Take back a mark before any request began: nothing was handed over."""

        def take_back(connection: Connection) -> None:
            now = stamps.now_in(connection)
            claims.settle(connection, ids, State.CLAIMED, owner=self._owner, token=token, now=now.machine)

        self._records.write(take_back)

    # Recording ------------------------------------------------------------------------------------------------------

    def _record(self, work: Work, piece: Piece, marked: Marked, answer: Answer) -> None:
        """Record an answer for everybody in the request, and decide what becomes of the rest of the batch."""
        sent = {one.delivery.id: one for one in marked.ready}
        state = next_state(answer)

        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            moves.lock_people(connection, [one.delivery.subscriber_id for one in marked.ready])
            moved = claims.settle(
                connection,
                list(sent),
                state,
                owner=self._owner,
                token=marked.token,
                now=now.machine,
                message_id=answer.message_id if isinstance(answer, Submitted) else None,
                reason=Reason.LATER if state is State.PENDING else "",
                detail="" if isinstance(answer, Submitted) else answer.reason,
            )
            if state in {State.SUBMITTED, State.UNCERTAIN}:
                if state is State.UNCERTAIN:
                    # The provider's report may have been faster than its answer.
                    deliveries.confirm_reported(connection, moved, now.machine)
                ended = [sent[one].delivery for one in moved]
                # The course as it is live now, not as it was marked: what an edit appended meanwhile is before her.
                version = versions.running(connection)[work.letter.course].version_id
                live = {work.letter.course: self._library.course(version, work.letter.course)}
                results.conclude(connection, ended, state, live, calendar=now.calendar, went_on=marked.went_on)
                tallies.add(connection, work.letter.course, len(moved), owner=self._owner, now=now)
            senders.note(
                connection, self._door, answer, batch_id=work.batch_id, now=now.machine, backoff_scale=self._backoff_scale
            )

        self._records.write(write)
        self._log(work, len(sent), answer)
        if isinstance(answer, Refused):
            self._refusals.weigh(work, piece, marked, answer)
        elif not isinstance(answer, Submitted):
            work.stopped = True

    def _give_back(self, batch_id: str, *, reason: Reason, crashed: bool = False) -> None:
        """Give back whatever of the batch this worker still holds claimed, and the trial that it was."""

        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            held = claims.claimed(connection, batch_id, owner=self._owner)
            recovery.put_back(connection, held, owner=self._owner, now=now, reason=reason, crashed=crashed)
            sender = senders.find(connection, self._door, now.machine)
            if sender.state == Breaker.PROBING and sender.probe_batch == batch_id:
                senders.give_up_probe(connection, self._door, batch_id, now.machine)

        self._records.write(write)

    def _log(self, work: Work, count: int, answer: Answer) -> None:
        facts = {"batch": work.batch_id, "letter": work.letter.letter, "people": count, "answer": type(answer).__name__}
        match answer:
            case Submitted():
                log.info("handed-over", **facts)
            case SenderRefused() | TryLater() | Unknown() | Refused():
                log.warning("not-accepted", **facts, why=answer.reason)
