"""SendGrid's lists of bounces, invalid addresses, spam reports, global unsubscribes and blocks, read page by page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from drip import clock
from drip.errors import SettingsError, Unreachable
from drip.mail.lists import SENDGRID_LISTS, Entry, ListName
from drip.mail.reason import scrubbed
from drip.mail.sendgrid import REMEDY_KEY, REMEDY_URL, connected, errors_in, retry_after_seconds
from drip.mail.transport import MayHaveArrived, NothingSent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE_MAX = 500
"""The most entries that SendGrid tells at once."""

TRIES_MAX = 5
WAIT_SECONDS_MAX = 60.0

_REMEDY_SCOPE = "Give the key the permission Suppressions, read access is enough."


class SendGridLists:
    """SendGrid as `Lists`; build it in the process that asks."""

    names: tuple[ListName, ...] = SENDGRID_LISTS

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.sendgrid.com",
        request_timeout_seconds: float = 20.0,
        page: int = PAGE_MAX,
        wait: Callable[[float], None] = clock.wait,
    ) -> None:
        self._api_key = api_key
        self._page = page
        self._wait = wait
        self._api, self._transport = connected(
            api_key,
            base_url,
            request_seconds=request_timeout_seconds,
            connect_seconds=min(5.0, request_timeout_seconds),
            idle_seconds_max=4.0,
        )

    def entries(self, name: str) -> Iterator[list[Entry]]:
        """Yield the list *name* page by page, to its end."""
        offset = 0
        while True:
            found = self._asked(name, offset)
            yield [entry for one in found if (entry := _entry(one)) is not None]
            if len(found) < self._page:
                return
            offset += self._page

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _asked(self, name: str, offset: int) -> list[Any]:
        """Return one page; a request that only asks may be made again, so a rate limit and a lost answer are waited out."""
        why = ""
        for attempt in range(1, TRIES_MAX + 1):
            try:
                answer = getattr(self._api.client.suppression, name).get(query_params={"limit": self._page, "offset": offset})
            except (NothingSent, MayHaveArrived) as error:
                why, wait = scrubbed(str(error), secrets=[self._api_key]), 1.0 * attempt
            else:
                if answer.status_code == 200:
                    return _page_of(answer.body)
                told = " | ".join(text for _, text in errors_in(answer.body))
                why = scrubbed(f"{answer.status_code} {told}", secrets=[self._api_key])
                if answer.status_code not in {408, 425, 429} and answer.status_code < 500:
                    remedy = {401: REMEDY_KEY, 403: _REMEDY_SCOPE}.get(answer.status_code, REMEDY_URL)
                    msg = f"SendGrid does not tell its {name}: {why}. {remedy}"
                    raise SettingsError(msg)
                wait = retry_after_seconds(answer.headers) or 1.0 * attempt
            if attempt < TRIES_MAX:
                self._wait(min(wait, WAIT_SECONDS_MAX))
        msg = f"SendGrid does not tell its {name} now: {why}. Run the same command again later: it begins where nothing is lost"
        raise Unreachable(msg)


def _page_of(body: bytes) -> list[Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        msg = f"what answers is not SendGrid's API. {REMEDY_URL}"
        raise SettingsError(msg)
    return found


def _entry(one: object) -> Entry | None:
    """Return one entry of a page: of all that SendGrid tells, only the address and since when."""
    if not isinstance(one, dict) or not isinstance(one.get("email"), str):
        return None
    created = one.get("created")
    at = datetime.fromtimestamp(created, UTC) if isinstance(created, int) and 0 < created < 32_503_680_000 else None
    return Entry(one["email"], at)
