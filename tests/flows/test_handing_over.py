"""What may happen between a claim and its result: somebody leaves, a window closes, a worker dies, the database fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from drip.core.delivery import Refused, Submitted, Unknown
from drip.errors import RenderFault
from drip.flows import holding, sending
from drip.flows.sending.work import CannotRecord
from drip.store import endings, recovery, subscribers
from drip.store.session import DatabaseTrouble
from tests.conftest import Prepare
from tests.course import SCHEDULE, lesson
from tests.engine import Engine, engine_on
from tests.faulty import Failing, Points


@pytest.fixture
def points(engine: Engine) -> Points:
    """What happens at the named points of the engine's sender."""
    found = Points()
    engine.sender = engine.deployment.sender(engine.owner, at=found)
    return found


def put_into_the_register(engine: Engine, name: str) -> None:
    """Enter the address of *name* into the register."""
    with engine.database.write() as connection:
        person = subscribers.find(connection, engine.person(name).subscriber_id)
        assert person is not None
        endings.suppress(connection, {person.address_key: "complaint"}, now=engine.now())


STOPS: list[tuple[str, Callable[[Engine], object], tuple[str, str]]] = [
    ("leave", lambda engine: engine.leave("ada"), ("pending", "left")),
    ("pause", lambda engine: engine.pause("ada", None), ("pending", "paused")),
    ("pause-weeks", lambda engine: engine.pause("ada", 2), ("pending", "paused")),
    ("suppress", lambda engine: put_into_the_register(engine, "ada"), ("withheld", "suppressed")),
    ("hold", lambda engine: holding.hold(engine.database, None, "stop"), ("pending", "held")),
    ("window", lambda engine: engine.go_on(hours=12), ("pending", "window-closed")),
]


@pytest.mark.parametrize("point", ["claimed", "rendered"])
@pytest.mark.parametrize(("stop", "expected"), [pytest.param(stop, state, id=name) for name, stop, state in STOPS])
def test_what_comes_before_the_mark_is_obeyed(
    engine: Engine, points: Points, point: str, stop: Callable[[Engine], object], expected: tuple[str, str]
) -> None:
    """Whatever forbids the letter after the claim and before the mark: no request begins, and the letter is in a named state."""
    engine.join("ada", "bea")
    engine.to_lesson("ada", "breathe")
    engine.mailer.requests.clear()
    points.on(point, lambda: stop(engine))
    engine.send(engine.tick())
    assert [] == [request for request in engine.mailer.requests if "ada" in request.people]
    assert expected == engine.state_of("ada")
    engine.assert_sound()


def test_a_letter_that_came_closer_than_the_gap_waits(engine: Engine, points: Points) -> None:
    """The minimum gap is read again at the mark."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.mailer.requests.clear()

    def went_today() -> None:
        from drip.store import enrollments

        with engine.database.write() as connection:
            today = engine.now().calendar.date()
            enrollments.change(connection, engine.person("ada").id, {"last_letter_on": today})

    points.on("claimed", went_today)
    engine.send(engine.tick())
    assert [] == engine.mailer.requests
    assert ("pending", "min-gap") == engine.state_of("ada")
    assert engine.deliveries("ada")[-1].letter_on - engine.now().calendar.date() >= timedelta(days=2)


def test_a_process_that_slept_takes_its_mark_back(engine: Engine, points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was stopped between mark and request does not wake up and send: it reads everything again."""
    monkeypatch.setattr(sending, "SEND_BY_SECONDS", 0.2)
    engine.join("ada", "bea")
    report = engine.tick()

    def sleep_and_leave() -> None:
        from drip import clock

        clock.wait(0.3)
        left = engine.leave("ada", wait_seconds=0.0)
        assert not left.acknowledged

    points.on("marked", sleep_and_leave)
    engine.send(report)
    assert [["bea"]] == [request.people for request in engine.mailer.requests]
    assert engine.leave("ada").acknowledged
    engine.assert_sound()


# Workers that die ----------------------------------------------------------------------------------------------------------


class Dead(BaseException):
    """Stands for kill -9: nothing of the worker runs any more."""


def die() -> None:
    """Die."""
    raise Dead


def kill_at(engine: Engine, points: Points, point: str) -> None:
    """Send what is due with a worker that dies at *point*, and put a new worker in its place."""
    points.on(point, die)
    report = engine.tick()
    with pytest.raises(Dead):
        engine.send(report)
    engine.owner.close()
    engine.owner = engine.deployment.incarnation()
    engine.sender = engine.deployment.sender(engine.owner, at=points)


@pytest.mark.parametrize(
    ("point", "copies", "state"),
    [
        ("claimed", 1, "submitted"),
        ("rendered", 1, "submitted"),
        ("marked", 0, "uncertain"),
        ("answered", 1, "uncertain"),
        ("recorded", 1, "submitted"),
    ],
)
def test_a_worker_that_dies_costs_no_second_copy(engine: Engine, points: Points, point: str, copies: int, state: str) -> None:
    """Killed anywhere, there is at most one copy, the letter has a named state, and the course goes on."""
    engine.join("ada")
    kill_at(engine, points, point)
    engine.work()
    assert copies == len(engine.mailer.accepted)
    assert state == engine.state_of("ada")[0]
    engine.run_to_the_end()
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")[-4:]
    engine.assert_sound()


def test_a_letter_that_kills_workers_is_parked(engine: Engine, points: Points) -> None:
    """After five deaths it goes alone, after a sixth it waits for an operator; the others arrive."""
    engine.join("ada", "bea")
    for _ in range(5):
        kill_at(engine, points, "claimed")
    report = engine.tick()
    assert 2 == len(report.hints)
    points.on("claimed", die)
    with pytest.raises(Dead):
        engine.sender.send(report.hints[0])
    engine.owner.close()
    engine.owner = engine.deployment.incarnation()
    engine.sender = engine.deployment.sender(engine.owner)
    engine.sender.send(report.hints[1])
    engine.work()
    parked = [one for name in ("ada", "bea") for one in engine.deliveries(name) if one.blocked]
    assert [("pending", "ends-workers")] == [(one.state, one.reason) for one in parked]
    assert 1 == len(engine.mailer.accepted)
    engine.assert_sound()


def test_a_letter_that_raises_every_time_is_parked_too(engine: Engine, points: Points) -> None:
    """A fault of ours in one letter ends in six tries, not in a loop for ever."""
    engine.join("ada")

    def fault() -> None:
        raise ZeroDivisionError

    for _ in range(6):
        points.on("rendered", fault)
        report = engine.tick()
        with pytest.raises(ZeroDivisionError):
            engine.send(report)
    assert [] == engine.tick().hints
    (parked,) = engine.deliveries("ada")
    assert ("pending", True, "ends-workers") == (parked.state, parked.blocked, parked.reason)
    engine.assert_sound()


def test_the_living_are_never_buried(engine: Engine, points: Points) -> None:
    """A tick in the middle of a hand-over leaves it alone: its owner lives."""
    engine.join("ada")
    ticks: list[int] = []

    def meanwhile(_: object) -> Submitted:
        ticks.append(engine.tick().doubted)
        return Submitted()

    engine.mailer.script = [meanwhile]
    engine.work()
    assert [0] == ticks
    assert "submitted" == engine.state_of("ada")[0]


# The database fails --------------------------------------------------------------------------------------------------------

# Of one batch: the claim is the first transaction, the mark the second, the record the third.
CLAIM, MARK, RECORD = 1, 2, 3


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("transaction", [CLAIM, MARK, RECORD])
@pytest.mark.parametrize("answer", [Submitted("one"), Unknown("timed out"), Refused("400 bad", position=0, bad_address=True)])
def test_a_database_that_fails_costs_nothing(
    engine: Engine, transaction: int, when: str, answer: Submitted | Unknown | Refused
) -> None:
    """At claim, mark or record, with the commit lost or only its answer: no second copy, nothing lost, no row stuck."""
    failing = Failing(engine.database)
    engine.join("ada", "bea")
    report = engine.tick()
    engine.mailer.script = [answer]
    failing.expect(**{when: (transaction,)})
    if transaction == RECORD:
        engine.send(report)
    else:
        with pytest.raises(DatabaseTrouble):
            engine.send(report)
        assert [] == engine.mailer.requests
    failing.expect()
    engine.assert_sound()
    engine.let_it_try_again()
    engine.send(report)
    engine.work()
    assert {"submitted", "uncertain", "failed"} >= {engine.state_of(name)[0] for name in ("ada", "bea")}
    expected = {Submitted: (2, 0), Unknown: (0, 2), Refused: (1, 0)}[type(answer)]
    assert expected == (engine.sums().submitted, engine.sums().uncertain)
    engine.assert_sound()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("transaction", range(3, 9))
def test_a_database_that_fails_while_a_refusal_is_judged(engine: Engine, transaction: int, when: str) -> None:
    """Halving, failing, parking and holding are each repeated harmlessly."""
    failing = Failing(engine.database)
    engine.join("ada", "bea")
    report = engine.tick()
    engine.mailer.otherwise = lambda message: (
        Refused("400 bad") if any(one.address.startswith("ada") for one in message.recipients) else Submitted()
    )
    failing.expect(**{when: (transaction,)})
    with suppress(DatabaseTrouble):
        engine.send(report)
    failing.expect()
    engine.work()
    assert "submitted" == engine.state_of("bea")[0]
    (ada,) = engine.deliveries("ada")
    assert ("failed", False) == (ada.state, ada.blocked) or ("pending", True) == (ada.state, ada.blocked)
    engine.assert_sound()


@pytest.mark.parametrize("when", ["before", "after"])
def test_parking_twice_does_not_hold_the_lesson(engine: Engine, when: str) -> None:
    """The repeat of a commit whose answer was lost does not take the letter itself for a second one alike."""
    failing = Failing(engine.database)
    engine.join("ada")
    engine.mailer.otherwise = Refused("400 bad")
    report = engine.tick()
    failing.expect(**{when: (4,)})
    engine.send(report)
    (parked,) = engine.deliveries("ada")
    assert ("pending", True) == (parked.state, parked.blocked)


def test_a_worker_that_cannot_record_gives_up(engine: Engine) -> None:
    """When the database stays away the worker must die; its death is the proof that makes the letter uncertain."""
    failing = Failing(engine.database)
    engine.join("ada")
    report = engine.tick()
    engine.sender = engine.deployment.sender(engine.owner)
    engine.sender._records.seconds = 0.2
    failing.expect(before=tuple(range(3, 50)))
    with pytest.raises(CannotRecord):
        engine.send(report)
    failing.expect()
    assert "submitting" == engine.state_of("ada")[0]
    assert not engine.leave("ada", wait_seconds=0.1).acknowledged
    engine.owner.close()
    assert engine.leave("ada").acknowledged
    assert "uncertain" == engine.state_of("ada")[0]
    engine.assert_sound()


# Letters that cannot go ----------------------------------------------------------------------------------------------------


def test_a_broken_letter_holds_that_lesson_only(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody due for it waits; people at other lessons get theirs."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.join("bea")
    book = engine.library.book(1, "small")
    render = type(book).render

    def broken(self: object, letter: str, **options: object) -> object:
        if letter == "breathe":
            raise RenderFault("one/breathe.md", 3, "no such name")
        return render(book, letter, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(book), "render", broken)
    engine.work()
    assert ("pending", "held") == engine.state_of("ada")
    assert ["hello"] == engine.subjects("bea")
    engine.assert_sound()


DRAFT = {"one/hello.md": lesson("hello").replace("hard_day:", "draft: true\nhard_day:")}


def test_a_draft_never_goes_to_a_real_provider(prepare: Prepare) -> None:
    """At a real door a draft is held."""
    real = {"SENDGRID_API_KEY": "SG.a-key-of-the-provider", "DRIP_BASE_URL": "https://letters.drip.test"}
    with engine_on(
        prepare(schedule=SCHEDULE.replace("example.org", "drip-course.net"), changed=DRAFT, environment=real)
    ) as engine:
        engine.join("ada")
        engine.work()
        assert [] == engine.mailer.requests
        assert ("pending", "held") == engine.state_of("ada")


def test_a_draft_goes_to_the_sandbox(prepare: Prepare) -> None:
    """On this machine a draft is a letter like any other, so that one can look at it."""
    with engine_on(prepare(changed=DRAFT)) as engine:
        engine.join("ada")
        engine.work()
        assert ["hello"] == engine.subjects("ada")


def test_waiting_for_a_dead_owner_takes_over(engine: Engine, points: Points) -> None:
    """Whoever waits for a hand-over whose worker died settles it at once, without a tick."""
    engine.join("ada")
    points.on("answered", die)
    with pytest.raises(Dead):
        engine.send(engine.tick())
    engine.owner.close()
    quiet = recovery.wait_until_quiet(
        engine.database, engine.person("ada").subscriber_id, engine.library.course, wait_seconds=1.0
    )
    assert quiet
    assert "uncertain" == engine.state_of("ada")[0]
