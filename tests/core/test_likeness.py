"""People who are alike get alike dates: what is worked out once for all of them is what each would have got alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from drip.core.delivery import State
from drip.core.enrollment import Enrollment, Pause, Result, Stage, advanced, slot_of
from drip.core.schedule import Course, Lesson, Phase, Sender

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
COURSE = Course(
    title="A course",
    sender=Sender(name="Sam", email="letters@example.org"),
    reply_to="hello@example.org",
    postal_address="1 Example Street",
    timezone="Europe/London",
    phases=(Phase(id="one", title="One", lessons=tuple(Lesson(id=one, wait=7) for one in ("a", "b", "c"))),),
    afterwards=(Lesson(id="d", wait=56),),
)
ANA = Enrollment(
    id=1,
    public_id="ana",
    subscriber_id=1,
    course="course",
    state=Stage.ACTIVE,
    zone="Europe/London",
    weekday=None,
    send_at=None,
    pace=1,
    short=False,
    afterwards=False,
    run=1,
    place="a",
    last_meant_on=date(2026, 2, 24),
    last_letter_on=date(2026, 2, 24),
    next_lesson="b",
    next_meant_on=date(2026, 3, 3),
    next_letter_on=date(2026, 3, 3),
    next_due_at=None,
    next_closes_at=NOW,
    open_delivery=7,
    version_id=1,
    paused=Pause.NONE,
    pause_from_on=None,
    resumed=False,
    deliveries_due=2,
    confirmed_at=NOW,
    ended_at=None,
    ended_why="",
)
WHO: dict[str, Any] = {
    "id": 2,
    "public_id": "bo",
    "subscriber_id": 9,
    "open_delivery": 8,
    "deliveries_due": 5,
    "confirmed_at": datetime(2025, 1, 2, tzinfo=UTC),
}
"""All that two people who are alike may differ in."""
OTHER: dict[str, Any] = {
    "zone": "Asia/Tokyo",
    "weekday": 4,
    "send_at": "07:30",
    "pace": 2,
    "short": True,
    "afterwards": True,
    "run": 2,
    "place": None,
    "state": Stage.LEFT.value,
    "paused": Pause.OPEN.value,
    "pause_from_on": date(2026, 3, 3),
    "resumed": True,
    "last_letter_on": None,
    "next_meant_on": date(2026, 3, 4),
    "country": "GB",
}


@pytest.mark.parametrize("changed", [{}, *({name: value} for name, value in OTHER.items())], ids=str)
@pytest.mark.parametrize("state", [State.SUBMITTED, State.WITHHELD])
@pytest.mark.parametrize("lesson", ["b", "c"])
def test_who_she_is_changes_no_date(changed: dict[str, Any], state: State, lesson: str) -> None:
    """A result moves everybody who is alike in the same way."""
    ana = ANA._replace(**changed)
    bo = ana._replace(**WHO)
    result = Result(lesson, date(2026, 3, 3), state, date(2026, 3, 3))
    assert ana.likeness() == bo.likeness()
    assert slot_of(ana, COURSE) == slot_of(bo, COURSE)
    ways = [advanced(person, result, COURSE, frozenset({lesson}), {}, now=NOW) for person in (ana, bo)]
    assert ways[0] == ways[1]


@pytest.mark.parametrize("name", sorted(OTHER))
def test_whatever_dates_may_depend_on_tells_people_apart(name: str) -> None:
    """A setting of hers is hers."""
    assert ANA.likeness() != ANA._replace(**{name: OTHER[name]}).likeness()


def test_a_new_fact_tells_people_apart_until_it_is_said_not_to() -> None:
    """Everything but `WHO` is part of the likeness, also what is added later."""
    assert len(Enrollment._fields) == len(ANA.likeness()) + len(WHO)
