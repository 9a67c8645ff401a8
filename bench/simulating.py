"""How long a simulation takes beside bare arithmetic on the same dates: `python -m bench.simulating [PEOPLE]`.

The reference works out every date of the same people with `timing` alone and remembers nothing: for each letter its slot and
the next. The same people then go through the course at so few letters an hour that most of them wait for another day every
day; `slow_` stands before its figures. One line of JSON on standard output says how it went.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drip.core import timing
from drip.core.enrollment import zone_of
from drip.core.population import Shape
from drip.core.progress import LiveCourse
from drip.core.project import project_of
from drip.core.schedule import Course, Sending
from drip.errors import ProblemsFound
from drip.files import parse_source, read_project
from drip.flows import simulating

if TYPE_CHECKING:
    from drip.core.simulation import Traveller

ROOT = Path(__file__).parents[1]
WEEKS = 16


SLOW = 200
"""So many people share one letter an hour at the slow rate: most of them wait for another day, every day."""


def main() -> int:
    """Measure both, each in seconds and in seconds of the processor."""
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    print(json.dumps(found))
    return 1 if found["broken"] else 0


def run(count: int) -> dict[str, Any]:
    """Walk so many people through the real course, as it is and at a slow rate, and work out their dates by arithmetic."""
    project, problems = project_of(parse_source(read_project(ROOT / "schedules.yaml", ROOT / "emails")))
    if project is None:
        raise ProblemsFound(problems)
    name, course = next(iter(project.schedule.courses.items()))
    found: dict[str, Any] = {"people": count, "weeks": WEEKS}
    people, took = _walk(found, "", LiveCourse(1, course, {}), name, count)
    # Copied by its fields: what was worked out for the other stays with it.
    fields = {field: getattr(course, field) for field in Course.model_fields}
    slow = Course.model_validate(fields | {"sending": Sending(per_hour=max(1, count // SLOW))}, by_name=True)
    begun, used = time.perf_counter(), time.process_time()
    for person in people:
        facts = person.facts
        joined, zone = person.happenings[0].at, zone_of(facts.zone, course)
        timing.course_calendar(course, joined=joined, zone=zone, pace=facts.pace, weekday=facts.weekday)
    found["reference_seconds"] = round(time.perf_counter() - begun, 2)
    reference = time.process_time() - used
    found["reference_processor_seconds"] = round(reference, 2)
    found["ratio"] = round(reference / took, 3)
    _, took = _walk(found, "slow_", LiveCourse(1, slow, {}), name, count)
    found["slow_ratio"] = round(reference / took, 3)
    return found


def _walk(found: dict[str, Any], prefix: str, live: LiveCourse, name: str, count: int) -> tuple[list[Traveller], float]:
    """Make the people and walk them through, and return the processor's seconds; names of what is told begin with *prefix*."""
    zone = zone_of("", live.course)
    shape = Shape(date(2026, 11, 23), count, over=7, weeks=WEEKS, pauses=0.2, bounces=0.02, leaves=0.1)
    begun, used = time.perf_counter(), time.process_time()
    people = simulating.made(shape, live, name, "1")
    run = simulating.simulate(live, people, begins=shape.begins(zone), ends=shape.ends(zone))
    found[f"{prefix}seconds"] = round(time.perf_counter() - begun, 2)
    took = time.process_time() - used
    found[f"{prefix}processor_seconds"] = round(took, 2)
    found[f"{prefix}letters"] = run.tally.letters.total()
    found["broken"] = found.get("broken", 0) + len(run.witness.broken)
    return people, took


if __name__ == "__main__":
    sys.exit(main())
