"""Files: their faults where they are, the plan beside them, and the button that makes it live."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from drip import clock
from drip.web.console.plans import SHOWN_MAX, Planner, Proposal
from drip.web.console.room import HOME, Form, Looker, Room, Sender

log = structlog.get_logger("drip.console")


def files_router(room: Room) -> APIRouter:
    """Return the pages of the files."""
    router = APIRouter(prefix=f"{HOME}/files")
    settings = room.deployment.settings
    planner = Planner(room.deployment)

    def page(
        request: Request,
        operator: Looker,
        proposal: Proposal | None,
        *,
        template: str = "files.html",
        refused: list[str] | None = None,
        status: int = 200,
    ) -> Response:
        return room.page(
            request,
            template,
            operator,
            status=status,
            proposal=proposal,
            refused=refused or [],
            schedule=str(settings.schedule),
            emails=str(settings.emails),
            root=f"{settings.schedule.parent}/",
            there=settings.schedule.is_file(),
            looked_at=clock.machine_now(),
            look=f"{room.home}/files/look",
            action=f"{room.home}/files/apply",
            shown_max=SHOWN_MAX,
        )

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        return page(request, operator, None)

    @router.api_route("/look", methods=["GET", "HEAD"])
    def look(request: Request, operator: Looker) -> Response:
        part = "hx-request" in request.headers
        proposal = planner.of_files() if settings.schedule.is_file() else None
        return page(request, operator, proposal, template="_files.html" if part else "files.html")

    @router.post("/apply")
    def apply(request: Request, operator: Sender, form: Form) -> Response:
        if not settings.schedule.is_file():
            return page(request, operator, None, status=409)
        edition, found = planner.read()
        if edition is None:
            return page(request, operator, found, refused=["The files have faults, so they cannot go live."], status=409)
        number, refused = planner.apply(edition, form, operator)
        if number is None:
            return page(request, operator, planner.of(edition, found.problems), refused=refused, status=409)
        log.info("console-applied", operator=operator.operator.id, version=number)
        return room.lead(f"/versions/{number}?done=applied")

    return router
