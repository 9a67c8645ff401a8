"""What planning an edit costs beside a bare read of the same rows, how long an apply holds its lock, and how people follow."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import halfway
from drip import config
from drip.core.plan import Edition
from drip.core.project import project_of
from drip.files import Source, parse_source, read_project
from drip.flows.applying import Accepting
from drip.wiring import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
EDITS = {
    "another wait": ("{id: real-words, wait: 1 week}", "{id: real-words, wait: 2 weeks}"),
    "another hour": ('at: "09:00", until', 'at: "10:00", until'),
    "a lesson more": ("    on_demand:", "          - {id: farewell, wait: 1 week}\n    on_demand:"),
}
"""An edit that moves some, one that dates everybody anew, and one that concerns whoever has finished."""

APPLIED = "another hour"
SCAN = """
SELECT e.id, e.subscriber_id, e.state, e.zone, e.weekday, e.send_at, e.pace, e.afterwards, e.run, e.place, e.last_meant_on,
  e.last_letter_on, e.next_lesson, e.next_meant_on, e.next_letter_on, e.version_id, e.paused, e.pause_from_on
FROM enrollments e WHERE e.state = 'active' ORDER BY e.id
"""
LETTERS = "SELECT subscriber_id, course, letter, occasion FROM deliveries ORDER BY subscriber_id, course, letter, occasion"
AT_A_TIME = 5_000


def run(make: Callable[[], str], state: Path, people: int) -> dict[str, Any]:
    """Return what a plan costs with so many people half-way, what an apply keeps waiting, and how fast they follow it."""
    url = make()
    deployment = _deployment(url, state)
    deployment.prepare()
    letters = halfway.fill(deployment, people)
    bare = _bare(deployment)
    found: dict[str, Any] = {"people": people, "letters": letters, "bare_read": bare, "plans": {}}
    for edit in EDITS:
        planned = _in_a_process(url, state, edit)
        found["plans"][edit] = {**planned, "ratio": round(bare["processor_seconds"] / planned["processor_seconds"], 4)}
    found["apply"] = _apply(deployment)
    found["follow"] = _follow(deployment)
    deployment.database.dispose()
    return found


def _deployment(url: str, state: Path) -> Deployment:
    return Deployment(config.load({"DRIP_STATE": str(state), "DRIP_DATABASE_URL": url}))


def _edition(edit: str) -> Edition:
    """Return the project of this repository with one edit."""
    source = read_project(ROOT / "schedules.yaml", ROOT / "emails")
    before, after = EDITS[edit]
    if before not in source.schedule_text:
        raise ValueError(edit)
    letters = {**source.letters, "extra/farewell.md": source.letters["extra/booster-2.md"]}
    edited = Source(source.schedule_text.replace(before, after), letters if "farewell" in after else source.letters)
    project, problems = project_of(parse_source(edited))
    if project is None:
        raise ValueError(problems)
    return Edition(project, edited.schedule_text, edited.letters)


def _bare(deployment: Deployment) -> dict[str, float]:
    """Read what a plan must know, with the driver alone, and look at nothing."""
    with deployment.database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        if driver is None:
            raise OSError("the database is closed")
        begun, used = time.perf_counter(), time.process_time()
        for statement in (SCAN, LETTERS):
            cursor = driver.cursor() if deployment.database.is_sqlite else driver.cursor("bare")
            cursor.execute(statement)
            while cursor.fetchmany(AT_A_TIME):
                pass
            cursor.close()
        found = {"seconds": round(time.perf_counter() - begun, 2), "processor_seconds": round(time.process_time() - used, 4)}
        driver.rollback()
    return found


def _in_a_process(url: str, state: Path, edit: str) -> dict[str, Any]:
    """Plan one edit in a process of its own, so that its memory is its own too."""
    command = [sys.executable, "-m", "bench.planning", url, str(state), edit]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _plan(url: str, state: Path, edit: str) -> dict[str, Any]:
    deployment, edition = _deployment(url, state), _edition(edit)
    begun, used = time.perf_counter(), time.process_time()
    planned = deployment.plan(edition)
    return {
        "seconds": round(time.perf_counter() - begun, 2),
        "processor_seconds": round(time.process_time() - used, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "people": planned.people,
        "effects": dict(planned.effects),
        "hazards": {hazard.name: hazard.count for hazard in planned.hazards},
    }


def _apply(deployment: Deployment) -> dict[str, float]:
    """Apply an edit that dates everybody anew; return how long it took, and for how long nobody else could write."""
    edition, points = _edition(APPLIED), {}
    planned = deployment.plan(edition)
    accepting = Accepting(frozenset(hazard.name for hazard in planned.hazards if hazard.needed), by="bench", reason="bench")
    begun = time.perf_counter()
    deployment.apply(edition, planned, accepting, at=lambda point: points.update({point: time.perf_counter()}))
    return {"seconds": round(time.perf_counter() - begun, 2), "locked_seconds": round(points["live"] - points["locked"], 3)}


def _follow(deployment: Deployment) -> dict[str, Any]:
    """Tick until everybody is turned to the new version; return how long that took, and the longest tick."""
    ticker = deployment.ticker()
    turned, longest, ticks = 0, 0.0, 0
    begun, used = time.perf_counter(), time.process_time()
    while True:
        since = time.perf_counter()
        report = ticker.tick()
        longest = max(longest, time.perf_counter() - since)
        turned, ticks = turned + report.turned, ticks + 1
        if not report.turned:
            break
    seconds = time.perf_counter() - begun
    return {
        "turned": turned,
        "ticks": ticks,
        "seconds": round(seconds, 2),
        "processor_seconds": round(time.process_time() - used, 2),
        "longest_tick_seconds": round(longest, 3),
        "people_per_second": round(turned / seconds),
    }


if __name__ == "__main__":
    print(json.dumps(_plan(sys.argv[1], Path(sys.argv[2]), sys.argv[3])))
