"""What becomes of stored forms: each once, whoever works and whatever is killed, and nothing of anybody known is changed."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from drip.core.address import address_key
from drip.core.delivery import CONFIRM_LETTER, Reason, form_of
from drip.core.progress import LiveCourse
from drip.core.token import CONFIRM, answering
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


def confirm(engine: Engine, name: str, made: datetime | None = None, answers: str = "") -> bool:
    """Press the button in the letter that asks; *answers* is the form that this letter answers."""
    person = engine.person(name)
    return enrolling.confirm(engine.database, engine.library, person.public_id, source="test", made=made, answers=answers)


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


HERS: dict[str, Any] = {"name": "Ada", "timezone": "Europe/Paris", "country": "FR", "weekday": 3, "pace": 2, "wording": "Hers."}
STRANGERS: dict[str, Any] = {
    "name": "You fool",
    "timezone": "Asia/Tokyo",
    "country": "NL",
    "weekday": None,
    "pace": 1,
    "wording": "A stranger's.",
}


def forms(engine: Engine) -> list[str]:
    """Return which form each letter that asks answers, in order."""
    return [form_of(row.occasion) for row in rows(engine, tables.deliveries) if row.letter == CONFIRM_LETTER]


def as_she_stands(engine: Engine) -> dict[str, Any]:
    """Return what ada is called, and her settings, as a form has them."""
    person, [her] = engine.person("ada"), rows(engine, tables.subscribers)
    return {
        "name": her.name,
        "timezone": her.timezone,
        "country": person.country,
        "weekday": person.weekday,
        "pace": person.pace,
        "zone": person.zone,
    }


def typed(form: dict[str, Any]) -> dict[str, Any]:
    """Return how somebody stands who typed a form."""
    return {**{name: value for name, value in form.items() if name != "wording"}, "zone": form["timezone"]}


@pytest.mark.parametrize("stranger_first", [True, False])
@pytest.mark.parametrize("pressed", [0, 1])
@pytest.mark.parametrize("letter_between", [True, False])
def test_a_link_confirms_the_form_that_its_letter_answers(
    engine: Engine, *, stranger_first: bool, pressed: int, letter_between: bool
) -> None:
    """Two forms for one address bring two letters; whichever is confirmed, first or last, its own form counts, words and all."""
    both = [STRANGERS, HERS] if stranger_first else [HERS, STRANGERS]
    for form in both:
        wish(engine, "ada", **form)
        work(engine)
        if letter_between:
            engine.work()
    link = forms(engine)[pressed]
    public_id = engine.person("ada").public_id
    assert both[pressed]["wording"] == enrolling.wording_for(engine.database, engine.library, public_id, link)
    assert confirm(engine, "ada", answers=link)
    assert typed(both[pressed]) == as_she_stands(engine)
    assert ("active", []) == (engine.person("ada").state, rows(engine, tables.askings))
    before = as_she_stands(engine)
    assert confirm(engine, "ada", answers=forms(engine)[1 - pressed])
    assert before == as_she_stands(engine)
    engine.work()
    engine.assert_sound()


def test_the_same_form_twice_is_one_asking(engine: Engine) -> None:
    """Whoever presses twice gets one letter while it is on its way, and the next one confirms the same."""
    for _ in range(2):
        wish(engine, "ada", **HERS)
        work(engine)
    assert (1, 1) == (len(forms(engine)), len(rows(engine, tables.askings)))
    engine.work()
    wish(engine, "ada", **HERS)
    work(engine)
    assert (2, 1) == (len(forms(engine)), len(set(forms(engine))))


def test_a_fresh_letter_confirms_what_the_old_one_did(engine: Engine) -> None:
    """Also after a stranger has asked in her name meanwhile; a letter that her page brings confirms what the newest one does."""
    wish(engine, "ada", **HERS)
    work(engine)
    wish(engine, "ada", **STRANGERS)
    work(engine)
    engine.work()
    hers, strangers = forms(engine)
    wish(engine, "", FRESH, address=answering(engine.person("ada").public_id, hers), wording="")
    work(engine)
    assert [hers, strangers, hers] == forms(engine)
    assert confirm(engine, "ada", answers=forms(engine)[-1])
    assert typed(HERS) == as_she_stands(engine)


def test_her_page_asked_for_confirms_no_form_of_a_stranger(engine: Engine) -> None:
    """Whoever has not confirmed has no page: she is asked once more, as she first asked, whoever typed her address since."""
    for form in (HERS, STRANGERS):
        wish(engine, "ada", **form)
        work(engine)
        engine.work()
    wish(engine, "ada", MY_PAGE, course="")
    work(engine)
    assert "" == forms(engine)[-1]
    assert confirm(engine, "ada", answers="")
    assert typed(HERS) == as_she_stands(engine)


def test_somebody_else_is_not_confirmed_by_a_form_of_hers(engine: Engine) -> None:
    """A link names a person and a form; the form of another person says nothing of her."""
    wish(engine, "bo", **STRANGERS)
    wish(engine, "ada", **HERS)
    work(engine)
    of_bo, _ = forms(engine)
    assert confirm(engine, "ada", answers=of_bo)
    [name] = [row.name for row in rows(engine, tables.subscribers) if row.address == "ada@example.net"]
    assert ("Ada", "Europe/Paris") == (name, engine.person("ada").zone)


def test_a_stranger_changes_nothing_of_whom_the_operator_asked(engine: Engine) -> None:
    """What the operator typed is what that letter confirms."""
    engine.join("ada", confirmed=False, timezone="Europe/Paris")
    wish(engine, "ada", **STRANGERS)
    work(engine)
    assert confirm(engine, "ada", answers=forms(engine)[0])
    assert ("Ada", "Europe/Paris") == (rows(engine, tables.subscribers)[0].name, engine.person("ada").zone)


@pytest.mark.parametrize("pressed", [0, 1])
def test_whoever_left_unconfirmed_comes_back_as_she_typed(engine: Engine, pressed: int) -> None:
    """She presses *leave* in the stranger's letter and then the button in hers: her own form counts."""
    for form in (STRANGERS, HERS):
        wish(engine, "ada", **form)
        work(engine)
    engine.leave("ada")
    assert confirm(engine, "ada", answers=forms(engine)[pressed])
    assert typed((STRANGERS, HERS)[pressed]) == as_she_stands(engine)


def test_what_was_typed_is_erased_at_once(engine: Engine) -> None:
    """Nothing of any form is left behind an erasure."""
    wish(engine, "ada", **HERS)
    work(engine)
    engine.erase("ada")
    assert [] == rows(engine, tables.askings)


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
