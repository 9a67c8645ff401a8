"""SendGrid's API on this machine: strict where SendGrid is strict, and as unreliable as a test asks for."""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from drip import clock
from drip.sandbox.account import account_router
from drip.sandbox.answers import misbehaviour, refusal, too_large
from drip.sandbox.connection import Hang, Late
from drip.sandbox.control import control_router, time_router
from drip.sandbox.courier import Courier
from drip.sandbox.erasing import KNOWN, erasing_router
from drip.sandbox.faults import Faults
from drip.sandbox.guard import Guard
from drip.sandbox.lists import lists_router
from drip.sandbox.mailbox import DELIVERY, Mailbox
from drip.sandbox.pages import Reader, page_router
from drip.sandbox.signing import SigningKey
from drip.sandbox.strict import (
    BODY_BYTES_MAX,
    addresses_of,
    as_errors,
    complaints_about,
)
from drip.sandbox.timemachine import Pilot, TimeMachine


@dataclass
class Traffic:
    """How many requests to send mail there were: all of them, those accepted, and those still waiting for an answer."""

    requests: int = 0
    accepted: int = 0
    waiting: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, requests: int = 0, accepted: int = 0, waiting: int = 0) -> None:
        """Count, from any thread."""
        with self.lock:
            self.requests += requests
            self.accepted += accepted
            self.waiting += waiting


async def _body(request: Request) -> bytes | None:
    """Return the body of a request; None when it is larger than SendGrid takes (it is read to the end all the same)."""
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length <= BODY_BYTES_MAX:
            chunks.append(chunk)
        else:
            chunks.clear()
    return b"".join(chunks) if length <= BODY_BYTES_MAX else None


Body = Annotated[bytes | None, Depends(_body)]


def make_sandbox(
    store: Mailbox,
    *,
    api_key: str,
    webhook_url: str | None = None,
    signing_key: SigningKey | None = None,
    calendar: Callable[[], datetime] = clock.machine_now,
    time_machine: TimeMachine | None = None,
    reader_of: Callable[[str], Reader] | None = None,
    faults: Faults | None = None,
) -> FastAPI:
    """Return the whole sandbox as one application: the API, its controls for tests, and the mailbox pages.

    *webhook_url* is where signed events go, and needs *signing_key*; without it none are made. *calendar* tells the
    calendar's instant. *reader_of* tells what the engine knows of whoever reads at an address.
    The application owns neither *store* nor *time_machine*: whoever made them closes them.
    """
    faults = Faults() if faults is None else faults
    courier = None
    if webhook_url is not None:
        if signing_key is None:
            raise ValueError("webhook events need a signing key")
        courier = Courier(store, url=webhook_url, key=signing_key)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if courier is not None:
            courier.start()
        yield
        if courier is not None:
            courier.stop()

    app = FastAPI(title="drip sandbox", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(Guard)
    traffic = Traffic()
    desk = SendDesk(store=store, faults=faults, courier=courier, calendar=calendar, traffic=traffic)
    app.include_router(account_router(api_key, faults))
    app.include_router(lists_router(api_key, faults))
    app.include_router(erasing_router(store, api_key=api_key, faults=faults))
    app.include_router(_provider_router(desk, api_key))
    app.include_router(control_router(store, faults=faults, courier=courier, traffic=traffic))
    if time_machine is not None:
        app.include_router(time_router(time_machine))
    pilot = None if time_machine is None else Pilot(time_machine)
    app.include_router(page_router(store, calendar=calendar, pilot=pilot, reader_of=reader_of, courier=courier))
    return app


@dataclass(frozen=True, slots=True)
class SendDesk:
    """Takes one request to send mail: refuses, accepts, or misbehaves as the faults in force say."""

    store: Mailbox
    faults: Faults
    courier: Courier | None
    calendar: Callable[[], datetime]
    traffic: Traffic

    def answer(self, body: bytes | None, content_type: str) -> Response:
        """Return SendGrid's answer to *body*."""
        self.traffic.add(requests=1)
        payload, unreadable = _parsed(body, content_type)
        if unreadable is not None:
            return unreadable
        complaints = complaints_about(payload)
        if complaints:
            return JSONResponse(as_errors(complaints), status_code=400)
        people = payload["personalizations"]
        addresses = [address.casefold() for person in people for address in addresses_of(person)]
        deliveries = {person.get("custom_args", {}).get(DELIVERY, "") for person in people}
        rule = self.faults.take(set(addresses), deliveries)
        if rule is None:
            return self._accept(payload)
        accepted = self._accept(payload) if rule.stores else Response(status_code=202)
        recipients = [person["to"][0]["email"] for person in people]
        return self._counted(misbehaviour(rule, recipients, accepted, now=clock.machine_now()))

    def _accept(self, payload: dict[str, Any]) -> Response:
        """Store every mail of the request and return the receipt."""
        if payload.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return Response(status_code=200)
        message_id = secrets.token_urlsafe(16)
        self.store.accept(payload, message_id=message_id, accepted_at=clock.machine_now(), calendar_at=self.calendar())
        self.traffic.add(accepted=1)
        if self.courier is not None:
            self.courier.wake()
        return Response(status_code=202, headers={"X-Message-Id": message_id})

    def _counted(self, response: Response) -> Response:
        """Return *response* so that it counts as waiting while it is not given."""
        return _Counted(response, self.traffic) if isinstance(response, (Hang, Late)) else response


class _Counted(Response):
    """Another response, counted as waiting while it lasts."""

    def __init__(self, inner: Response, traffic: Traffic) -> None:
        super().__init__()
        self._inner = inner
        self._traffic = traffic

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
        """Give the inner response."""
        self._traffic.add(waiting=1)
        try:
            await self._inner(scope, receive, send)
        finally:
            self._traffic.add(waiting=-1)


def _parsed(body: bytes | None, content_type: str) -> tuple[Any, Response | None]:
    """Return the JSON value of *body*, or the refusal of what holds none."""
    if body is None:
        return None, too_large()
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return None, refusal(415, "Content-Type should be application/json.", None)
    try:
        return json.loads(body), None
    except ValueError:
        return None, refusal(400, "Bad Request", None)


def _provider_router(desk: SendDesk, api_key: str) -> APIRouter:
    """Return the routes that SendGrid has."""
    router = APIRouter(prefix="/v3")
    expected = f"Bearer {api_key}".encode()

    def refused(request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        if not given:
            return refusal(401, "Permission denied, wrong credentials", None)
        if hmac.compare_digest(given.encode(), expected):
            return None
        return refusal(401, "The provided authorization grant is invalid, expired, or revoked", None)

    @router.post("/mail/send")
    def send(request: Request, body: Body) -> Response:
        return refused(request) or desk.answer(body, request.headers.get("content-type", ""))

    @router.api_route("/{rest:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    def elsewhere(rest: str) -> Response:
        known = rest == "mail/send" or rest in KNOWN
        return refusal(405, "method not allowed", None) if known else refusal(404, "not found", None)

    return router
