"""The sender: whether letters go, why not, what to do, and what else stands at the door."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from drip.flows import holding, reporting
from drip.web.console.room import HOME, Looker, Room, Sender, instant
from drip.web.console.today import runs, standing

KEPT_FOR_GOOD = "9999-"
"""How the last daily pass begins where none is ever due."""

log = structlog.get_logger("drip.console")


def sender_router(room: Room) -> APIRouter:
    """Return the page of the sender, and the button that tries again."""
    router = APIRouter(prefix=f"{HOME}/sender")
    deployment = room.deployment

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        found = standing(room)
        return room.page(
            request,
            "sender.html",
            operator,
            standing=found,
            runs=runs(found),
            limits=reporting.limits(deployment.database, deployment.library),
            passed=_passed(found["last_forgotten"]),
        )

    @router.post("/again")
    def again(operator: Sender) -> Response:
        holding.try_again(deployment.database)
        log.info("console-tried-again", operator=operator.operator.id)
        return room.lead("/sender")

    return router


def _passed(last: str | None) -> str:
    """Return when whoever was to be forgotten last was."""
    if last is None:
        return "not yet: a worker does it"
    return (
        "none: everybody is kept, as in the demo" if last.startswith(KEPT_FOR_GOOD) else f"forgot who was to be, {instant(last)}"
    )
