"""What follows for somebody who has had every letter and asks for the late ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core import timing
from drip.core.enrollment import Changes, Pause, Stage, placed

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import date, datetime

    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse

ADDED_LATER = "it was added after her last letter"
"""Why somebody who goes on with the late letters does not get a lesson of the phases."""


@dataclass(frozen=True, slots=True)
class Sequel:
    """The late letters that somebody has not had, by lesson id, and the date of the first of them.

    *changes* put her on the way to it. *passed* names, by first ids, lessons of the phases that she never had: they were
    added after her last letter, and she does not get them.
    """

    lessons: tuple[str, ...]
    comes_on: date
    changes: Changes
    passed: tuple[str, ...]


def sequel_of(person: Enrollment, live: LiveCourse, had: AbstractSet[str], *, now: datetime) -> Sequel | None:
    """Return what follows if a finished *person* asks for it now; None when she is not finished, or nothing is left.

    *had* holds the first ids of the letters of her run. A date that has passed becomes her next own weekday.
    """
    left = [lesson for lesson in live.course.afterwards if live.first_id(lesson.id) not in had]
    if person.state != Stage.FINISHED or not left:
        return None
    rhythm = person.rhythm(live.course)
    last = person.last_meant_on or now.astimezone(rhythm.zone).date()
    meant_on = timing.meant_after(last, left[0], rhythm, afterwards=True)
    slot = timing.redate(meant_on, left[0], rhythm, last_letter_on=person.last_letter_on, now=now)
    stays = slot.meant_on == meant_on
    place = person.place if person.place in live.course.lessons else live.course.sequence[-1].id
    changes = placed(slot) | {
        "state": Stage.ACTIVE.value,
        "afterwards": True,
        "place": place,
        "version_id": live.version_id,
        "next_lesson": left[0].id,
        "last_meant_on": last if stays else timing.anchor_before(slot, left[0], rhythm, afterwards=True),
        "paused": Pause.NONE.value,
        "pause_from_on": None,
        "ended_at": None,
        "ended_why": "",
    }
    passed = tuple(first for lesson in live.course.sequence if (first := live.first_id(lesson.id)) not in had)
    return Sequel(tuple(lesson.id for lesson in left), slot.letter_on, changes, passed)
