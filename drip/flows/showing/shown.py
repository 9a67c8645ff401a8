"""What pages may know of one person's course, and the dates that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core.delivery import AT_HER_WISH, IN_MAILBOX, Kind, Reason
from drip.core.enrollment import Move, NotNow, Pause, Stage, paused_for, resumed, step_of, why_not_now
from drip.core.outlook import coming, following, last_day
from drip.core.timing import own_day_from_now

if TYPE_CHECKING:
    from datetime import date

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.outlook import Coming
    from drip.core.progress import LiveCourse
    from drip.core.schedule import Course, Helpline
    from drip.store.deliveries import Delivery

COPY = "again:"
"""How the occasion of a letter begins that she asked to have once more."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A phase that she has begun: its id, its title, and when its first letter would come again."""

    id: str
    title: str
    first_on: date


@dataclass(frozen=True, slots=True)
class Shown:
    """What pages may know of a person's course.

    *address* is masked and *address_key* its keyed hash, *ended* holds every delivery that came to a result, oldest first,
    and *now* both clocks. While *held*, an operator keeps her next letter back; *reason* says why her address must not be
    mailed, '' when it may be. *omitted* are the lessons that are not for her, each with why.
    """

    person: Enrollment
    live: LiveCourse
    address: str
    address_key: str
    ended: tuple[Delivery, ...]
    now: Now
    held: bool = False
    reason: str = ""
    omitted: frozenset[tuple[str, str]] = frozenset()

    @property
    def course(self) -> Course:
        """The course as it is live."""
        return self.live.course

    @property
    def listed(self) -> bool:
        """Whether no letter of the course may go to her address, be it at her own wish."""
        return bool(self.reason)

    @property
    def barred(self) -> bool:
        """Whether no letter at all may go to her address, so that she cannot come back by herself."""
        return self.listed and self.reason not in AT_HER_WISH

    @property
    def helplines(self) -> tuple[Helpline, ...]:
        """The helplines of her country as they are live: an old letter shown again names today's numbers."""
        return self.course.helplines_in(self.person.country)

    @property
    def today(self) -> date:
        """The calendar's date where she lives."""
        return self.now.calendar.astimezone(self.person.rhythm(self.course).zone).date()

    @property
    def tomorrow(self) -> date:
        """The day on which what was enough for today can be asked again."""
        return self.today + timedelta(days=1)

    @property
    def now_again_on(self) -> date:
        """The first day on which she may have another letter at once: the day after the last one, never today."""
        return max(self.today, self.person.last_letter_on or self.today) + timedelta(days=1)

    @property
    def letters(self) -> dict[str, Delivery]:
        """The letters in her mailbox by the first id of their lesson, the newest copy of each, oldest first."""
        kinds = {Kind.LESSON, Kind.ASKED}
        return {
            one.letter: one
            for one in self.ended
            if one.state in IN_MAILBOX and one.kind in kinds and not one.occasion.startswith(COPY)
        }

    @property
    def last_letter(self) -> str | None:
        """The first id of the letter of the course that came last and can be mailed once more; None before the first."""
        had = [one.letter for one in self.letters.values() if self.may_be_mailed(one.letter)]
        return had[-1] if had else None

    def may_be_mailed(self, letter: str) -> bool:
        """Whether a letter that she had can be mailed to her once more: it stands in the course, and letters may come."""
        delivery = self.letters.get(letter)
        stays = self.person.state in {Stage.ACTIVE, Stage.FINISHED} and not self.listed
        return stays and delivery is not None and delivery.kind == Kind.LESSON and self.live.current_id(letter) is not None

    @property
    def had(self) -> frozenset[str]:
        """The first ids of the lessons of this run that came to a result."""
        return frozenset(one.letter for one in self.ended if one.occasion == self.person.occasion())

    @property
    def why_not_now(self) -> NotNow | None:
        """Why her next letter cannot come at once; None when it can."""
        if self.listed:
            return NotNow.NOTHING
        return why_not_now(self.person, self.course, now=self.now.calendar)

    @property
    def after_now(self) -> date | None:
        """The date of the letter after the next one, if that one comes today; None when no date follows."""
        step = step_of(self.person, self.course)
        if step is None or self.person.paused == Pause.OPEN:
            return None
        had = self.had | {self.live.first_id(step.lesson.id)}
        after = following(self.person, self.live, step, had, meant_on=self.today, went_on=self.today)
        return None if after is None else after.slot.letter_on

    @property
    def stayed_back(self) -> bool:
        """Whether the letter that she had asked for stayed back when she began a phase again: it ended the round before."""
        before = [one for one in self.ended if one.occasion == f"run:{self.person.run - 1}"]
        return bool(before) and before[-1].asked and before[-1].reason == Reason.SUPERSEDED

    @property
    def ahead(self) -> list[Coming]:
        """The letters that lie ahead, with their dates, as far as they can be foreseen."""
        return coming(self.person, self.live, self.had, now=self.now.calendar)

    @property
    def begun(self) -> list[Begun]:
        """The phases that she has begun in any run, each of which she can begin again."""
        if self.listed or self.person.state not in {Stage.ACTIVE, Stage.FINISHED}:
            return []
        rhythm, place = self.person.rhythm(self.course), self.course.places.get(self.person.place or "", -1)
        slot = own_day_from_now(rhythm, last_letter_on=self.person.last_letter_on, now=self.now.calendar)
        return [
            Begun(phase.id, phase.title, slot.letter_on)
            for phase in self.course.phases
            if any(self.live.first_id(one.id) in self.letters or self.course.places[one.id] <= place for one in phase.lessons)
        ]

    @property
    def forgotten_on(self) -> date | None:
        """The last day, where she lives, on which her page is there; None while no such day is set."""
        return last_day(self.person, self.course)

    @property
    def kept(self) -> bool:
        """Whether her page stays after the last letter because she said so."""
        return self.person.keep and self.person.state == Stage.FINISHED

    @property
    def next_on(self) -> date | None:
        """The date of her next letter; None while none is dated."""
        if self.listed or self.person.state != Stage.ACTIVE or self.person.paused == Pause.OPEN:
            return None
        return self.person.next_letter_on

    def after_pause(self, weeks: int) -> date | None:
        """Return the date of the next letter after a pause of *weeks* from now; None when no letter follows."""
        return self._moved(paused_for(self.person, weeks, self.course, now=self.now.calendar))

    @property
    def after_resume(self) -> date | None:
        """The date of the next letter if she goes on now; None when she is not paused or none follows."""
        return self._moved(resumed(self.person, self.course, now=self.now.calendar))

    def _moved(self, move: Move | None) -> date | None:
        active = self.person.state == Stage.ACTIVE
        return move.slot.letter_on if active and move is not None and move.slot is not None else None
