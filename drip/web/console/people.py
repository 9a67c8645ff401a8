"""People: one field that finds a person, her page with every why, and the buttons for a reply that says stop."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Request, Response

from drip.core.address import address_key, normal_address
from drip.core.enrollment import Stage
from drip.errors import NotFound, UsageError
from drip.flows import adjusting, explaining, overseeing, showing, unsubscribing
from drip.flows.explaining import Door
from drip.store.stamps import REAL
from drip.web.console.room import HOME, Form, Looker, Room, Sender
from drip.web.desk import short_day

if TYPE_CHECKING:
    from drip.flows.showing import Shown

SOURCE = "console"
ON_ITS_WAY = "on-its-way"
SAID = {
    "paused": "Paused.",
    "resumed": "Not paused any more.",
    "left": "She has left. No letter comes any more.",
    "leaving": "She has left. One letter is on its way at this moment, and nothing follows it.",
    ON_ITS_WAY: "A letter of hers is on its way at this moment, so nothing was changed. Please press again in a minute.",
    "off": "She is not on the course any more, so nothing was changed.",
}
PAUSES = {"1": 1, "2": 2, "4": 4, "open": None}

log = structlog.get_logger("drip.console")


def people_router(room: Room) -> APIRouter:
    """Return the field that finds a person, and her pages."""
    router = APIRouter(prefix=f"{HOME}/people")
    deployment = room.deployment
    database = deployment.database

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        return room.page(request, "people.html", operator, fault="")

    @router.post("")
    def find(request: Request, operator: Looker, form: Form) -> Response:
        # By a form, so that no address stands in a URL; the answer names nobody else.
        try:
            key = address_key(normal_address(form.get("address", "")), deployment.suppression_key)
        except ValueError:
            return room.page(
                request, "people.html", operator, fault="This is not a whole address. Please look at it once more.", status=422
            )
        found = overseeing.page_of(database, key)
        if found is not None:
            return room.lead(f"/people/{found}")
        return room.page(request, "people.html", operator, fault=_nobody(room, key), status=404)

    @router.api_route("/{public_id}", methods=["GET", "HEAD"])
    def person(request: Request, operator: Looker, public_id: str) -> Response:
        return _page(room, request, operator, public_id, said=SAID.get(request.query_params.get("done", ""), ""))

    _add_presses(router, room)
    return router


def _nobody(room: Room, key: str) -> str:
    """Return in words that there is nobody by an address, and what the register says of it."""
    try:
        explaining.explain(room.deployment.database, room.deployment.library, key, _door(room))
    except NotFound as found:
        words = str(found)
        return f"{words[:1].upper()}{words[1:]}."
    return "She came just now. Please look once more."


def _add_presses(router: APIRouter, room: Room) -> None:
    """Add the buttons for a reply that says stop: what her own buttons do."""
    deployment = room.deployment
    database, library = deployment.database, deployment.library

    @router.post("/{public_id}/pause")
    def pause(request: Request, operator: Sender, public_id: str, form: Form) -> Response:
        weeks = form.get("weeks", "")
        if weeks not in PAUSES:
            raise UsageError("a pause is for 1, 2 or 4 weeks, or until she says")
        found = adjusting.pause(database, library, public_id, weeks=PAUSES[weeks], wait_seconds=room.desk.wait_seconds)
        log.info("console-paused", operator=operator.operator.id, enrollment=found.person.id)
        return _led(room, request, operator, public_id, found, "paused")

    @router.post("/{public_id}/resume")
    def resume(request: Request, operator: Sender, public_id: str) -> Response:
        found = adjusting.resume(database, library, public_id, wait_seconds=room.desk.wait_seconds)
        log.info("console-resumed", operator=operator.operator.id, enrollment=found.person.id)
        return _led(room, request, operator, public_id, found, "resumed")

    @router.api_route("/{public_id}/leave", methods=["GET", "HEAD"])
    def ask(request: Request, operator: Looker, public_id: str) -> Response:
        shown = showing.find(database, library, public_id)
        if shown is None:
            return room.missing(request, operator, NOBODY)
        someone = overseeing.someone(database, public_id)
        undo = unsubscribing.undo_days(shown.course)
        return room.page(request, "leave.html", operator, shown=shown, someone=someone, public_id=public_id, undo_days=undo)

    @router.post("/{public_id}/leave")
    def leave(request: Request, operator: Sender, public_id: str) -> Response:
        found = unsubscribing.leave(database, library, public_id, source=SOURCE, wait_seconds=room.desk.wait_seconds)
        log.info("console-left", operator=operator.operator.id)
        if not found.known:
            return room.missing(request, operator, NOBODY)
        if not found.acknowledged:
            return _page(room, request, operator, public_id, said=SAID["leaving"], status=503)
        return room.lead(f"/people/{public_id}?done=left")


NOBODY = "There is nobody here any more: she was forgotten, or the link is cut."


def _led(  # noqa: PLR0917 - a press and what came of it
    room: Room, request: Request, operator: Sender, public_id: str, found: adjusting.Adjusted, done: str
) -> Response:
    if not found.acknowledged:
        return _page(room, request, operator, public_id, said=SAID[ON_ITS_WAY], status=503)
    return room.lead(f"/people/{public_id}?done={done if found.person.state == Stage.ACTIVE else 'off'}")


def _page(room: Room, request: Request, operator: Looker, public_id: str, *, said: str, status: int = 200) -> Response:
    """Return her page: who she is, where she stands, what happened and what comes, each with its why."""
    deployment = room.deployment
    database, library = deployment.database, deployment.library
    shown = showing.find(database, library, public_id)
    if shown is None:
        return room.missing(request, operator, NOBODY)
    someone = overseeing.someone(database, public_id)
    [why] = explaining.explain(database, library, someone.address_key, _door(room), course=shown.person.course)
    zone = shown.person.rhythm(shown.course).zone
    return room.page(
        request,
        "person.html",
        operator,
        status=status,
        headers={"Retry-After": "60"} if status == 503 else None,
        shown=shown,
        someone=someone,
        public_id=public_id,
        why=why,
        rhythm=shown.person.rhythm(shown.course),
        local=lambda at: _local(at, zone),
        pauses=_pauses(shown),
        said=said,
    )


def _pauses(shown: Shown) -> list[tuple[str, str, str]]:
    """Return what her pause can be: what a form says, what the button says, and when the next letter comes then."""
    words = {"1": "1 week", "2": "2 weeks", "4": "4 weeks"}
    found = []
    for value, label in words.items():
        on = shown.after_pause(int(value))
        if on is not None:
            found.append((value, label, f"next letter {short_day(on)}"))
    return [*found, ("open", "until she says", "no letter")]


def _local(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant as she sees it."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _door(room: Room) -> Door:
    settings = room.deployment.settings
    return Door(settings.sender, real=settings.door == REAL)
