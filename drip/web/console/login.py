"""The way in: a name and a password."""

from __future__ import annotations

import math

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from drip.flows import admitting
from drip.web.console.room import HEADERS, HOME, Form, Room
from drip.web.desk import RETRY_SECONDS

log = structlog.get_logger("drip.console")

WRONG = "This name and this password do not belong together."


def login_router(room: Room) -> APIRouter:
    """Return the page of logging in."""
    router = APIRouter(prefix=HOME)
    database = room.deployment.database

    def form_page(
        request: Request, place: str, *, name: str = "", fault: str = "", status: int = 200, retry: int = 0
    ) -> Response:
        headers = {"Retry-After": str(retry)} if retry else None
        nobody = admitting.is_nobody_there(database)
        facts = {"place": place, "name": name, "fault": fault, "nobody": nobody}
        return room.page(request, "login.html", None, status=status, headers=headers, **facts)

    @router.api_route("/login", methods=["GET", "HEAD"])
    def show(request: Request) -> Response:
        place = room.place(request.query_params.get("next", ""))
        if request.state.signed is not None:
            return RedirectResponse(place, status_code=303, headers=dict(HEADERS))
        return form_page(request, place)

    @router.post("/login")
    def log_in(request: Request, form: Form) -> Response:
        place, name = room.place(form.get("next", "")), form.get("name", "")
        network = room.whence(request)
        full = room.caps.count_try(name.lower(), network)
        if full:
            log.warning("console-tries", retry_seconds=full)
            fault = f"Too many tries. The next one is taken in {_minutes(full)}."
            return form_page(request, place, name=name, fault=fault, status=429, retry=full)
        try:
            signed = admitting.log_in(database, room.secrets, name, form.get("password", ""))
        except admitting.Busy as busy:
            return form_page(request, place, name=name, fault=str(busy), status=503, retry=RETRY_SECONDS)
        if signed is None:
            log.info("console-refused")
            return form_page(request, place, name=name, fault=WRONG, status=403)
        room.caps.forgive(name.lower(), network)
        before = room.secret_of(request)
        if before:
            admitting.log_out(database, room.secrets, before)
        log.info("console-login", operator=signed.operator.id)
        answer = RedirectResponse(place, status_code=303, headers=dict(HEADERS))
        room.keep(answer, signed.secret)
        return answer

    return router


def _minutes(seconds: int) -> str:
    count = math.ceil(seconds / 60)
    return "a minute" if count == 1 else f"{count} minutes"
