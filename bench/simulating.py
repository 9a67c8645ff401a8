"""How long a simulation takes beside bare arithmetic on the same dates: `python -m bench.simulating [PEOPLE]`.

The reference works out every date of the same people with `timing` alone and remembers nothing: for each letter its slot and
the next. One line of JSON on standard output says how it went.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path

from drip.core import timing
from drip.core.enrollment import zone_of
from drip.core.population import Shape
from drip.core.progress import LiveCourse
from drip.core.project import project_of
from drip.files import parse_source, read_project
from drip.flows import simulating

ROOT = Path(__file__).parents[1]
WEEKS = 16


def main() -> int:
    """Measure both, each in seconds and in seconds of the processor."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    project, _ = project_of(parse_source(read_project(ROOT / "schedules.yaml", ROOT / "emails")))
    if project is None:
        return 1
    name, course = next(iter(project.schedule.courses.items()))
    live, zone = LiveCourse(1, course, {}), zone_of("", course)
    shape = Shape(date(2026, 11, 23), count, over=7, weeks=WEEKS, pauses=0.2, bounces=0.02, leaves=0.1)
    begun, used = time.perf_counter(), time.process_time()
    people = simulating.made(shape, live, name, "1")
    run = simulating.simulate(live, people, begins=shape.begins(zone), ends=shape.ends(zone))
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    letters = sum(run.tally.letters.values())
    begun, used = time.perf_counter(), time.process_time()
    for person in people:
        facts = person.facts
        joined = person.happenings[0].at
        timing.course_calendar(course, joined=joined, zone=zone_of(facts.zone, course), pace=facts.pace, weekday=facts.weekday)
    found = {
        "people": count,
        "weeks": WEEKS,
        "letters": letters,
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
        "reference_seconds": round(time.perf_counter() - begun, 2),
        "reference_processor_seconds": round(time.process_time() - used, 2),
    }
    found["ratio"] = round(found["reference_processor_seconds"] / found["processor_seconds"], 3)
    found["broken"] = len(run.witness.broken)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
