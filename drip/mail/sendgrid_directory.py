"""What SendGrid keeps about an address, over its API: the erasure of a recipient's data, and its list of unsubscribes.

Of its lists only that of global unsubscribes is ever cleared. A bounce says that there is no mailbox and a spam report
that she does not want us; neither is taken back by her signing up here, and what is on those lists is not ours to undo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from drip.mail.directory import Declined, NotNow, Reply, Told
from drip.mail.reason import scrubbed
from drip.mail.sendgrid import REMEDY_KEY, REMEDY_URL, connected, errors_in, retry_after_seconds
from drip.mail.transport import MayHaveArrived, NothingSent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_REMEDY_SCOPE = {
    "erase": "Give the key the permission Recipients Data Erasure; where the account has none, SendGrid's support adds it.",
    "clear": "Give the key the permission Suppressions.",
}
_REMEDY_OTHER = "Read the reason; it is asked again every day."


class SendGridDirectory:
    """SendGrid as a `Directory`; build it in the process that uses it, after any fork."""

    # A request holds 256 kB, so far fewer than the 5,000 addresses that SendGrid names.
    erase_max = 500

    def __init__(self, api_key: str, base_url: str = "https://api.sendgrid.com", request_timeout_seconds: float = 20.0) -> None:
        self._api_key = api_key
        self._api, self._transport = connected(
            api_key,
            base_url,
            request_seconds=request_timeout_seconds,
            connect_seconds=min(5.0, request_timeout_seconds),
            idle_seconds_max=4.0,
        )

    def erase(self, addresses: Sequence[str]) -> Reply:
        """Ask SendGrid to erase what it keeps about *addresses*: it takes the job, and does it in its own time."""
        erasures = self._api.client.recipients.erasejob
        return self._asked(lambda: erasures.post(request_body={"email_addresses": list(addresses)}), "erase", addresses)

    def clear(self, address: str) -> Reply:
        """Take an address off the list of global unsubscribes; one that is not on it is none the worse."""
        listed = self._api.client.asm.suppressions._("global")._(quote(address, safe="@"))
        return self._asked(listed.delete, "clear", [address])

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    def _asked(self, request: Callable[[], Any], what: str, addresses: Sequence[str]) -> Reply:
        """Make one request and return what SendGrid said; reasons hold neither the key nor an address."""
        secrets = [self._api_key, *addresses]
        try:
            response = request()
        except (NothingSent, MayHaveArrived) as error:
            return NotNow(scrubbed(str(error), secrets=secrets))
        return _reply(response.status_code, response.headers, response.body, what, secrets)


def _reply(status: int, headers: Mapping[str, str], body: bytes, what: str, secrets: list[str]) -> Reply:
    """Return what an answer means; only those statuses count as done that SendGrid names for this request."""
    if status in ({202} if what == "erase" else {204, 404}):
        return Told()
    told = " | ".join(f"{field}: {text}" if field else text for field, text in errors_in(body))
    reason = scrubbed(f"{status} {told}", secrets=secrets)
    if status in {408, 425, 429} or status >= 500:
        return NotNow(reason, retry_after_seconds(headers))
    if 300 <= status < 400:
        return Declined(reason, REMEDY_URL)
    remedy = {401: REMEDY_KEY, 403: _REMEDY_SCOPE[what], 404: REMEDY_URL}.get(status, _REMEDY_OTHER)
    return Declined(reason, remedy, one_of_them=status in {400, 413, 422})
