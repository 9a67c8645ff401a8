"""What must be true of a message before it goes through any door; a message that breaks it is a bug, so it raises.

The texts name a recipient by her position, never by her address: they end in logs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from drip.mail.message import Message, Recipient

SUBSTITUTIONS_MAX = 150
HEADER_LINE_CHARACTERS_MAX = 998

RESERVED_HEADERS = frozenset(
    # SendGrid's list.
    {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
    | {"to", "from", "subject", "reply-to", "cc", "bcc"}
    # What the doors write themselves.
    | {"date", "message-id", "mime-version", "return-path", "sender", "x-drip-delivery"}
)

# Every character that some software takes for the end of a line: str.splitlines knows more of them than SMTP does.
_BREAK = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_ADDRESS = re.compile(r"[^\s<>,;@]+@[^\s<>,;@]+")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_DELIVERY = re.compile(r"[A-Za-z0-9._-]{1,40}")
_TAG = re.compile(r"[A-Za-z0-9_]+")


class Unsendable(ValueError):
    """A message that must not be handed over as it is: our own mistake, found before anything left."""


def check(message: Message, *, recipients_max: int) -> None:
    """Raise `ValueError` when *message* cannot be handed over as it is, to at most *recipients_max* people."""
    _check_line("the sender's name", message.sender_name)
    _check_address("the sender's address", message.sender_email)
    if message.reply_to:
        _check_address("the reply address", message.reply_to)
    _check_line("the subject", message.subject)
    for name, content in (("subject", message.subject), ("text part", message.text), ("HTML part", message.html)):
        if not _string(f"the {name}", content).strip():
            raise Unsendable(f"the {name} is empty")
    _check_headers("the message", message.headers)
    if not 1 <= len(message.recipients) <= recipients_max:
        raise Unsendable(f"{len(message.recipients)} recipients; a request has 1 to {recipients_max}")
    named: set[tuple[str, ...]] = set()
    for position, recipient in enumerate(message.recipients):
        if not _is_plain(recipient, named):
            _check_recipient(f"recipient {position}", recipient, message)
            named |= {tuple(recipient.substitutions), tuple(recipient.headers)}
    _check_unlike("address", [recipient.address.casefold() for recipient in message.recipients])
    _check_unlike("delivery", [recipient.delivery for recipient in message.recipients])


def _is_plain(recipient: Recipient, named: AbstractSet[tuple[str, ...]]) -> bool:
    """Whether one look at all that is hers together shows that `_check_recipient` would find nothing; false when in doubt.

    Each request asks this of hundreds. *named* holds the names of tags and headers that were checked for somebody before her.
    """
    tags, headers = recipient.substitutions, recipient.headers
    if tuple(tags) not in named or tuple(headers) not in named:
        return False
    try:
        text = "".join((recipient.address, recipient.delivery, *tags.values(), *headers, *headers.values()))
    except TypeError:
        return False
    return (
        text.isascii()
        and len(text) + 2 <= HEADER_LINE_CHARACTERS_MAX
        and not _BREAK.search(text)
        and _ADDRESS.fullmatch(recipient.address) is not None
        and _DELIVERY.fullmatch(recipient.delivery) is not None
        and all(map(str.strip, headers.values()))
    )


def _check_recipient(who: str, recipient: Recipient, message: Message) -> None:
    _check_address(f"the address of {who}", recipient.address)
    if not _DELIVERY.fullmatch(_string(f"the delivery id of {who}", recipient.delivery)):
        raise Unsendable(f"the delivery id of {who} is not 1 to 40 letters, digits, dots, hyphens and underscores")
    _check_headers(who, recipient.headers)
    if len(recipient.substitutions) > SUBSTITUTIONS_MAX:
        raise Unsendable(f"{who} has more than {SUBSTITUTIONS_MAX} substitutions")
    for tag, value in recipient.substitutions.items():
        if not _TAG.fullmatch(_string(f"a tag of {who}", tag)):
            raise Unsendable(f"a tag of {who} is not made of letters, digits and underscores alone")
        _string(f"the value of {tag} of {who}", value)
        if tag in message.subject or tag in message.reply_to:
            _check_line(f"the value of {tag} of {who}, which stands in a header,", value)


def _check_unlike(what: str, values: list[str]) -> None:
    if len(set(values)) == len(values):
        return
    seen: dict[str, int] = {}
    for position, value in enumerate(values):
        first = seen.setdefault(value, position)
        if first != position:
            raise Unsendable(f"recipients {first} and {position} have the same {what}")


def _check_headers(whose: str, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(_string(f"a header's name of {whose}", name)):
            raise Unsendable(f"a header of {whose} has a name that is no header name")
        if name.lower() in RESERVED_HEADERS:
            raise Unsendable(f"the header {name} of {whose} is reserved")
        _check_line(f"the header {name} of {whose}", value)
        if not value.strip() or not value.isascii():
            raise Unsendable(f"the header {name} of {whose} is empty or not ASCII (encode it by RFC 2047)")
        if len(name) + len(value) + 2 > HEADER_LINE_CHARACTERS_MAX:
            raise Unsendable(f"the header {name} of {whose} is longer than a line may be")


def _check_address(name: str, value: object) -> None:
    _check_line(name, value)
    if not _ADDRESS.fullmatch(_string(name, value)):
        raise Unsendable(f"{name} is not a plain address")


def _check_line(name: str, value: object) -> None:
    if _BREAK.search(_string(name, value)):
        raise Unsendable(f"{name} holds a line break or another control character")


def _string(name: str, value: object) -> str:
    """Return *value*, proven to be a string that can be written in UTF-8."""
    if not isinstance(value, str):
        raise Unsendable(f"{name} is not a string")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unsendable(f"{name} holds half a character (a lone surrogate)") from None
    return value
