"""Names, addresses and zones of people who mean harm, in the raw mail and the raw request that leave this machine."""

from __future__ import annotations

import email
import email.policy
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drip.core.address import normal_address
from drip.core.delivery import Refused
from drip.core.enrollment import zone_of
from drip.core.schedule import Course, Lesson, Phase, Sender
from drip.mail.guard import Unsendable
from drip.mail.message import Message, Recipient
from drip.mail.render import Person
from drip.mail.render.person import clean
from drip.mail.sendgrid import body_of
from drip.mail.smtp import SmtpMailer, letter_of, put_in
from tests.mail.test_render import BOOK_WITH_NAMES, words_in_html

CORPUS: dict[str, list[str]] = json.loads((Path(__file__).parents[1] / "web" / "hostile.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
HERS = {"List-Unsubscribe": "<https://example.org/leave/a.b>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
HEADERS = {"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "X-Drip-Delivery", "List-Id", "MIME-Version"}
HEADERS |= {"Content-Type", *HERS}
"""Every header that a mail has: one more was injected."""

LETTER = BOOK_WITH_NAMES.render("fixed")
SMALL = Course(
    title="A course",
    sender=Sender(name="Sam", email="letters@example.org"),
    reply_to="hello@example.org",
    postal_address="1 Example Street",
    timezone="Europe/London",
    phases=(Phase(id="one", title="One", lessons=(Lesson(id="hello", wait=0),)),),
)

# What carries harm in mail, beside any text at all: ends of lines, starts of headers, of tags, of templates, of directions.
ENDS = ["\r\n", "\n", "\r", "\x85", "\u2028", "\0", "\t", "\r\n\r\n", "\r\n.\r\n"]
STARTS = ["Bcc: eve@example.net", "Subject: x", "--", "=?utf-8?q?=0D=0ABcc:_e?=", "x7drip", "NameT7x", "x7dripLeaveToken7x"]
MARKS = ["{{1357*2468}}", "{%", "<b>", "</td>", "&", "\u202e", "\ue000", "é", "\U0001f469", "%name%"]
PARTS = st.sampled_from([*ENDS, *STARTS, *MARKS])
ANYTHING = st.lists(PARTS | st.text(max_size=12), max_size=8).map("".join)


def message_to(name: str, address: str = "sam@example.net") -> Message:
    """Return the request for one person whose letter says her name wherever a letter can, the subject too."""
    person = Person(name, clean(name), name, name, "a.b", "c.d", "e.f")
    recipient = Recipient(address, "7-k3j2", BOOK_WITH_NAMES.substitutions(LETTER.tags, person), HERS)
    return Message(
        sender_name="Sam",
        sender_email="letters@example.org",
        reply_to="hello@example.org",
        subject=LETTER.subject,
        text=LETTER.text,
        html=LETTER.html,
        recipients=(recipient,),
        headers={"List-Id": "<small.example.org>"},
    )


def parsed(message: Message) -> EmailMessage:
    """Return the raw mail of the SMTP door as another program reads it."""
    raw = letter_of(message, message.recipients[0], date=NOW).as_bytes()
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def part(mail: EmailMessage, kind: str) -> str:
    """Return one part of a mail as its reader gets it."""
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def assert_inert(subject: str, text: str, html: str) -> None:
    """No template was filled in, no tag is left, and her name added no element, no line and no turn of direction."""
    plain = BOOK_WITH_NAMES.render("fixed", person=Person("Ana", "Ana", "Ana", "Ana", "a.b", "c.d", "e.f"))
    assert "3349076" not in subject + text + html
    assert not re.search("x7drip|[\u202a-\u202e\ue000\ue001\0]", subject + text + html)
    assert len(re.findall("<[a-zA-Z/!]", plain.html)) == len(re.findall("<[a-zA-Z/!]", html))
    assert len(plain.text.split("\n")) == len(text.split("\n"))
    assert "\n" not in subject


def assert_mail_holds(name: str) -> None:
    """The raw mail, read back, is the letter with her name in it, and nothing else."""
    message = message_to(name)
    hers = message.recipients[0].substitutions
    mail = parsed(message)
    assert HEADERS == set(mail.keys())
    assert len(HEADERS) == len(mail.keys())
    assert [] == [defect for one in mail.walk() for defect in one.defects]
    assert ["text/plain", "text/html"] == [one.get_content_type() for one in mail.iter_parts()]
    assert ("sam@example.net", HERS["List-Unsubscribe"]) == (mail["To"], mail["List-Unsubscribe"])
    # A mail program may show the runs of white space in a folded subject as one.
    subject = put_in(message.subject, hers)
    assert subject.split() == str(mail["Subject"]).split()
    # On the wire every line ends with CRLF.
    text, html = (part(mail, kind).replace("\r\n", "\n") for kind in ("plain", "html"))
    assert put_in(message.text, hers).split() == text.split()
    assert put_in(message.html, hers).split() == html.split()
    assert_inert(subject, text, html)
    assert clean(name).split()[:1] == [] or clean(name).split()[0] in " ".join(words_in_html(html))


def assert_request_holds(name: str) -> None:
    """The raw request, read back, has her name in her own substitutions alone."""
    message = message_to(name)
    body = json.loads(json.dumps(body_of(message)).encode())
    [person] = body["personalizations"]
    assert {"to": [{"email": "sam@example.net"}], "custom_args": {"drip_delivery": "7-k3j2"}, "headers": HERS} == {
        key: value for key, value in person.items() if key != "substitutions"
    }
    assert dict(message.recipients[0].substitutions) == person["substitutions"]
    assert {"personalizations", "from", "reply_to", "subject", "content", "headers", "tracking_settings"} == set(body)
    assert [LETTER.text, LETTER.html] == [one["value"] for one in body["content"]]
    # As the provider does: plain replacement, one tag after the other.
    subject, text, html = body["subject"], *(one["value"] for one in body["content"])
    for tag, value in person["substitutions"].items():
        subject, text, html = (one.replace(tag, value) for one in (subject, text, html))
    assert_inert(subject, text, html)


@pytest.mark.parametrize("hold", [assert_mail_holds, assert_request_holds])
def test_every_name_of_the_corpus_is_only_a_name(hold: type) -> None:
    """And every address, zone and country of it, typed into the field for the name."""
    for values in CORPUS.values():
        for value in values:
            hold(value)


@settings(max_examples=50, deadline=None)
@given(ANYTHING)
@example("\r\n.\r\nQUIT\r\n")
@example("=?utf-8?b?DQpCY2M6IGVAZXhhbXBsZS5uZXQ=?=")
@example("a" * 997 + "é")
def test_no_name_injects_anything(name: str) -> None:
    """Into the mail or into the request."""
    assert_mail_holds(name)
    assert_request_holds(name)


def assert_address_holds(address: str) -> None:
    """An address that the doors take is one mailbox on one line, in the mail as in the request; any other they refuse."""
    message = message_to("Sam", address)
    try:
        body = body_of(message)
    except Unsendable:
        return
    assert [{"email": address}] == json.loads(json.dumps(body))["personalizations"][0]["to"]
    assert not re.search(r"[\s\0,;<>]", address)
    if not address.isascii():
        # The SMTP door says that it cannot carry it.
        return
    if "=?" in address:
        # It would be read as what it encodes; the door refuses it before a word is said to any server.
        assert isinstance(SmtpMailer("smtp://127.0.0.1:1").submit(message), Refused)
        return
    mail = parsed(message)
    assert HEADERS == set(mail.keys())
    assert len(mail["To"].addresses) == 1


@settings(max_examples=60, deadline=None)
@given(ANYTHING.map(lambda text: f"{text}@example.net") | ANYTHING.map(lambda text: f"sam@{text}") | ANYTHING)
def test_no_address_reaches_two_people(address: str) -> None:
    """Whatever stood in the books, and however it came there."""
    assert_address_holds(address)


def test_every_address_of_the_corpus_is_one_or_none() -> None:
    """As it was typed, and in the spelling in which it would have been stored; the stored one is always carried."""
    for typed in CORPUS["email"]:
        assert_address_holds(typed)
        try:
            stored = normal_address(typed)
        except ValueError:
            continue
        assert stored == parsed(message_to("Sam", stored))["To"].addresses[0].addr_spec


def test_what_looks_like_an_encoded_word_stays_as_it_is() -> None:
    """In a subject of the course and in the sender's name, too, none of which is anybody's typing."""
    hidden = "=?utf-8?b?DQpCY2M6IGVAZXhhbXBsZS5uZXQ=?="
    mail = parsed(replace(message_to("Sam"), subject=f"A {hidden}", sender_name=f"B {hidden}"))
    assert HEADERS == set(mail.keys())
    assert f"A {hidden.replace('=?', '= ?')}" == mail["Subject"]
    assert f"B {hidden.replace('=?', '= ?')}" == mail["From"].addresses[0].display_name


@given(ANYTHING | st.sampled_from(CORPUS["zone"]))
def test_a_zone_that_is_none_is_the_courses(name: str) -> None:
    """Nothing is opened by its path and nobody is kept from her letters: no zone that stands in the books can raise."""
    found = zone_of(name, SMALL)
    assert found.key in {name, SMALL.timezone}
    if not re.fullmatch(r"[A-Za-z0-9_+/-]+", name):
        assert SMALL.timezone == found.key
