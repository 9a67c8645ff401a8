"""An operator's own account: her password, where she is logged in, and the way out."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from drip.core.operator import PASSWORD_MIN, why_no_password
from drip.flows import admitting
from drip.web.console.room import HEADERS, HOME, LOGIN, Form, Looker, Room

log = structlog.get_logger("drip.console")


def account_router(room: Room) -> APIRouter:
    """Return the pages of an operator's own account."""
    router = APIRouter(prefix=HOME)
    database = room.deployment.database

    def account(request: Request, operator: Looker, faults: dict[str, str], *, said: str = "", status: int = 200) -> Response:
        return room.page(
            request,
            "account.html",
            operator,
            status=status,
            faults=faults,
            said=said,
            sessions=admitting.sessions(database, operator),
            password_min=PASSWORD_MIN,
        )

    @router.api_route("/account", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        said = {
            "password": "Your password is changed. Every other browser was logged out.",
            "elsewhere": "Every other browser is logged out.",
        }
        return account(request, operator, {}, said=said.get(request.query_params.get("done", ""), ""))

    @router.post("/account/password")
    def change(request: Request, operator: Looker, form: Form) -> Response:
        new = form.get("new-password", "")
        fault = why_no_password(new)
        if fault:
            return account(request, operator, {"new": fault}, status=422)
        if new != form.get("again-password", ""):
            return account(request, operator, {"again": "this is not the same as above"}, status=422)
        full = room.caps.count_try(operator.operator.name, room.whence(request))
        if full:
            return account(request, operator, {"old": "too many tries; please wait a quarter of an hour"}, status=429)
        signed = admitting.change_own_password(database, room.secrets, operator, old=form.get("password", ""), new=new)
        if signed is None:
            return account(request, operator, {"old": "this is not your password"}, status=422)
        room.caps.forgive(operator.operator.name, room.whence(request))
        log.info("console-password", operator=operator.operator.id)
        answer = room.lead("/account?done=password")
        room.keep(answer, signed.secret)
        return answer

    @router.post("/account/elsewhere")
    def elsewhere(operator: Looker) -> Response:
        admitting.log_out_elsewhere(database, operator)
        return room.lead("/account?done=elsewhere")

    @router.post("/logout")
    def log_out(operator: Looker) -> Response:
        admitting.log_out(database, room.secrets, operator.secret)
        log.info("console-logout", operator=operator.operator.id)
        answer = RedirectResponse(f"{room.desk.prefix}{LOGIN}", status_code=303, headers=dict(HEADERS))
        room.forget(answer)
        # Nothing that was shown stays behind on this machine.
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    return router
