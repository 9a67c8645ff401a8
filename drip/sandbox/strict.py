"""What SendGrid refuses about a request to send mail, in the words and with the field names that it uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

RECIPIENTS_MAX = 1000
BODY_BYTES_MAX = 30 * 1024 * 1024
VALUES_BYTES_MAX = 10_000
SUBSTITUTIONS_MAX = 150
CATEGORIES_MAX = 10
ERASED_MAX = 5000

RESERVED_HEADERS = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)

_TOP = {
    "personalizations": list,
    "from": dict,
    "reply_to": dict,
    "reply_to_list": list,
    "subject": str,
    "content": list,
    "attachments": list,
    "template_id": str,
    "headers": dict,
    "categories": list,
    "custom_args": dict,
    "send_at": int,
    "batch_id": str,
    "asm": dict,
    "ip_pool_name": str,
    "mail_settings": dict,
    "tracking_settings": dict,
}
_PERSON = {
    "from": dict,
    "to": list,
    "cc": list,
    "bcc": list,
    "subject": str,
    "headers": dict,
    "substitutions": dict,
    "dynamic_template_data": dict,
    "custom_args": dict,
    "send_at": int,
}
_ADDRESS = {"email": str, "name": str}
_CONTENT = {"type": str, "value": str}
_SETTINGS: dict[str, dict[str, dict[str, type]]] = {
    "mail_settings": {
        "bypass_list_management": {"enable": bool},
        "bypass_spam_management": {"enable": bool},
        "bypass_bounce_management": {"enable": bool},
        "bypass_unsubscribe_management": {"enable": bool},
        "footer": {"enable": bool, "text": str, "html": str},
        "sandbox_mode": {"enable": bool},
    },
    "tracking_settings": {
        "click_tracking": {"enable": bool, "enable_text": bool},
        "open_tracking": {"enable": bool, "substitution_tag": str},
        "subscription_tracking": {"enable": bool, "text": str, "html": str, "substitution_tag": str},
        "ganalytics": {
            "enable": bool,
            "utm_source": str,
            "utm_medium": str,
            "utm_term": str,
            "utm_content": str,
            "utm_campaign": str,
        },
    },
}
_JSON_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "integer",
    bool: "boolean",
    float: "number",
    type(None): "null",
}

# Templates, schedules and attachments would have to be played in full or not at all.
_NOT_PLAYED = ("template_id", "send_at", "batch_id", "attachments", "asm", "ip_pool_name")

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAUSIBLE = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])")
_TAG_TABOO = re.compile(r"[<>&\s]")
_LINE_BREAK = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One refusal: its *message*, and the *field* in dotted notation, None where SendGrid names none."""

    message: str
    field: str | None


def as_errors(complaints: Iterable[Complaint]) -> dict[str, Any]:
    """Return SendGrid's JSON shape for *complaints*."""
    return {"errors": [{"message": each.message, "field": each.field, "help": None} for each in complaints]}


def is_plausible(address: str) -> bool:
    """Whether SendGrid takes *address* for one: plain ASCII, a domain with a dot, within the lengths of RFC 5321."""
    return len(address) <= 254 and address.find("@") <= 64 and _PLAUSIBLE.fullmatch(address) is not None


def complaints_about(payload: object) -> list[Complaint]:
    """Return everything that SendGrid would refuse about the parsed body of a request; empty when it would accept."""
    if not isinstance(payload, dict):
        return [Complaint("Bad Request", None)]
    return [
        *_shape(payload, _TOP, ""),
        *(Complaint("The sandbox does not play this feature.", key) for key in _NOT_PLAYED if key in payload),
        *_senders(payload),
        *_subject(payload),
        *_content(payload),
        *_headers(payload.get("headers"), "headers"),
        *_categories(payload.get("categories")),
        *_values(payload.get("custom_args"), "custom_args"),
        *_settings(payload),
        *_people(payload.get("personalizations")),
    ]


def complaints_about_erasure(payload: object) -> list[Complaint]:
    """Return what SendGrid would refuse about a request to erase recipients."""
    addresses = payload.get("email_addresses") if isinstance(payload, dict) else None
    if not isinstance(addresses, list) or not addresses or not all(isinstance(each, str) for each in addresses):
        return [Complaint("email_addresses must be a list of at least one address.", "email_addresses")]
    if len(addresses) > ERASED_MAX:
        return [Complaint(f"email_addresses is limited to {ERASED_MAX} addresses.", "email_addresses")]
    return []


def _shape(value: Mapping[str, object], known: Mapping[str, type], where: str) -> Iterator[Complaint]:
    """Yield a complaint for each unknown key and each value of the wrong type."""
    for key, item in value.items():
        wanted = known.get(key)
        if wanted is None:
            yield Complaint(f"Additional property {key} is not allowed", where or None)
        elif type(item) is not wanted:
            yield _wrong_type(item, wanted, f"{where}.{key}" if where else key)


def _wrong_type(item: object, wanted: type, field: str) -> Complaint:
    """Return the complaint about *item* that is not of the *wanted* type."""
    given = _JSON_NAMES.get(type(item), "unknown")
    return Complaint(f"Invalid type. Expected: {_JSON_NAMES[wanted]}, given: {given}.", field)


def _address(item: object, field: str) -> Iterator[Complaint]:
    """Yield what is wrong with one address object."""
    if not isinstance(item, dict):
        yield _wrong_type(item, dict, field)
        return
    shape = list(_shape(item, _ADDRESS, field))
    yield from shape
    email = item.get("email")
    if email is None:
        yield Complaint("The email parameter is required.", f"{field}.email")
    elif isinstance(email, str) and not is_plausible(email):
        yield Complaint("Does not contain a valid address.", f"{field}.email")


def _senders(payload: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield what is wrong with the sender and the reply-to."""
    if "from" not in payload:
        yield Complaint(
            "The from object must be provided for every email send. It is an object that requires the email parameter, "
            "but may also contain a name parameter.",
            "from.email",
        )
    elif isinstance(payload["from"], dict):
        yield from _address(payload["from"], "from")
    if "reply_to" in payload and "reply_to_list" in payload:
        yield Complaint("Only one of reply_to and reply_to_list may be used.", "reply_to")
    if isinstance(payload.get("reply_to"), dict):
        yield from _address(payload["reply_to"], "reply_to")
    if isinstance(payload.get("reply_to_list"), list):
        for position, item in enumerate(payload["reply_to_list"]):
            yield from _address(item, f"reply_to_list.{position}")


def _subject(payload: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield a complaint when somebody would get a letter without a subject."""
    people = payload.get("personalizations")
    listed = people if isinstance(people, list) and people else [{}]
    own = all(isinstance(person, dict) and person.get("subject") for person in listed)
    if not payload.get("subject") and not own:
        yield Complaint(
            "The subject is required. You can get around this requirement if you use a template with a subject defined or "
            "if every personalization has a subject defined.",
            "subject",
        )


def _content(payload: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield what is wrong with the bodies: missing, empty, twice, or HTML before text."""
    content = payload.get("content")
    if not isinstance(content, list) or not content:
        yield Complaint("Unless a valid template_id is provided, the content parameter is required.", "content")
        return
    kinds = []
    for position, item in enumerate(content):
        field = f"content.{position}"
        if not isinstance(item, dict):
            yield _wrong_type(item, dict, field)
            continue
        yield from _shape(item, _CONTENT, field)
        kinds.append(item.get("type"))
        if not isinstance(item.get("type"), str) or not item["type"]:
            yield Complaint("The content type must be a string at least one character in length.", f"{field}.type")
        if not isinstance(item.get("value"), str) or not item["value"]:
            yield Complaint("The content value must be a string at least one character in length.", f"{field}.value")
    if len(kinds) != len(set(map(str, kinds))):
        yield Complaint("If present, text/plain and text/html may only be provided once.", "content")
    wanted = sorted(kinds, key=lambda kind: {"text/plain": 0, "text/html": 1}.get(str(kind), 2))
    if kinds != wanted:
        yield Complaint("The content types must be in order: text/plain first, then text/html, then others.", "content")


def _headers(headers: object, field: str) -> Iterator[Complaint]:
    """Yield what is wrong with custom headers: reserved names, values that are no strings or break the line."""
    if not isinstance(headers, dict):
        return
    for name, value in headers.items():
        if name.lower() in RESERVED_HEADERS:
            yield Complaint(f"The header {name} is reserved and cannot be set.", f"{field}.{name}")
        if not isinstance(value, str):
            yield _wrong_type(value, str, f"{field}.{name}")
        elif not name or not name.isascii() or " " in name or ":" in name or _LINE_BREAK.search(name + value):
            yield Complaint("Header names and values must be one line of plain text.", f"{field}.{name}")


def _categories(categories: object) -> Iterator[Complaint]:
    """Yield what is wrong with the categories: too many, twice, too long."""
    if not isinstance(categories, list):
        return
    if len(categories) > CATEGORIES_MAX or len({str(each) for each in categories}) != len(categories):
        yield Complaint(f"There may be up to {CATEGORIES_MAX} categories, each once.", "categories")
    for position, each in enumerate(categories):
        if not isinstance(each, str) or not each or len(each) > 255:
            yield Complaint("A category is a string of 1 to 255 characters.", f"categories.{position}")


def _values(values: object, field: str) -> Iterator[Complaint]:
    """Yield what is wrong with custom_args or substitutions: anything but strings is SendGrid's cryptic refusal."""
    if not isinstance(values, dict):
        return
    length = 0
    for key, value in values.items():
        if type(value) is not str:
            yield Complaint("Bad Request", None)
            return
        length += len(key) + len(value)
    # A character has at most four bytes in UTF-8, and in JSON six with its escape: exact only where it is close.
    if length > VALUES_BYTES_MAX // 8 and len(json.dumps(values, ensure_ascii=False).encode()) > VALUES_BYTES_MAX:
        yield Complaint(f"The {field.rpartition('.')[2]} are limited to {VALUES_BYTES_MAX} bytes.", field)


def _settings(payload: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield unknown keys and wrong types in mail_settings and tracking_settings."""
    for group, known in _SETTINGS.items():
        settings = payload.get(group)
        if not isinstance(settings, dict):
            continue
        yield from _shape(settings, dict.fromkeys(known, dict), group)
        for key, setting in settings.items():
            if key in known and isinstance(setting, dict):
                yield from _shape(setting, known[key], f"{group}.{key}")


def _people(people: object) -> Iterator[Complaint]:
    """Yield what is wrong with the personalizations, each alone and all together."""
    if not isinstance(people, list) or not people:
        field = "personalizations"
        yield Complaint("The personalizations field is required and must have at least one personalization.", field)
        return
    if len(people) > RECIPIENTS_MAX:
        yield Complaint(
            f"The personalization block is limited to {RECIPIENTS_MAX} personalizations per API request. You have provided "
            f"{len(people)} personalizations. Please consider splitting this into multiple requests and resending your request.",
            "personalizations",
        )
        return
    seen: set[str] = set()
    recipients = 0
    for position, person in enumerate(people):
        if not isinstance(person, dict):
            yield _wrong_type(person, dict, f"personalizations.{position}")
            continue
        yield from _person(person, f"personalizations.{position}")
        for email in addresses_of(person):
            recipients += 1
            if email.casefold() in seen:
                yield Complaint(
                    "Each unique email address in the personalizations array should only be included once. You have included "
                    f"[{email}] more than once.",
                    f"personalizations.{position}.to",
                )
            seen.add(email.casefold())
    if recipients > RECIPIENTS_MAX:
        message = f"There is a limit of {RECIPIENTS_MAX} total recipients (to + cc + bcc) per request."
        yield Complaint(message, "personalizations")


def addresses_of(person: Mapping[str, Any]) -> Iterator[str]:
    """Yield the addresses that one personalization names, in `to`, `cc` and `bcc`."""
    for field in ("to", "cc", "bcc"):
        listed = person.get(field)
        for item in listed if isinstance(listed, list) else ():
            email = item.get("email") if isinstance(item, dict) else None
            if isinstance(email, str):
                yield email


def _person(person: Mapping[str, Any], where: str) -> Iterator[Complaint]:
    """Yield what is wrong with one personalization."""
    yield from _shape(person, _PERSON, where)
    to = person.get("to")
    if not isinstance(to, list) or not to:
        yield Complaint(
            "The to array is required for all personalization objects, and must have at least one email object with a valid "
            "email address.",
            f"{where}.to",
        )
    for field in ("to", "cc", "bcc"):
        listed = person.get(field)
        for position, item in enumerate(listed if isinstance(listed, list) else ()):
            yield from _address(item, f"{where}.{field}.{position}")
    if isinstance(person.get("from"), dict):
        yield from _address(person["from"], f"{where}.from")
    if person.get("subject") == "":
        yield Complaint("The subject must be at least one character in length.", f"{where}.subject")
    for feature in ("dynamic_template_data", "send_at"):
        if feature in person:
            yield Complaint("The sandbox does not play this feature.", f"{where}.{feature}")
    yield from _headers(person.get("headers"), f"{where}.headers")
    yield from _values(person.get("custom_args"), f"{where}.custom_args")
    substitutions = person.get("substitutions")
    if isinstance(substitutions, dict):
        yield from _values(substitutions, f"{where}.substitutions")
        yield from _tags(substitutions, f"{where}.substitutions")


def _tags(substitutions: Mapping[str, object], field: str) -> Iterator[Complaint]:
    """Yield what is wrong with the tags; SendGrid's documents forbid some characters, and quietly not replacing helps nobody."""
    if len(substitutions) > SUBSTITUTIONS_MAX:
        yield Complaint(f"There may be up to {SUBSTITUTIONS_MAX} substitutions per personalization.", field)
    if any(not tag or _TAG_TABOO.search(tag) for tag in substitutions):
        yield Complaint("A substitution tag must not be empty or contain spaces, <, > or &.", field)
