"""Leaving by one press, from a page or from a mail program, and the way back.

A link to leave stands in a header that providers keep, so its pages lead to nothing else of hers: the rest and the
slower pace that they offer are presses of their own.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from drip.core.enrollment import Stage
from drip.core.token import LEAVE
from drip.flows import adjusting, unsubscribing
from drip.flows.showing import Shown
from drip.web.desk import Desk

REST_WEEKS = 4
SLOWLY = "2"

# RFC 8058: what a mail program posts, as multipart/form-data or urlencoded. Any body leaves; the record of consents
# alone wants to know which it was.
_ONE_CLICK = b"One-Click"


async def _source(request: Request) -> str:
    return "one-click" if _ONE_CLICK in await request.body() else "leave page"


Source = Annotated[str, Depends(_source)]


def leave_router(desk: Desk) -> APIRouter:
    """Return the pages of leaving."""
    router = APIRouter()
    deployment = desk.deployment

    @router.api_route("/leave/{token}", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        # Mail scanners follow links: this only shows the button, and its press leaves.
        shown = desk.find(LEAVE, token)
        if shown is None:
            return desk.page("nobody.html")
        if shown.person.state == Stage.LEFT:
            return _left(desk, shown)
        return _page(
            desk, "leave.html", shown, rest_on=shown.after_pause(REST_WEEKS), undo_days=unsubscribing.undo_days(shown.course)
        )

    @router.post("/leave/{token}")
    def leave(token: str, source: Source) -> Response:
        public_id = desk.read(LEAVE, token)
        if public_id is None:
            return desk.page("nobody.html")
        leaving = unsubscribing.leave(
            deployment.database, deployment.library, public_id, source=source, wait_seconds=desk.wait_seconds
        )
        shown = desk.reread(public_id) if leaving.known else None
        if shown is None:
            return desk.page("nobody.html")
        status = 200 if leaving.acknowledged else 503
        return _page(desk, "left.html", shown, status=status, acknowledged=leaving.acknowledged, undo_until=_undo_until(shown))

    _add_undo(router, desk)
    _add_instead(router, desk)
    return router


def _page(desk: Desk, template: str, shown: Shown, **values: Any) -> Response:  # noqa: ANN401 - a template's own
    return desk.person_page(template, shown, links=None, leave=desk.links(shown).leave, **values)


def _add_undo(router: APIRouter, desk: Desk) -> None:
    """Add the way back."""
    deployment = desk.deployment

    @router.post("/leave/{token}/undo")
    def undo(token: str) -> Response:
        shown = desk.find(LEAVE, token)
        if shown is None:
            return desk.page("nobody.html")
        unsubscribing.undo(deployment.database, deployment.library, shown.person.public_id, source="leave page")
        return desk.lead(f"{desk.links(shown).leave}/back")

    @router.api_route("/leave/{token}/back", methods=["GET", "HEAD"])
    def back(token: str) -> Response:
        shown = desk.find(LEAVE, token)
        if shown is None:
            return desk.page("nobody.html")
        if shown.person.state == Stage.LEFT and _undo_until(shown) is not None:
            return _left(desk, shown)
        here = shown.person.state in {Stage.ASKED, Stage.ACTIVE, Stage.FINISHED} and not shown.barred
        return _page(desk, "back.html", shown, back=here)


def _add_instead(router: APIRouter, desk: Desk) -> None:
    """Add what one may do instead: rest, or go slower."""
    deployment = desk.deployment

    def answer(token: str, adjust: Any, **change: Any) -> Response:  # noqa: ANN401 - two flows of different arguments
        shown = desk.find(LEAVE, token)
        if shown is None:
            return desk.page("nobody.html")
        adjusted = adjust(
            deployment.database,
            deployment.library,
            shown.person.public_id,
            **change,
            wait_seconds=desk.wait_seconds,
        )
        if not adjusted.acknowledged:
            return desk.person_page("not-yet.html", shown, status=503, links=None)
        return desk.lead(f"{desk.links(shown).leave}/stayed")

    @router.post("/leave/{token}/rest")
    def rest(token: str) -> Response:
        return answer(token, adjusting.pause, weeks=REST_WEEKS)

    @router.post("/leave/{token}/slower")
    def slower(token: str) -> Response:
        return answer(token, adjusting.choose, choices={"pace": SLOWLY})

    @router.api_route("/leave/{token}/stayed", methods=["GET", "HEAD"])
    def stayed(token: str) -> Response:
        shown = desk.find(LEAVE, token)
        if shown is None:
            return desk.page("nobody.html")
        if shown.person.state == Stage.LEFT:
            return _left(desk, shown)
        return _page(desk, "stayed.html", shown)


def _left(desk: Desk, shown: Shown) -> Response:
    """Return the page of somebody who left before."""
    return _page(desk, "left.html", shown, acknowledged=True, undo_until=_undo_until(shown))


def _undo_until(shown: Shown) -> date | None:
    """Return the day on which leaving can be undone for the last time, where she lives; None once it cannot."""
    if shown.barred:
        return None
    until = unsubscribing.undo_until(shown.person, shown.course)
    return None if until is None or shown.today > until else until
