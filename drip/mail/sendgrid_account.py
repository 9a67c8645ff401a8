"""What SendGrid says of the account behind a key, asked by GET alone: what the key may do, and what is switched on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from drip.mail.reason import scrubbed
from drip.mail.sendgrid import REMEDY_KEY, REMEDY_URL, connected, errors_in
from drip.mail.transport import MayHaveArrived, NothingSent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REMEDY_REFUSED = "See in SendGrid whether the key is still there, and whether the account is suspended."

TRACKING = {
    "open": "open tracking",
    "click": "click tracking",
    "subscription": "subscription tracking",
    "google_analytics": "Google Analytics",
}
"""The switches of an account that watch readers or change what they read, by SendGrid's name, and in words."""


class Account(NamedTuple):
    """What SendGrid answered: why it gave none (*trouble*), why it turned the key away (*refused*) and the *remedy*.

    *scopes* are what the key may do, *tracking* what is switched on; None for what it does not tell this key. *now* is the
    instant on SendGrid's own clock.
    """

    trouble: str = ""
    refused: str = ""
    remedy: str = ""
    scopes: tuple[str, ...] | None = None
    tracking: tuple[str, ...] | None = None
    now: datetime | None = None


class SendGridAccount:
    """SendGrid's account of one key; build it in the process that asks. Nothing is ever changed by it."""

    def __init__(self, api_key: str, base_url: str = "https://api.sendgrid.com", request_timeout_seconds: float = 5.0) -> None:
        self._api_key = api_key
        self._api, self._transport = connected(
            api_key,
            base_url,
            request_seconds=request_timeout_seconds,
            connect_seconds=min(3.0, request_timeout_seconds),
            idle_seconds_max=4.0,
        )

    def look(self) -> Account:
        """Ask for the key's permissions and, when it is known, for the account's tracking; never raises for the provider."""
        client = self._api.client
        try:
            answer = client.scopes.get()
        except (NothingSent, MayHaveArrived) as error:
            return Account(trouble=scrubbed(str(error), secrets=[self._api_key]))
        now = _date_in(answer.headers)
        if answer.status_code == 429 or answer.status_code >= 500:
            return Account(trouble=self._reason(answer), now=now)
        if answer.status_code == 403:
            # A key that is known and may not ask what it may do: it may well be allowed to send.
            return Account(now=now, tracking=self._tracking(client.tracking_settings.get))
        if answer.status_code != 200:
            remedy = {401: REMEDY_KEY}.get(
                answer.status_code, REMEDY_URL if answer.status_code in {404, 405} else _REMEDY_REFUSED
            )
            if 300 <= answer.status_code < 400:
                remedy = REMEDY_URL
            return Account(refused=self._reason(answer), remedy=remedy, now=now)
        found = _json(answer.body)
        scopes = found.get("scopes") if isinstance(found, dict) else None
        if not isinstance(scopes, list):
            return Account(refused="what answers is not SendGrid's API", remedy=REMEDY_URL, now=now)
        known = tuple(scope for scope in scopes if isinstance(scope, str))
        return Account(scopes=known, tracking=self._tracking(client.tracking_settings.get), now=now)

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _reason(self, answer: Any) -> str:  # noqa: ANN401 - the package's own answer
        told = " | ".join(text for _, text in errors_in(answer.body))
        return scrubbed(f"{answer.status_code} {told}".strip(), secrets=[self._api_key])

    def _tracking(self, get: Callable[[], Any]) -> tuple[str, ...] | None:
        """Return which of `TRACKING` are on; None when this key may not know."""
        try:
            answer = get()
        except (NothingSent, MayHaveArrived):
            return None
        found = _json(answer.body) if answer.status_code == 200 else None
        settings = found.get("result") if isinstance(found, dict) else None
        if not isinstance(settings, list):
            return None
        on = {one.get("name") for one in settings if isinstance(one, dict) and one.get("enabled") is True}
        return tuple(words for name, words in TRACKING.items() if name in on)


def _json(body: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _date_in(headers: Mapping[str, str]) -> datetime | None:
    """Return the instant in the Date header of an answer; None where there is none that can be read."""
    try:
        found = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
