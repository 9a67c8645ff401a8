"""Helplines in words."""

from __future__ import annotations

from datetime import date

from drip.core.helpline import spoken, words_most
from drip.core.schedule import Course, Helpline, Lesson, Phase, Sender

ONE = Helpline(country="GB", name="The Listeners", number="000 111", hours="day and night", checked_on=date(2026, 11, 1))
TWO = Helpline(country="GB", name="Typing", number="text HEY to 00000", checked_on=date(2026, 11, 1))
COURSE = Course(
    title="A course",
    sender=Sender(name="Sam", email="letters@example.org"),
    reply_to="hello@example.org",
    postal_address="1 Example Street",
    timezone="Europe/London",
    phases=(Phase(id="one", title="One", lessons=(Lesson(id="a", wait=0),)),),
)


def test_one_line_is_one_sentence() -> None:
    """The country stands first, and no line of text breaks inside the number."""
    assert ["In the United Kingdom: The Listeners, 000\u00a0111 (day and night)."] == spoken([ONE])


def test_several_lines_stand_below_their_country() -> None:
    """Each is a line of its own; words to text keep their spaces."""
    assert ["In the United Kingdom:", spoken([ONE])[0].partition(": ")[2], "Typing, text HEY to 00000."] == spoken([ONE, TWO])


def test_no_line_is_no_words() -> None:
    """A country without helplines adds nothing, and the most of a course is that of its longest country."""
    assert [] == spoken([])
    assert 0 == words_most(COURSE)
    course = COURSE.model_copy(update={"helplines": (ONE, TWO, TWO.model_copy(update={"country": "FR"}))})
    assert words_most(course) > words_most(COURSE.model_copy(update={"helplines": (ONE,)})) > 8
