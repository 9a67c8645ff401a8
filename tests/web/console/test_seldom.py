"""Costly answers are asked for seldom."""

from __future__ import annotations

from drip.web.console.seldom import REST, Seldom


class Work:
    """A question that takes so many seconds, on a clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 100.0
        self.asked = 0
        self.seldom = Seldom(lambda: self.now)

    def __call__(self) -> int:
        """Take the time, and say how often it was asked."""
        self.now += self.seconds
        self.asked += 1
        return self.asked

    def answers(self, *after: float) -> list[int]:
        """Return the answers of asking again and again, so many seconds apart."""
        found = []
        for seconds in after:
            self.now += seconds
            found.append(self.seldom.ask("it", self))
        return found


def test_what_is_quick_is_asked_each_time() -> None:
    """A small house always sees the present."""
    assert [1, 2, 3] == Work(0.9).answers(0, 0, 0)


def test_what_takes_long_rests_ten_times_as_long() -> None:
    """Then it is asked anew."""
    work = Work(3)
    assert [1, 1, 1, 2] == work.answers(0, 0, 3 * REST - 0.1, 0.2)


def test_a_press_ends_the_rest() -> None:
    """Whoever pressed sees what came of it; another name is another question."""
    work = Work(3)
    assert [1] == work.answers(0)
    work.seldom.forget()
    assert [2] == work.answers(0)
    assert 3 == work.seldom.ask("another", work)
