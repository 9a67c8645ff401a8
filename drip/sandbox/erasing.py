"""What SendGrid keeps about an address besides mail: the erasure of a recipient's data, and the list of unsubscribes."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from drip import clock
from drip.sandbox.answers import misbehaviour, refusal
from drip.sandbox.faults import Faults
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.strict import as_errors, complaints_about_erasure

KNOWN = frozenset({"recipients/erasejob", "asm/suppressions/global"})
"""The paths below /v3 that are here; another method on them is a 405."""


def erasing_router(store: Mailbox, *, api_key: str, faults: Faults) -> APIRouter:
    """Return the routes, and what a test looks at; faults in force hold here too."""
    router = APIRouter()
    desk = Keeping(store, faults, f"Bearer {api_key}".encode())

    @router.post("/v3/recipients/erasejob")
    async def erase(request: Request) -> Response:
        return desk.erase(request, await request.body())

    @router.post("/v3/asm/suppressions/global")
    async def unsubscribe(request: Request) -> Response:
        return desk.unsubscribe(request, await request.body())

    # As a path: an address may hold a slash.
    @router.delete("/v3/asm/suppressions/global/{email:path}")
    def clear(email: str, request: Request) -> Response:
        return desk.clear(request, email)

    @router.get("/sandbox/unsubscribed")
    def listed() -> list[str]:
        return desk.listed()

    return router


class Keeping:
    """What is kept about addresses, and the answers to whoever asks for it to go."""

    def __init__(self, store: Mailbox, faults: Faults, expected: bytes) -> None:
        """Begin with an empty list; *expected* is how the engine shows itself."""
        self._store = store
        self._faults = faults
        self._expected = expected
        self._lock = threading.Lock()
        self._unsubscribed: dict[str, str] = {}

    def erase(self, request: Request, body: bytes) -> Response:
        """Take the job of erasing some addresses."""
        payload, refused = self._read(request, body)
        if refused is not None:
            return refused
        complaints = complaints_about_erasure(payload)
        if complaints:
            return JSONResponse(as_errors(complaints), status_code=400)
        addresses = payload["email_addresses"]
        answer = self._troubled(JSONResponse({"job_id": secrets.token_hex(16)}, status_code=202), addresses)
        if answer.status_code == HTTPStatus.ACCEPTED:
            self._store.erase(addresses, asked_at=clock.machine_now())
        return answer

    def unsubscribe(self, request: Request, body: bytes) -> Response:
        """Put addresses on the list of global unsubscribes."""
        payload, refused = self._read(request, body)
        if refused is not None:
            return refused
        addresses = payload.get("recipient_emails") if isinstance(payload, dict) else None
        if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
            return refusal(400, "recipient_emails must be a list of addresses", "recipient_emails")
        with self._lock:
            self._unsubscribed.update({address.casefold(): address for address in addresses})
        return JSONResponse({"recipient_emails": addresses}, status_code=201)

    def clear(self, request: Request, email: str) -> Response:
        """Take an address off that list; whether it was on it is not said."""
        refused = self._stranger(request)
        if refused is not None:
            return refused
        answer = self._troubled(Response(status_code=204), [email])
        if answer.status_code == HTTPStatus.NO_CONTENT:
            with self._lock:
                self._unsubscribed.pop(email.casefold(), None)
        return answer

    def listed(self) -> list[str]:
        """Return who is on that list."""
        with self._lock:
            return sorted(self._unsubscribed.values())

    def _stranger(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        known = hmac.compare_digest(given.encode(), self._expected)
        return None if known else refusal(401, "authorization required", None)

    def _troubled(self, answer: Response, addresses: list[str]) -> Response:
        rule = self._faults.take({address.casefold() for address in addresses}, ())
        return answer if rule is None else misbehaviour(rule, addresses, answer, now=clock.machine_now())

    def _read(self, request: Request, body: bytes) -> tuple[Any, Response | None]:
        """Return the JSON value of *body*, or the refusal of a stranger and of what holds none."""
        stranger = self._stranger(request)
        if stranger is not None:
            return None, stranger
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return None, refusal(415, "Content-Type should be application/json.", None)
        try:
            return json.loads(body), None
        except ValueError:
            return None, refusal(400, "Bad Request", None)
