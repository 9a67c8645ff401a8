"""What becomes of stored forms: each once, whoever works and whatever is killed, and nothing of anybody known is changed."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from drip.core.address import address_key
from drip.core.delivery import Reason
from drip.core.progress import LiveCourse
from drip.core.token import CONFIRM
from drip.flows import asking, enrolling
from drip.store import chores, stamps, subscribers, tables
from drip.store.wishes import FRESH, MY_PAGE, SIGN_UP, Wish
from tests.engine import Engine


def wish(engine: Engine, who: str, kind: str = SIGN_UP, **facts: Any) -> None:  # noqa: ANN401 - of a wish
    """Store what somebody typed."""
    address = facts.pop("address", f"{who}@example.net")
    facts = {"course": "small", "wording": "Yes.", "source": "test", "at": engine.now().machine, **facts}
    asking.store(engine.database, Wish(kind, facts.pop("course"), address, facts.pop("at"), **facts))


def work(engine: Engine) -> int:
    """Work off one page."""
    return asking.work(engine.database, engine.library, suppression_key=engine.deployment.suppression_key)


def rows(engine: Engine, table: sa.Table) -> list[Any]:
    """Return all rows of a table."""
    with engine.database.read() as connection:
        return list(connection.execute(table.select().order_by(*table.primary_key.columns)))


def letters(engine: Engine) -> list[str]:
    """Return which letters were opened, in order."""
    return [row.letter for row in rows(engine, tables.deliveries)]


def finish(engine: Engine, name: str) -> None:
    """Let somebody come to the end of the course."""
    engine.join(name)
    engine.run_to_the_end()
    assert "finished" == engine.person(name).state


def confirm(engine: Engine, name: str, made: datetime | None = None) -> bool:
    """Press the button in the letter that asks."""
    return enrolling.confirm(engine.database, engine.library, engine.person(name).public_id, source="test", made=made)


# Once ---------------------------------------------------------------------------------------------------------------


def test_workers_that_race_open_one_letter_for_each_wish(engine: Engine) -> None:
    """Four workers and forty forms about ten people: ten letters, ten subscribers, and nothing left."""
    for number in range(40):
        wish(engine, f"p{number % 10}")
    done: list[int] = []
    barrier = threading.Barrier(4)

    def race() -> None:
        barrier.wait()
        done.append(work(engine))

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 40 == sum(done)
    assert ([], ["confirm"] * 10, 10) == (rows(engine, tables.wishes), letters(engine), len(rows(engine, tables.subscribers)))
    engine.work()
    engine.assert_sound()


class Failing:
    """A library that raises *trouble* when it is asked for the course once more than *calls* times."""

    def __init__(self, engine: Engine, trouble: BaseException, calls: int) -> None:
        self._library, self._trouble, self._left = engine.library, trouble, calls

    def course(self, version_id: int, course_id: str) -> LiveCourse:
        """Return the course, or raise."""
        self._left -= 1
        if self._left < 0:
            raise self._trouble
        return self._library.course(version_id, course_id)

    def work(self, engine: Engine) -> int:
        """Work off one page with this library."""
        key = engine.deployment.suppression_key
        return asking.work(engine.database, self, suppression_key=key)  # type: ignore[arg-type]


def test_a_worker_that_dies_half_way_leaves_the_wish_whole(engine: Engine) -> None:
    """Whatever it had written is gone with it, and the next one begins from the start."""
    wish(engine, "ada")
    # By its second question she is stored already.
    dying = Failing(engine, KeyboardInterrupt(), 1)
    with pytest.raises(KeyboardInterrupt):
        dying.work(engine)
    assert (1, [], []) == (len(rows(engine, tables.wishes)), letters(engine), rows(engine, tables.subscribers))
    assert (1, ["confirm"]) == (work(engine), letters(engine))


def test_forms_about_nobody_and_nothing_are_done_with(engine: Engine) -> None:
    """A link that is nobody's any more, and a course that is gone, bring no letter and keep no other from its turn."""
    wish(engine, "", FRESH, address="nobody")
    wish(engine, "bo", course="gone")
    wish(engine, "bo", MY_PAGE, course="")
    wish(engine, "cy")
    assert (4, ["confirm"], []) == (work(engine), letters(engine), rows(engine, tables.wishes))


def test_a_form_that_breaks_is_logged_without_what_was_typed_and_stays(engine: Engine) -> None:
    """The line names the row alone; the others have their turn, and it is tried again."""
    for name in ("ada", "bo"):
        wish(engine, name)
    with capture_logs() as lines:
        assert 0 == Failing(engine, ValueError("ada@example.net"), 1).work(engine)
    assert [("wish-broke", "ValueError")] * 2 == [(line["event"], line["error"]) for line in lines]
    assert "ada@" not in repr(lines)
    assert (2, ["confirm"] * 2) == (work(engine), letters(engine))


def test_wishes_do_not_pile_up(engine: Engine) -> None:
    """While a letter is on its way no other is opened, and forms bring three of a kind in a day, however they come."""
    for _ in range(5):
        wish(engine, "ada")
    work(engine)
    assert ["confirm"] == letters(engine)
    for _ in range(5):
        engine.work()
        wish(engine, "ada")
        work(engine)
    assert ["confirm"] * asking.LETTERS_A_DAY_MAX == letters(engine)
    engine.assert_sound()


# What it may change ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["active", "finished", "left"])
def test_a_strangers_form_changes_nothing_of_somebody_known(engine: Engine, stage: str) -> None:
    """Name, zone, country, day, pace and stage stay; she is asked, or mailed the link to her page."""
    if stage == "finished":
        finish(engine, "ada")
    else:
        engine.join("ada")
        engine.work()
    if stage == "left":
        engine.leave("ada")
    before = engine.person("ada")
    [person] = rows(engine, tables.subscribers)
    wish(engine, "ada", name="You fool", timezone="Asia/Tokyo", country="NL", weekday=6, pace=2)
    work(engine)
    assert ("my-link" if stage == "active" else "confirm") == letters(engine)[-1]
    assert before._replace(deliveries_due=before.deliveries_due + 1) == engine.person("ada")
    assert [person] == rows(engine, tables.subscribers)


def test_the_last_form_of_somebody_who_never_confirmed_counts(engine: Engine) -> None:
    """All that is known of her was typed into a form, so she may put it right by another."""
    wish(engine, "ada", name="Adda", timezone="Asia/Tokyo")
    wish(engine, "ada", name="Ada", timezone="Europe/Paris", pace=2, weekday=3)
    work(engine)
    person = engine.person("ada")
    assert ("Europe/Paris", 2, 3, "asked") == (person.zone, person.pace, person.weekday, person.state)
    assert ["Ada"] == [row.name for row in rows(engine, tables.subscribers)]


# Confirming ------------------------------------------------------------------------------------------------------------


def test_somebody_who_finished_begins_again_by_a_new_request_alone(engine: Engine) -> None:
    """Her old link does nothing, also while a new one is on its way; the new one begins run 2, and once only."""
    wish(engine, "ada")
    work(engine)
    first = engine.now().machine
    assert confirm(engine, "ada", first)
    engine.run_to_the_end()
    assert not confirm(engine, "ada", first)
    wish(engine, "ada")
    work(engine)
    assert not confirm(engine, "ada", first - timedelta(seconds=2))
    assert ("finished", 1) == (engine.person("ada").state, engine.person("ada").run)
    second = engine.now().machine
    assert confirm(engine, "ada", second)
    assert ("active", 2, "hello") == (engine.person("ada").state, engine.person("ada").run, engine.person("ada").next_lesson)
    assert confirm(engine, "ada", second)
    engine.run_to_the_end()
    assert not confirm(engine, "ada", second)
    assert 2 == engine.person("ada").run
    engine.assert_sound()


@pytest.mark.parametrize("course", ["", "small"])
def test_somebody_who_was_erased_comes_back_by_confirming(engine: Engine, course: str) -> None:
    """The letter that asks goes to her; her press takes her out of the register and asks the provider to clear its lists."""
    key = address_key("ada@example.net", engine.deployment.suppression_key)
    with engine.database.write() as connection:
        subscribers.suppress(connection, key, Reason.ERASED, now=engine.now().machine, course=course)
    engine.join("ada")
    assert [] == rows(engine, tables.subscribers)
    wish(engine, "ada")
    work(engine)
    engine.work()
    assert [("ada", "About your letters")] == engine.mailer.reached
    assert confirm(engine, "ada")
    assert ("active", []) == (engine.person("ada").state, rows(engine, tables.suppressions))
    assert [("clear", "ada@example.net", key)] == [
        (row.kind, row.address, row.address_key) for row in rows(engine, tables.chores)
    ]
    engine.work()
    assert "hello" in engine.subjects("ada")


def test_whoever_joins_for_the_first_time_is_no_chore(engine: Engine) -> None:
    """The provider has nothing to clear for her."""
    wish(engine, "ada")
    work(engine)
    confirm(engine, "ada")
    assert [] == rows(engine, tables.chores)


def test_a_chore_is_asked_once(engine: Engine) -> None:
    """Two who ask for the same address and kind leave one row."""
    with engine.database.write() as connection:
        for _ in range(2):
            now = stamps.now_in(connection).machine
            chores.ask(connection, "clear", address="a@b.net", address_key="k", subscriber_id=None, reason="x", now=now)
    assert 1 == len(rows(engine, tables.chores))


def test_an_old_link_brings_a_fresh_letter(engine: Engine) -> None:
    """By the id in it alone; the words she was first asked with are kept again."""
    wish(engine, "ada", wording="The words.", form="https://example.org/form")
    work(engine)
    engine.work()
    wish(engine, "", FRESH, address=engine.person("ada").public_id, wording="")
    work(engine)
    assert ["confirm", "confirm"] == letters(engine)
    assert ["The words."] * 2 == [row.wording for row in rows(engine, tables.consents)]
    fresh = engine.deployment.service_token("confirm", engine.person("ada").public_id)
    assert engine.deployment.tokens.read_dated(CONFIRM, fresh, now=engine.now().machine, days=30)


def test_a_page_is_mailed_for_each_course_she_has(engine: Engine) -> None:
    """One letter for each enrollment; asking twice at once is one."""
    engine.join("ada")
    for _ in range(2):
        wish(engine, "ada", MY_PAGE, course="")
    work(engine)
    assert ["my-link"] == letters(engine)
    engine.leave("ada")
    engine.work()
    assert ("ada", "About your letters") in engine.mailer.reached
    engine.assert_sound()
