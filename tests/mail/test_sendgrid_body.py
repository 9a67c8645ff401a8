"""Request bodies against the provider's own description, and against a checker for what that description misses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.mail.guard import RESERVED_HEADERS
from drip.mail.message import Message, Recipient
from drip.mail.sendgrid import body_of

SPEC = Path(__file__).parents[2].parent / "shared" / "spec" / "tsg_mail_v3.json"

ANNA = Recipient(
    "anna@example.org",
    delivery="7-k3j2",
    substitutions={"zNameT": "Anna & Bo", "zNameH": "Anna &amp; Bo"},
    headers={
        "List-Unsubscribe": "<https://example.org/u/" + "x" * 200 + ">",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
)
LETTER = Message(
    sender_name="Sam from the Roadmap",
    sender_email="letters@example.org",
    reply_to="hello@example.org",
    subject="Letter 1, zNameT",
    text="Hello zNameT",
    html="<p>Hello zNameH</p>",
    recipients=(ANNA, Recipient("bo@example.org", delivery="8-k3j2")),
    headers={"List-Id": "<roadmap.example.org>"},
)

TOP = {"personalizations", "from", "reply_to", "subject", "content", "headers", "tracking_settings"}
PERSONAL = {"to", "custom_args", "substitutions", "headers"}


def faults(body: dict[str, Any]) -> Iterator[str]:
    """What SendGrid refuses although its description allows it."""
    people = body["personalizations"]
    yield from (f"unknown key {key}" for key in body.keys() - TOP)
    yield from (f"unknown key {key}" for person in people for key in person.keys() - PERSONAL)
    addresses = [to["email"].lower() for person in people for to in person["to"]]
    if not 1 <= len(people) <= 1_000 or not all(len(person["to"]) == 1 for person in people):
        yield "not one address a personalization"
    if len(addresses) != len(set(addresses)):
        yield "an address twice"
    if ["text/plain", "text/html"] != [part["type"] for part in body["content"]]:
        yield "the text part is not before the HTML part"
    for headers in (body.get("headers", {}), *(person.get("headers", {}) for person in people)):
        yield from (f"reserved header {name}" for name in headers if name.lower() in RESERVED_HEADERS)
        yield from (f"header {name} breaks the line" for name, value in headers.items() if len((name + value).splitlines()) > 1)
    for person in people:
        values = [*person.get("substitutions", {}).values(), *person["custom_args"].values(), *person.get("headers", {}).values()]
        yield from (f"{value!r} is not a string" for value in values if not isinstance(value, str))
        if len(json.dumps(person, ensure_ascii=False).encode()) > 10_000:
            yield "over 10,000 bytes"


def described() -> dict[str, Any]:
    """The provider's JSON Schema of a request."""
    if not SPEC.exists():
        pytest.skip("the provider's description is not on this machine")
    spec = json.loads(SPEC.read_text())
    schema: dict[str, Any] = spec["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    return {**schema, "components": spec["components"]}


def variants() -> list[Message]:
    """Letters at the edges of what the door accepts."""
    crowd = tuple(Recipient(f"p{number}@example.org", delivery=f"d{number}") for number in range(1_000))
    return [
        LETTER,
        replace(LETTER, recipients=crowd),
        replace(LETTER, recipients=(ANNA,), headers={}, reply_to="", sender_name=""),
        replace(LETTER, recipients=(replace(ANNA, substitutions={"zT": "x" * 9_000}),)),
    ]


@pytest.mark.parametrize("message", variants(), ids=["usual", "crowd", "bare", "large"])
def test_bodies_are_what_sendgrid_describes(message: Message) -> None:
    """Every body is valid by the provider's description and by the rules that it misses."""
    body = body_of(message)
    assert [] == list(faults(body))
    jsonschema.Draft202012Validator(described()).validate(body)


def test_nobody_is_watched() -> None:
    """Each kind of tracking is switched off in every request, whatever the letter says."""
    for message in variants():
        tracking = body_of(message)["tracking_settings"]
        assert {"click_tracking", "open_tracking", "subscription_tracking", "ganalytics"} == set(tracking)
        assert {False} == {value for settings in tracking.values() for value in settings.values()}
        assert {"enable": False, "enable_text": False} == tracking["click_tracking"]


def test_the_provider_learns_an_opaque_id_and_nothing_else() -> None:
    """Each person has a To line of her own, in order, and the delivery id as the only custom argument."""
    first, second = body_of(LETTER)["personalizations"]
    assert [{"email": "anna@example.org"}] == first["to"]
    assert {"drip_delivery": "7-k3j2"} == first["custom_args"]
    assert dict(ANNA.headers) == first["headers"]
    assert dict(ANNA.substitutions) == first["substitutions"]
    assert {"to": [{"email": "bo@example.org"}], "custom_args": {"drip_delivery": "8-k3j2"}} == second


def broken() -> dict[str, Message]:
    """Letters that are bugs of ours, by what is wrong with them."""
    many = tuple(Recipient(f"p{number}@example.org", delivery=f"d{number}") for number in range(1_001))

    def anna(**changes: Any) -> Message:  # noqa: ANN401 - whichever field is to be wrong
        return replace(LETTER, recipients=(replace(ANNA, **changes),))

    return {
        "nobody": replace(LETTER, recipients=()),
        "too many": replace(LETTER, recipients=many),
        "twice": replace(LETTER, recipients=(ANNA, replace(ANNA, address="ANNA@example.org", delivery="9"))),
        "one delivery": replace(LETTER, recipients=(ANNA, replace(ANNA, address="b@example.org"))),
        "no subject": replace(LETTER, subject=" "),
        "no text": replace(LETTER, text=""),
        "no html": replace(LETTER, html="\n"),
        "subject number": replace(LETTER, subject=7),  # type: ignore[arg-type] # that is the point
        "value number": anna(substitutions={"zT": 7}),
        "value none": anna(substitutions={"zT": None}),
        "value surrogate": anna(substitutions={"zT": "\ud800"}),
        "tag with space": anna(substitutions={"z T": "x"}),
        "tag with bracket": anna(substitutions={"<z>": "x"}),
        "header number": anna(headers={"List-Id": 7}),
        "reserved": anna(headers={"SUBJECT": "x"}),
        "header name": anna(headers={"List Id": "x"}),
        "header colon": anna(headers={"List-Id:": "x"}),
        "header word": anna(headers={"List-Id": "Früh"}),
        "header long": anna(headers={"List-Unsubscribe": "x" * 1_000}),
        "address": anna(address="anna"),
        "address two": anna(address="anna@example.org, bo@example.org"),
        "delivery": anna(delivery="anna@example.org"),
        "large": anna(substitutions={"zT": "ü" * 5_000}),
        "many values": anna(substitutions={f"z{number}": "" for number in range(151)}),
        "reserved for all": replace(LETTER, headers={"x-sg-eid": "1"}),
    }


@pytest.mark.parametrize("name", broken())
def test_a_broken_message_raises_without_an_address(name: str) -> None:
    """Our own mistakes are errors before anything is sent, and their texts may be logged."""
    with pytest.raises(ValueError, match=r".") as raised:
        body_of(broken()[name])
    assert "@" not in str(raised.value)
    assert "anna" not in str(raised.value).lower()


BREAKS = st.sampled_from(["\r", "\n", "\r\n", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])


@given(before=st.text(max_size=5), line_break=BREAKS, after=st.just("Bcc: everybody@example.org") | st.text(max_size=5))
def test_no_header_can_be_injected(before: str, line_break: str, after: str) -> None:
    """A line break in anything that stands in a header is refused, whichever character some software takes for one."""
    hostile = before + line_break + after
    for message in (
        replace(LETTER, subject=hostile),
        replace(LETTER, sender_name=hostile),
        replace(LETTER, sender_email=f"a{hostile}@example.org"),
        replace(LETTER, reply_to=f"a{hostile}@example.org"),
        replace(LETTER, headers={"List-Id": hostile}),
        replace(LETTER, headers={hostile: "x"}),
        replace(LETTER, recipients=(replace(ANNA, headers={"List-Unsubscribe": hostile}),)),
        replace(LETTER, recipients=(replace(ANNA, address=f"a{hostile}@example.org"),)),
        replace(LETTER, recipients=(replace(ANNA, substitutions={"zNameT": hostile}),)),
    ):
        with pytest.raises(ValueError, match=re.compile("line break|control|surrogate|header name|plain address")):
            body_of(message)


def test_line_breaks_are_welcome_in_the_body() -> None:
    """A value that stands in the text alone may have several lines."""
    message = replace(LETTER, subject="Letter 1", recipients=(replace(ANNA, substitutions={"zNameT": "Anna\nBo"}),))
    assert "Anna\nBo" == body_of(message)["personalizations"][0]["substitutions"]["zNameT"]
