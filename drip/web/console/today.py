"""Today: whether letters go, what is held, and what wants a person."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from drip.flows import holding, overseeing, reporting
from drip.store.stamps import REAL
from drip.web.console.room import Form, Looker, Room, Sender

REASON_MAX = 200
QUIET_SECONDS_MAX = 30
"""A tick comes every few seconds; after this long without one something has stopped."""

log = structlog.get_logger("drip.console")


def today_router(room: Room) -> APIRouter:
    """Return the first page, with the switches that hold and release."""
    router = APIRouter()
    deployment = room.deployment
    database = deployment.database

    def show(request: Request, operator: Looker) -> Response:
        return _page(room, request, operator)

    for path in ("", "/"):
        router.add_api_route(path, show, methods=["GET", "HEAD"])

    @router.post("/hold")
    def hold(request: Request, operator: Sender, form: Form) -> Response:
        reason = " ".join(form.get("reason", "").split())[:REASON_MAX]
        if not reason:
            return _page(room, request, operator, fault="Please say why: whoever looks next wants to know.", status=422)
        log.info("console-held", operator=operator.operator.id)
        count = holding.hold(database, form.get("course") or None, f"{reason} ({operator.operator.name})")
        return room.lead(f"?done={'held' if count else 'nothing'}")

    @router.post("/release")
    def release(operator: Sender, form: Form) -> Response:
        log.info("console-released", operator=operator.operator.id)
        holding.release(database, form.get("course") or None)
        return room.lead("?done=released")

    return router


def _page(room: Room, request: Request, operator: Looker, *, fault: str = "", status: int = 200) -> Response:
    deployment = room.deployment
    settings = deployment.settings
    found = reporting.status(deployment.database, door=settings.sender)
    said = {
        "held": "Held. Nothing more goes out before a release; nobody loses a letter.",
        "nothing": "It was held already.",
        "released": "Released. Whatever was waiting follows at people’s own hours.",
    }
    return room.page(
        request,
        "today.html",
        operator,
        status=status,
        fault=fault,
        said=said.get(request.query_params.get("done", ""), ""),
        standing=found,
        sums=reporting.report(deployment.database)["courses"],
        wants=overseeing.wants(deployment.database, deployment.library, real=settings.door == REAL),
        quiet=QUIET_SECONDS_MAX,
        door=settings.sender,
    )
