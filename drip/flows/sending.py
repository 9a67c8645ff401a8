"""Sending one batch: claim, render, mark, hand over, record.

The database decides and the provider is only called. `submitting` is committed before the request begins and nobody
ever calls again from it; only the owner's recorded answer, the provider's report, or proof that the owner is dead
moves it on. Named points (`claimed rendered marked answered recorded`) let tests kill the process in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from drip import clock
from drip.core import timing
from drip.core.delivery import (
    ADDRESS_CHANGE,
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
from drip.core.enrollment import Pause
from drip.core.progress import next_step
from drip.core.wording import SOME_DAY, day_in_words, weekday_name
from drip.errors import DripError, RenderFault, where
from drip.mail.envelope import Addressee, Rendering
from drip.mail.guard import Unsendable
from drip.mail.render import NeedsPerson
from drip.store import (
    deliveries,
    endings,
    marking,
    moves,
    owners,
    recovery,
    results,
    senders,
    stamps,
    subscribers,
    versions,
)
from drip.store.marking import Marked
from drip.store.session import DatabaseTrouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.mail.envelope import Envelopes
    from drip.mail.library import Library
    from drip.mail.message import Mailer, Message
    from drip.store.deliveries import Delivery, Ready
    from drip.store.session import Connection, Database

RECORD_SECONDS_MAX = 60.0
SEND_BY_SECONDS = 5.0
"""How long after its mark a request may still begin; a process that slept longer takes the mark back and reads again."""

log = structlog.get_logger("drip.send")


class CannotRecord(DripError):
    """A result could not be recorded; the worker must exit, so that its death can be proven and events can settle it."""

    exit_code = 3


def nothing(_point: str) -> None:
    """Do nothing at a named point."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a batch that goes in one request; *half* says which half of the first split it came from."""

    ids: tuple[int, ...]
    half: int | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A delivery that was refused for something else than a proven bad address, *named* or alone in its request."""

    id: int
    half: int | None
    answer: Refused
    named: bool


@dataclass(slots=True)
class Work:
    """One batch on its way: what is left to send, whose letters were refused, and what those still waiting wait for."""

    batch_id: str
    pieces: list[Piece]
    letter: Delivery
    suspects: list[Suspect] = field(default_factory=list)
    one_by_one: bool = False
    stopped: bool = False
    limited: bool = False
    credit: int = 0
    why: Reason = Reason.LATER


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
    ) -> None:
        """Keep what the worker is wired with; *owner* is its incarnation, *granted* the shared rate limit."""
        self._database = database
        self._library = library
        self._mailer = mailer
        self._envelopes = envelopes
        self._door = door
        self._owner = owner
        self._real = real
        self._granted = granted
        self._at = at
        self._backoff_scale = backoff_scale
        self._record_seconds = record_seconds

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
            self._judge_suspects(work)
        except CannotRecord:
            raise
        except Exception as trouble:
            log.error("batch-broke", batch=batch_id, error=type(trouble).__name__, at=where(trouble))  # noqa: TRY400 - see `where`
            self._release(work, reason=Reason.CRASHES, crashed=not isinstance(trouble, DatabaseTrouble))
            self._die_if_anything_is_left()
            raise
        if work.stopped or work.limited:
            self._release(work, reason=work.why)
        self._at("recorded")
        return count

    def _die_if_anything_is_left(self) -> None:
        """Raise CannotRecord when something of ours is still marked: only our death can settle it now."""
        left: list[Delivery] = []
        self._persist(lambda connection: left.extend(deliveries.owned_by(connection, self._owner)))
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
                if senders.find(connection, self._door, now.machine).allows(batch_id):
                    deliveries.claim(connection, batch_id, owner=self._owner, now=now.machine, calendar=now.calendar)
                    ids = deliveries.claimed(connection, batch_id, owner=self._owner)
                    letter = deliveries.find(connection, ids[0]) if ids else None
        except DatabaseTrouble:
            # The commit may have reached the database though its answer did not reach us.
            self._give_back(batch_id, reason=Reason.LATER, crashed=False)
            raise
        if letter is None:
            return None
        size = self._mailer.batch_max
        pieces = [Piece(tuple(ids[start : start + size])) for start in range(0, len(ids), size)]
        return Work(batch_id, pieces, letter)

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
                self._hold(work, Reason.NOT_READY, why)
                return
            self._envelopes.render(_rendering(letter))
        except NeedsPerson:
            work.one_by_one = True
            work.pieces = [Piece((one,)) for piece in work.pieces for one in piece.ids]
        except RenderFault as fault:
            self._hold(work, Reason.BROKEN, str(fault))
        self._at("rendered")

    def _withdraw(self, work: Work) -> None:
        """End copies of a letter that an edit removed from the course since they were asked for."""
        ids = [one for piece in work.pieces for one in piece.ids]

        def write(connection: Connection) -> None:
            deliveries.withhold(connection, ids, reason=Reason.REMOVED, now=stamps.now_in(connection).machine)

        self._persist(write)
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
            self._hold(work, Reason.BROKEN, str(fault))
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
        rendering = _rendering(letter)
        fields = self._envelopes.fields(rendering, one_by_one=work.one_by_one)
        addressees = _addressees(marked, fields)
        return self._envelopes.message(rendering, Kind(letter.kind), addressees, one_by_one=work.one_by_one)

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
                deliveries.release(connection, piece.ids, owner=self._owner, now=now.machine, reason=Reason.LATER)
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
            deliveries.settle(connection, ids, State.CLAIMED, owner=self._owner, token=token, now=now.machine)

        self._persist(take_back)

    # Recording ------------------------------------------------------------------------------------------------------

    def _record(self, work: Work, piece: Piece, marked: Marked, answer: Answer) -> None:
        """Record an answer for everybody in the request, and decide what becomes of the rest of the batch."""
        sent = {one.delivery.id: one for one in marked.ready}
        state = next_state(answer)

        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            moves.lock_people(connection, [one.delivery.subscriber_id for one in marked.ready])
            moved = deliveries.settle(
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
                live = {work.letter.course: marked.course}
                results.conclude(connection, ended, state, live, calendar=now.calendar, went_on=marked.went_on)
            senders.note(
                connection, self._door, answer, batch_id=work.batch_id, now=now.machine, backoff_scale=self._backoff_scale
            )

        self._persist(write)
        self._log(work, len(sent), answer)
        if isinstance(answer, Refused):
            self._after_refusal(work, piece, marked, answer)
        elif not isinstance(answer, Submitted):
            work.stopped = True

    def _after_refusal(self, work: Work, piece: Piece, marked: Marked, answer: Refused) -> None:
        """Nothing was accepted: fail the person who was named and send the rest again, or halve until the bad one is alone."""
        ids = tuple(one.delivery.id for one in marked.ready)
        if answer.about_letter:
            self._hold(work, Reason.REFUSED, answer.reason)
        elif answer.position is not None and answer.position < len(ids):
            bad = marked.ready[answer.position]
            if answer.bad_address:
                self._fail(bad, marked, answer)
            else:
                # To name the only one there is says nothing about her.
                self._suspect(work, Suspect(bad.delivery.id, piece.half, answer, named=len(ids) > 1))
            rest = tuple(one for one in ids if one != bad.delivery.id)
            if rest:
                work.pieces.insert(0, Piece(rest, piece.half))
        elif len(ids) == 1:
            if answer.too_large:
                self._hold(work, Reason.REFUSED, answer.reason)
            else:
                self._suspect(work, Suspect(ids[0], piece.half, answer, named=False))
        else:
            middle = len(ids) // 2
            halves = (0, 1) if piece.half is None else (piece.half, piece.half)
            work.pieces[:0] = [Piece(ids[:middle], halves[0]), Piece(ids[middle:], halves[1])]

    def _suspect(self, work: Work, suspect: Suspect) -> None:
        """Put a refused letter aside until the rest of the batch has had its turn; two named alike are nobody's fault."""
        alike = [one for one in work.suspects if one.answer.signature == suspect.answer.signature]
        if any(one.named for one in alike) or (suspect.named and alike):
            self._hold(work, Reason.REFUSED, suspect.answer.reason)
        else:
            work.suspects.append(suspect)

    def _fail(self, bad: Ready, marked: Marked, answer: Refused) -> None:
        """Record that one person is refused for good; a proven bad address enters the register."""
        reason = Reason.INVALID if answer.bad_address else Reason.REFUSED

        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            moves.lock_people(connection, [bad.delivery.subscriber_id])
            failed = deliveries.fail(
                connection, [bad.delivery.id], owner=self._owner, reason=reason, detail=answer.reason, now=now.machine
            )
            if failed:
                results.conclude(
                    connection, [bad.delivery], State.FAILED, {bad.delivery.course: marked.course}, calendar=now.calendar
                )
            if failed and answer.bad_address and bad.delivery.letter == ADDRESS_CHANGE:
                # Nobody's letters go there yet: a slip in a new address ends no course.
                subscribers.suppress(connection, bad.address_key, Reason.INVALID, now=now.machine)
            elif failed and answer.bad_address:
                endings.suppress(connection, {bad.address_key: Reason.INVALID.value}, now=now)

        self._persist(write)

    def _judge_suspects(self, work: Work) -> None:
        """Decide on letters that were refused for something else than their address.

        Refused alike in two halves of a batch, or alike for two people on their own, it is nobody's fault: all wait and
        the lesson is held. Named, or alone among accepted ones, it is this person's; alone altogether it is parked and shown.
        """
        if not work.suspects or work.stopped:
            return
        halves: dict[str, set[int | None]] = {}
        for suspect in work.suspects:
            if not suspect.named:
                halves.setdefault(suspect.answer.signature, set()).add(suspect.half)
        if any(len(found) > 1 for found in halves.values()):
            self._hold(work, Reason.REFUSED, work.suspects[0].answer.reason)
            return
        for suspect in work.suspects:
            if suspect.half is None and not suspect.named:
                self._park(work, suspect.id, suspect.answer)
            else:
                self._fail_suspect(work, suspect)
        work.suspects.clear()

    def _park(self, work: Work, delivery_id: int, answer: Refused) -> None:
        letter = work.letter

        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            parked = deliveries.parked_alike(connection, letter.course, letter.letter, letter.version_id, answer.signature)
            # Not itself: a commit whose answer was lost is repeated.
            alike = [one for one in parked if one != delivery_id]
            deliveries.park(connection, delivery_id, reason=Reason.REFUSED, detail=answer.signature, now=now.machine)
            if alike:
                deliveries.unpark(connection, [*alike, delivery_id], now.machine)
                versions.hold_lesson(
                    connection,
                    letter.course,
                    letter.letter,
                    version_id=letter.version_id,
                    reason=Reason.REFUSED,
                    detail=answer.reason,
                    now=now.machine,
                )

        self._persist(write)
        log.error("letter-parked", delivery=delivery_id, letter=letter.letter, why=answer.reason)

    def _fail_suspect(self, work: Work, suspect: Suspect) -> None:
        with self._database.read() as connection:
            bad = deliveries.ready(connection, [suspect.id], owner=self._owner)
            state = versions.running(connection)[work.letter.course]
        course = self._library.course(state.version_id, work.letter.course)
        for one in bad:
            self._fail(one, Marked("", 0.0, (), {}, {}, course), suspect.answer)

    def _hold(self, work: Work, reason: Reason, detail: str) -> None:
        """Hold the lesson and put everybody back: they wait, nobody loses it, and the operator is told."""
        letter = work.letter

        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            versions.hold_lesson(
                connection,
                letter.course,
                letter.letter,
                version_id=letter.version_id,
                reason=reason,
                detail=detail,
                now=now.machine,
            )

        self._persist(write)
        log.error("lesson-held", course=letter.course, letter=letter.letter, reason=str(reason), detail=detail)
        work.suspects.clear()
        work.stopped = True
        work.why = Reason.HELD

    def _release(self, work: Work, *, reason: Reason, crashed: bool = False) -> None:
        """Give back whatever of the batch this worker still holds claimed."""
        self._give_back(work.batch_id, reason=reason, crashed=crashed)

    def _give_back(self, batch_id: str, *, reason: Reason, crashed: bool) -> None:
        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            held = deliveries.claimed(connection, batch_id, owner=self._owner)
            recovery.put_back(connection, held, owner=self._owner, now=now, reason=reason, crashed=crashed)
            sender = senders.find(connection, self._door, now.machine)
            if sender.state == Breaker.PROBING and sender.probe_batch == batch_id:
                senders.give_up_probe(connection, self._door, batch_id, now.machine)

        self._persist(write)

    def _persist(self, write: Callable[[Connection], None]) -> None:
        """Run *write* in a transaction until it commits; raise CannotRecord when the database stays away too long.

        A commit whose answer is lost is repeated: every write here changes only what is still ours to change.
        """
        begun = clock.monotonic()
        pause = 0.05
        while True:
            try:
                with self._database.write() as connection:
                    write(connection)
            except DatabaseTrouble as trouble:
                log.warning("record-retry", why=type(trouble.orig).__name__)
                if clock.monotonic() - begun > self._record_seconds:
                    raise CannotRecord from trouble
                clock.wait(pause)
                pause = min(pause * 2, 2.0)
            else:
                return

    def _log(self, work: Work, count: int, answer: Answer) -> None:
        facts = {"batch": work.batch_id, "letter": work.letter.letter, "people": count, "answer": type(answer).__name__}
        match answer:
            case Submitted():
                log.info("handed-over", **facts)
            case SenderRefused() | TryLater() | Unknown() | Refused():
                log.warning("not-accepted", **facts, why=answer.reason)


def _rendering(letter: Delivery) -> Rendering:
    """Return which text the deliveries of a batch have in common with *letter*, its first."""
    return Rendering(
        letter.version_id,
        letter.course,
        letter.letter,
        full=not letter.short,
        after_pause=letter.resumed,
        country=letter.country,
    )


def _addressees(marked: Marked, fields: frozenset[str]) -> list[Addressee]:
    """Return the people of a request as the envelope needs them; dates are worked out only where the letter prints them."""
    words: dict[tuple[object, ...], tuple[str, str, str]] = {}
    found = []
    for one in marked.ready:
        delivery, person = one.delivery, marked.people[one.delivery.enrollment_id]
        went_on = marked.went_on[delivery.id]
        key = (person.likeness(), delivery.meant_on, went_on)
        if key not in words:
            weekday = weekday_name(min(person.rhythm(marked.course.course).weekdays)) if "weekday" in fields else ""
            next_date = _next_date(delivery, went_on, person, marked.course) if "next_date" in fields else ""
            words[key] = (weekday, next_date, _forget_date(went_on, person, marked.course) if "forget_date" in fields else "")
        hers = (one.address or "", delivery.public_id, person.public_id, one.name)
        found.append(Addressee(*hers, *words[key], delivery.occasion, one.address_key))
    return found


def _forget_date(went_on: date, person: Enrollment, course: LiveCourse) -> str:
    """Return until when her page stays after a letter that goes on a day, in words that follow *until*."""
    return "you say so" if person.keep else day_in_words(went_on + timedelta(days=course.course.retention.finished))


def _next_date(delivery: Delivery, went_on: date, person: Enrollment, course: LiveCourse) -> str:
    """Return the date of the letter after this one, in words, on the way the course runs now."""
    if person.paused == Pause.OPEN:
        return SOME_DAY
    if delivery.kind == Kind.ASKED:
        # A copy moves nothing of her course.
        return SOME_DAY if person.next_letter_on is None else day_in_words(person.next_letter_on)
    place = course.current_id(delivery.letter)
    step = next_step(course.course, place, frozenset({delivery.letter}), course.firsts, afterwards=person.afterwards)
    if step is None:
        return ""
    slot = timing.next_slot(
        step.lesson,
        person.rhythm(course.course),
        last_meant_on=delivery.meant_on,
        last_letter_on=went_on,
        afterwards=step.afterwards,
    )
    return day_in_words(slot.letter_on)
