"""What a letter may know of its course: its number, its phase, what comes next, and the map."""

from __future__ import annotations

from dataclasses import dataclass

from drip.core.schedule import Course

_TRACK_MAX = 12
"""A phase with more letters than this is drawn without one cell a letter, since a phone is 320 pixels wide."""


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """Another letter of the course, as a letter may name it."""

    title: str | None
    number: int | None


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """A phase as a letter may name it."""

    number: int
    title: str


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """The paid program that the publisher also runs."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """The course as a letter may name it; *program* is None where there is none."""

    title: str
    program: ProgramFacts | None


@dataclass(frozen=True, slots=True)
class Station:
    """A phase on the drawn map: *state* and *track* (one entry a letter) are `past`, `here` or `ahead`."""

    number: int
    title: str
    state: str
    words: str
    track: tuple[str, ...]


def course_facts(course: Course) -> CourseFacts:
    """Return the course as letters may name it."""
    program = course.program
    return CourseFacts(course.title, ProgramFacts(program.name, program.url) if program else None)


def phase_facts(course: Course) -> tuple[PhaseFacts, ...]:
    """Return the phases as letters may name them."""
    return tuple(PhaseFacts(number, phase.title) for number, phase in enumerate(course.phases, start=1))


def neighbour(course: Course, letter: str, step: int) -> str | None:
    """Return the id of the lesson *step* places after *letter* in the course, None where there is none."""
    place = course.places.get(letter)
    if place is None or not 0 <= place + step < len(course.sequence):
        return None
    return course.sequence[place + step].id


def stations(course: Course, letter: str) -> list[Station]:
    """Return the map as seen from *letter*."""
    here = course.phase_numbers[letter]
    place = course.places[letter]
    found = []
    for number, phase in enumerate(course.phases, start=1):
        state = "past" if number < here else "here" if number == here else "ahead"
        words = {"past": "Behind you", "here": "You are here", "ahead": "Still to come"}[state]
        track = tuple(_side(course.places[lesson.id], place) for lesson in phase.lessons)
        found.append(Station(number, phase.title, state, words, track if len(track) <= _TRACK_MAX else ()))
    return found


def _side(place: int, here: int) -> str:
    return "past" if place < here else "here" if place == here else "ahead"


def where_in_words(course: Course, letter: str, next_title: str | None) -> str:
    """Return the map as one plain line."""
    number = course.phase_numbers[letter]
    words = [f"Phase {number} of {len(course.phases)}: {course.phases[number - 1].title}."]
    if letter in course.numbers:
        words.append(f"Letter {course.numbers[letter]} of {len(course.numbers)}.")
    if neighbour(course, letter, 1) is None:
        words.append("This is the last letter on the map.")
    elif next_title:
        words.append(f"Next: {next_title}{'' if next_title[-1] in '.?!' else '.'}")
    return " ".join(words)
