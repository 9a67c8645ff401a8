"""Settling what is in doubt: under the same row, never two copies of an occasion, and only where she may still have it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drip.core.delivery import TryLater, Unknown
from drip.errors import UsageError
from drip.flows import exporting, holding, requesting, settling
from drip.flows.applying import Accepting
from drip.flows.settling import Settled
from drip.store import endings, subscribers
from tests.course import write_course
from tests.engine import Engine
from tests.flows.test_listening import hear, report

BY = {"by": "Sam", "why": "the provider's log has no such letter"}


def doubtful(engine: Engine, *, lesson: str = "breathe") -> int:
    """Let *lesson* of ada's end in doubt, and return its delivery."""
    if not engine.mailer.requests:
        engine.join("ada")
    engine.to_lesson("ada", lesson)
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    engine.let_it_try_again()
    assert "uncertain" == engine.states("ada")[lesson]
    return engine.deliveries("ada")[-1].id


def resend(engine: Engine, delivery: int) -> Settled:
    """Let a delivery go once more."""
    return settling.resend(engine.database, engine.library, delivery, **BY)


def submitted(engine: Engine, delivery: int) -> Settled:
    """Call a delivery submitted."""
    return settling.submitted(engine.database, delivery, **BY)


def test_what_was_not_taken_goes_once_more_under_its_own_row(engine: Engine) -> None:
    """The same day, under the same id, one copy; the course then goes on as if nothing had been, and the note stays."""
    delivery = doubtful(engine)
    before = engine.person("ada")
    found = resend(engine, delivery)
    assert (True, f"it goes on {engine.now().calendar.date()}, in her window") == (found.done, found.say)
    engine.assert_sound()
    engine.work()
    newest = engine.deliveries("ada")[-1]
    assert (delivery, "submitted") == (newest.id, newest.state)
    assert "let go once more by Sam: the provider's log has no such letter" == newest.detail
    after = engine.person("ada")
    assert (before.next_lesson, before.next_due_at, before.place) == (after.next_lesson, after.next_due_at, after.place)
    assert (before.last_letter_on, before.deliveries_due) == (after.last_letter_on, after.deliveries_due)
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_the_note_outlives_refusals_and_another_doubt(engine: Engine) -> None:
    """Whoever looks at it the second time reads that it went once more already."""
    delivery = doubtful(engine)
    resend(engine, delivery)
    engine.mailer.script = [TryLater("busy"), TryLater("busy"), Unknown("reset")]
    for _ in range(4):
        engine.work()
        engine.let_it_try_again()
    newest = engine.deliveries("ada")[-1]
    assert ("uncertain", "let go once more by Sam: the provider's log has no such letter; reset") == (newest.state, newest.detail)
    engine.assert_sound()


def test_days_later_it_follows_as_any_late_letter(engine: Engine) -> None:
    """Within the course's lateness it keeps its meant date, so that the next one keeps its own; never at night."""
    delivery = doubtful(engine)
    meant_on, following = engine.deliveries("ada")[-1].meant_on, engine.person("ada").next_meant_on
    engine.go_on(days=1, hours=14)
    assert resend(engine, delivery).done
    engine.work()
    assert "pending" == engine.state_of("ada")[0]
    moment = engine.next_moment()
    assert moment is not None
    assert 9 == moment.astimezone(ZoneInfo("Europe/London")).hour
    engine.go_to(moment)
    engine.work()
    newest = engine.deliveries("ada")[-1]
    assert ("submitted", meant_on) == (newest.state, newest.meant_on)
    assert following == engine.person("ada").next_meant_on
    engine.assert_sound()


def test_longer_after_it_restarts_her_rhythm(engine: Engine) -> None:
    """Too late for its own date it goes on her next weekday, and the one after it a week later: no burst."""
    delivery = doubtful(engine)
    day = engine.person("ada").last_letter_on
    assert day is not None
    engine.go_on(days=5)
    assert resend(engine, delivery).done
    engine.run_to_the_end()
    went = {one.letter: one.went_on for one in engine.deliveries("ada")}
    assert (day + timedelta(days=7), day + timedelta(days=14)) == (went["breathe"], went["walk"])
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_once_a_later_letter_is_hers_it_is_superseded(engine: Engine) -> None:
    """Open or gone, the letter after it forbids it; nothing is changed."""
    delivery = doubtful(engine)
    engine.to_lesson("ada", "walk")
    hints = engine.tick()
    assert "it cannot go once more: the letter after it is on its way already" == resend(engine, delivery).say
    engine.send(hints)
    found = resend(engine, delivery)
    assert (False, "it cannot go once more: she has come to a later letter since") == (found.done, found.say)
    assert "uncertain" == engine.states("ada")["breathe"]
    engine.assert_sound()


def test_in_another_run_it_is_superseded(engine: Engine) -> None:
    """She began again: the letters of the run before are behind her."""
    delivery = doubtful(engine)
    engine.begin_again("ada", "one")
    assert "it cannot go once more: she has begun again since" == resend(engine, delivery).say
    engine.assert_sound()


def _erase(engine: Engine) -> None:
    engine.erase("ada")


def _leave(engine: Engine) -> None:
    engine.leave("ada")


def _suppress(engine: Engine) -> None:
    person = engine.person("ada")
    with engine.database.write() as connection:
        key = subscribers.find(connection, person.subscriber_id)
        assert key is not None
        endings.suppress(connection, {key.address_key: "hard-bounce"}, now=engine.now())


@pytest.mark.parametrize(
    ("how", "words"),
    [(_leave, "she left"), (_suppress, "her address must not be mailed"), (_erase, "there is no delivery of this number")],
)
def test_whoever_may_not_be_mailed_gets_nothing(engine: Engine, how: Callable[[Engine], None], words: str) -> None:
    """A leave, the register and an erasure stand above what an operator knows."""
    delivery = doubtful(engine)
    how(engine)
    found = resend(engine, delivery)
    assert (False, True) == (found.done, words in found.say)
    engine.work()
    assert ["hello"] == [subject.removeprefix("About ") for _, subject in engine.mailer.reached]
    assert [] == engine.audit()


def test_what_she_says_between_is_heard_by_the_mark(engine: Engine) -> None:
    """She leaves while it waits to go once more: it waits for her, and an undone leave lets it follow."""
    delivery = doubtful(engine)
    assert resend(engine, delivery).done
    report_ = engine.tick()
    engine.leave("ada")
    engine.send(report_)
    assert "pending" == engine.states("ada")["breathe"]
    assert ["hello"] == engine.subjects("ada")
    assert engine.undo("ada")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_in_an_open_pause_it_waits_until_she_says(engine: Engine) -> None:
    """It has no date; once she resumes it comes first, welcomes her back, and the others follow."""
    delivery = doubtful(engine)
    engine.pause("ada", None)
    found = resend(engine, delivery)
    assert (True, "it waits until she ends her pause") == (found.done, found.say)
    engine.assert_sound()
    engine.go_on(days=30)
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    engine.resume("ada")
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    assert [False, True, False, False, False] == [one.resumed for one in engine.deliveries("ada")]
    engine.assert_sound()


def test_in_a_pause_of_weeks_it_takes_the_date_that_she_was_shown(engine: Engine) -> None:
    """Nothing comes before that date, one letter comes on it, and it welcomes her back."""
    delivery = doubtful(engine)
    shown = engine.pause("ada", 2).next_on
    assert shown is not None
    found = resend(engine, delivery)
    assert (True, f"it goes on {shown}, in her window") == (found.done, found.say)
    engine.assert_sound()
    engine.run_to_the_end()
    went = {one.letter: one.went_on for one in engine.deliveries("ada")}
    assert (shown, shown + timedelta(days=7)) == (went["breathe"], went["walk"])
    assert [False, True, False, False, False] == [one.resumed for one in engine.deliveries("ada")]
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_in_a_held_course_it_waits_for_the_release(engine: Engine) -> None:
    """A hold forbids nothing for good."""
    delivery = doubtful(engine)
    holding.hold(engine.database, None, "a look first")
    assert resend(engine, delivery).done
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    holding.release(engine.database, None)
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_the_last_letter_opens_her_course_once_more_and_ends_it(engine: Engine) -> None:
    """She had finished in doubt; she finishes again."""
    delivery = doubtful(engine, lesson="goodbye")
    assert "finished" == engine.person("ada").state
    assert resend(engine, delivery).done
    assert "active" == engine.person("ada").state
    engine.assert_sound()
    engine.run_to_the_end()
    assert "finished" == engine.person("ada").state
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_the_first_letter_has_no_place_before_it(engine: Engine) -> None:
    """The welcome is in doubt: sent once more, the course begins as ever."""
    engine.join("ada")
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    engine.let_it_try_again()
    assert resend(engine, engine.deliveries("ada")[-1].id).done
    assert None is engine.person("ada").place
    engine.run_to_the_end()
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_report_forbids_it_before_and_settles_it_after(engine: Engine) -> None:
    """A report that waits to be worked off counts; one that comes when it waits to go once more ends it without a copy."""
    delivery = doubtful(engine)
    public_id = engine.deliveries("ada")[-1].public_id
    hear(engine, report(public_id, "processed"), work=False)
    assert "the provider has spoken of it" in resend(engine, delivery).say
    hear(engine)
    assert "it is not in doubt: submitted" == resend(engine, delivery).say
    second = doubtful(engine, lesson="walk")
    assert resend(engine, second).done
    hear(engine, report(engine.deliveries("ada")[-1].public_id, "delivered"))
    engine.work()
    assert ("submitted", "reported") == engine.state_of("ada")
    assert ["hello"] == engine.subjects("ada")
    engine.assert_sound()


def test_what_the_provider_took_is_called_submitted(engine: Engine) -> None:
    """No letter goes and no date moves; a second time is harmless, and then it cannot go once more."""
    delivery = doubtful(engine)
    before = engine.person("ada")
    assert Settled(delivery, done=True, say="submitted") == submitted(engine, delivery)
    assert Settled(delivery, done=True, say="it is not in doubt: submitted") == submitted(engine, delivery)
    assert Settled(delivery, done=False, say="it is not in doubt: submitted") == resend(engine, delivery)
    assert before == engine.person("ada")
    newest = engine.deliveries("ada")[-1]
    assert ("submitted", "settled") == (newest.state, newest.reason)
    assert "called submitted by Sam: the provider's log has no such letter" == newest.detail
    told = str(exporting.account(engine.database, engine.library, before.public_id))
    assert "whoever sends your letters says so" in told
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_second_wish_finds_it_waiting(engine: Engine) -> None:
    """Two operators at once make one copy, and neither can call submitted what waits to go."""
    delivery = doubtful(engine)
    assert resend(engine, delivery).done
    assert Settled(delivery, done=False, say="it is not in doubt: pending") == resend(engine, delivery)
    assert Settled(delivery, done=False, say="it is not in doubt: pending") == submitted(engine, delivery)
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_letter_that_an_edit_removed_does_not_come_back(engine: Engine) -> None:
    """Nobody gets a removed lesson any more."""
    delivery = doubtful(engine)
    deployment = engine.deployment
    schedule = deployment.settings.schedule
    text = "\n".join(line for line in schedule.read_text("utf-8").splitlines() if "id: breathe" not in line)
    write_course(schedule.parent, schedule=text + "\n")
    (deployment.settings.emails / "one" / "breathe.md").unlink()
    edition = deployment.edition()
    planned = deployment.plan(edition)
    deployment.apply(edition, planned, Accepting(frozenset(one.name for one in planned.hazards), by="Sam", reason="a test"))
    assert "it cannot go once more: an edit took the letter out of the course" == resend(engine, delivery).say
    engine.run_to_the_end()
    engine.assert_sound()


def test_who_and_why_are_needed(engine: Engine) -> None:
    """Without a name or a reason nothing is settled."""
    delivery = doubtful(engine)
    for by, why in (("", "I know"), ("Sam", "  \n")):
        with pytest.raises(UsageError, match="say who settles it and why"):
            settling.resend(engine.database, engine.library, delivery, by=by, why=why)
        with pytest.raises(UsageError, match="say who settles it and why"):
            settling.submitted(engine.database, delivery, by=by, why=why)
    assert "uncertain" == engine.state_of("ada")[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(["tick", "resend", "settle", "pause", "weeks", "resume", "day", "doubt"]), max_size=12))
def test_in_any_order_each_letter_goes_once(engine: Engine, steps: list[str]) -> None:
    """Whatever she and the operator press meanwhile, nothing goes twice and the books agree."""
    name = f"a{len(engine.mailer.requests)}"
    engine.join(name)
    for step in steps:
        newest = engine.deliveries(name)[-1:] or []
        match step:
            case "tick":
                engine.work()
            case "doubt":
                engine.mailer.script = [Unknown("timed out")]
                engine.work()
                engine.let_it_try_again()
            case "resend" if newest:
                resend(engine, newest[0].id)
            case "settle" if newest:
                submitted(engine, newest[0].id)
            case "pause":
                engine.pause(name, None)
            case "weeks":
                engine.pause(name, 1)
            case "resume":
                engine.resume(name)
            case _:
                engine.go_on(days=3)
        assert [] == engine.audit()
    engine.mailer.script = []
    engine.let_it_try_again()
    engine.resume(name)
    engine.run_to_the_end()
    engine.assert_sound()
    gone = [one.letter for one in engine.deliveries(name) if one.state in {"submitted", "uncertain"}]
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == gone


def in_doubt(engine: Engine) -> int:
    """Let what is open end in doubt, and return the newest delivery of ada's."""
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    engine.let_it_try_again()
    assert "uncertain" == engine.state_of("ada")[0]
    return engine.deliveries("ada")[-1].id


def test_what_she_asked_for_goes_once_more_unless_she_asked_again(engine: Engine) -> None:
    """The kit goes at once, and moves nothing of her course; with a newer copy of it the old one is superseded."""
    engine.join("ada")
    engine.work()
    person = engine.person("ada")
    requesting.kit(engine.database, engine.library, person.public_id)
    delivery = in_doubt(engine)
    assert Settled(delivery, done=True, say="it goes with the next tick") == resend(engine, delivery)
    delivery = in_doubt(engine)
    engine.go_on(days=1)
    requesting.kit(engine.database, engine.library, person.public_id)
    assert "it cannot go once more: she has asked for it again since" == resend(engine, delivery).say
    engine.work()
    assert ["hello", "kit"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_link_of_a_moment_is_not_kept_for_later(engine: Engine) -> None:
    """Her fresh link does not come days after she asked: she can ask for another."""
    engine.join("ada")
    engine.work()
    requesting.link(engine.database, engine.library, engine.person("ada").public_id, nonce="a" * 16)
    assert "she can ask for a fresh one" in resend(engine, in_doubt(engine)).say
    engine.assert_sound()


def test_a_letter_that_asks_goes_once_more_while_she_is_asked(engine: Engine) -> None:
    """Once she is on the course nobody waits for her answer."""
    engine.join("ada", confirmed=False)
    delivery = in_doubt(engine)
    assert Settled(delivery, done=True, say="it goes with the next tick") == resend(engine, delivery)
    delivery = in_doubt(engine)
    engine.join("ada")
    assert "it cannot go once more: nobody waits for her answer any more" == resend(engine, delivery).say
    engine.work()
    assert ["hello"] == [subject.removeprefix("About ") for subject in engine.subjects("ada")]
    engine.assert_sound()
