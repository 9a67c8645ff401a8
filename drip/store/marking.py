"""Marking: the last look before a hand-over, and the commit after which nobody may call the provider twice.

Everything that may forbid the letter is read again while the person is locked, so that whatever she, an operator or the
provider said before is heard, and whatever they say later waits for the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.delivery import Kind, Reason, State, why_not, withheld_for_good
from drip.core.enrollment import Stage
from drip.core.handover import standing_of, why_later
from drip.errors import DripError
from drip.store import chores, claims, deliveries, endings, enrollments, moves, results, subscribers, turns, versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.store.claims import Ready
    from drip.store.deliveries import Delivery
    from drip.store.session import Connection
    from drip.store.versions import CourseState


REGISTER = "register"


class NotOurs(DripError):
    """A letter slipped away between its look and its mark, although its person was locked: nothing is handed over."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Deliveries committed as submitting, with the live person of each, ready for one request."""

    token: str
    at: float
    ready: tuple[Ready, ...]
    went_on: dict[int, date]
    people: dict[int, Enrollment]
    course: LiveCourse


def mark(
    connection: Connection,
    letter: Delivery,
    ids: Sequence[int],
    course: LiveCourse,
    now: Now,
    *,
    owner: str,
    token: str,
    state: CourseState,
) -> Marked:
    """Mark those of *ids* who may have *letter* now as being handed over by *owner* under *token*, and return them.

    *state* is the course's row, which the caller has share-locked: is it held, and whose dates are old. The others end or wait,
    each for its reason. `at` of what is returned is for the caller to set once this is committed.
    """
    ready = claims.ready(connection, ids, owner=owner)
    people = enrollments.find_many(connection, [one.delivery.enrollment_id for one in ready])
    register_keys = [one.address_key for one in ready]
    register = subscribers.suppressed(connection, register_keys, letter.course)
    # She is back, and the provider is just being asked to take her off its list: until then it would drop her letter.
    listed = chores.holding(connection, register_keys, now.machine)
    lesson_held = versions.lesson_held(connection, letter.course, letter.letter, version_id=letter.version_id)
    decide = _Decisions(course, now, held=state.held_at is not None or lesson_held)
    going: dict[int, date] = {}
    stopped: list[tuple[Ready, Reason]] = []
    for one in ready:
        if one.address_key in listed:
            stopped.append((one, Reason.LATER))
            continue
        if one.delivery.kind == Kind.LESSON and turns.is_stale(people[one.delivery.enrollment_id], state.dates_from):
            # An edit went live since the look: she is turned to it first.
            stopped.append((one, Reason.LATER))
            continue
        found = decide(one, people[one.delivery.enrollment_id], register.get(one.address_key))
        if isinstance(found, Reason):
            stopped.append((one, found))
        else:
            going[one.delivery.id] = found
    for one, reason in stopped:
        person = people[one.delivery.enrollment_id]
        if reason is Reason.LEFT and one.delivery.kind == Kind.LESSON and person.state == Stage.ACTIVE:
            # The register alone knows that she left: now her run does too, and she can undo it like any leave.
            endings.leave(connection, person, one.address_key, now, source=REGISTER)
        else:
            _stop(connection, one.delivery, person, course, now, owner=owner, reason=reason)
    if claims.mark_submitting(connection, going, owner=owner, token=token, now=now.machine) != len(going):
        raise NotOurs
    # The provider has reported it though its answer said otherwise: it had the letter, and a second one would be a copy.
    reported = [one.delivery for one in ready if one.delivery.id in going and one.delivery.outcome is not None]
    if reported:
        ids = [delivery.id for delivery in reported]
        claims.settle(connection, ids, State.SUBMITTED, owner=owner, token=token, now=now.machine, reason="reported")
        gone = [delivery._replace(went_on=going.pop(delivery.id)) for delivery in reported]
        results.conclude(connection, gone, State.SUBMITTED, {letter.course: course}, calendar=now.calendar)
    return Marked(token, 0.0, tuple(one for one in ready if one.delivery.id in going), going, people, course)


def _stop(
    connection: Connection, delivery: Delivery, person: Enrollment, course: LiveCourse, now: Now, *, owner: str, reason: Reason
) -> None:
    """End or put back a delivery that may not go, for its *reason*."""
    if withheld_for_good(reason) or (reason is Reason.LEFT and delivery.kind != Kind.LESSON):
        if deliveries.withhold(connection, [delivery.id], reason=reason, now=now.machine):
            results.conclude(connection, [delivery], State.WITHHELD, {delivery.course: course}, calendar=now.calendar)
    elif reason in {Reason.WINDOW, Reason.GAP}:
        moves.follow_up(connection, delivery, person, course, now, reason=reason)
    elif reason in {Reason.LEFT, Reason.PAUSED}:
        # She went while this letter was under way and it came back: it waits for her, not for the next tick.
        moves.undate(connection, delivery.id, now, reason=reason)
    else:
        claims.release(connection, [delivery.id], owner=owner, now=now.machine, reason=reason)


class _Decisions:
    """Decides on the people of one request, once for all who are alike: in one zone, at one lesson, of one standing."""

    def __init__(self, course: LiveCourse, now: Now, *, held: bool) -> None:
        self._course = course
        self._now = now
        self._held = held
        self._known: dict[tuple[object, ...], Reason | date] = {}

    def __call__(self, one: Ready, person: Enrollment, suppression: str | None) -> Reason | date:
        """Return the local date on which the letter goes to a person, or why it does not go now."""
        delivery = one.delivery
        erased = one.erased or one.address is None
        consented = person.confirmed_at is not None
        key = (person.likeness(), delivery.obeys, delivery.not_before, delivery.closes_at, suppression, erased, consented)
        found = self._known.get(key)
        if found is None:
            standing = standing_of(person, suppression=suppression, erased=erased, held=self._held)
            due, closes = delivery.not_before, delivery.closes_at
            reason = why_not(delivery.obeys, standing) or why_later(
                delivery.obeys, due, closes, person, self._course, now=self._now.calendar
            )
            found = reason or self._now.calendar.astimezone(person.rhythm(self._course.course).zone).date()
            self._known[key] = found
        return found
