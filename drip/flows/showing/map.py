"""Her map: the phases with their lessons, the letters that stand on none, and the references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.enrollment import Stage
from drip.core.newcomer import HAD_ELSEWHERE
from drip.core.sequel import ADDED_LATER
from drip.core.turn import PASSED_BY

if TYPE_CHECKING:
    from datetime import date

    from drip.core.enrollment import Enrollment
    from drip.core.reference import Reference
    from drip.core.schedule import Course
    from drip.flows.showing.shown import Shown
    from drip.mail.library import Library
    from drip.store.deliveries import Delivery

HAD, NEXT, AGAIN, LATER, NONE = "had", "next", "again", "later", "none"
"""How a lesson stands on the map: `again` comes once more in this run, and where none comes any more is `none`."""

PASSED, SKIPPED, ELSEWHERE = "passed", "skipped", "elsewhere"
"""How a lesson before her place stands that did not come: by an edit, by where she began, or since she had it elsewhere."""


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
