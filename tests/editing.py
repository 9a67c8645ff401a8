"""An editor of the small course: writes lessons as lines, plans, and applies with exactly the hazards that are named."""

from __future__ import annotations

import random
from pathlib import Path

from drip.core.plan import Plan
from drip.flows.applying import Accepting
from tests.course import SCHEDULE, lesson
from tests.engine import Engine

LINES = (
    "hello, wait: 0 days, anytime: true",
    "breathe, wait: 3 days",
    "walk, wait: 1 week",
    "rest, wait: 1 week",
    "goodbye, wait: 1 week",
)
"""The lessons of the small course, as an editor has them before her."""


def write(engine: Engine, *lines: str, afterwards: tuple[str, ...] = ()) -> None:
    """Write a schedule with these lessons in one phase, these late letters after its own, and a letter for each that has none."""
    head, _, rest = SCHEDULE.partition("    phases:\n")
    tail = rest[rest.index("    on_demand:") :] + "".join(f"      - {{id: {line}}}\n" for line in afterwards)
    lessons = "".join(f"          - {{id: {line}}}\n" for line in lines)
    text = f"{head}    phases:\n      - id: one\n        title: First\n        lessons:\n{lessons}{tail}"
    Path(engine.deployment.settings.schedule).write_text(text, encoding="utf-8")
    emails = Path(engine.deployment.settings.emails)
    for line in (*lines, *afterwards):
        name = line.partition(",")[0]
        if not list(emails.rglob(f"{name}.md")):
            (emails / "one" / f"{name}.md").write_text(lesson(name, f"The words of {name}."), encoding="utf-8")


def planned(engine: Engine) -> Plan:
    """Return what applying the files would do."""
    return engine.deployment.plan(engine.deployment.edition())


def apply(engine: Engine, *names: str) -> Plan:
    """Apply the files, with exactly these hazards accepted besides those that need not be, and return the plan."""
    edition = engine.deployment.edition()
    plan = engine.deployment.plan(edition)
    assert sorted(names) == [hazard.name for hazard in plan.hazards if hazard.needed or hazard.name in names]
    engine.deployment.apply(edition, plan, Accepting(frozenset(names), by="Sam", reason="a test"))
    return plan


def without(*names: str) -> list[str]:
    """Return the lines of the course but for these lessons."""
    return [line for line in LINES if line.partition(",")[0] not in names]


def numbers(plan: Plan) -> dict[str, int]:
    """Return the hazards of a plan with their counts."""
    return {hazard.name: hazard.count for hazard in plan.hazards}


def to(engine: Engine, lesson_id: str) -> None:
    """Let ada come to where *lesson_id* is her next letter, due and not open."""
    engine.join("ada")
    engine.work()
    engine.to_lesson("ada", lesson_id)


def scramble(lines: list[str], number: int, dice: random.Random) -> None:
    """Insert, remove or move a lesson, or change its wait."""
    match dice.choice(["insert", "remove", "move", "wait"]):
        case "insert":
            lines.insert(dice.randint(1, len(lines)), f"new-{number}, wait: {dice.choice(['3 days', '1 week'])}")
        case "remove" if len(lines) > 3:
            lines.pop(dice.randrange(1, len(lines)))
        case "move":
            lines.insert(dice.randrange(1, len(lines)), lines.pop(dice.randrange(1, len(lines))))
        case _:
            place = dice.randrange(1, len(lines))
            lines[place] = f"{lines[place].partition(',')[0]}, wait: {dice.choice(['2 days', '5 days', '3 weeks'])}"
