"""What SendGrid answers when it does not accept, and what a rule of trouble makes of a request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from fastapi import Response
from fastapi.responses import HTMLResponse, JSONResponse

from drip.sandbox.connection import Hang, Late, Reset
from drip.sandbox.faults import Action, Rule
from drip.sandbox.strict import Complaint, as_errors

_TOO_LARGE = (
    "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    "<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)

_REFUSALS: dict[Action, tuple[int, str, str | None]] = {
    "400-all": (400, "Bad Request", None),
    "401": (401, "The provided authorization grant is invalid, expired, or revoked", None),
    "403": (403, "The from address does not match a verified Sender Identity.", "from"),
    "429": (429, "too many requests", None),
    "429-reset": (429, "too many requests", None),
    "500": (500, "Internal Server Error", None),
    "503": (503, "Service Unavailable", None),
}


def refusal(status: int, message: str, field: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """Return one refusal in SendGrid's JSON shape."""
    return JSONResponse(as_errors([Complaint(message, field)]), status_code=status, headers=headers)


def too_large() -> Response:
    """Return the refusal of the server before SendGrid's API, which speaks no JSON."""
    return HTMLResponse(_TOO_LARGE, status_code=413, headers={"Connection": "close"})


def misbehaviour(rule: Rule, recipients: Sequence[str], accepted: Response, *, now: datetime) -> Response:
    """Return what *rule* does to a request to *recipients* that would have got the answer *accepted*."""
    match rule.action:
        case "reset-before" | "reset-after":
            return Reset()
        case "hang":
            return Hang(rule.seconds)
        case "delay":
            return Late(accepted, rule.seconds)
        case "413":
            return too_large()
        case "400-address":
            named = f"personalizations.{_position(rule, recipients)}.to.0.email"
            return refusal(400, rule.message or "Does not contain a valid address.", rule.field or named)
    status, message, field = _REFUSALS[rule.action]
    reset_at = math.ceil((now + timedelta(seconds=rule.seconds)).timestamp())
    limits = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset_at)}
    headers = limits if rule.action == "429-reset" else None
    return refusal(status, rule.message or message, rule.field or field, headers)


def _position(rule: Rule, recipients: Sequence[str]) -> int:
    """Return the place of the address that *rule* is about, or the first."""
    address = "" if rule.match.address is None else rule.match.address.casefold()
    return next((place for place, each in enumerate(recipients) if each.casefold() == address), 0)
