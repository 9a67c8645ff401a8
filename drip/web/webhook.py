"""The door for the provider's reports: verify the raw bytes, store, answer; the work comes after."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from drip import clock
from drip.core.event import MalformedEvents
from drip.flows import listening
from drip.mail.sendgrid import verify_signature
from drip.wiring import Deployment

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

AGE_SECONDS_MAX = 48 * 3600
"""The provider tries for a day to deliver a report; what is older was recorded by somebody else."""

REMEDY = "set DRIP_SENDGRID_WEBHOOK_KEY to the verification key that the provider shows beside the event webhook"

log = structlog.get_logger("drip.web")


async def _raw(request: Request) -> bytes:
    return await request.body()


Raw = Annotated[bytes, Depends(_raw)]


def webhook_router(deployment: Deployment, hint: Callable[[], None] | None) -> APIRouter:
    """Return the door; *hint* tells the workers that reports wait, and may fail: a tick works them off all the same."""
    router = APIRouter()
    key = deployment.settings.webhook_key

    def hinted() -> None:
        try:
            if hint is not None:
                hint()
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the reports are stored
            log.warning("hint-lost", why=type(trouble).__name__)

    @router.post("/webhooks/sendgrid")
    def receive(request: Request, raw: Raw, after: BackgroundTasks) -> Response:
        status, why = why_refused(request, raw, key)
        if status:
            log.warning("report-refused", why=why)
            return PlainTextResponse(f"{why}\n", status_code=status)
        stored = listening.receive(deployment.database, raw, suppression_key=deployment.suppression_key)
        if isinstance(stored, MalformedEvents):
            log.warning("report-malformed")
            return PlainTextResponse("this is not a list of events\n", status_code=400)
        if stored:
            after.add_task(hinted)
        return Response(status_code=204, background=after)

    return router


def why_refused(request: Request, raw: bytes, key: str) -> tuple[int, str]:
    """Return the status and the reason with which a call is refused; (0, '') for one that the provider signed."""
    if not key:
        return 403, REMEDY
    signature, timestamp = request.headers.get(SIGNATURE, ""), request.headers.get(TIMESTAMP, "")
    if not signature or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return 400, "the signature or its timestamp is missing or malformed"
    try:
        base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return 400, "the signature is malformed"
    if not verify_signature(key, signature, timestamp, raw):
        return 403, "the signature does not fit; see whether DRIP_SENDGRID_WEBHOOK_KEY is the provider's verification key"
    if abs(clock.machine_now().timestamp() - int(timestamp)) > AGE_SECONDS_MAX:
        return 403, "the signature is more than two days off; see whether this machine's clock is right"
    return 0, ""
