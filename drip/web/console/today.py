"""Today: whether letters go, what is held, and what wants a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import APIRouter, Request, Response

from drip.errors import NotFound
from drip.flows import holding, overseeing, reporting
from drip.store.stamps import REAL
from drip.web.console.room import HOME, Form, Looker, Room, Sender, instant, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drip.flows.overseeing import Wants

REASON_MAX = 200
QUIET_SECONDS_MAX = 30
"""A tick comes every few seconds; after this long without one something has stopped."""

SAID = {
    "held": "Held. Nothing more goes out before a release, and nobody loses a letter.",
    "nothing": "It was held already, with the reason that stands there.",
    "released": "Released. Whatever was waiting follows at people’s own hours.",
}

log = structlog.get_logger("drip.console")


@dataclass(frozen=True, slots=True)
class Want:
    """Something that wants a person: what is so, what to do, where; *how* is bad or wait."""

    words: str
    remedy: str
    path: str = ""
    how: str = "wait"


def today_router(room: Room) -> APIRouter:
    """Return the first page, with the switches that hold and release."""
    router = APIRouter(prefix=HOME)
    database = room.deployment.database

    def show(request: Request, operator: Looker) -> Response:
        return _page(room, request, operator)

    for path in ("", "/"):
        router.add_api_route(path, show, methods=["GET", "HEAD"])

    def unknown(request: Request, operator: Sender) -> Response:
        return room.missing(request, operator, "There is no course by that name. Nothing was changed.")

    @router.post("/hold")
    def hold(request: Request, operator: Sender, form: Form) -> Response:
        reason = " ".join(form.get("reason", "").split())[:REASON_MAX]
        course = form.get("course") or None
        if not reason:
            fault = "Please say why: whoever looks next wants to know."
            return _page(room, request, operator, fault=fault, fault_at=course or "", status=422)
        try:
            count = holding.hold(database, course, f"{reason} ({operator.operator.name})")
        except NotFound:
            return unknown(request, operator)
        log.info("console-held", operator=operator.operator.id, courses=count)
        return room.lead(f"?done={'held' if count else 'nothing'}")

    @router.post("/release")
    def release(request: Request, operator: Sender, form: Form) -> Response:
        try:
            count = holding.release(database, form.get("course") or None)
        except NotFound:
            return unknown(request, operator)
        log.info("console-released", operator=operator.operator.id, courses=count)
        return room.lead("?done=released")

    return router


def _page(room: Room, request: Request, operator: Looker, *, fault: str = "", fault_at: str = "", status: int = 200) -> Response:
    deployment = room.deployment
    database, library, real = deployment.database, deployment.library, deployment.settings.door == REAL
    found = standing(room)
    wants = room.seldom.ask("wants", lambda: overseeing.wants(database, library, real=real))
    # The part that fetches itself does not show the sums.
    sums = [] if "hx-request" in request.headers else room.seldom.ask("sums", lambda: reporting.report(database)["courses"])
    return room.page(
        request,
        "today.html",
        operator,
        status=status,
        fault=fault,
        fault_at=fault_at,
        said=SAID.get(request.query_params.get("done", ""), ""),
        standing=found,
        sums={one["course"]: one for one in sums},
        wants=list(wanting(room, found, wants)),
        runs=runs(found),
    )


def standing(room: Room) -> dict[str, Any]:
    """Return how things stand, as `drip status` says it."""
    deployment = room.deployment
    return room.seldom.ask("standing", lambda: reporting.status(deployment.database, door=deployment.settings.sender))


def runs(found: dict[str, Any]) -> bool:
    """Whether a tick came a moment ago, and nothing keeps it from opening letters."""
    ago = found["last_tick_seconds_ago"]
    return not found["stands_still"] and ago is not None and ago <= QUIET_SECONDS_MAX


def wanting(room: Room, found: dict[str, Any], wants: Wants) -> Iterator[Want]:
    """Yield what wants a person, the gravest first."""
    yield from _still(found)
    yield from _held(found)
    yield from _letters(room, wants)
    if any(chore["detail"] for chore in found["chores"]):
        yield Want("The provider does not do what it is asked", "see what it says", "/sender")
    blocked = found["unreachable_enrollments"]
    if blocked:
        numbers = ", ".join(map(str, blocked))
        yield Want(f"The last letters of enrollments {numbers} were blocked or dropped", "ask those people for another address")


def _still(found: dict[str, Any]) -> Iterator[Want]:
    """Yield what keeps every letter."""
    ago, sender = found["last_tick_seconds_ago"], found["sender"]
    still = found["stands_still"]
    if still:
        words = f"Everything stands still: {still['why']}"
        yield Want(words, f"its books end at {instant(still['since'])}; on the server, read and run: drip restored", how="bad")
    elif not runs(found):
        words = "There was no tick yet" if ago is None else f"Nothing runs: the last tick was {span(ago)} ago"
        yield Want(words, "start drip up, or look at the beat and the worker", how="bad")
    if sender["state"] == "paused":
        yield Want(f"Sending waits: {sender['reason']}", sender["remedy"] or "see the sender", "/sender", how="bad")


def _held(found: dict[str, Any]) -> Iterator[Want]:
    """Yield what is held, by an operator or by a fault."""
    for course in found["courses"]:
        if course["held"]:
            yield Want(f"{course['course']} is held: {course['held']}", "release it below once that is over")
    for lesson in found["held_lessons"]:
        why = ": ".join(part for part in (lesson["reason"], lesson["detail"]) if part)
        remedy = "mend the letter and apply, or release the course"
        yield Want(f"{lesson['course']}/{lesson['letter']} is held: {why}", remedy, how="bad")
    parked = len(found["parked_letters"])
    if parked:
        words = f"{_letters_are(parked)} kept from every further try"
        yield Want(words, "see why, then release the course", "/sender", how="bad")


def _letters(room: Room, wants: Wants) -> Iterator[Want]:
    """Yield what is in doubt, and what is not ready for real people."""
    if wants.doubts:
        path = "/uncertain" if room.has("/uncertain") else ""
        it = "it" if wants.doubts == 1 else "them"
        words = f"{_letters_are(wants.doubts)} uncertain: nobody knows whether the provider took {it}"
        yield Want(words, "look there, then settle", path)
    for one in wants.unready:
        many = "1 person gets it next" if one.next_for == 1 else f"{one.next_for} people get it next"
        yield Want(f"{one.course}/{one.lesson}: {one.why}", many, how="bad" if one.next_for else "wait")


def _letters_are(count: int) -> str:
    return "1 letter is" if count == 1 else f"{count} letters are"
