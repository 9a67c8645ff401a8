"""The sender: whether letters go, why not, what to do, and what else stands at the door."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from drip.flows import reporting
from drip.web.console.room import Looker, Room


def sender_router(room: Room) -> APIRouter:
    """Return the page of the sender."""
    router = APIRouter(prefix="/sender")
    deployment = room.deployment

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        standing = reporting.status(deployment.database, door=deployment.settings.sender)
        return room.page(request, "sender.html", operator, standing=standing, door=deployment.settings.sender)

    return router
