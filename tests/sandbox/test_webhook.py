"""The events that the sandbox sends back: signed, flat, repeated until they are taken."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drip import clock
from drip.sandbox.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, load_key, new_key, public_text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sandbox.conftest import Start

Make = Callable[..., dict[str, Any]]


@dataclass
class Receiver:
    """A webhook endpoint that keeps what it got, and answers with the statuses in *answers* first."""

    answers: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[dict[str, Any]]:
        """Return all events of all requests."""
        return [event for _, body in self.requests for event in json.loads(body)]

    def wait(self, number: int) -> list[dict[str, Any]]:
        """Return the events as soon as there are *number* of them."""
        deadline = clock.monotonic() + 10
        while len(self.events()) < number and clock.monotonic() < deadline:
            clock.wait(0.01)
        return self.events()


@contextmanager
def receiving(*answers: int) -> Iterator[Receiver]:
    """Run a webhook endpoint while the block runs."""
    receiver = Receiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.answers.pop(0) if receiver.answers else 204
            receiver.requests.append((dict(self.headers), body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/webhook"
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def test_events_are_signed(start: Start, letter: Make) -> None:
    """The signature over timestamp and raw body, line break included, verifies with the public key, and not otherwise."""
    key = new_key()
    with receiving() as receiver:
        start(webhook_url=receiver.url, signing_key=key).send(letter())
        receiver.wait(2)

    headers, body = receiver.requests[0]
    public = serialization.load_der_public_key(base64.b64decode(public_text(key)))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signed, timestamp = base64.b64decode(headers[SIGNATURE_HEADER]), headers[TIMESTAMP_HEADER].encode()
    public.verify(signed, timestamp + body, ec.ECDSA(hashes.SHA256()))
    assert (b"]\r\n", "application/json") == (body[-3:], headers["Content-Type"])
    assert abs(int(timestamp) - clock.machine_now().timestamp()) < 60
    with pytest.raises(InvalidSignature):
        public.verify(signed, timestamp + body.strip(), ec.ECDSA(hashes.SHA256()))


def test_events_carry_the_delivery_flat(start: Start, letter: Make, person: Make) -> None:
    """custom_args lie beside the reserved names, which win; the receipt and real seconds are there."""
    with receiving() as receiver:
        sandbox = start(webhook_url=receiver.url, signing_key=new_key())
        ada = person("ada@example.net", custom_args={"drip_delivery": "d1", "event": "mine"})
        receipt = sandbox.send(letter(ada, categories=["course"])).headers["X-Message-Id"]
        events = receiver.wait(2)

    assert ["processed", "delivered"] == [event["event"] for event in events]
    for event in events:
        assert ("d1", "ada@example.net", ["course"]) == (event["drip_delivery"], event["email"], event["category"])
        assert event["sg_message_id"].startswith(receipt)
        assert abs(event["timestamp"] - clock.machine_now().timestamp()) < 60
    assert 2 == len({event["sg_event_id"] for event in events})


@pytest.mark.parametrize(
    ("address", "story"),
    [
        ("ada@example.net", ["processed", "delivered"]),
        ("bounce.ada@example.net", ["processed", "bounce/bounce"]),
        ("blocked-1@example.net", ["processed", "bounce/blocked"]),
        ("dropped@example.net", ["dropped"]),
        ("Complain@example.net", ["processed", "delivered", "spamreport"]),
        ("deferred2@example.net", ["processed", "deferred", "delivered"]),
    ],
)
def test_the_address_decides_the_story(start: Start, letter: Make, person: Make, address: str, story: list[str]) -> None:
    """The local part says what SendGrid will report about a mail."""
    with receiving() as receiver:
        start(webhook_url=receiver.url, signing_key=new_key()).send(letter(person(address)))
        events = receiver.wait(len(story))

    assert story == [event["event"] + (f"/{event['type']}" if "type" in event else "") for event in events]


def test_refused_events_come_again(start: Start, letter: Make) -> None:
    """Whatever is not a 2xx is tried again with the same events, and the counts say when all are through."""
    with receiving(500, 404, 302) as receiver:
        sandbox = start(webhook_url=receiver.url, signing_key=new_key())
        sandbox.send(letter())
        receiver.wait(8)
        deadline = clock.monotonic() + 5
        while sandbox.get("/sandbox/counts").json()["unreported"] and clock.monotonic() < deadline:
            clock.wait(0.01)

    assert [["processed", "delivered"]] * 4 == [[each["event"] for each in json.loads(body)] for _, body in receiver.requests]
    assert 0 == sandbox.get("/sandbox/counts").json()["unreported"]


def test_a_batch_of_mails_is_a_batch_of_events(start: Start, letter: Make, person: Make) -> None:
    """Five hundred mails are reported in a few requests, each event once."""
    with receiving() as receiver:
        people = [person(f"p{n}@example.net") for n in range(500)]
        start(webhook_url=receiver.url, signing_key=new_key()).send(letter(*people))
        events = receiver.wait(1000)

    assert (1000, 1000) == (len(events), len({event["sg_event_id"] for event in events}))
    assert len(receiver.requests) <= 5


def test_events_survive_the_sandbox(start: Start, letter: Make) -> None:
    """Mails that were accepted while no webhook was reachable are reported by the next sandbox on the same mailbox."""
    start().send(letter())
    with receiving() as receiver:
        start(webhook_url=receiver.url, signing_key=new_key())

        assert ["processed", "delivered"] == [event["event"] for event in receiver.wait(2)]


def test_a_webhook_without_a_key_is_a_mistake(start: Start) -> None:
    """Unsigned events do not exist."""
    with pytest.raises(ValueError, match="signing key"):
        start(webhook_url="http://127.0.0.1:1/")


def test_the_signing_key_is_kept(tmp_path: Path) -> None:
    """It is made once, for its owner only, and read again."""
    path = tmp_path / "keys" / "webhook.pem"

    assert public_text(load_key(path)) == public_text(load_key(path))
    assert 0o600 == path.stat().st_mode & 0o777
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", public_text(load_key(path)))
