"""Leaving, coming back, pausing and choosing, at every moment of a letter's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip.core.delivery import Submitted
from drip.errors import NotFound, UsageError
from drip.flows import adjusting, enrolling, unsubscribing
from drip.store import endings, subscribers
from drip.store.tables import consents
from tests.engine import Engine
from tests.faulty import Points

MOMENTS = ("before", "pending", "claimed", "submitting", "after")


def at_moment(engine: Engine, moment: str, action: Callable[[], object]) -> None:
    """Do *action* at one moment of the way of the second letter of ada."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.mailer.requests.clear()
    if moment == "before":
        action()
    report = engine.tick()
    if moment == "pending":
        action()
    points = Points()
    if moment == "claimed":
        points.on("claimed", action)
    if moment == "submitting":

        def meanwhile(_: object) -> Submitted:
            action()
            return Submitted()

        engine.mailer.script = [meanwhile]
    engine.sender = engine.deployment.sender(engine.owner, at=points)
    engine.send(report)
    if moment == "after":
        action()


@pytest.mark.parametrize("moment", MOMENTS)
def test_leaving_is_final_at_every_moment(engine: Engine, moment: str) -> None:
    """Only a letter under way at that moment still goes, and then the leave is not acknowledged."""
    acknowledged: list[bool] = []
    at_moment(engine, moment, lambda: acknowledged.append(engine.leave("ada", wait_seconds=0.1).acknowledged))
    assert [moment != "submitting"] == acknowledged
    assert (1 if moment in {"submitting", "after"} else 0) == len(engine.mailer.accepted)
    before = len(engine.mailer.requests)
    engine.go_on(days=60)
    engine.work()
    assert before == len(engine.mailer.requests)
    assert "left" == engine.person("ada").state
    engine.assert_sound()


@pytest.mark.parametrize("moment", MOMENTS)
def test_leaving_twice_is_leaving_once(engine: Engine, moment: str) -> None:
    """The second press changes nothing."""

    def twice() -> None:
        engine.leave("ada", wait_seconds=0.0)
        first = engine.person("ada")
        engine.leave("ada", wait_seconds=0.0)
        assert first == engine.person("ada")

    at_moment(engine, moment, twice)
    engine.assert_sound()


def test_a_leave_waits_for_the_letter_under_way(engine: Engine) -> None:
    """It is acknowledged once the result is recorded, and not before."""
    import threading

    engine.join("ada")
    report = engine.tick()
    answered = threading.Event()
    left: list[tuple[bool, bool]] = []

    def leave() -> None:
        acknowledged = engine.leave("ada", wait_seconds=10).acknowledged
        left.append((acknowledged, answered.is_set()))

    thread = threading.Thread(target=leave)

    def meanwhile(_: object) -> Submitted:
        thread.start()
        thread.join(timeout=0.4)
        answered.set()
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.send(report)
    thread.join()
    assert [(True, True)] == left
    engine.assert_sound()


def test_nobody_unknown_is_told_anything_else(engine: Engine) -> None:
    """A link that is nobody's is acknowledged: there is nothing to stop."""
    left = unsubscribing.leave(engine.database, engine.library, "nobody", source="test", wait_seconds=0.0)
    assert (False, True) == (left.known, left.acknowledged)
    assert not unsubscribing.undo(engine.database, engine.library, "nobody", source="test")
    assert None is unsubscribing.stage(engine.database, "nobody")


@pytest.mark.parametrize(("moment", "days"), [*((moment, 1) for moment in MOMENTS), ("pending", 0), ("pending", 20)])
def test_undo_puts_her_back_where_she_was(engine: Engine, moment: str, days: int) -> None:
    """At her place, on her own weekday, without a second copy of anything."""
    at_moment(engine, moment, lambda: engine.leave("ada", wait_seconds=0.0))
    engine.go_on(days=days)
    engine.work()
    assert engine.undo("ada")
    person = engine.person("ada")
    assert "active" == person.state
    assert person.next_letter_on is not None
    assert 1 == person.next_letter_on.weekday()
    assert [] == engine.audit()
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == [one.letter for one in engine.deliveries("ada")]
    assert "finished" == engine.person("ada").state
    engine.assert_sound()


def test_undo_while_a_letter_is_under_way_is_not_lost(engine: Engine) -> None:
    """She leaves and comes back within the one second in which a letter is handed over: she is back, and goes on."""

    def leave_and_return() -> None:
        engine.leave("ada", wait_seconds=0.0)
        assert engine.undo("ada")

    at_moment(engine, "submitting", leave_and_return)
    assert "active" == engine.person("ada").state
    engine.run_to_the_end()
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_undo_ends_after_thirty_days(engine: Engine) -> None:
    """After that she signs up again."""
    engine.join("ada")
    engine.leave("ada")
    engine.go_on(days=31)
    assert not engine.undo("ada")
    assert "left" == engine.person("ada").state


def test_an_undone_leave_of_somebody_who_never_confirmed_is_no_yes(engine: Engine) -> None:
    """She is asked as before, and the record says that she was asked and took it back, not that she agreed."""
    engine.join("ada", confirmed=False)
    engine.work()
    engine.leave("ada")
    assert engine.undo("ada")
    engine.work()
    with engine.database.read() as connection:
        said = connection.execute(sa.select(consents.c.action).order_by(consents.c.id)).scalars().all()
    assert ("asked", ["asked", "withdrawn"]) == (engine.person("ada").state, said)
    assert ["confirm"] == [one.letter for one in engine.deliveries("ada")]


def test_undo_does_not_lift_another_reason(engine: Engine) -> None:
    """An address that bounced stays suppressed, and her leave stays in the register."""
    engine.join("ada")
    engine.leave("ada")
    person = engine.person("ada")
    with engine.database.write() as connection:
        known = subscribers.find(connection, person.subscriber_id)
        assert known is not None
        endings.suppress(connection, {known.address_key: "hard-bounce"}, now=engine.now())
    assert not engine.undo("ada")
    assert not enrolling.confirm(engine.database, engine.library, person.public_id, source="test")
    with engine.database.write() as connection:
        subscribers.lift(connection, known.address_key, course="", reason="hard-bounce")
        assert {known.address_key: "left"} == subscribers.suppressed(connection, [known.address_key], "small")


# Coming back ---------------------------------------------------------------------------------------------------------------


def test_only_she_can_come_back(engine: Engine) -> None:
    """An operator's --confirmed is refused; asked by a letter, her button starts a second run after the minimum gap."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    engine.join("ada")
    assert "left" == engine.person("ada").state
    engine.join("ada", confirmed=False)
    engine.mailer.requests.clear()
    engine.work()
    assert [("ada", "About your letters")] == engine.mailer.reached
    assert enrolling.confirm(engine.database, engine.library, engine.person("ada").public_id, source="test")
    person = engine.person("ada")
    assert ("active", 2, "hello") == (person.state, person.run, person.next_lesson)
    engine.mailer.requests.clear()
    engine.work()
    assert [] == engine.mailer.requests
    last = person.last_letter_on
    engine.run_to_the_end()
    again = [one for one in engine.deliveries("ada") if one.occasion == "run:2"]
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == [one.letter for one in again]
    assert last is not None
    assert again[0].went_on is not None
    assert again[0].went_on - last >= timedelta(days=2)
    engine.assert_sound()


def test_asking_again_sends_another_confirmation(engine: Engine) -> None:
    """Once the first letter is out, a second wish within the same second is another letter; meanwhile it is none."""
    engine.join("ada", confirmed=False)
    engine.join("ada", confirmed=False)
    engine.work()
    engine.join("ada", confirmed=False)
    engine.work()
    assert [("ada", "About your letters")] * 2 == engine.mailer.reached
    engine.assert_sound()


def test_a_leave_does_not_swallow_a_confirmation(engine: Engine) -> None:
    """She left, asks anew, and presses leave in an old letter once more: she can still come back."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    engine.join("ada", confirmed=False)
    engine.leave("ada")
    engine.mailer.requests.clear()
    engine.work()
    assert [("ada", "About your letters")] == engine.mailer.reached
    engine.assert_sound()


def test_a_stranger_does_not_rename_her(engine: Engine) -> None:
    """What somebody types into the form for an address that gets letters changes nothing of hers."""
    engine.join("ada")
    rude = enrolling.Wish("ada@example.net", name="You idiot", timezone="Asia/Tokyo")
    enrolling.enroll(engine.database, engine.library, rude, suppression_key=engine.deployment.suppression_key, confirmed=False)
    engine.work()
    (request,) = engine.mailer.requests
    assert "You idiot" not in str(request.message.recipients[0].substitutions)
    assert "Europe/London" == engine.person("ada").zone


@pytest.mark.parametrize(
    "wish",
    [
        enrolling.Wish("no"),
        enrolling.Wish("ada@example.net", timezone="Mars/Olympus"),
        enrolling.Wish("ada@example.net", course="other"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_a_sentence(engine: Engine, wish: enrolling.Wish) -> None:
    """Address, zone and course are looked at before anything is stored."""
    with pytest.raises((UsageError, NotFound)):
        enrolling.enroll(engine.database, engine.library, wish, suppression_key=b"key", confirmed=True)


# Pausing -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("weeks", [1, 4, None])
def test_a_pause_is_kept_at_every_moment(engine: Engine, moment: str, weeks: int | None) -> None:
    """Once it is acknowledged no lesson goes before its date, or before she resumes."""
    acknowledged: list[bool] = []

    def press() -> None:
        acknowledged.append(engine.pause("ada", weeks, wait_seconds=0.1).acknowledged)

    at_moment(engine, moment, press)
    if moment == "submitting":
        assert [False] == acknowledged
        return
    assert [True] == acknowledged
    had = len(engine.mailer.accepted)
    engine.go_on(days=5)
    engine.work()
    assert had == len(engine.mailer.accepted)
    assert [] == engine.audit()
    if weeks is None:
        engine.go_on(days=60)
        engine.work()
        assert had == len(engine.mailer.accepted)
        engine.resume("ada")
    engine.run_to_the_end()
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_pressing_again_replaces(engine: Engine) -> None:
    """Four weeks, then one: one week from the original date."""
    engine.join("ada")
    engine.work()
    meant_on = engine.person("ada").next_meant_on
    assert meant_on is not None
    engine.pause("ada", 4)
    assert meant_on + timedelta(weeks=1) == engine.pause("ada", 1).next_on
    engine.pause("ada", None)
    assert None is engine.person("ada").next_due_at
    assert meant_on == engine.resume("ada").next_on
    assert meant_on == engine.resume("ada").next_on


def test_a_choice_that_moves_nothing_leaves_an_open_letter_alone(engine: Engine) -> None:
    """Choosing the short letters does not put off the welcome that is on its way."""
    engine.join("ada")
    report = engine.tick()
    engine.choose("ada", length="short")
    engine.send(report)
    assert ["hello"] == engine.subjects("ada")


@pytest.mark.parametrize(
    ("name", "value"),
    [("weekday", "someday"), ("send_at", "03:00"), ("send_at", "x"), ("zone", "Mars/Olympus"), ("pace", "3"), ("length", "")],
)
def test_a_choice_that_is_not_offered_is_refused(engine: Engine, name: str, value: str) -> None:
    """And nothing changes."""
    engine.join("ada")
    before = engine.person("ada")
    with pytest.raises(UsageError):
        engine.choose("ada", **{name: value})
    assert before == engine.person("ada")


def test_a_link_that_is_nobodys_adjusts_nothing(engine: Engine) -> None:
    """It is said so."""
    with pytest.raises(NotFound):
        adjusting.pause(engine.database, engine.library, "nobody", weeks=1, wait_seconds=0)
    engine.join("ada")
    with pytest.raises(UsageError):
        engine.pause("ada", 3)


ACTIONS = st.lists(
    st.sampled_from(
        ["work", "day", "week", "pause-1", "pause-4", "pause", "resume", "leave", "undo", "mon", "fri", "pace-2", "tick"]
    ),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
@given(ACTIONS)
def test_whatever_she_presses_in_whatever_order_the_books_agree(engine: Engine, actions: list[str]) -> None:
    """Letters keep their gap and their order, none comes twice, and nobody is lost."""
    name = f"p{len(engine.mailer.requests)}-{id(actions)}"
    engine.join(name)
    doing: dict[str, Callable[[], object]] = {
        "work": engine.work,
        "tick": engine.tick,
        "day": lambda: engine.go_on(days=1),
        "week": lambda: engine.go_on(days=7),
        "pause-1": lambda: engine.pause(name, 1),
        "pause-4": lambda: engine.pause(name, 4),
        "pause": lambda: engine.pause(name, None),
        "resume": lambda: engine.resume(name),
        "leave": lambda: engine.leave(name),
        "undo": lambda: engine.undo(name),
        "mon": lambda: engine.choose(name, weekday="mon"),
        "fri": lambda: engine.choose(name, weekday="fri"),
        "pace-2": lambda: engine.choose(name, pace="2"),
    }
    for action in actions:
        doing[action]()
        assert [] == engine.audit(), action
    with engine.database.write() as connection:
        from drip.store.tables import batches

        # Hints that this test dropped would come again after ten seconds of machine time.
        connection.execute(batches.update().values(published_at=engine.now().machine - timedelta(hours=1)))
    if engine.person(name).state == "left":
        engine.undo(name)
    engine.resume(name)
    engine.run_to_the_end()
    went = [one.went_on for one in engine.deliveries(name) if one.went_on is not None]
    if engine.person(name).state != "left":
        assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects(name)
    assert all(later - earlier >= timedelta(days=2) for earlier, later in pairwise(went))
    engine.assert_sound()
