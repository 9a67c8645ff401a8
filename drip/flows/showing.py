"""Showing: what pages say of a person's course and of the installation; it reads and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core.address import masked
from drip.core.delivery import AT_HER_WISH, IN_MAILBOX, Kind, Reason
from drip.core.enrollment import Move, NotNow, Pause, Stage, paused_for, resumed, step_of, why_not_now
from drip.core.newcomer import HAD_ELSEWHERE
from drip.core.outlook import coming, following, last_day
from drip.core.sequel import ADDED_LATER
from drip.core.timing import own_day_from_now
from drip.core.turn import PASSED_BY
from drip.core.wording import SOME_DAY, day_in_words, weekday_name
from drip.errors import DripError
from drip.mail.render import Person
from drip.store import deliveries, enrollments, migrations, stamps, subscribers, versions
from drip.store.session import DatabaseTrouble

if TYPE_CHECKING:
    from datetime import date

    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.outlook import Coming
    from drip.core.progress import LiveCourse
    from drip.core.reference import Reference
    from drip.core.schedule import Course, Helpline
    from drip.mail.library import Library
    from drip.mail.render import Rendered
    from drip.store.deliveries import Delivery
    from drip.store.session import Database

TICK_SECONDS_MAX = 60.0
"""A last tick older than this means that nothing is sent any more."""

HAD, NEXT, AGAIN, LATER, NONE = "had", "next", "again", "later", "none"
"""How a lesson stands on the map: `again` comes once more in this run, and where none comes any more is `none`."""

PASSED, SKIPPED, ELSEWHERE = "passed", "skipped", "elsewhere"
"""How a lesson before her place stands that did not come: by an edit, by where she began, or since she had it elsewhere."""

COPY = "again:"
"""How the occasion of a letter begins that she asked to have once more."""


@dataclass(frozen=True, slots=True)
class Station:
    """A lesson on her map: its title, how it stands, and when the letter came; *letter* opens it again if she *had* it."""

    title: str
    state: str
    letter: str
    came_on: date | None
    had: bool = True


@dataclass(frozen=True, slots=True)
class Use:
    """Where a reference is used: a letter she has had, by title and with its id, or words for those she has not."""

    words: str
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A reference as she sees it, and where it is used."""

    reference: Reference
    uses: tuple[Use, ...]


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


def find(database: Database, library: Library, public_id: str) -> Shown | None:
    """Return what pages may show to the holder of a link; None when it is nobody's, or hers who was erased."""
    with database.read() as connection:
        now = stamps.now_in(connection)
        person = enrollments.find_by_public_id(connection, public_id)
        if person is None:
            return None
        subscriber = subscribers.find(connection, person.subscriber_id)
        if subscriber is None or subscriber.address is None or subscriber.erased_at is not None:
            return None
        ended = deliveries.ended(connection, person.id)
        reason = subscribers.suppressed(connection, [subscriber.address_key], person.course).get(subscriber.address_key, "")
        omitted = enrollments.omitted(connection, person.id)
        state = versions.running(connection)[person.course]
        lesson = person.next_lesson or ""
        held = state.held_at is not None or versions.lesson_held(connection, person.course, lesson, version_id=state.version_id)
    live = library.course(state.version_id, person.course)
    return Shown(person, live, masked(subscriber.address), subscriber.address_key, tuple(ended), now, held, reason, omitted)


def course_map(shown: Shown, library: Library) -> list[tuple[str, list[Station]]]:
    """Return the phases of her present run by title, each with its lessons in order."""
    person, live = shown.person, shown.live
    book = library.book(live.version_id, person.course)
    ahead = _ahead(person, shown.course)
    phases = []
    for phase in shown.course.phases:
        stations = []
        for lesson in phase.lessons:
            first = live.first_id(lesson.id)
            came = shown.letters.get(first)
            state = _state(shown, first, shown.course.places[lesson.id], ahead)
            stations.append(Station(book.title(lesson.id), state, first, came.went_on if came else None, came is not None))
        phases.append((phase.title, stations))
    return phases


def _state(shown: Shown, letter: str, place: int, ahead: int) -> str:
    """Return how the lesson at a *place* stands on her map, by its first id; *ahead* is the first place ahead of her."""
    person, came = shown.person, shown.letters.get(letter)
    if came is not None and (came.occasion == person.occasion() or place < ahead):
        return HAD
    if place < ahead:
        return _why_passed(shown, letter)
    going = person.state in {Stage.ACTIVE, Stage.ASKED, Stage.FINISHED} and not shown.listed
    if place == ahead and person.state == Stage.ACTIVE and going:
        return NEXT
    if came is not None:
        return AGAIN if going else HAD
    return LATER if going else NONE


def _why_passed(shown: Shown, letter: str) -> str:
    """Return how a lesson stands that lies before her place and did not come."""
    reasons = {reason for omitted, reason in shown.omitted if omitted == letter}
    if HAD_ELSEWHERE in reasons:
        return ELSEWHERE
    return SKIPPED if reasons - {PASSED_BY, ADDED_LATER} else PASSED


def _ahead(person: Enrollment, course: Course) -> int:
    """Return the place of the first lesson that still lies ahead of her."""
    if person.next_lesson in course.places:
        return course.places[person.next_lesson]
    if person.next_lesson is not None or person.state == Stage.FINISHED:
        return len(course.sequence)
    return course.places[person.place] + 1 if person.place in course.places else 0


def other_letters(shown: Shown, library: Library) -> list[Station]:
    """Return the letters in her mailbox that stand on no phase of her map: kits, late letters, removed ones."""
    on_map = {shown.live.first_id(lesson.id) for lesson in shown.course.sequence}
    return [
        Station(_title_then(library, one), HAD, letter, one.went_on)
        for letter, one in shown.letters.items()
        if letter not in on_map
    ]


def _title_then(library: Library, delivery: Delivery) -> str:
    """Return the title of a letter in the version she got."""
    then = library.course(delivery.version_id, delivery.course)
    return library.book(delivery.version_id, delivery.course).title(then.current_id(delivery.letter) or delivery.letter)


def sources(shown: Shown, library: Library) -> list[Source]:
    """Return every reference that letters of her course cite, in the order of their file.

    A letter she has not had is not named: whether it is still to come is all that is said.
    """
    person, live = shown.person, shown.live
    book = library.book(live.version_id, person.course)
    ahead = _ahead(person, shown.course)
    later = {lesson.id for lesson in (*shown.course.sequence[ahead:], *shown.course.afterwards)}
    found = []
    for reference in book.references():
        had = [letter for letter in reference.letters if live.first_id(letter) in shown.letters]
        left = [letter for letter in reference.letters if letter not in had]
        to_come = sum(letter in later for letter in left)
        uses = [Use(book.title(letter), live.first_id(letter)) for letter in had]
        uses += [Use(_counted(to_come, "later")), Use(_counted(len(left) - to_come, "other"))]
        found.append(Source(reference, tuple(use for use in uses if use.words)))
    return found


def _counted(count: int, which: str) -> str:
    """Return how many letters there are, in words; '' for none."""
    if count == 1:
        return "another letter" if which == "other" else f"a {which} letter"
    return f"{count} {which} letters" if count else ""


def letter_again(shown: Shown, library: Library, letter: str, *, my_token: str, leave_token: str) -> Rendered | None:
    """Return a letter she had, in the version she got, without her name; None when she had none by that id.

    It is whole also when the mail was the short one, which says that the rest is here. Where it names the next date, that
    is the date on which the next letter went, or is to go.
    """
    # A short letter names its own lesson as it is called today.
    delivery = shown.letters.get(letter) or shown.letters.get(shown.live.first_id(letter))
    if delivery is None:
        return None
    then = library.course(delivery.version_id, delivery.course)
    run = [one for one in shown.ended if one.occasion == delivery.occasion and one.id > delivery.id]
    following = (run[0].went_on or run[0].letter_on) if run else shown.person.next_letter_on
    # As the mail says it: somebody who keeps her page is told no day.
    kept = shown.person.keep
    forgotten_on = None if kept else (delivery.went_on or delivery.letter_on) + timedelta(days=then.course.retention.finished)
    person = _reader(shown, my_token, leave_token, next_on=following, forgotten_on=forgotten_on)
    book = library.book(delivery.version_id, delivery.course)
    now_called = then.current_id(delivery.letter) or delivery.letter
    return book.render(now_called, after_pause=delivery.resumed, helplines=shown.helplines, person=person)


def next_title(shown: Shown, library: Library) -> str:
    """Return the title of her next letter; '' when none follows."""
    step = step_of(shown.person, shown.course)
    return "" if step is None else library.book(shown.live.version_id, shown.person.course).title(step.lesson.id)


def title(shown: Shown, library: Library, letter: str) -> str:
    """Return what a letter that she had is called today; '' for one that she did not have or that is gone."""
    current = shown.live.current_id(letter) if letter in shown.letters else None
    return "" if current is None else library.book(shown.live.version_id, shown.person.course).title(current)


def kit(shown: Shown, library: Library, *, my_token: str, leave_token: str, real_on: date | None = None) -> Rendered | None:
    """Return the letter for rough days as it is live; None when the course has none to ask for.

    With *real_on*, the date at a real door, also None when that letter must not go to real people.
    """
    if not shown.course.on_demand:
        return None
    kit_id = shown.course.on_demand[0].id
    if real_on is not None and library.why_not_real(shown.live.version_id, shown.person.course, kit_id, real_on):
        return None
    book = library.book(shown.live.version_id, shown.person.course)
    reader = _reader(shown, my_token, leave_token, next_on=shown.next_on)
    return book.render(shown.course.on_demand[0].id, helplines=shown.helplines, person=reader)


def first_subject(shown: Shown, library: Library, *, my_token: str, leave_token: str) -> str:
    """Return the subject under which the first letter of her course comes."""
    book = library.book(shown.live.version_id, shown.person.course)
    return book.render(shown.course.sequence[0].id, person=_reader(shown, my_token, leave_token, next_on=None)).subject


def system_subject(library: Library, live: LiveCourse, course_id: str, letter: str) -> str:
    """Return the subject under which a letter of drip itself comes; it is the same for everybody."""
    return library.book(live.version_id, course_id).render(letter).subject


def _reader(shown: Shown, my_token: str, leave_token: str, *, next_on: date | None, forgotten_on: date | None = None) -> Person:
    """Return what a letter may know of whoever reads it on a page; her name is not shown there."""
    return Person(
        name="",
        weekday=weekday_name(min(shown.person.rhythm(shown.course).weekdays)),
        next_date=SOME_DAY if next_on is None else day_in_words(next_on),
        forget_date=day_in_words(forgotten_on) if forgotten_on else "you say so" if shown.person.keep else "",
        my_token=my_token,
        leave_token=leave_token,
    )


def live_courses(database: Database, library: Library) -> dict[str, LiveCourse]:
    """Return every course that is live, by id."""
    with database.read() as connection:
        running = versions.running(connection)
    return {course_id: library.course(state.version_id, course_id) for course_id, state in running.items()}


def why_not_ready(database: Database) -> list[str]:
    """Return what keeps letters from going out, in sentences: the database, its tables, the ticks; none when all is well."""
    try:
        database.require()
        migrations.require_newest(database)
        with database.read() as connection:
            now = stamps.now_in(connection)
            beat = stamps.last_beat(connection, "tick")
    except DripError as trouble:
        return [str(trouble)]
    except DatabaseTrouble as trouble:
        return [f"the database does not answer ({type(trouble.orig).__name__})"]
    if beat is None:
        return ["there was no tick yet; start the worker and beat"]
    age = (now.machine - beat.machine_at).total_seconds()
    return [f"the last tick was {age:.0f} seconds ago; see whether the worker and beat run"] if age > TICK_SECONDS_MAX else []
