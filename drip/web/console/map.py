"""The map: every course with how many people stand at each of its lessons."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from drip import clock
from drip.flows import surveying
from drip.store.stamps import REAL
from drip.web.console.charts import share
from drip.web.console.room import HOME, Looker, Room


def map_router(room: Room) -> APIRouter:
    """Return the page of the map."""
    router = APIRouter(prefix=f"{HOME}/map")
    deployment = room.deployment

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        real_on = clock.machine_now().date() if deployment.settings.door == REAL else None
        maps = surveying.course_maps(deployment.database, deployment.library, real_on=real_on)
        return room.page(request, "map.html", operator, maps=maps, share=share)

    return router
