"""The way back: an earlier version made live again as a new one, by a plan like any other."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from drip import clock
from drip.core.plan import Edition
from drip.errors import ProblemsFound
from drip.store import versions
from drip.store.versions import Version
from drip.web.console.plans import SHOWN_MAX, Planner, Proposal, refused_today
from drip.web.console.room import HOME, Form, Looker, Room, Sender, Turned
from drip.wiring import edition_of

log = structlog.get_logger("drip.console")


def back_router(room: Room) -> APIRouter:
    """Return the pages on which an operator goes back to a version."""
    router = APIRouter(prefix=f"{HOME}/versions/{{number}}/back")
    planner = Planner(room.deployment)

    @router.api_route("", methods=["GET", "HEAD"])
    def ask(request: Request, operator: Looker, number: str) -> Response:
        return _page(room, request, operator, version_of(room, request, operator, number), None, [])

    @router.api_route("/look", methods=["GET", "HEAD"])
    def look(request: Request, operator: Looker, number: str) -> Response:
        found = version_of(room, request, operator, number)
        edition, proposal = _edition(found)
        return _page(room, request, operator, found, proposal if edition is None else planner.of(edition), [])

    @router.post("")
    def press(request: Request, operator: Sender, form: Form, number: str) -> Response:
        found = version_of(room, request, operator, number)
        edition, proposal = _edition(found)
        if edition is None:
            return _page(room, request, operator, found, proposal, ["Today’s rules refuse this version."])
        reason = " ".join(form.get("reason", "").split())
        note = f"back to version {found.id}" + (f": {reason}" if reason else "")
        made, refused = planner.apply(edition, form, operator, note=note)
        if made is None:
            return _page(room, request, operator, found, planner.of(edition), refused)
        log.info("console-applied", operator=operator.operator.id, version=made, back_to=found.id)
        return room.lead(f"/versions/{made}?done=back")

    return router


def version_of(room: Room, request: Request, operator: Looker, number: str) -> Version:
    """Return the version of a number; raises Turned, with a page that says so, where there is none."""
    found = None
    # No row has a number that a database cannot hold.
    if number.isascii() and number.isdecimal() and int(number[:20]) < 2**31:
        with room.deployment.database.read() as connection:
            found = versions.find(connection, int(number))
    if found is None:
        raise Turned(room.missing(request, operator, f"There is no version {number}."))
    return found


def _page(  # noqa: PLR0917 - what the page is about
    room: Room, request: Request, operator: Looker, version: Version, proposal: Proposal | None, refused: list[str]
) -> Response:
    """Return the page of going back to a version, or the part of it that was fetched by itself."""
    part = "hx-request" in request.headers and proposal is not None
    here = f"{room.home}/versions/{version.id}/back"
    return room.page(
        request,
        "_back.html" if part else "back.html",
        operator,
        status=409 if refused else 200,
        version=version,
        proposal=proposal,
        refused=refused,
        looked_at=clock.machine_now(),
        look=f"{here}/look",
        action=here,
        shown_max=SHOWN_MAX,
    )


def _edition(version: Version) -> tuple[Edition | None, Proposal]:
    """Return a version as its files were read; None where today's rules refuse it, with what they say."""
    try:
        return edition_of(version), Proposal()
    except ProblemsFound as trouble:
        return None, refused_today(trouble)
