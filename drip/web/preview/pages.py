"""The pages of the preview; every one only looks."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from drip import clock
from drip.core.reader import MADE_UP, Reader, dates
from drip.core.wording import day_in_words
from drip.errors import RenderFault
from drip.web.preview import choice, shown
from drip.web.preview.bench import Bench, Sight
from drip.web.preview.guard import CAGE, LETTER_POLICY, Guard
from drip.web.preview.looks import LOOKS, WAYS, framed

if TYPE_CHECKING:
    from drip.core.problem import Problem
    from drip.core.schedule import Course
    from drip.web.preview.choice import Choice
    from drip.web.preview.shown import Fault, Listed, Row
    from drip.web.preview.snapshot import Snapshot

_STATIC = resources.files("drip.web").joinpath("static")
FILES = {
    "preview.css": ("text/css", _STATIC.joinpath("preview.css").read_bytes()),
    "preview.js": ("text/javascript", _STATIC.joinpath("preview.js").read_bytes()),
}

LETTER = "/letters/{course}/{letter}"


@dataclass(frozen=True)
class Pages:
    """What every page needs; *hers* is the subscriber for whom the preview was started, by course."""

    bench: Bench
    hers: Mapping[str, Reader] = field(default_factory=dict)
    templates: Environment = field(
        default_factory=lambda: Environment(
            loader=PackageLoader("drip.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
    )

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - a template's own
        """Return one page."""
        marks = {name: hashlib.sha256(body).hexdigest()[:12] for name, (_, body) in FILES.items()}
        current = self.bench.current
        common = {
            "static": {name: f"/static/{name}?v={mark}" for name, mark in marks.items()},
            "stamp": self.bench.stamp,
            "read_at": f"{current.at.astimezone():%H:%M:%S}",
            "checked": current.checked is not None,
            "letter": None,
        }
        body = self.templates.get_template(f"preview/{template}").render({**common, **values})
        return HTMLResponse(body, status_code=status)

    def trouble(self, status: int, words: str) -> Response:
        """Return the page for what is not there."""
        return self.page("nothing.html", status=status, words=words)

    def choice(self, request: Request, course: str) -> Choice:
        """Return what the address of a request chooses."""
        return choice.choice_of(request.query_params, [self.hers[course]] if course in self.hers else [])

    def problems(self) -> tuple[Problem, ...]:
        """Return every problem that is known."""
        current = self.bench.current
        return tuple(sorted({*current.problems, *(current.checked or ())}))

    def listed(self, today: date) -> list[Listed]:
        """Return all letters; in the order of the last schedule that could be read."""
        snapshot = self.bench.current if self.bench.current.project else self.bench.readable
        return shown.listed(snapshot, self.problems(), today=today)

    def found(self, course: str, letter: str, today: date) -> Row | None:
        """Return a letter of the list, None when it is not there."""
        return next((row for one in self.listed(today) if one.id == course for row in one.rows if row.id == letter), None)


def make_preview(bench: Bench, hers: Mapping[str, Reader] | None = None) -> FastAPI:
    """Return the preview of what lies on a *bench*; *hers* is a subscriber to read as, by course."""
    app = FastAPI(title="drip preview", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    pages = Pages(bench, hers or {})
    app.add_middleware(Guard, broken=lambda: pages.trouble(500, "A fault in drip. What it says of it stands in your terminal."))
    for router in (_lists(pages), _letters(pages), _plain(pages)):
        app.include_router(router)

    @app.exception_handler(HTTPException)
    def refused(_: Request, trouble: HTTPException) -> Response:
        if trouble.status_code == 405:
            return PlainTextResponse("Nothing can be changed here.\n", 405, headers=dict(trouble.headers or {}))
        return pages.trouble(trouble.status_code, "There is no such page.")

    return app


def _lists(pages: Pages) -> APIRouter:
    """Return the list of letters, and the list of faults."""
    router = APIRouter()

    @router.api_route("/", methods=["GET", "HEAD"])
    def letters(request: Request) -> Response:
        listed = pages.listed(_today())
        problems = pages.problems()
        queries = {one.id: pages.choice(request, one.id).query() for one in listed}
        near = {one.id: pages.hers[one.id].next_lesson for one in listed if one.id in pages.hers}
        told = [_fault(pages.bench.current, one) for one in problems if _is_told(one)]
        return pages.page("list.html", listed=listed, queries=queries, near=near, faults=told)

    return router


def _is_told(problem: Problem) -> bool:
    """Whether a problem is told as one: that nobody has reviewed a letter yet stands beside its name."""
    return problem.code not in shown.MARKED or problem.severity == "error"


def _fault(snapshot: Snapshot, problem: Problem) -> Fault:
    return shown.fault(problem, snapshot.text(problem.file))


def _letters(pages: Pages) -> APIRouter:
    """Return the page of a letter, and the letter itself for its frames."""
    router = APIRouter()

    @router.api_route(LETTER, methods=["GET", "HEAD"])
    def letter(course: str, letter: str, request: Request) -> Response:
        row = pages.found(course, letter, _today())
        if row is None:
            return pages.trouble(404, "There is no such letter. Perhaps its name has changed.")
        chosen = pages.choice(request, course)
        sight = pages.bench.sight(course, letter, chosen.reader, full=chosen.full)
        return pages.page("letter.html", **_seen(pages, row, chosen, sight))

    @router.api_route("/frames/{course}/{letter}/{look}", methods=["GET", "HEAD"])
    def frame(course: str, letter: str, look: str, request: Request) -> Response:
        chosen = pages.choice(request, course)
        asked = next((one for one in LOOKS if one == look), None)
        found = pages.found(course, letter, _today()) if asked else None
        rendered = pages.bench.sight(course, letter, chosen.reader, full=chosen.full).rendered if found else None
        if rendered is None or asked is None:
            return PlainTextResponse("There is nothing to show yet.\n", 404)
        return HTMLResponse(framed(rendered.html, asked), headers={"Content-Security-Policy": LETTER_POLICY})

    @router.api_route("/pressed/{way}", methods=["GET", "HEAD"])
    def pressed(way: str) -> Response:
        if way not in WAYS:
            return pages.trouble(404, "There is no such link in a letter.")
        return pages.page("pressed.html", way=WAYS[way])

    return router


def _plain(pages: Pages) -> APIRouter:
    """Return what the pages load: their style, their script, and whether there is something new."""
    router = APIRouter()

    @router.api_route("/static/{name}", methods=["GET", "HEAD"])
    def file(name: str) -> Response:
        if name not in FILES:
            return pages.trouble(404, "There is no such page.")
        kind, body = FILES[name]
        return Response(body, media_type=kind)

    @router.api_route("/stamp", methods=["GET", "HEAD"])
    async def stamp() -> Response:
        return PlainTextResponse(pages.bench.stamp)

    return router


def _seen(pages: Pages, row: Row, chosen: Choice, sight: Sight) -> dict[str, Any]:
    """Return what the page of a letter shows."""
    today, current = _today(), pages.bench.current
    problems = current.problems_of(row.course, row.id, today=today)
    file = current.file(row.id)
    mine = [one for one in problems if one.file == file and _is_told(one)]
    # What keeps every letter from being shown is told with each: the schedule, the layouts and the fixed blocks.
    shared = (str(current.files.schedule), f"{current.files.emails}/_base/", f"{current.files.emails}/references.yaml")
    around = [one for one in problems if one.file.startswith(shared) and one.severity == "error"]
    listed = pages.listed(today)
    rows = next(one.rows for one in listed if one.id == row.course)
    place = rows.index(row)
    return {
        "letter": row,
        "title": _title(sight, row),
        "listed": [one for one in listed if one.id == row.course],
        "earlier": rows[place - 1] if place else None,
        "later": rows[place + 1] if place + 1 < len(rows) else None,
        "chosen": chosen,
        "lengths": choice.LENGTHS,
        "panes": choice.PANES,
        "narrow": [pane for pane in chosen.panes if pane in choice.NARROW],
        "broad": [pane for pane in chosen.panes if pane not in choice.NARROW],
        "frames": choice.FRAMES,
        "cage": CAGE,
        "near": pages.hers[row.course].next_lesson if row.course in pages.hers else "",
        "sight": sight,
        "stale_since": f"{sight.snapshot.at.astimezone():%H:%M:%S}" if sight.stale else "",
        "faults": [_fault(current, one) for one in (*mine, *around)],
        "elsewhere": sum(_is_told(one) and one not in mine and one not in around for one in problems),
        "file": file,
        "lines": list(shown.lines_of(current.text(file), mine)) if chosen.shows("source") else [],
        **_words(sight, row, chosen),
    }


def _title(sight: Sight, row: Row) -> str:
    """Return what a letter is called, as it was called while it could last be shown."""
    with contextlib.suppress(RenderFault):
        return sight.snapshot.book(row.course).title(row.id)
    return row.title


def _words(sight: Sight, row: Row, chosen: Choice) -> dict[str, Any]:
    """Return what is said of a letter that could be rendered."""
    rendered, snapshot = sight.rendered, sight.snapshot
    if rendered is None or snapshot.project is None:
        return {"rendered": None}
    course = snapshot.project.schedule.courses[row.course]
    told = dates(chosen.reader, course, row.id, now=clock.read().calendar)
    return {
        "rendered": rendered,
        "mark": hashlib.sha256(rendered.html.encode()).hexdigest()[:12],
        "figures": shown.figures_of(snapshot, row.course, row.id, rendered),
        "clip": shown.CLIP_BYTES // 1024,
        "numbers": len(course.numbers),
        "sender": course.sender.name,
        "subject": shown.cut(rendered.subject, shown.SUBJECT_SHOWN),
        "preheader": shown.cut(rendered.preheader, shown.PREHEADER_SHOWN),
        "first_line": shown.cut(rendered.text, shown.FIRST_LINE_SHOWN),
        "on": day_in_words(told.on),
        "hour": f"{chosen.reader.rhythm(course).opens:%H:%M}",
        "note": _note(chosen.reader, course),
    }


def _note(reader: Reader, course: Course) -> str:
    """Return what is made up for a reader, '' when nothing is."""
    return "The course names no helpline yet; the one you see is made up." if MADE_UP in reader.helplines(course) else ""


def _today() -> date:
    return clock.read().calendar.date()
