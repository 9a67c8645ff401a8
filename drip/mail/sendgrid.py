"""The door to SendGrid: builds the request, hands it over once, and says what became of it.

The official package makes the request, over `drip.mail.transport` instead of its own: pooled, bounded in time, without
redirects. The facts behind each line are in Twilio's documents and its OpenAPI description of `/v3/mail/send`.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import python_http_client
import sendgrid
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drip import clock
from drip.core.delivery import Answer, Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.mail.guard import Unsendable, check
from drip.mail.reason import scrubbed
from drip.mail.transport import MayHaveArrived, NothingSent, Reply, Transport

if TYPE_CHECKING:
    import urllib.request
    from collections.abc import Mapping

    from drip.mail.message import Message, Recipient

RECIPIENTS_MAX = 1_000
PERSONALIZATION_BYTES_MAX = 10_000
RETRY_SECONDS_MAX = 3_600

# Whatever the account's own settings say: an account with subscription tracking on adds its footer to a silent request.
_NO_WATCHING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


def _is_never_logged(_: logging.LogRecord) -> bool:
    return False


# This logger prints the key and every address at DEBUG. A filter stays when logging is configured anew.
_VENDOR_LOGGER = logging.getLogger("python_http_client.client")
_VENDOR_LOGGER.addFilter(_is_never_logged)
_VENDOR_LOGGER.disabled = True


# The request ---------------------------------------------------------------------------------------------------------


def body_of(message: Message) -> dict[str, Any]:
    """Return the JSON body that hands *message* over; `ValueError` when SendGrid would refuse it for our own mistake."""
    check(message, recipients_max=RECIPIENTS_MAX)
    body: dict[str, Any] = {
        "personalizations": [_personalization(position, recipient) for position, recipient in enumerate(message.recipients)],
        "from": {"email": message.sender_email},
        "subject": message.subject,
        "content": [
            {"type": "text/plain", "value": message.text},
            {"type": "text/html", "value": message.html},
        ],
        "tracking_settings": _NO_WATCHING,
    }
    if message.sender_name:
        body["from"]["name"] = message.sender_name
    if message.reply_to:
        body["reply_to"] = {"email": message.reply_to}
    if message.headers:
        body["headers"] = dict(message.headers)
    return body


def _personalization(position: int, recipient: Recipient) -> dict[str, Any]:
    """Return one person's part: alone on her To line, known to the provider by an opaque id."""
    part: dict[str, Any] = {"to": [{"email": recipient.address}], "custom_args": {"drip_delivery": recipient.delivery}}
    if recipient.substitutions:
        part["substitutions"] = dict(recipient.substitutions)
    if recipient.headers:
        part["headers"] = dict(recipient.headers)
    if _may_be_long(recipient) and len(json.dumps(part, ensure_ascii=False).encode()) > PERSONALIZATION_BYTES_MAX:
        raise Unsendable(f"what is personal to recipient {position} is over {PERSONALIZATION_BYTES_MAX} bytes")
    return part


def _may_be_long(recipient: Recipient) -> bool:
    """Whether it is worth measuring what is personal to *recipient*; nearly never, and measuring costs as much as sending.

    JSON takes at most six bytes for a character, and fewer than a hundred for what stands round two strings.
    """
    tags, headers = recipient.substitutions, recipient.headers
    text = "".join((recipient.address, recipient.delivery, *tags, *tags.values(), *headers, *headers.values()))
    return 6 * len(text) + 100 * (len(tags) + len(headers) + 2) > PERSONALIZATION_BYTES_MAX


# The hand-over -------------------------------------------------------------------------------------------------------


class _Opened:
    """A reply in the shape that the package expects of urllib."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def getcode(self) -> int:
        return self._reply.status

    def read(self) -> bytes:
        return self._reply.body

    def info(self) -> Mapping[str, str]:
        return self._reply.headers


class _Client(python_http_client.Client):  # type: ignore[misc] # the package has no types
    """The package's client over our transport; a status of any kind is returned, none is raised."""

    def __init__(self, transport: Transport, **settings: Any) -> None:  # noqa: ANN401 - the package's own settings
        super().__init__(**settings)
        self._transport = transport

    def _build_client(self, name: str | None = None) -> _Client:
        return _Client(
            self._transport,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )

    def _make_request(self, opener: object, request: urllib.request.Request, timeout: object = None) -> _Opened:
        del opener, timeout  # Ours replaces both.
        data = request.data if isinstance(request.data, bytes) else None
        headers = dict(request.header_items())
        return _Opened(self._transport.request(request.get_method(), request.full_url, headers=headers, body=data))


def connected(
    api_key: str, base_url: str, *, request_seconds: float, connect_seconds: float, idle_seconds_max: float
) -> tuple[sendgrid.SendGridAPIClient, Transport]:
    """Return the package's client over a transport of ours; ValueError for a key or an address that cannot be one."""
    # The package would look for an empty key in the environment.
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ValueError("the API key is empty or holds characters that no key has")
    if urlsplit(base_url).scheme not in {"http", "https"} or not urlsplit(base_url).hostname:
        raise ValueError("the base URL is not one of http:// or https:// with a host")
    transport = Transport(request_seconds=request_seconds, connect_seconds=connect_seconds, idle_seconds_max=idle_seconds_max)
    host = base_url.rstrip("/")
    api = sendgrid.SendGridAPIClient(api_key, host=host)
    api.client = _Client(transport, host=host, request_headers=api.client.request_headers, version=3)
    return api, transport


class SendGridMailer:
    """SendGrid as a `Mailer`; times in seconds.

    `submit` takes at most *request_timeout_seconds*, of which *connect_timeout_seconds* for opening a connection;
    one that was idle for *idle_seconds_max* is not used again. Build it in the process that sends, after any fork.
    """

    batch_max = 500

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://api.sendgrid.com",
        request_timeout_seconds: float = 20.0,
        connect_timeout_seconds: float = 5.0,
        idle_seconds_max: float = 4.0,
    ) -> None:
        self.request_timeout_seconds = request_timeout_seconds
        self._api_key = api_key
        self._api, self._transport = connected(
            api_key,
            base_url,
            request_seconds=request_timeout_seconds,
            connect_seconds=connect_timeout_seconds,
            idle_seconds_max=idle_seconds_max,
        )

    def submit(self, message: Message) -> Answer:
        """Hand *message* over once; `ValueError` when it breaks `body_of`'s rules, otherwise always an `Answer`."""
        body = body_of(message)
        secrets = [self._api_key, *(recipient.address for recipient in message.recipients)]
        try:
            response = self._api.send(body)
        except NothingSent as error:
            return TryLater(scrubbed(str(error), secrets=secrets))
        except MayHaveArrived as error:
            return Unknown(scrubbed(str(error), secrets=secrets))
        reply = Reply(response.status_code, response.headers, response.body)
        return answer_of(reply, recipients=len(message.recipients), secrets=secrets)

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()


# The answer ----------------------------------------------------------------------------------------------------------

_POSITION = re.compile(r"\bpersonalizations(?:\.|\[)(\d{1,4})\b")
_ADDRESS_FIELD = re.compile(r"personalizations(?:\.\d+|\[\d+\])\.to(?:(?:\.\d+|\[\d+\])(?:\.email)?)?")
# The address stands there twice, or something else about the request is wrong: no reason to suppress it.
_NOT_ITS_FAULT = re.compile(r"unique|duplicate|twice|required|too many", re.IGNORECASE)
_BAD_ADDRESS = re.compile(r"valid (?:e-?mail )?address|valid e-?mail|invalid (?:e-?mail|address)", re.IGNORECASE)
_UNVERIFIED = re.compile(r"verified sender|sender identity|from address does not match", re.IGNORECASE)
_NO_CREDITS = re.compile(r"credits? exceeded|maximum credits|exceeded your (?:messaging|sending) limit", re.IGNORECASE)

_REMEDY_CREDITS = "The account's credits are spent: raise the plan or wait until they renew, then release the sender."
REMEDY_KEY = "SendGrid does not know this key: check SENDGRID_API_KEY, and DRIP_SENDGRID_URL for an account in the EU."
_REMEDY_SENDER = "Verify the course's `from` address or its domain in SendGrid under Settings, Sender Authentication."
_REMEDY_SCOPE = "The key may not send: give it the permission Mail Send, and see whether SendGrid has suspended the account."
REMEDY_URL = "This is not SendGrid's API: check DRIP_SENDGRID_URL. Redirects are never followed, for they would carry the key."
_REMEDY_SANDBOX_MODE = "SendGrid checked the request and sent nothing: switch sandbox mode off in the account's mail settings."
_REMEDY_OTHER = "SendGrid refuses the request as a whole; read the reason, and ask SendGrid's support with its date and hour."


def answer_of(reply: Reply, *, recipients: int, secrets: list[str]) -> Answer:
    """Return what *reply* means for a request to so many *recipients*; reasons are free of *secrets* and addresses."""
    status = reply.status
    if status == 202:
        return Submitted(_receipt_in(reply.headers))
    errors = errors_in(reply.body)
    told = " | ".join(f"{field}: {text}" if field else text for field, text in errors)
    reason = scrubbed(f"{status} {told}", secrets=secrets)
    if status == 200:
        return SenderRefused(reason, _REMEDY_SANDBOX_MODE)
    if 300 <= status < 400:
        return SenderRefused(reason, REMEDY_URL)
    if status in {400, 422} and not _UNVERIFIED.search(told) and not _NO_CREDITS.search(told):
        return _refusal(errors, reason, recipients=recipients)
    if status == 413:
        return Refused(reason, too_large=True)
    if status in {408, 421, 425, 429, 503}:
        # Of these the server itself says that it did not take the request in.
        return TryLater(reason, retry_after_seconds(reply.headers))
    if 400 <= status < 500:
        return SenderRefused(reason, _remedy(status, told))
    # 500 and the like, and successes that SendGrid does not know: it may have been queued.
    return Unknown(reason)


def _refusal(errors: list[tuple[str, str]], reason: str, *, recipients: int) -> Refused:
    """Return whose fault a 400 is: the letter's, one recipient's by her position, or nobody's that was named."""
    if any(field and not field.startswith("personalizations") for field, _ in errors):
        return Refused(reason, about_letter=True)
    for field, text in errors:
        named = _POSITION.search(field) or _POSITION.search(text)
        if named and int(named[1]) < recipients:
            about_address = bool(_ADDRESS_FIELD.fullmatch(field) or _BAD_ADDRESS.search(text))
            return Refused(reason, position=int(named[1]), bad_address=about_address and not _NOT_ITS_FAULT.search(text))
    return Refused(reason)


def _remedy(status: int, told: str) -> str:
    if _NO_CREDITS.search(told) or status == 402:
        return _REMEDY_CREDITS
    if _UNVERIFIED.search(told):
        return _REMEDY_SENDER
    return {401: REMEDY_KEY, 403: _REMEDY_SCOPE, 404: REMEDY_URL, 405: REMEDY_URL}.get(status, _REMEDY_OTHER)


def errors_in(body: bytes) -> list[tuple[str, str]]:
    """Return field ("" when null) and message of each error; nothing when the body is not SendGrid's JSON (413 is HTML)."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return []
    errors = found.get("errors") if isinstance(found, dict) else None
    if not isinstance(errors, list):
        return []
    strings = ((error.get("field"), error.get("message")) for error in errors if isinstance(error, dict))
    return [(field if isinstance(field, str) else "", text if isinstance(text, str) else "") for field, text in strings]


def _receipt_in(headers: Mapping[str, str]) -> str | None:
    receipt = headers.get("X-Message-Id")
    return receipt if receipt and re.fullmatch(r"[\w.=+/-]{1,200}", receipt, re.ASCII) else None


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the wait that SendGrid asks for, 1 to 3,600 seconds; None when it does not say.

    `X-RateLimit-Reset` is an instant (unix seconds); `Retry-After`, which SendGrid does not document, is a length.
    """
    reset, wait = (headers.get(name, "").strip() for name in ("X-RateLimit-Reset", "Retry-After"))
    if re.fullmatch(r"[0-9]{1,12}", reset):
        seconds = float(reset) - clock.machine_now().timestamp()
    elif re.fullmatch(r"[0-9]{1,12}", wait):
        seconds = float(wait)
    else:
        return None
    return min(max(seconds, 1.0), float(RETRY_SECONDS_MAX))


# The event webhook ---------------------------------------------------------------------------------------------------


def key_fault(public_key_base64: str) -> str:
    """Return why this is no verification key of the event webhook, '' when it is one."""
    try:
        key = serialization.load_der_public_key(base64.b64decode(public_key_base64, validate=True))
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return "it is cut short or not from that page"
    is_one = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return "" if is_one else "it is a key of another kind"


def verify_signature(public_key_base64: str, signature_base64: str, timestamp: str, raw_body: bytes) -> bool:
    """Whether *raw_body* with *timestamp* was signed by the owner of the key (ECDSA P-256, SHA-256); never raises.

    *raw_body* is the request's bytes as they came, a trailing line break included. Freshness is the caller's to check.
    """
    try:
        key = serialization.load_der_public_key(base64.b64decode(public_key_base64, validate=True))
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            return False
        signature = base64.b64decode(signature_base64, validate=True)
        key.verify(signature, timestamp.encode() + raw_body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
