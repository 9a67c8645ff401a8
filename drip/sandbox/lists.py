"""SendGrid's lists of addresses that it does not write to, as its API tells them: filled by tests, read by the engine."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import JSONResponse

from drip import clock
from drip.sandbox.answers import misbehaviour, refusal
from drip.sandbox.faults import Faults

PAGE_MAX = 500

FIELDS: dict[str, tuple[str, ...]] = {
    "bounces": ("created", "email", "reason", "status"),
    "blocks": ("created", "email", "reason", "status"),
    "invalid_emails": ("created", "email", "reason"),
    "spam_reports": ("created", "email", "ip"),
    "unsubscribes": ("created", "email"),
}
"""What SendGrid tells of each entry of a list."""

_PARAMETERS = frozenset({"limit", "offset", "start_time", "end_time", "email"})


class Lists:
    """The lists, in memory: each entry has the fields of its list, newest first."""

    def __init__(self) -> None:
        """Begin with empty lists."""
        self._lock = threading.Lock()
        self._lists: dict[str, list[dict[str, Any]]] = {name: [] for name in FIELDS}

    def add(self, name: str, entries: list[dict[str, Any]]) -> None:
        """Put entries on a list; what is not said of one is empty."""
        with self._lock:
            for entry in entries:
                self._lists[name].insert(0, {key: entry.get(key, 0 if key == "created" else "") for key in FIELDS[name]})

    def page(self, name: str, asked: Mapping[str, int], email: str) -> list[dict[str, Any]]:
        """Return the part of a list that was asked for."""
        with self._lock:
            found = [one for one in self._lists[name] if email.casefold() in {"", one["email"].casefold()}]
        begin, end = asked.get("start_time", 0), asked.get("end_time", 2**53)
        within = [one for one in found if begin <= one["created"] <= end]
        offset = asked.get("offset", 0)
        return within[offset : offset + asked.get("limit", PAGE_MAX)]


def lists_router(api_key: str, faults: Faults) -> APIRouter:
    """Return the routes of SendGrid's suppression lists, and the control that fills them; faults in force hold here too."""
    router = APIRouter()
    lists = Lists()
    expected = f"Bearer {api_key}".encode()

    @router.get("/v3/suppression/{name}")
    def tell(name: str, request: Request) -> Response:
        if name not in FIELDS:
            return refusal(404, "not found", None)
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return refusal(401, "authorization required", None)
        asked, wrong = _asked(request.query_params)
        if wrong is not None:
            return wrong
        answer = JSONResponse(lists.page(name, asked, request.query_params.get("email", "")))
        rule = faults.take((), ())
        return answer if rule is None else misbehaviour(rule, [], answer, now=clock.machine_now())

    @router.post("/sandbox/lists/{name}")
    def fill(name: str, entries: Annotated[list[dict[str, Any]], Body()]) -> Response:
        if name not in FIELDS:
            return refusal(404, "not found", None)
        lists.add(name, entries)
        return Response(status_code=204)

    return router


def _asked(parameters: Mapping[str, str]) -> tuple[dict[str, int], Response | None]:
    """Return the numbers that were asked for, or the refusal of what SendGrid does not take."""
    found: dict[str, int] = {}
    for name, value in parameters.items():
        if name not in _PARAMETERS:
            return {}, refusal(400, f"unknown parameter {name}", name)
        if name == "email":
            continue
        if not (value.isascii() and value.isdecimal()):
            return {}, refusal(400, f"{name} must be a number", name)
        found[name] = int(value)
    if not 1 <= found.get("limit", PAGE_MAX) <= PAGE_MAX:
        return {}, refusal(400, f"limit must be between 1 and {PAGE_MAX}", "limit")
    return found, None
