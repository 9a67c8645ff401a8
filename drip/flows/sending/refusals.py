"""Who pays for a refusal: the person who was named, the letter that nobody takes, or nobody.

Nothing of a refused request was accepted. A proven bad address fails alone; a letter that is refused for several people
is held, so that nobody loses it; what is left is halved until the one that is meant stands alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from drip.core.delivery import ADDRESS_CHANGE, Reason, Refused, State
from drip.flows.sending.work import Piece, Suspect
from drip.store import claims, endings, moves, results, stamps, subscribers, versions
from drip.store.marking import Marked

if TYPE_CHECKING:
    from drip.flows.sending.work import Records, Work
    from drip.mail.library import Library
    from drip.store.claims import Ready
    from drip.store.session import Connection, Database

log = structlog.get_logger("drip.send")


class Refusals:
    """What one worker does with the provider's refusals."""

    def __init__(self, database: Database, library: Library, records: Records, *, owner: str) -> None:
        """Keep what the worker is wired with; *owner* is its incarnation."""
        self._database = database
        self._library = library
        self._records = records
        self._owner = owner

    def weigh(self, work: Work, piece: Piece, marked: Marked, answer: Refused) -> None:
        """Nothing was accepted: fail the person who was named and send the rest again, or halve until the bad one is alone."""
        ids = tuple(one.delivery.id for one in marked.ready)
        if answer.about_letter:
            self.hold(work, Reason.REFUSED, answer.reason)
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
                self.hold(work, Reason.REFUSED, answer.reason)
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
            self.hold(work, Reason.REFUSED, suspect.answer.reason)
        else:
            work.suspects.append(suspect)

    def _fail(self, bad: Ready, marked: Marked, answer: Refused) -> None:
        """Record that one person is refused for good; a proven bad address enters the register."""
        reason = Reason.INVALID if answer.bad_address else Reason.REFUSED

        def write(connection: Connection) -> None:
            now = stamps.now_in(connection)
            moves.lock_people(connection, [bad.delivery.subscriber_id])
            failed = claims.fail(
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

        self._records.write(write)

    def judge(self, work: Work) -> None:
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
            self.hold(work, Reason.REFUSED, work.suspects[0].answer.reason)
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
            parked = claims.parked_alike(connection, letter.course, letter.letter, letter.version_id, answer.signature)
            # Not itself: a commit whose answer was lost is repeated.
            alike = [one for one in parked if one != delivery_id]
            claims.park(connection, delivery_id, reason=Reason.REFUSED, detail=answer.signature, now=now.machine)
            if alike:
                claims.unpark(connection, [*alike, delivery_id], now.machine)
                versions.hold_lesson(
                    connection,
                    letter.course,
                    letter.letter,
                    version_id=letter.version_id,
                    reason=Reason.REFUSED,
                    detail=answer.reason,
                    now=now.machine,
                )

        self._records.write(write)
        log.error("letter-parked", delivery=delivery_id, letter=letter.letter, why=answer.reason)

    def _fail_suspect(self, work: Work, suspect: Suspect) -> None:
        with self._database.read() as connection:
            bad = claims.ready(connection, [suspect.id], owner=self._owner)
            state = versions.running(connection)[work.letter.course]
        course = self._library.course(state.version_id, work.letter.course)
        for one in bad:
            self._fail(one, Marked("", 0.0, (), {}, {}, course), suspect.answer)

    def hold(self, work: Work, reason: Reason, detail: str) -> None:
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

        self._records.write(write)
        log.error("lesson-held", course=letter.course, letter=letter.letter, reason=str(reason), detail=detail)
        work.suspects.clear()
        work.stopped = True
        work.why = Reason.HELD
