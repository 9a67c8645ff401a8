"""Correcting: who got a letter in the wording of a version, so that they can be told what was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.problem import did_you_mean
from drip.errors import NotFound
from drip.store import listings, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drip.mail.library import Library
    from drip.store.listings import Recipient
    from drip.store.session import Database

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Wording:
    """The copies of one letter in one wording: in which *versions* it stood so, and how many went, to how many people.

    *letter* is its first id, which its deliveries carry. The copies in doubt are among those that went.
    """

    course: str
    lesson: str
    letter: str
    versions: tuple[int, ...]
    copies: int
    in_doubt: int
    people: int


def wording(database: Database, library: Library, lesson: str, version: int, *, course: str = "") -> Wording:
    """Return who got *lesson* in the wording of *version*: also in other versions, where it read the same.

    The wording is the text and the front matter of the letter itself. Raises NotFound for a version, a course or a lesson
    that does not exist.
    """
    with database.read() as connection:
        course = versions.running_as(connection, course).id
    stood = library.course(version, course)
    current = stood.current_id(lesson) or lesson
    if current not in stood.course.letter_ids:
        hint = did_you_mean(lesson, stood.course.letter_ids, otherwise="drip letters lists them")
        raise NotFound(f"version {version} of {course} has no letter {lesson!r}; {hint}")
    letter = stood.first_id(current)
    words = library.wording(version, course, letter)
    with database.read() as connection:
        had = listings.versions_had(connection, course, letter)
        same = [one for one in had if one == version or library.wording(one, course, letter) == words]
        return Wording(course, current, letter, tuple(same), *listings.copies(connection, course, letter, same))


def recipients(database: Database, found: Wording) -> Iterator[Recipient]:
    """Yield every copy of a wording with its person, a page at a time."""
    after = 0
    while True:
        with database.read() as connection:
            page = listings.recipients(connection, found.course, found.letter, found.versions, after=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].delivery
