"""Her coming letters as a file for a calendar (RFC 5545): dates and numbers, and nothing that tells what they are about."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from icalendar import Calendar, Event

if TYPE_CHECKING:
    from drip.core.outlook import Coming
    from drip.flows.showing import Shown

LASTS = timedelta(minutes=15)


def calendar_file(shown: Shown) -> bytes:
    """Return the dates of her coming letters, as far as they can be foreseen, in her zone; empty when none is dated.

    No link stands in it, since calendars are shared and every link to her pages opens them.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//drip//letters//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Letters")
    for coming in shown.ahead:
        calendar.add_component(_event(shown, coming))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(shown: Shown, coming: Coming) -> Event:
    zone = shown.person.rhythm(shown.course).zone
    lesson = coming.step.lesson.id
    number = shown.course.numbers.get(lesson)
    # The same letter of the same run keeps its id, so that a new file moves it and does not double it.
    named = f"{shown.person.public_id}/{shown.person.run}/{shown.live.first_id(lesson)}"
    event = Event()
    event.add("uid", str(UUID(bytes=hashlib.sha256(named.encode()).digest()[:16], version=4)))
    event.add("dtstamp", shown.now.calendar)
    event.add("summary", f"A letter (number {number})" if number else "A letter")
    event.add("dtstart", coming.slot.due_at.astimezone(zone))
    event.add("dtend", (coming.slot.due_at + LASTS).astimezone(zone))
    event.add("transp", "TRANSPARENT")
    return event
