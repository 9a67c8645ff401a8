"""The public pages, the API, the webhook and the console as one application; nothing from elsewhere.

One public page has a script, a file of ours: the form for joining, where it finds her time zone. The console has another,
and the only cookie there is. All work without a script.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from drip.errors import DripError, NotFound, Unreachable, where
from drip.flows import showing
from drip.store.session import DatabaseTrouble
from drip.web.after import after_router
from drip.web.api import api_router, field_troubles, is_api, trouble_answer
from drip.web.caps import Caps
from drip.web.captcha import Captcha
from drip.web.care import care_router
from drip.web.console import Turned, console_router, in_console, static_router, turned
from drip.web.course import course_router
from drip.web.desk import RETRY_SECONDS, STYLE, ZONE_SCRIPT, Desk
from drip.web.finding import finding_router
from drip.web.guard import Guard
from drip.web.joining import public_router
from drip.web.kit import kit_router
from drip.web.leaving import leave_router
from drip.web.own import own_router
from drip.web.settings import settings_router
from drip.web.signup import sign_up_router
from drip.web.strangers import Strangers
from drip.web.webhook import webhook_router
from drip.web.whence import Whence
from drip.wiring import Deployment

log = structlog.get_logger("drip.web")


def make_web(
    deployment: Deployment,
    *,
    hint: Callable[[], None] | None = None,
    wait_seconds: float | None = None,
    captcha: Captcha | None = None,
) -> FastAPI:
    """Return all pages of a *deployment*.

    *hint* tells the workers that reports or forms wait to be worked off. *captcha* is a riddle for the sign-up form, which
    loads something from elsewhere; by default there is none. *wait_seconds* bounds how long an answer to a leave or a
    pause waits for a letter that is being handed over; by default that is as long as one can take.
    """
    app = FastAPI(title="drip", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    desk = Desk(deployment, deployment.leave_wait_seconds if wait_seconds is None else wait_seconds)
    settings = deployment.settings
    app.state.api_keys = settings.api_keys
    key = deployment.suppression_key
    caps = Caps(settings.redis_url, namespace=settings.queue, per_hour=settings.sign_ups_per_hour, key=key)
    whence = Whence(settings.trusted_proxies)
    strangers = Strangers(desk, caps, whence, hint=hint, captcha=captcha)

    def trouble(status: int, path: str) -> Response:
        return trouble_answer(status) if is_api(path) else desk.trouble(status)

    app.add_middleware(Guard, prefix=desk.prefix, trouble_page=trouble)
    for router in (
        public_router(desk, strangers),
        sign_up_router(desk, strangers),
        finding_router(desk, strangers),
        api_router(desk, strangers),
        care_router(desk),
        leave_router(desk),
        settings_router(desk),
        course_router(desk),
        after_router(desk),
        kit_router(desk),
        own_router(desk),
        webhook_router(deployment, hint),
        console_router(desk, caps, whence),
        static_router(),
        _plain_router(deployment),
    ):
        app.include_router(router)
    _answer_troubles(app, desk)
    app.add_exception_handler(Turned, turned)
    return app


def _answer_troubles(app: FastAPI, desk: Desk) -> None:
    """Answer what goes wrong with a calm page, and log it without a word of the request."""

    @app.exception_handler(HTTPException)
    def refused(request: Request, trouble: HTTPException) -> Response:
        if is_api(request.scope["path"]):
            return trouble_answer(trouble.status_code, str(trouble.detail), dict(trouble.headers or {}))
        answer = desk.trouble(trouble.status_code)
        answer.headers.update(trouble.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    def not_taken(_: Request, trouble: RequestValidationError) -> Response:
        return field_troubles(list(trouble.errors()))

    @app.exception_handler(NotFound)
    def missing(request: Request, trouble: NotFound) -> Response:
        return in_console(request, trouble) or desk.trouble(404)

    @app.exception_handler(DripError)
    def not_done(request: Request, trouble: DripError) -> Response:
        answer = in_console(request, trouble)
        if answer is None:
            raise trouble
        return answer

    @app.exception_handler(Unreachable)
    @app.exception_handler(DatabaseTrouble)
    def unreachable(request: Request, trouble: Exception) -> Response:
        log.error("database-trouble", error=type(trouble).__name__, at=where(trouble))
        if is_api(request.scope["path"]):
            return trouble_answer(503, "the books do not answer just now", {"Retry-After": str(RETRY_SECONDS)})
        return desk.trouble(503)


def _plain_router(deployment: Deployment) -> APIRouter:
    """Return what machines ask for: the style of the pages, their one script, and whether all is well."""
    router = APIRouter()

    @router.api_route("/static/web.css", methods=["GET", "HEAD"])
    def style() -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=86400"})

    @router.api_route("/static/zone.js", methods=["GET", "HEAD"])
    def zone() -> Response:
        return Response(ZONE_SCRIPT, media_type="text/javascript", headers={"Cache-Control": "public, max-age=86400"})

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def alive() -> Response:
        # On the loop itself: it answers while every thread waits for the database.
        return PlainTextResponse("alive\n")

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    def ready() -> Response:
        wrong = showing.why_not_ready(deployment.database)
        return PlainTextResponse("\n".join(wrong or ["ready"]) + "\n", status_code=503 if wrong else 200)

    return router
