"""The calendar file: her coming letters with their dates, and nothing that tells what they are about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

if TYPE_CHECKING:
    from tests.web.conftest import Site


def _events(raw: bytes) -> list[tuple[str, datetime, str]]:
    """Return uid, begin and title of each event."""
    found = Calendar.from_ical(raw)
    assert isinstance(found, Calendar)
    return [(str(one["uid"]), one.decoded("dtstart"), str(one["summary"])) for one in found.walk("VEVENT")]


def test_every_coming_letter_is_there_in_her_zone(site: Site) -> None:
    """Nine o'clock stays nine o'clock, the first is her next letter, and each comes when the file says."""
    person = site.have_letters(site.enroll(timezone="America/New_York"), 3)
    answer = site.get(f"{site.my(person)}/calendar.ics")
    events = _events(answer.data)

    assert ("text/calendar", 'attachment; filename="letters.ics"') == (
        answer.headers["Content-Type"].partition(";")[0],
        answer.headers["Content-Disposition"],
    )
    assert 16 == len(events)
    assert {(9, 0)} == {(begin.hour, begin.minute) for _, begin, _ in events}
    assert {"America/New_York"} == {str(begin.tzinfo) for _, begin, _ in events}
    for _, begin, _ in events:
        due = site.person(person.id).next_due_at
        assert due is not None
        assert begin == due.astimezone(ZoneInfo("America/New_York"))
        site.pass_to(due)
    assert 19 == len(site.mailbox())


def test_it_says_nothing_of_health_and_nothing_of_her(site: Site) -> None:
    """Titles are a letter and its number; no address, no name, no link and no id of a lesson stands in it."""
    person = site.have_letters(site.enroll("samantha@example.net", name="Samantha"), 2)
    raw = site.get(f"{site.my(person)}/calendar.ics").data
    text = raw.decode().replace("\r\n ", "").lower()
    course = site.deployment.library.course(person.version_id, "roadmap").course
    words = {word for letter in course.letter_ids for word in letter.split("-") if len(word) > 4}
    unfit = {"samantha", "example.net", "http", person.public_id.lower(), "fibro", "pain", "symptom", *words}
    assert [] == sorted(word for word in unfit if word in text)
    assert {"A letter"} == {title.partition(" (")[0] for _, _, title in _events(raw)}


def test_the_same_letter_keeps_its_id(site: Site) -> None:
    """After a pause the file moves each event and doubles none; a new run has events of its own."""
    person = site.have_letters(site.enroll(), 3)
    my = site.my(person)
    before = _events(site.get(f"{my}/calendar.ics").data)
    site.post(f"{my}/pause", {"weeks": "2"})
    after = _events(site.get(f"{my}/calendar.ics").data)
    assert [uid for uid, _, _ in before] == [uid for uid, _, _ in after]
    assert timedelta(weeks=2) == after[0][1] - before[0][1]
    site.post(f"{my}/again", {"phase": "orient", "run": "1"})
    again = _events(site.get(f"{my}/calendar.ics").data)
    assert 19 == len(again)
    assert not {uid for uid, _, _ in before} & {uid for uid, _, _ in again}


@pytest.mark.parametrize("how", ["paused", "left", "asked"])
def test_nothing_is_foreseen_where_nothing_is_dated(site: Site, how: str) -> None:
    """The file is a calendar without events."""
    person = site.enroll(confirmed=how != "asked")
    if how == "paused":
        site.post(f"{site.my(person)}/pause", {"weeks": "open"})
    if how == "left":
        site.post(site.leave(person))
    assert [] == _events(site.get(f"{site.my(person)}/calendar.ics").data)
