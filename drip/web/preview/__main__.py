"""`python -m drip.web.preview`: what `drip preview` becomes."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from drip import config
from drip.core.problem import did_you_mean
from drip.core.reader import Reader
from drip.errors import DripError, NotFound
from drip.flows import previewing
from drip.web.preview.bench import Bench
from drip.web.preview.pages import make_preview
from drip.web.preview.snapshot import Files
from drip.web.serve import serving
from drip.wiring import Deployment, log_to_stderr


def main(arguments: list[str]) -> int:
    """Serve the preview until a signal ends it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="drip preview")
    parser.add_argument("lesson", nargs="?", default="")
    parser.add_argument("--schedule", type=Path, required=True)
    parser.add_argument("--emails", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--subscriber", type=int, default=0)
    parser.add_argument("--no-open", action="store_true")
    found = parser.parse_args(arguments)
    try:
        log_to_stderr()
        hers = _readers(found.subscriber) if found.subscriber else {}
        bench = Bench(Files(found.schedule, found.emails))
        path = _path(bench, found.lesson, hers)
        # Whoever is asked to end says so by a signal, and a signal must not be lost between two looks at a flag.
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        with bench.watching(), serving(make_preview(bench, hers), port=found.port) as address:
            sys.stdout.write(f"{address}{path}\n")
            sys.stdout.flush()
            sys.stderr.write("The letters show there as you save them; Ctrl-C ends it.\n")
            if not found.no_open and sys.stdout.isatty() and config.has_screen():
                webbrowser.open(f"{address}{path}")
            ended.wait()
    except DripError as trouble:
        sys.stderr.write(f"drip: {trouble}\n")
        return trouble.exit_code
    return 0


def _readers(subscriber_id: int) -> Mapping[str, Reader]:
    """Return a subscriber as a reader of each of her courses; the database is open only for as long as that takes."""
    deployment = Deployment(config.with_local_keys(config.read()))
    try:
        return previewing.readers_of(deployment.database, deployment.library, subscriber_id)
    finally:
        deployment.database.dispose()


def _path(bench: Bench, lesson: str, hers: Mapping[str, Reader]) -> str:
    """Return the path of the page of a lesson, of the list without one; raises NotFound for a lesson that is not there."""
    project = bench.current.project
    if project is None:
        return "/"
    courses = project.schedule.courses
    if not lesson:
        near = next(((course, one.next_lesson) for course, one in hers.items() if course in courses and one.next_lesson), None)
        return "/" if near is None else f"/letters/{near[0]}/{near[1]}"
    known = {letter: course for course in reversed(courses) for letter in (*bench.current.service, *courses[course].letter_ids)}
    if lesson not in known:
        hint = did_you_mean(lesson, known, otherwise="drip letters lists them")
        raise NotFound(f"there is no letter {lesson!r}; {hint}")
    return f"/letters/{known[lesson]}/{lesson}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
