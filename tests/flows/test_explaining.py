"""Why letters come and do not come: what is explained is what the engine then does."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from drip.core.address import address_key
from drip.core.delivery import Reason, SenderRefused
from drip.core.timeword import WEEKDAYS
from drip.errors import NotFound
from drip.flows import explaining, holding
from drip.flows.explaining import Explanation
from drip.store import subscribers, tables, versions
from drip.store.stamps import REAL
from tests.conftest import Prepare
from tests.course import SCHEDULE
from tests.course import lesson as lesson_text
from tests.editing import LINES, apply, to, write
from tests.engine import Engine, engine_on

REAL_SETTINGS = {"SENDGRID_API_KEY": "SG.a-key-of-the-provider", "DRIP_BASE_URL": "https://letters.drip.test"}


def explain(engine: Engine, name: str = "ada", lesson: str = "") -> Explanation:
    """Return why the course of *name* stands as it does."""
    key = address_key(f"{name}@example.net", engine.deployment.suppression_key)
    door = explaining.Door(engine.door, real=engine.deployment.settings.door == REAL)
    (found,) = explaining.explain(engine.database, engine.library, key, door, lesson=lesson)
    return found


def suppress(engine: Engine, reason: str = "bounced") -> None:
    """Enter ada into the register."""
    key = address_key("ada@example.net", engine.deployment.suppression_key)
    with engine.database.write() as connection:
        subscribers.suppress(connection, key, reason, now=engine.now().machine)


def refuse_the_sender(engine: Engine) -> None:
    """Let the provider turn us down with somebody else's letter."""
    engine.mailer.script = [SenderRefused("401 the key is wrong", "set SENDGRID_API_KEY")]
    engine.join("bea")
    engine.work()


def hold_the_lesson(engine: Engine) -> None:
    """Hold her next lesson."""
    with engine.database.write() as connection:
        versions.hold_lesson(
            connection,
            "small",
            "breathe",
            version_id=1,
            reason=Reason.BROKEN,
            detail="a word is missing",
            now=engine.now().machine,
        )


def park(engine: Engine) -> None:
    """Open her letter and keep it from every further try."""
    engine.tick()
    with engine.database.write() as connection:
        connection.execute(tables.deliveries.update().where(tables.deliveries.c.letter == "breathe").values(blocked=True))


def gap(engine: Engine) -> None:
    """Let the letter before have gone only now."""
    today = engine.now().calendar.date()
    with engine.database.write() as connection:
        connection.execute(tables.enrollments.update().values(last_letter_on=today))


STOPS: dict[str, tuple[Callable[[Engine], object], str, str]] = {
    "suppressed": (suppress, "register", "bounced"),
    "left": (lambda engine: engine.leave("ada"), "register", "only she can come back"),
    "paused": (lambda engine: engine.pause("ada", None), "pause", "until she says"),
    "paused for weeks": (lambda engine: engine.pause("ada", 2), "window", "goes on"),
    "too early": (lambda engine: engine.choose("ada", weekday="fri"), "window", "goes on Friday"),
    "held": (lambda engine: holding.hold(engine.database, None, reason="a wrong word"), "hold", "a wrong word"),
    "the lesson is held": (hold_the_lesson, "hold", "a word is missing"),
    "the sender is refused": (refuse_the_sender, "sender", "set SENDGRID_API_KEY"),
    "parked": (park, "delivery", "until somebody looks"),
    "too close": (gap, "gap", "may go from"),
}


@pytest.mark.parametrize("case", STOPS)
def test_what_keeps_a_letter_back_is_named(engine: Engine, case: str) -> None:
    """Each rule that can stop a letter says so with its remedy or date, and the letter does not go."""
    act, rule, words = STOPS[case]
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    assert None is explain(engine).decides
    act(engine)
    found = explain(engine)
    assert found.decides is not None
    assert rule == found.decides.name
    assert words in found.decides.words
    assert "breathe" not in engine.subjects("ada")
    engine.work()
    assert "breathe" not in engine.subjects("ada")


def test_every_rule_is_told_in_order_with_what_it_looked_at(engine: Engine) -> None:
    """From the address to the rate; the date is counted before one's eyes."""
    engine.join("ada", timezone="America/New_York")
    engine.to_lesson("ada", "walk")
    found = explain(engine)
    names = "address register course consent version order pause meant date gap window hold letter delivery sender rate"
    assert names == " ".join(rule.name for rule in found.rules)
    assert {"passes"} == {rule.verdict.value for rule in found.rules}
    rules = {rule.name: rule for rule in found.rules}
    person = engine.person("ada")
    assert person.next_meant_on is not None
    assert person.next_meant_on.isoformat() == rules["meant date"].inputs["meant"]
    assert "7 days" == rules["meant date"].inputs["wait"]
    assert "Tuesday" == rules["meant date"].inputs["days"]
    assert "America/New_York" == rules["window"].inputs["zone"]
    assert "09:00 to 20:00 in America/New_York" in rules["window"].words
    assert "2 days" == rules["gap"].inputs["min_gap"]
    assert "1" == rules["version"].inputs["live"]


def presses(engine: Engine, name: str, chance: random.Random) -> list[Callable[[], object]]:
    """Return what may happen to somebody, each as often as it is to happen."""
    return [
        lambda: engine.pause(name, chance.choice([1, 2, None])),
        lambda: engine.resume(name),
        lambda: engine.choose(name, weekday=chance.choice(WEEKDAYS)),
        lambda: engine.choose(name, pace=str(chance.choice([1, 2]))),
        lambda: engine.next_now(name),
        lambda: engine.leave(name),
        lambda: engine.undo(name),
        lambda: holding.hold(engine.database, None, reason="a look"),
        *[lambda: holding.release(engine.database, None)] * 2,
        *[lambda: engine.go_on(hours=chance.randrange(1, 30))] * 2,
        lambda: engine.go_on(days=chance.randrange(1, 9)),
        *[lambda: _to_the_moment(engine)] * 3,
    ]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_what_is_explained_is_what_is_done(engine: Engine, seed: int) -> None:
    """People press, operators hold and time passes in any order: a letter goes exactly when nothing is said against it."""
    chance = random.Random(seed)
    engine.join("ada", timezone=chance.choice(["Europe/London", "Pacific/Auckland", "America/New_York"]))
    may_happen = presses(engine, "ada", chance)
    for _ in range(40):
        chance.choice(may_happen)()
        found, before = explain(engine), engine.subjects("ada")
        engine.work()
        after = engine.subjects("ada")[len(before) :]
        assert (found.decides is None) == (after[:1] == [found.next]), (found.next, found.decides, after)
    engine.assert_sound()


def _to_the_moment(engine: Engine) -> None:
    moment = engine.next_moment()
    if moment is not None and moment > engine.now().calendar:
        engine.go_to(moment)


def test_what_happened_is_told_with_its_version_and_outcome(engine: Engine) -> None:
    """A letter that she had names the version, the dates and what became of it."""
    engine.join("ada")
    engine.work()
    found = explain(engine, lesson="hello")
    (letter,) = found.happened
    assert "hello" == letter.lesson
    assert "handed over to the provider" in letter.words
    assert "handed over to the provider" in found.answer
    assert "1" == letter.facts["version"]
    assert "run:1" == letter.facts["occasion"]
    assert letter.facts["letter date"] == letter.facts["went on"]
    assert ["said yes (operator)"] == [words for _, words in found.said]


@pytest.mark.parametrize(
    ("lesson", "words"),
    [
        ("hello", "handed over"),
        ("breathe", "her next letter"),
        ("walk", "right after her next letter"),
        ("goodbye", "3 letters after the next"),
        ("kit", "only when she asks for it: not yet"),
        ("encore", "later letters"),
    ],
)
def test_any_lesson_has_an_answer(engine: Engine, lesson: str, words: str) -> None:
    """Had, next, ahead, on demand or later: one sentence says which."""
    engine.join("ada")
    engine.work()
    assert words in explain(engine, lesson=lesson).answer


def test_the_date_ahead_is_the_date_it_comes(engine: Engine) -> None:
    """What lies ahead is what an untroubled course then brings, day for day."""
    engine.join("ada", timezone="Pacific/Auckland")
    engine.work()
    ahead = {one.lesson: one.on for one in explain(engine).ahead}
    engine.run_to_the_end()
    went = {one.letter: one.went_on for one in engine.deliveries("ada") if one.letter != "hello"}
    assert went == ahead


def test_an_edit_that_turns_her_is_told_as_it_will_be(engine: Engine) -> None:
    """Between an apply and the next tick the explanation is by the new version, and a lesson that passed her by says so."""
    to(engine, "walk")
    write(engine, *LINES[:1], "early, wait: 3 days", *LINES[1:2], "bridge, wait: 1 week", *LINES[2:])
    apply(engine, "will-not-get")
    found = explain(engine)
    version = next(rule for rule in found.rules if rule.name == "version")
    assert ("bridge", "passes") == (found.next, version.verdict.value)
    assert "turns her" in version.words
    assert {"live": "2", "hers": "1"} == version.inputs
    engine.work()
    after = explain(engine)
    assert found.ahead == after.ahead
    assert ["bridge", "walk", "rest", "goodbye"] == [one.lesson for one in after.ahead]
    assert "early is not for her: an edit put it before her place" == explain(engine, lesson="early").answer


def test_a_draft_is_named_where_letters_are_real(prepare: Prepare) -> None:
    """With a provider the letter that nobody may have yet is what she waits for, before anything was tried."""
    draft = {"one/hello.md": lesson_text("hello").replace("hard_day:", "draft: true\nhard_day:")}
    deployment = prepare(schedule=SCHEDULE.replace("example.org", "drip-course.net"), changed=draft, environment=REAL_SETTINGS)
    with engine_on(deployment) as engine:
        engine.join("ada")
        found = explain(engine)
        assert found.decides is not None
        assert "letter" == found.decides.name
        assert "draft" in found.decides.words
        engine.work()
        assert [] == engine.subjects("ada")
        assert "hold" == (explain(engine).decides or found.decides).name


def test_strangers_and_slips(engine: Engine) -> None:
    """Nobody by that address, what the register knows of it, and a lesson with a slip of the pen."""
    with pytest.raises(NotFound, match="nobody by this address, and the register"):
        explain(engine, "zoe")
    suppress(engine)
    with pytest.raises(NotFound, match="bounced since"):
        explain(engine)
    engine.join("bea")
    with pytest.raises(NotFound, match="did you mean breathe"):
        explain(engine, "bea", lesson="breath")


def test_a_missed_window_says_when_it_follows(engine: Engine) -> None:
    """After an outage over the whole window the explanation names the day on which the letter follows."""
    engine.join("ada")
    engine.to_lesson("ada", "breathe")
    engine.go_on(hours=14)
    found = explain(engine)
    assert found.decides is not None
    assert "window" == found.decides.name
    assert "missed" in found.decides.words
    engine.go_on(hours=12)
    assert None is explain(engine).decides
    engine.work()
    assert "breathe" in engine.subjects("ada")
    assert timedelta(days=1) == engine.deliveries("ada")[-1].letter_on - engine.deliveries("ada")[-1].meant_on
