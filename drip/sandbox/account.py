"""What SendGrid tells a key of itself and of the account: its permissions, and what is switched on there."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from drip import clock
from drip.sandbox.answers import misbehaviour, refusal
from drip.sandbox.faults import Faults

SCOPES = (
    "mail.send",
    "asm.suppressions.global.create",
    "asm.suppressions.global.delete",
    "asm.suppressions.global.read",
    "recipients.erasejob.create",
    "suppression.read",
    "tracking_settings.read",
)
"""What the key of the sandbox may do: what drip needs, and to look at the switches."""

SETTINGS = ("click", "google_analytics", "open", "subscription")


def account_router(api_key: str, faults: Faults) -> APIRouter:
    """Return the routes; faults in force hold here too."""
    router = APIRouter()
    expected = f"Bearer {api_key}".encode()

    def told(request: Request, answer: Response) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return refusal(401, "authorization required", None)
        rule = faults.take((), ())
        return answer if rule is None else misbehaviour(rule, [], answer, now=clock.machine_now())

    @router.get("/v3/scopes")
    def scopes(request: Request) -> Response:
        return told(request, JSONResponse({"scopes": list(SCOPES)}))

    @router.get("/v3/tracking_settings")
    def tracking(request: Request) -> Response:
        result = [{"name": name, "title": name, "description": "", "enabled": False} for name in SETTINGS]
        return told(request, JSONResponse({"result": result}))

    return router
