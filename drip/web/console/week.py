"""The week: which letters fall due in the coming seven days, hour by hour."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from drip.flows import surveying
from drip.web.console.charts import columns
from drip.web.console.room import HOME, Looker, Room


def week_router(room: Room) -> APIRouter:
    """Return the page of the week."""
    router = APIRouter(prefix=f"{HOME}/week")
    deployment = room.deployment

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        weeks = surveying.weeks(deployment.database, deployment.library)
        return room.page(request, "week.html", operator, weeks=weeks, columns=columns)

    return router
