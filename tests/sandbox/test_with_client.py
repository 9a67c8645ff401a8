"""The real SendGrid client against the stand-in: it cannot tell it from the provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from drip.core.delivery import Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.mail.message import Message, Recipient
from drip.mail.sendgrid import SendGridMailer, verify_signature
from drip.sandbox.signing import new_key, public_text, signature

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox


def message(*addresses: str) -> Message:
    """Return a letter to *addresses* with a value for each."""
    return Message(
        sender_name="Sam",
        sender_email="letters@example.org",
        reply_to="hello@example.org",
        subject="Hi zNameTz",
        text="Hi zNameTz",
        html="<p>Hi zNameHtmlTz</p>",
        recipients=tuple(
            Recipient(
                address=address,
                delivery=f"d-{address.partition('@')[0]}",
                substitutions={"zNameTz": "A & B", "zNameHtmlTz": "A &amp; B"},
                headers={"List-Unsubscribe": "<http://127.0.0.1/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
            )
            for address in addresses
        ),
        headers={"List-Id": "<letters.example.org>"},
    )


@pytest.fixture
def mailer(sandbox: Sandbox) -> Iterator[SendGridMailer]:
    """The client, pointed at the sandbox."""
    client = SendGridMailer("SG.sandbox.key", base_url=sandbox.url, request_timeout_seconds=1.0)
    yield client
    client.close()


def test_a_letter_arrives(sandbox: Sandbox, mailer: SendGridMailer) -> None:
    """What the client builds is accepted, and each part holds her values in its own set."""
    answer = mailer.submit(message("ada@example.net", "bob@example.net"))

    mails = sandbox.store.mails()
    assert Submitted(mails[0].message_id) == answer
    assert ("d-ada", "Hi A & B", "<p>Hi A &amp; B</p>") == (mails[0].delivery, mails[0].subject, mails[0].html)
    assert "<letters.example.org>" == mails[1].headers["List-Id"]


@pytest.mark.parametrize(
    ("rule", "kind", "mails"),
    [
        ({"action": "400-all"}, Refused, 0),
        ({"action": "413"}, Refused, 0),
        ({"action": "401"}, SenderRefused, 0),
        ({"action": "401", "message": "Maximum credits exceeded"}, SenderRefused, 0),
        ({"action": "403"}, SenderRefused, 0),
        ({"action": "429"}, TryLater, 0),
        ({"action": "503"}, TryLater, 0),
        ({"action": "500"}, Unknown, 0),
        ({"action": "500", "accept": True}, Unknown, 1),
        ({"action": "reset-before"}, Unknown, 0),
        ({"action": "reset-after"}, Unknown, 1),
        ({"action": "hang"}, Unknown, 0),
        ({"action": "hang", "accept": True}, Unknown, 1),
        ({"action": "delay", "seconds": 0.1}, Submitted, 1),
        ({"action": "delay", "seconds": 5}, Unknown, 1),
    ],
)
def test_each_trouble_is_read_as_the_providers(
    sandbox: Sandbox, mailer: SendGridMailer, rule: dict[str, Any], kind: type, mails: int
) -> None:
    """The answer that the client makes of it, and whether the mail was accepted, are as with the provider."""
    sandbox.order(rule)

    assert isinstance(mailer.submit(message("ada@example.net")), kind)
    assert mails == sandbox.store.counts().mails
    assert isinstance(mailer.submit(message("bob@example.net")), Submitted)


def test_a_bad_address_is_named_by_its_place(sandbox: Sandbox, mailer: SendGridMailer) -> None:
    """Ordered for one address, or bad of itself, the refusal points at the same recipient."""
    sandbox.order({"action": "400-address", "match": {"address": "bob@example.net"}})

    for second in ("bob@example.net", "bob@localhost"):
        answer = mailer.submit(message("ada@example.net", second))
        assert isinstance(answer, Refused)
        assert (1, True) == (answer.position, answer.bad_address)
    assert 0 == sandbox.store.counts().mails


def test_a_reset_time_is_understood(sandbox: Sandbox, mailer: SendGridMailer) -> None:
    """A rate limit that names its end makes the client wait as long."""
    sandbox.order({"action": "429-reset", "seconds": 20})

    answer = mailer.submit(message("ada@example.net"))
    assert isinstance(answer, TryLater)
    assert answer.retry_after_seconds is not None
    assert 18 <= answer.retry_after_seconds <= 21


def test_its_events_verify() -> None:
    """The webhook's own check accepts the sandbox's signature and public key, and nothing else."""
    key, body = new_key(), b'[{"event": "processed"}]\r\n'

    assert verify_signature(public_text(key), signature(key, "1700000000", body), "1700000000", body)
    assert not verify_signature(public_text(key), signature(key, "1700000000", body), "1700000001", body)
