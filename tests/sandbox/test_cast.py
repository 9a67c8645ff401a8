"""The people of the demo: whoever starts it, and whenever, sees the same things happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from drip.core.project import project_of
from drip.core.schedule import Course
from drip.core.timing import course_calendar
from drip.files import parse_source, read_project
from drip.sandbox.cast import cast, clock_change, witness
from tests.installation import ROOT

BEGIN = datetime(2026, 1, 1, 13, tzinfo=UTC)
YEAR = [BEGIN + timedelta(days=day) for day in range(366)]


@pytest.fixture(scope="module")
def roadmap() -> Course:
    """The course of the demo."""
    project, problems = project_of(parse_source(read_project(ROOT / "schedules.yaml", ROOT / "emails")))
    assert project is not None, problems
    return project.schedule.courses["roadmap"]


def test_clocks_change_on_the_way_whenever_one_starts(roadmap: Course) -> None:
    """For every start of a year, one person gets lessons at nine o'clock on both sides of a change of her clocks."""
    for begins in YEAR:
        guest = witness(begins)
        zone = ZoneInfo(guest.zone)
        calendar = course_calendar(roadmap, joined=begins, zone=zone, pace=guest.pace)[1:]
        local = [entry.due_at.astimezone(zone) for entry in calendar]
        assert {"09:00"} == {f"{due:%H:%M}" for due in local}, begins
        assert 2 == len({due.utcoffset() for due in local}), begins


def test_the_note_names_the_day_of_the_change() -> None:
    """Who begins in November reads every week and hears of the change in March; who begins in April takes her time."""
    assert ("America/New_York", 1, "clocks change on 14 March") == _facts(datetime(2026, 12, 22, 12, tzinfo=UTC))
    assert ("America/Santiago", 2, "clocks change on 6 September") == _facts(datetime(2026, 5, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/London", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        ("Australia/Sydney", datetime(2026, 4, 4, 16, tzinfo=UTC)),
        ("Asia/Tokyo", None),
    ],
)
def test_a_change_is_found_to_the_hour(zone: str, change: datetime | None) -> None:
    """The first change after a day is found; none in a zone that has none, and none beyond the end."""
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    assert change == clock_change(zone, begins, begins + timedelta(days=180))
    if change is not None:
        assert clock_change(zone, begins, change - timedelta(hours=1)) is None


def test_a_dozen_people_do_what_they_do() -> None:
    """Twelve people with a mailbox each; one pauses, leaves, bounces, moves, confirms and holds, two or more go slowly."""
    people = cast(BEGIN)
    assert 12 == len({guest.mailbox for guest in people}) == len({guest.name for guest in people})
    assert {"", "pause", "leave", "day", "confirm", "rough"} == {guest.what for guest in people}
    assert 1 == sum(guest.mailbox.startswith("bounce.") for guest in people)
    assert 2 <= sum(guest.pace == 2 for guest in people)
    assert all(ZoneInfo(guest.zone) for guest in people)
    assert all(len(guest.note) <= 30 for guest in people)


def _facts(begins: datetime) -> tuple[str, int, str]:
    guest = witness(begins)
    return guest.zone, guest.pace, guest.note
