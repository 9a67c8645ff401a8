"""The time machine over a living engine: no moment is passed over, whatever the speed."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import urllib3

from drip.flows import holding
from drip.sandbox.api import make_sandbox
from drip.sandbox.mailbox import Mail, Mailbox
from drip.sandbox.serve import serving
from drip.sandbox.travel import Stalled, Traveller
from drip.sandbox.valkey import EmbeddedValkey
from drip.store import reports, stamps
from drip.store.tables import tallies
from drip.wiring import sandbox_api_key
from tests.conftest import Prepare
from tests.course import LESSONS, SCHEDULE
from tests.engine import Engine, engine_on

AT_ONCE = timedelta(minutes=5)
"""What counts as *at that moment*: the calendar goes on by itself while the letters go."""

ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns")


class Crew:
    """One worker: does what it is asked for, in a thread of its own; *before* each tick it may be kept waiting."""

    def __init__(self, engine: Engine, before: Callable[[], object] = lambda: None) -> None:
        """Start to work."""
        self._engine = engine
        self._before = before
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="crew")
        self._thread.start()

    def ask(self) -> None:
        """Ask for a tick, as a hint does."""
        self._asked.put("tick")

    def stop(self) -> None:
        """End after what is under way."""
        self._asked.put("")
        self._thread.join()

    def _work(self) -> None:
        while self._asked.get():
            self._before()
            self._engine.work()


class World:
    """An engine whose door is a sandbox on this machine, with a time machine over it."""

    def __init__(self, engine: Engine, mailbox: Mailbox, stack: ExitStack) -> None:
        """Keep them; *stack* stops what is started."""
        self.engine = engine
        self.mailbox = mailbox
        self._stack = stack
        self.traveller = Traveller(engine.database, lambda: None, stalled_seconds=0.2)

    def hire(self, before: Callable[[], object] = lambda: None) -> None:
        """Let a worker work for the time machine."""
        crew = Crew(self.engine, before)
        self._stack.callback(crew.stop)
        self.traveller = Traveller(self.engine.database, crew.ask)

    def now(self) -> datetime:
        """Return what the calendar shows."""
        return self.engine.now().calendar

    def next_moment(self) -> datetime | None:
        """Return when something is due next."""
        with self.engine.database.read() as connection:
            return reports.next_moment(connection)

    def mails(self, name: str) -> list[Mail]:
        """Return the letters of *name*, oldest first."""
        return self.mailbox.mails(address=f"{name}@example.net")


@pytest.fixture
def world(prepare: Prepare, tmp_path: Path) -> Iterator[World]:
    """An engine before a sandbox, early on a Monday in October, and nobody who works yet."""
    deployment = prepare()
    with ExitStack() as stack:
        mailbox = Mailbox(tmp_path / "mailbox.db")
        stack.callback(mailbox.close)
        settings = deployment.settings
        application = make_sandbox(
            mailbox, api_key=sandbox_api_key(settings), calendar=lambda: stamps.now(deployment.database).calendar
        )
        url = stack.enter_context(serving(application))
        deployment.settings = settings.model_copy(update={"sandbox_url": url})
        door = deployment.mailer
        engine = stack.enter_context(engine_on(deployment))
        deployment.mailer = door
        engine.sender = deployment.sender(engine.owner)
        engine.go_to(a_monday_in_october(engine.now().calendar))
        yield World(engine, mailbox, stack)


def a_monday_in_october(after: datetime) -> datetime:
    """Return six o'clock UTC on the third Monday of next October: Europe and America change their clocks soon."""
    first = datetime(after.year + 1, 10, 15, 6, tzinfo=UTC)
    return first + timedelta(days=-first.weekday() % 7)


def test_it_goes_moment_by_moment(world: World) -> None:
    """Each step ends at the next due moment, with the letters of that moment in the mailbox and no later ones."""
    world.hire()
    world.engine.join("ada", timezone="Europe/London")
    world.engine.join("bo", timezone="America/New_York")
    world.engine.join("chi", timezone="Asia/Kolkata")
    moments: list[datetime] = []
    # Joining is a moment of its own: what is due already goes before anything moves.
    while (moment := world.traveller.step()) is not None:
        moments.append(moment)
        arrived = [mail for mail in world.mailbox.mails() if mail.calendar_at >= moment]
        assert arrived
        assert all(mail.calendar_at - moment < AT_ONCE for mail in arrived)
        assert world.now() - moment < AT_ONCE
    # Four lessons after the first one, at three different hours.
    assert 3 * (len(LESSONS) - 1) == len(moments) == len(set(moments))
    assert moments == sorted(moments)
    assert {"finished"} == {world.engine.person(name).state for name in ("ada", "bo", "chi")}
    assert [] == world.engine.audit()


def test_days_pass_letter_by_letter(world: World) -> None:
    """When seven days have passed it is that time of the day, and what fell due went at its own time, not at the end."""
    world.hire()
    world.engine.join("ada", timezone="Europe/London")
    before = world.now()
    world.traveller.pass_days(7)
    assert timedelta(0) <= world.now() - before - timedelta(days=7) < AT_ONCE
    assert ["About hello"] == [mail.subject for mail in world.mails("ada")]
    world.traveller.pass_days(2)
    # Three days after Monday, then on to her Tuesday: the ninth day.
    local = [mail.calendar_at.astimezone(ZoneInfo("Europe/London")) for mail in world.mails("ada")]
    assert ["About hello", "About breathe"] == [mail.subject for mail in world.mails("ada")]
    assert (1, 9, 0) == (local[1].weekday(), local[1].hour, local[1].minute // 5)
    assert timedelta(0) <= world.now() - before - timedelta(days=9) < AT_ONCE


@pytest.mark.parametrize("pace_of_work", [0.0, 0.15], ids=["quick", "slow"])
def test_windows_and_gaps_hold_at_any_speed(world: World, pace_of_work: float) -> None:
    """However fast the days pass and however slow the worker is, letters keep to each person's hours and to the gap."""
    world.hire(lambda: time.sleep(pace_of_work))
    hours = {"Europe/London": "20:30", "Asia/Kolkata": "06:00"}
    for number, zone in enumerate(ZONES):
        world.engine.join(f"person{number}", timezone=zone, send_at=hours.get(zone), weekday=number)
    world.traveller.run()
    course = world.engine.library.course(1, "small").course
    for number, zone in enumerate(ZONES):
        name = f"person{number}"
        local = [mail.calendar_at.astimezone(ZoneInfo(zone)) for mail in world.mails(name)]
        assert len(LESSONS) == len(local), name
        scheduled = local[1:]
        usual = hours.get(zone, "09:00")
        assert {usual} == {f"{moment:%H}:{moment.minute // 30 * 30:02}" for moment in scheduled}, name
        assert {number} == {moment.weekday() for moment in scheduled}, name
        days = [moment.date() for moment in scheduled]
        assert all((after - before).days >= course.min_gap for before, after in pairwise(days)), name
    for who, zone in (("person0", "Europe/London"), ("person1", "America/New_York")):
        assert 2 == len({mail.calendar_at.astimezone(ZoneInfo(zone)).utcoffset() for mail in world.mails(who)}), zone
    assert [] == world.engine.audit()


def test_it_stalls_when_nobody_works(world: World) -> None:
    """Without a worker it gives up with a sentence, the calendar stands at the due moment, and later it goes on from there."""
    world.engine.join("ada")
    before = world.now()
    with pytest.raises(Stalled, match="is a worker running"):
        world.traveller.step()
    assert world.now() - before < AT_ONCE
    assert "1 person due" == world.traveller.status()["waiting_for"]
    assert not world.traveller.status()["running"]
    with pytest.raises(Stalled):
        world.traveller.pass_days(30)
    assert world.now() - before < AT_ONCE
    world.hire()
    world.traveller.pass_days(1)
    assert ["About hello"] == [mail.subject for mail in world.mails("ada")]


def test_a_held_course_does_not_stall_it(world: World) -> None:
    """While a course is held days pass without it; after the release its letters go in their window, one by one."""
    world.hire()
    world.engine.join("ada", timezone="Europe/London")
    world.traveller.pass_days(2)
    holding.hold(world.engine.database, None, "for a while")
    assert world.traveller.step() is None
    world.traveller.pass_days(20)
    assert 1 == len(world.mails("ada"))
    holding.release(world.engine.database, None)
    world.traveller.run()
    local = [mail.calendar_at.astimezone(ZoneInfo("Europe/London")) for mail in world.mails("ada")]
    assert len(LESSONS) == len(local)
    assert all(9 <= moment.hour < 20 for moment in local[1:])
    assert all((after.date() - before.date()).days >= 2 for before, after in pairwise(local[1:]))
    assert [] == world.engine.audit()


def test_a_pause_without_an_end_is_an_end(world: World) -> None:
    """Who pauses until she says has no date, so running the course ends; days still pass."""
    world.hire()
    world.engine.join("ada")
    world.traveller.pass_days(1)
    world.engine.pause("ada", None)
    world.traveller.run()
    assert "active" == world.engine.person("ada").state
    assert 1 == len(world.mails("ada"))
    before = world.now()
    world.traveller.pass_days(100)
    assert timedelta(days=100) <= world.now() - before < timedelta(days=100) + AT_ONCE


def test_one_journey_at_a_time(world: World) -> None:
    """While it travels a second press does nothing: it must not move past what the first has not reached."""
    gate = threading.Event()
    world.hire(gate.wait)
    world.engine.join("ada")
    before = world.now()
    journey = threading.Thread(target=world.traveller.pass_days, args=[10])
    journey.start()
    try:
        assert _eventually(lambda: world.traveller.status()["running"] and world.traveller.status()["waiting_for"] != "")
        world.traveller.pass_days(60)
        world.traveller.run()
        assert world.now() - before < AT_ONCE
        assert 1 == world.traveller.status()["people"]
    finally:
        gate.set()
        journey.join()
    assert timedelta(days=10) <= world.now() - before < timedelta(days=10) + AT_ONCE
    assert 2 == len(world.mails("ada"))


def test_a_step_over_http(world: World, tmp_path: Path) -> None:
    """The sandbox answers a step with the moment, or with null at the end, and 503 with the sentence when it stalls."""
    world.engine.join("ada")
    store = Mailbox(tmp_path / "other.db")
    stalled = make_sandbox(store, api_key="k", time_machine=world.traveller)
    with urllib3.PoolManager(retries=False, timeout=30) as pool:
        with serving(stalled) as url:
            answer = pool.request("POST", f"{url}/sandbox/time/step")
            assert 503 == answer.status
            assert "is a worker running" in answer.json()["detail"]
        world.hire()
        with serving(make_sandbox(store, api_key="k", time_machine=world.traveller)) as url:
            moments = [pool.request("POST", f"{url}/sandbox/time/step").json()["moment"] for _ in LESSONS]
    store.close()
    assert moments[-1] is None
    assert all(datetime.fromisoformat(moment) for moment in moments[:-1])
    assert moments[:-1] == sorted(moments[:-1])


def _eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_rate_is_travelled_hour_by_hour(prepare: Prepare, tmp_path: Path) -> None:
    """The limit counts the calendar's hours, so that months pass in moments and each hour has no more than its letters."""
    slow = SCHEDULE.replace("    phases:", "    sending: {per_hour: 2}\n    phases:", 1)
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(tmp_path / "valkey"))
        deployment = prepare(schedule=slow, environment={"DRIP_REDIS_URL": valkey.celery_url})
        engine = stack.enter_context(engine_on(deployment))
        engine.go_to(a_monday_in_october(engine.now().calendar))
        engine.join(*(f"p{number}" for number in range(5)))

        def work() -> None:
            engine.send(engine.tick())

        traveller = Traveller(engine.database, work, stalled_seconds=10)
        traveller.pass_days(16)
        with engine.database.read() as connection:
            gone = connection.execute(sa.select(tallies.c.hour, tallies.c.letters).order_by(tallies.c.hour)).all()
        assert {1, 2} == {row.letters for row in gone}
        assert 15 == sum(row.letters for row in gone)
        local = {row.hour.astimezone(ZoneInfo("Europe/London")).hour for row in gone}
        assert local <= {*range(7, 20)}
        assert [] == engine.audit()
