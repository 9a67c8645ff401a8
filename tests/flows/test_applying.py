"""Applying: an edit is planned, then acts on everybody at once or on nobody."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from drip.core.delivery import TryLater
from drip.core.plan import Plan
from drip.core.review import wording_of
from drip.errors import ProblemsFound, SettingsError
from drip.files import read_yaml
from drip.flows import reporting, showing
from drip.flows.applying import Accepting, Refused
from drip.store import versions
from tests.conftest import Prepare
from tests.course import SCHEDULE, lesson
from tests.engine import Engine, engine_on

REAL = {"SENDGRID_API_KEY": "SG.a-key-of-the-provider", "DRIP_BASE_URL": "https://letters.drip.test"}
OWN = SCHEDULE.replace("example.org", "drip-course.net")


def reviewed(lesson_id: str, changes: str = "") -> str:
    """Return a letter, with *changes* in its front matter, that a clinician has checked in just this wording."""
    text = lesson(lesson_id).replace("hard_day:", f"{changes}hard_day:")
    front, _, body = text.removeprefix("---\n").partition("---\n")
    values = read_yaml(front, "letter")[0].values
    assert isinstance(values, dict)
    line = f'reviewed: {{by: Dr A, on: "2026-01-01", until: "2099-01-01", of: "{wording_of(values, body)}"}}\n'
    return text.replace("hard_day:", f"{line}hard_day:")


def write(engine: Engine, path: str, text: str) -> None:
    """Change one file below `emails/`."""
    file = Path(engine.deployment.settings.emails) / path
    file.write_text(text, encoding="utf-8")


def planned(engine: Engine) -> Plan:
    """Return what applying the files would do."""
    return engine.deployment.plan(engine.deployment.edition())


def apply(engine: Engine, *names: str, plan: Plan | None = None, by: str = "Sam", reason: str = "a test") -> int:
    """Apply the files as they are planned now, or as they were."""
    deployment = engine.deployment
    accepting = Accepting(frozenset(names), by=by, reason=reason)
    return deployment.apply(deployment.edition(), plan or planned(engine), accepting)


def test_another_wording_reaches_whoever_has_not_had_the_letter(engine: Engine) -> None:
    """Open letters that nobody claimed take the new version; who had it keeps the one she had."""
    engine.join("ada", "bea")
    engine.work()
    engine.to_lesson("ada", "breathe")
    engine.mailer.requests.clear()
    report = engine.tick()
    write(engine, "one/breathe.md", lesson("breathe", "New words."))
    assert [("wording", "breathe")] == [(change.kind, change.what) for change in planned(engine).changes]
    assert 2 == apply(engine)
    engine.send(report)
    assert 1 == len(engine.mailer.requests)
    assert "New words." in engine.mailer.requests[0].message.text
    assert {("hello", 1), ("breathe", 2)} == {(one.letter, one.version_id) for one in engine.deliveries("ada")}
    engine.assert_sound()


def test_nobodys_dates_move_with_the_words(engine: Engine) -> None:
    """After a change of wording everybody's next letter is due when it was, also while paused."""
    engine.join("ada", "bea", "chi")
    engine.work()
    engine.pause("bea", 2)
    engine.pause("chi", None)
    before = [engine.person(name) for name in ("ada", "bea", "chi")]
    write(engine, "one/breathe.md", lesson("breathe", "New words."))
    apply(engine)
    engine.work()
    assert before == [engine.person(name) for name in ("ada", "bea", "chi")]
    engine.assert_sound()


def test_a_mended_letter_goes_on_at_the_next_window(engine: Engine) -> None:
    """A broken letter holds its own lesson; once mended and applied, the person who waited gets it, and only once."""
    engine.join("ada")
    engine.work()
    broken = lesson("breathe", "{{ nothing }}")
    with engine.database.write() as connection:
        live = versions.find(connection, 1)
        assert live is not None
        letters = {**live.letters, "one/breathe.md": broken}
        courses = versions.running(connection)
        now = engine.now().machine
        text = live.schedule_text
        versions.publish(connection, schedule_text=text, letters=letters, course_ids=courses, first_ids={"small": {}}, now=now)
    engine.to_lesson("ada", "breathe")
    engine.work()
    assert ("pending", "held") == engine.state_of("ada")
    assert ["hello"] == engine.subjects("ada")
    apply(engine)
    engine.work()
    assert ["hello", "breathe"] == engine.subjects("ada")
    engine.assert_sound()


def test_a_letter_that_is_claimed_keeps_its_words(engine: Engine) -> None:
    """What a worker holds while a version goes live is sent as it was claimed, once."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")
    report = engine.tick()
    write(engine, "one/breathe.md", lesson("breathe", "New words."))
    engine.mailer.requests.clear()

    def during(point: str) -> None:
        if point == "claimed":
            apply(engine)

    sender = engine.deployment.sender(engine.owner, at=during)
    for hint in report.hints:
        sender.send(hint)
    engine.work()
    assert 1 == len(engine.mailer.requests)
    assert 1 == engine.deliveries("ada")[-1].version_id
    engine.assert_sound()


def test_what_comes_back_takes_the_new_version(engine: Engine) -> None:
    """A letter that was claimed while the version went live and could not go is sent later in the new words."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", "breathe")
    report = engine.tick()
    write(engine, "one/breathe.md", lesson("breathe", "New words."))
    engine.mailer.requests.clear()

    def during(point: str) -> None:
        if point == "claimed":
            apply(engine)
            engine.mailer.script.append(TryLater("busy"))

    sender = engine.deployment.sender(engine.owner, at=during)
    for hint in report.hints:
        sender.send(hint)
    assert ("pending", "not-yet") == engine.state_of("ada")
    engine.let_it_try_again()
    engine.work()
    assert "New words." in engine.mailer.requests[-1].message.text
    assert 2 == engine.deliveries("ada")[-1].version_id
    engine.assert_sound()


def test_half_written_files_change_nothing(engine: Engine) -> None:
    """Faults are told, and what is live stays live."""
    write(engine, "one/breathe.md", "---\ntitle: half")
    with pytest.raises(ProblemsFound, match=r"breathe\.md"):
        planned(engine)
    with engine.database.read() as connection:
        assert 1 == versions.running(connection)["small"].version_id


def test_a_course_cannot_be_taken_away(engine: Engine) -> None:
    """People may be on it: the file must keep it."""
    Path(engine.deployment.settings.schedule).write_text(SCHEDULE.replace("  small:", "  other:"), encoding="utf-8")
    (refusal,) = planned(engine).refusals
    assert "small: people may be on this course" in refusal
    with pytest.raises(Refused, match="put it back"):
        apply(engine)


def test_a_plan_that_grew_old_is_refused(engine: Engine) -> None:
    """Another file, or another version since the plan: nothing happens, and the operator is told to look again."""
    write(engine, "one/breathe.md", lesson("breathe", "One."))
    old = planned(engine)
    write(engine, "one/breathe.md", lesson("breathe", "Two."))
    with pytest.raises(Refused, match="files are not those of the plan"):
        apply(engine, plan=old)
    apply(engine)
    write(engine, "one/breathe.md", lesson("breathe", "One."))
    with pytest.raises(Refused, match="version 2 went live since the plan"):
        apply(engine, plan=old)


def test_the_digest_is_stable_and_names_the_plan(engine: Engine) -> None:
    """People who come and go do not spoil it; another wording does."""
    write(engine, "one/breathe.md", lesson("breathe", "One."))
    first = planned(engine).digest
    engine.join("ada")
    engine.work()
    assert first == planned(engine).digest
    write(engine, "one/breathe.md", lesson("breathe", "Two."))
    assert first != planned(engine).digest


# Real people --------------------------------------------------------------------------------------------------------


def test_the_first_version_of_a_real_door_is_somebodys_deed(prepare: Prepare) -> None:
    """Starting alone makes nothing live where letters reach people."""
    with engine_on(prepare(schedule=OWN, environment=REAL)) as engine:
        with engine.database.write() as connection:
            for table in ("courses", "versions"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        with pytest.raises(SettingsError, match="drip apply"):
            engine.deployment.prepare()


def test_unreviewed_letters_are_accepted_one_by_one_and_by_wording(prepare: Prepare) -> None:
    """Each needs its name, somebody who answers and a reason; the next version asks only for what changed."""
    with engine_on(prepare(schedule=OWN, environment=REAL)) as engine:
        write(engine, "one/breathe.md", lesson("breathe", "New words."))
        plan = planned(engine)
        assert ["unreviewed:breathe"] == [hazard.name for hazard in plan.hazards]
        with pytest.raises(Refused, match="unreviewed:breathe is not accepted"):
            apply(engine)
        with pytest.raises(Refused, match="--by and --reason"):
            apply(engine, "unreviewed:breathe", by=" ")
        with pytest.raises(Refused, match="unreviewed:walk is no hazard"):
            apply(engine, "unreviewed:breathe", "unreviewed:walk")
        number = apply(engine, "unreviewed:breathe", by="Dr B", reason="ten volunteers")
        with engine.database.read() as connection:
            found = versions.find(connection, number)
        assert found is not None
        assert {"breathe": ("Dr B", "ten volunteers"), "walk": ("Dr Test", "a test")}.items() <= {
            one.letter: (one.by, one.reason) for one in found.accepted
        }.items()


def test_a_letter_that_must_be_reviewed_is_not_waved_through(prepare: Prepare) -> None:
    """It may be a draft, at which people wait, or reviewed; nothing else goes live at a real door."""
    with engine_on(prepare(schedule=OWN, environment=REAL)) as engine:
        write(engine, "two/rest.md", lesson("rest").replace("hard_day:", "movement: true\nhard_day:"))
        (refusal,) = planned(engine).refusals
        assert "rest can only go out reviewed by a clinician" in refusal
        with pytest.raises(Refused, match="reviewed by a clinician"):
            apply(engine, "unreviewed:rest")
        write(engine, "two/rest.md", reviewed("rest", "movement: true\n"))
        assert 2 == apply(engine)


def test_a_review_does_not_outlive_its_words(prepare: Prepare) -> None:
    """Once the words change, a reviewed letter is unreviewed: a hazard, or refused where only a review will do."""
    with engine_on(prepare(schedule=OWN, environment=REAL)) as engine:
        write(engine, "one/breathe.md", reviewed("breathe").replace("Small steps.", "Big steps."))
        assert ["unreviewed:breathe"] == [hazard.name for hazard in planned(engine).hazards]
        write(engine, "one/breathe.md", reviewed("breathe", "movement: true\n").replace("Small steps.", "Big steps."))
        (refusal,) = planned(engine).refusals
        assert "in this wording" in refusal


def test_a_review_that_lapsed_holds_the_lesson(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fine when it was applied is not sent for ever: after the last day of the review people wait."""
    changed = {"one/hello.md": reviewed("hello")}
    with engine_on(prepare(schedule=OWN, changed=changed, environment=REAL)) as engine:
        engine.join("ada")
        why = engine.library.why_not_real

        def later(version_id: int, course_id: str, letter: str, today: date) -> str:
            return why(version_id, course_id, letter, today.replace(year=2100))

        monkeypatch.setattr(engine.library, "why_not_real", later)
        engine.work()
        assert [] == engine.mailer.requests
        assert ("pending", "held") == engine.state_of("ada")
        assert "its review held until 2099-01-01" in str(reporting.status(engine.database, door=engine.door)["held_lessons"])


def test_what_must_not_be_mailed_is_not_shown(prepare: Prepare) -> None:
    """The page for rough days shows no kit that waits for a clinician to real people; in the sandbox it does."""
    changed = {"extra/kit.md": lesson("kit").replace("hard_day:", "draft: true\nhard_day:")}
    with engine_on(prepare(schedule=OWN, changed=changed, environment=REAL)) as engine:
        engine.join("ada")
        shown = showing.find(engine.database, engine.library, engine.person("ada").public_id)
        assert shown is not None
        assert None is showing.kit(shown, engine.library, my_token="m", leave_token="l", real_on=date(2026, 11, 22))
        assert showing.kit(shown, engine.library, my_token="m", leave_token="l")


def test_a_changed_safety_text_is_a_hazard(prepare: Prepare) -> None:
    """Letters were checked with its old words: somebody must answer for the new ones, by name."""
    with engine_on(prepare(schedule=OWN, environment=REAL)) as engine:
        write(engine, "_base/blocks/FX-DISC.md", "Quite another text.\n")
        assert ["block:FX-DISC"] == [hazard.name for hazard in planned(engine).hazards]
        with pytest.raises(Refused, match="block:FX-DISC is not accepted"):
            apply(engine)
        assert 2 == apply(engine, "block:FX-DISC")


def test_a_lapsed_review_does_not_keep_others_from_being_mended(prepare: Prepare) -> None:
    """Its own lesson waits; an urgent mend of another letter goes live all the same."""
    lapsed = reviewed("walk").replace("2099-01-01", "2026-02-01")
    with engine_on(prepare(schedule=OWN, environment=REAL)) as engine:
        with engine.database.write() as connection:
            live = versions.find(connection, 1)
            assert live is not None
            letters = {**live.letters, "one/walk.md": lapsed}
            now, courses = engine.now().machine, versions.running(connection)
            accepted, text = live.accepted, live.schedule_text
            versions.publish(
                connection, schedule_text=text, letters=letters, course_ids=courses, first_ids={}, now=now, accepted=accepted
            )
        write(engine, "one/walk.md", lapsed)
        write(engine, "one/breathe.md", lesson("breathe", "Mended."))
        assert () == planned(engine).refusals
        assert 3 == apply(engine, "unreviewed:breathe")


def test_a_sandbox_asks_nobody(engine: Engine) -> None:
    """On this machine unreviewed letters are no hazard: nothing leaves."""
    write(engine, "one/breathe.md", lesson("breathe", "New words."))
    assert () == planned(engine).hazards
    assert 2 == apply(engine, by="", reason="")
