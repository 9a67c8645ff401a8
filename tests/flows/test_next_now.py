"""The next one now: the scheduled letter itself, at once and once a day, and the course goes on from there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip.core.delivery import Submitted, TryLater
from drip.store import endings, subscribers, versions
from tests.engine import Engine

NIGHT = 2


def _today(engine: Engine) -> date:
    return engine.now().calendar.date()


def _second_letter(engine: Engine, name: str = "ada") -> None:
    """Enroll somebody, let her have the first letter, and go to the night of the day after."""
    engine.join(name)
    engine.work()
    day = engine.now().calendar + timedelta(days=1)
    engine.go_to(day.replace(hour=NIGHT, minute=0))


def test_it_comes_at_once_outside_window_and_gap(engine: Engine) -> None:
    """At night, a day after the first letter, the very delivery of her run goes, and the next one counts from today."""
    _second_letter(engine)
    before = engine.person("ada")
    assert engine.next_now("ada").acknowledged
    engine.work()

    assert ["hello", "breathe"] == engine.subjects("ada")
    newest, after = engine.deliveries("ada")[-1], engine.person("ada")
    assert ("run:1", "lesson", True, _today(engine)) == (newest.occasion, newest.kind, newest.asked, newest.meant_on)
    assert before.next_letter_on is not None
    assert after.next_letter_on is not None
    assert ("breathe", "walk", _today(engine)) == (after.place, after.next_lesson, after.last_letter_on)
    assert after.next_letter_on >= _today(engine) + timedelta(weeks=1)
    assert 1 == after.next_letter_on.weekday()
    engine.assert_sound()


def test_one_that_is_open_already_is_taken_forward(engine: Engine) -> None:
    """A letter that waits for her window goes now; no second delivery is made."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    report = engine.tick()
    engine.pause("ada", 1)
    engine.next_now("ada")
    engine.send(report)
    engine.work()

    assert ["hello", "breathe"] == engine.subjects("ada")
    assert "" == engine.person("ada").paused
    engine.assert_sound()


def test_one_a_day(engine: Engine) -> None:
    """Neither pressing again before it went, nor after, nor the form of yesterday brings another."""
    _second_letter(engine)
    engine.next_now("ada")
    engine.next_now("ada")
    engine.work()
    engine.next_now("ada")
    engine.next_now("ada", "walk")
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")

    engine.go_on(days=1)
    engine.next_now("ada", "breathe")
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.next_now("ada", "walk")
    engine.work()
    assert ["hello", "breathe", "walk"] == engine.subjects("ada")
    engine.assert_sound()


def test_not_on_the_day_of_a_letter(engine: Engine) -> None:
    """On the day on which the course sent one, none is brought forward."""
    engine.join("ada")
    engine.work()
    before = engine.person("ada")
    engine.next_now("ada")
    assert before == engine.person("ada")


def test_whoever_is_paused_until_she_says_stays_paused(engine: Engine) -> None:
    """It comes all the same, and after it nothing is dated until she resumes."""
    _second_letter(engine)
    engine.pause("ada", None)
    engine.next_now("ada")
    engine.work()

    after = engine.person("ada")
    assert ["hello", "breathe"] == engine.subjects("ada")
    assert ("open", None, "walk") == (after.paused, after.next_due_at, after.next_lesson)
    engine.assert_sound()
    engine.resume("ada")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")


def test_a_held_course_keeps_it_until_it_is_released(engine: Engine) -> None:
    """What an operator holds waits, whoever asks; then it goes, at any hour."""
    _second_letter(engine)
    with engine.database.write() as connection:
        versions.hold(connection, None, "a look", engine.now().machine)
    engine.next_now("ada")
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    with engine.database.write() as connection:
        versions.release(connection, None)
    engine.go_on(hours=1)
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_nobody_who_left_or_must_not_be_mailed_gets_it(engine: Engine) -> None:
    """A leave after the press is final; a suppressed address gets nothing and the books agree."""
    for name in ("ada", "bea"):
        engine.join(name)
    engine.work()
    engine.go_on(days=1)
    for name in ("ada", "bea"):
        engine.next_now(name)
    engine.leave("ada")
    bea = engine.person("bea")
    with engine.database.write() as connection:
        person = subscribers.find(connection, bea.subscriber_id)
        assert person is not None
        endings.suppress(connection, {person.address_key: "bounce"}, now=engine.now())
    engine.next_now("ada")
    engine.next_now("bea")
    engine.work()

    assert [["hello"]] * 2 == [engine.subjects(name) for name in ("ada", "bea")]
    assert engine.undo("ada")
    assert not engine.deliveries("ada")[-1].asked
    engine.assert_sound()


@pytest.mark.parametrize("press", ["pause", "weekday", "hour"])
def test_any_other_date_makes_it_an_ordinary_letter_again(engine: Engine, press: str) -> None:
    """A pause or a setting before it went gives it a date of her own, in her window, and she may ask once more."""
    _second_letter(engine)
    engine.next_now("ada")
    if press == "pause":
        engine.pause("ada", 1)
    elif press == "weekday":
        engine.choose("ada", weekday="fri")
    else:
        engine.choose("ada", send_at="11:00")
    opened, person = engine.deliveries("ada")[-1], engine.person("ada")
    assert (False, None) == (opened.asked, person.asked_on)
    assert person.next_letter_on is not None
    assert person.next_letter_on > _today(engine)
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    engine.next_now("ada")
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_closed_door_keeps_it_and_it_goes_when_it_opens(engine: Engine) -> None:
    """The provider says later: it waits, still asked for, and goes once."""
    _second_letter(engine)
    engine.mailer.script.append(TryLater("503"))
    engine.next_now("ada")
    engine.work()
    assert engine.deliveries("ada")[-1].asked
    engine.let_it_try_again()
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_letter_on_its_way_is_waited_for_and_is_the_one_of_today(engine: Engine) -> None:
    """She presses while the next one is being handed over: that is the letter of the day, and no other follows."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    pressed: list[bool] = []

    def press(_: object) -> Submitted:
        pressed.append(engine.next_now("ada", wait_seconds=0.05).acknowledged)
        return Submitted("ok")

    engine.mailer.script.append(press)
    engine.work()
    assert [False] == pressed
    engine.next_now("ada")
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def at_once(number: int, work: Callable[[], object]) -> list[object]:
    """Run *work* in so many threads at the same moment and return what went wrong."""
    barrier, troubles = threading.Barrier(number), list[object]()

    def one() -> None:
        barrier.wait()
        try:
            work()
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            troubles.append(trouble)

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return troubles


def test_five_presses_at_once_make_one_letter(engine: Engine) -> None:
    """While ticks run beside them, five hands on the button open one delivery, and one letter goes."""
    _second_letter(engine)
    hints: list[str] = []

    def work() -> None:
        engine.next_now("ada", "breathe")
        hints.extend(engine.deployment.ticker().tick().hints)

    assert [] == at_once(5, work)
    for hint in hints:
        engine.sender.send(hint)
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    assert 2 == len(engine.deliveries("ada"))
    engine.assert_sound()


BY_HER = ("now", "pause-1", "pause", "resume", "leave", "undo", "mon", "fri", "slow", "new-york", "again-one", "again-two")
BY_TIME = ("work", "tick", "hours", "day", "week", "outage")
PRESSES = st.lists(st.sampled_from((*BY_HER, *BY_TIME, "now", "now", "day", "work")), min_size=4, max_size=24)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(PRESSES)
def test_whatever_is_pressed_between_no_copy_is_made_and_the_gap_holds(engine: Engine, presses: list[str]) -> None:
    """Letters asked for now among pauses, other days, outages and new runs: none comes twice, and the books agree.

    Two letters of the course that she did not ask for never come closer than the minimum gap, nor outside her window.
    """
    name = f"p{len(engine.mailer.requests)}-{engine.now().machine.timestamp():.0f}-{id(presses)}"
    engine.join(name)

    def outage() -> None:
        engine.mailer.script.append(TryLater("503"))
        engine.work()
        engine.let_it_try_again()

    doing: dict[str, Callable[[], object]] = {
        "now": lambda: engine.next_now(name),
        "work": engine.work,
        "tick": engine.tick,
        "hours": lambda: engine.go_on(hours=7),
        "day": lambda: engine.go_on(days=1),
        "week": lambda: engine.go_on(days=7),
        "pause-1": lambda: engine.pause(name, 1),
        "pause": lambda: engine.pause(name, None),
        "resume": lambda: engine.resume(name),
        "leave": lambda: engine.leave(name),
        "undo": lambda: engine.undo(name),
        "mon": lambda: engine.choose(name, weekday="mon"),
        "fri": lambda: engine.choose(name, weekday="fri"),
        "slow": lambda: engine.choose(name, pace="2"),
        "new-york": lambda: engine.choose(name, zone="America/New_York"),
        "outage": outage,
        "again-one": lambda: engine.begin_again(name, "one"),
        "again-two": lambda: engine.begin_again(name, "two"),
    }
    for press in presses:
        doing[press]()
        assert [] == engine.audit(), press
    engine.let_it_try_again()
    engine.mailer.script.clear()
    engine.work()

    went = [one for one in engine.deliveries(name) if one.state == "submitted" and one.went_on is not None]
    keys = [(one.letter, one.occasion) for one in went]
    assert len(keys) == len(set(keys))
    days = [(one.went_on, one.asked) for one in sorted(went, key=lambda one: (one.went_on or date.min, one.id))]
    gaps = [
        (second[0] - first[0]).days
        for first, second in pairwise(days)
        if first[0] is not None and second[0] is not None and not second[1]
    ]
    assert [] == [gap for gap in gaps if gap < 2]
    engine.assert_sound()


def test_the_words_of_the_page_come_true(engine: Engine) -> None:
    """What is foreseen before the press is the date that the next letter has after it."""
    from drip.flows import showing

    _second_letter(engine)
    shown = showing.find(engine.database, engine.library, engine.person("ada").public_id)
    assert shown is not None
    foreseen = shown.after_now
    engine.next_now("ada")
    engine.work()
    assert foreseen == engine.person("ada").next_letter_on
    assert datetime.now(UTC) < engine.now().calendar
