"""Pages for everybody: the front, and the button of the confirmation letter."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from drip import clock
from drip.core.token import CONFIRM, CONFIRM_DAYS
from drip.flows import enrolling, showing
from drip.web.desk import Desk, unstuck


def public_router(desk: Desk) -> APIRouter:
    """Return the pages that are nobody's."""
    router = APIRouter()
    deployment = desk.deployment

    @router.api_route("/", methods=["GET", "HEAD"])
    def front() -> Response:
        courses = showing.live_courses(deployment.database, deployment.library)
        return desk.page("front.html", courses=[live.course for live in courses.values()])

    _add_confirm(router, desk)
    return router


def _add_confirm(router: APIRouter, desk: Desk) -> None:
    """Add the page of the confirmation letter: one button, and after its press what comes now."""
    deployment = desk.deployment

    def read(token: str) -> tuple[str, bool] | None:
        return deployment.tokens.read_dated(CONFIRM, unstuck(token), now=clock.machine_now(), days=CONFIRM_DAYS)

    @router.api_route("/confirm/{token}", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        found = read(token)
        shown = desk.reread(found[0]) if found is not None else None
        if found is None or shown is None:
            return desk.trouble(404)
        if found[1]:
            return desk.page("expired.html", status=410, brand=shown.course.title, contact=shown.course.reply_to)
        return desk.page(
            "confirm.html",
            brand=shown.course.title,
            contact=shown.course.reply_to,
            action=f"{desk.prefix}/confirm/{unstuck(token)}",
        )

    @router.post("/confirm/{token}")
    def confirm(token: str, request: Request) -> Response:
        found = read(token)
        if found is None:
            return desk.trouble(404)
        public_id, expired = found
        shown = desk.reread(public_id)
        if shown is None:
            return desk.trouble(404)
        course = shown.course
        if expired:
            return desk.page("expired.html", status=410, brand=course.title, contact=course.reply_to)
        begun = enrolling.confirm(
            deployment.database,
            deployment.library,
            public_id,
            source="confirmation page",
            network_address=request.client.host if request.client else "",
        )
        if not begun:
            return desk.trouble(404)
        tokens = desk.tokens(shown)
        subject = showing.first_subject(shown, deployment.library, my_token=tokens.my, leave_token=tokens.leave)
        return desk.page("confirmed.html", brand=course.title, contact=course.reply_to, sender=course.sender, subject=subject)
