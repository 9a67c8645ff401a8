"""The door to SendGrid against a server on this machine that answers, stalls, lies and hangs up as it is told."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from drip.core.delivery import Answer, Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.mail.message import Message, Recipient
from drip.mail.sendgrid import SendGridMailer

KEY = "SG.secret-key.of-the-operator"
PEOPLE = ("anna@example.org", "bo@example.org", "cy@example.org")


def letter(*addresses: str, size: int = 0) -> Message:
    """A letter to these addresses, or to the three people, with *size* characters of padding."""
    people = tuple(Recipient(address, delivery=f"d{number}") for number, address in enumerate(addresses or PEOPLE))
    return Message("Sam", "sam@example.org", "hello@example.org", "Letter 1", "text" + "x" * size, "<p>html</p>", people)


# The server ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Received:
    """One request that arrived whole, and the number of the connection that brought it."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


Reaction = Callable[["Server", socket.socket], bool]
"""What the server does with a request; true when the connection stays open."""


def answering(status: int, body: bytes = b"", **headers: str) -> Reaction:
    """Answer with *status* and keep the connection; an underscore in a header's name stands for a hyphen."""

    def react(_: Server, sock: socket.socket) -> bool:
        lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return True

    return react


def refusing(status: int, message: str, field: str | None = None) -> Reaction:
    """Answer as SendGrid refuses."""
    return answering(status, json.dumps({"errors": [{"message": message, "field": field, "help": None}]}).encode())


def saying(raw: bytes) -> Reaction:
    """Write *raw* and hang up."""

    def react(_: Server, sock: socket.socket) -> bool:
        sock.sendall(raw)
        return False

    return react


def hang_up(_: Server, __: socket.socket) -> bool:
    """Hang up politely, without a word."""
    return False


def reset(_: Server, sock: socket.socket) -> bool:
    """Hang up as a crashed host does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def reset_soon(server: Server, sock: socket.socket) -> bool:
    """Let the client write, and hang up as a crashed host does."""
    server.over.wait(0.1)
    return reset(server, sock)


def hang(server: Server, _: socket.socket) -> bool:
    """Say nothing until the test is over."""
    server.over.wait(20)
    return False


def drip_bytes(server: Server, sock: socket.socket) -> bool:
    """Send an answer that never ends, a byte at a time, each well within any timeout on a single read."""
    for byte in b"HTTP/1.1 202 Accepted\r\nX-Slow: " + b"x" * 10_000:
        if server.over.wait(0.05):
            break
        sock.sendall(bytes([byte]))
    return False


def answer_then_hang_up(_: Server, sock: socket.socket) -> bool:
    """Answer as if the connection stayed, and close it."""
    sock.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")
    return False


class Server:
    """Reacts to the nth request with the nth reaction, and with the last one from then on."""

    def __init__(self, *reactions: Reaction, tls: ssl.SSLContext | None = None, read_first: bool = True) -> None:
        self.reactions = list(reactions)
        self.received: list[Received] = []
        self.connections = 0
        self.over = threading.Event()
        self._tls = tls
        self._read_first = read_first
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for sock in self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self.over.is_set():
                sock.close()
                return
            self.connections += 1
            self._open.append(sock)
            self._start(lambda sock=sock, number=self.connections: self._serve(sock, number))  # type: ignore[misc]

    def _serve(self, sock: socket.socket, number: int) -> None:
        with ExitStack() as stack:
            stack.enter_context(sock)
            try:
                if self._tls:
                    sock = stack.enter_context(self._tls.wrap_socket(sock, server_side=True))
                while self._read(sock, number):
                    reaction = self.reactions.pop(0) if len(self.reactions) > 1 else self.reactions[0]
                    if not reaction(self, sock):
                        return
            except OSError:
                return

    def _read(self, sock: socket.socket, number: int) -> bool:
        if not self._read_first:
            return True
        with sock.makefile("rb") as lines:
            path = lines.readline().decode("latin-1").partition(" ")[2].partition(" ")[0]
            if not path:
                return False
            pairs = (line.decode("latin-1").strip().partition(": ") for line in takewhile(bytes.strip, lines))
            headers = {name.lower(): value for name, _, value in pairs}
            body = lines.read(int(headers.get("content-length", "0")))
        self.received.append(Received(path, headers, body, number))
        return True


def door(url: str, *, seconds: float = 5.0, connect: float = 2.0, idle: float = 4.0) -> SendGridMailer:
    """The door, leading to *url*."""
    return SendGridMailer(KEY, url, request_timeout_seconds=seconds, connect_timeout_seconds=connect, idle_seconds_max=idle)


def submit_to(*reactions: Reaction, read_first: bool = True, seconds: float = 5.0) -> Answer:
    """Hand one letter to a server that reacts so."""
    with Server(*reactions, read_first=read_first) as server:
        mailer = door(server.url, seconds=seconds)
        try:
            return mailer.submit(letter())
        finally:
            mailer.close()


# Accepted ------------------------------------------------------------------------------------------------------------


def test_the_request_is_sendgrids() -> None:
    """One POST to /v3/mail/send carries the key, JSON, and one personalization a person."""
    with Server(answering(202, X_Message_Id="abc.DEF-1")) as server:
        mailer = door(server.url + "/")
        answer = mailer.submit(letter())
        mailer.close()
    assert Submitted("abc.DEF-1") == answer
    (received,) = server.received
    assert "/v3/mail/send" == received.path
    assert f"Bearer {KEY}" == received.headers["authorization"]
    assert "application/json" == received.headers["content-type"]
    assert list(PEOPLE) == [part["to"][0]["email"] for part in json.loads(received.body)["personalizations"]]


def test_a_receipt_may_be_missing() -> None:
    """202 without X-Message-Id is accepted all the same."""
    assert Submitted(None) == submit_to(answering(202))


def test_connections_are_kept() -> None:
    """Fifty requests travel over one connection."""
    with Server(answering(202)) as server:
        mailer = door(server.url)
        assert all(isinstance(mailer.submit(letter()), Submitted) for _ in range(50))
        mailer.close()
    assert 50 == len(server.received)
    assert 1 == server.connections


def test_a_refusal_keeps_the_connection() -> None:
    """A chunked 400 is read to its end, so the next request finds the connection clean."""
    body = b'{"errors": []}'
    chunked = b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    def react(_: Server, sock: socket.socket) -> bool:
        sock.sendall(chunked)
        return True

    with Server(react, answering(202)) as server:
        mailer = door(server.url)
        assert isinstance(mailer.submit(letter()), Refused)
        assert isinstance(mailer.submit(letter()), Submitted)
        mailer.close()
    assert 1 == server.connections


def test_a_connection_that_the_server_closed_is_replaced() -> None:
    """A server that hangs up after its answer costs a new connection, and no letter."""
    with Server(answer_then_hang_up) as server:
        mailer = door(server.url)
        for _ in range(3):
            assert isinstance(mailer.submit(letter()), Submitted)
            time.sleep(0.05)
        mailer.close()
    assert 3 == server.connections


def test_an_idle_connection_is_not_trusted() -> None:
    """A connection that was idle longer than allowed is dropped before the server may drop it."""
    with Server(answering(202)) as server:
        mailer = door(server.url, idle=0.1)
        for pause in (0.0, 0.2, 0.0):
            time.sleep(pause)
            assert isinstance(mailer.submit(letter()), Submitted)
        mailer.close()
    assert [1, 2, 2] == [request.connection for request in server.received]


# Nobody knows --------------------------------------------------------------------------------------------------------


def test_a_reused_connection_that_dies_is_uncertain() -> None:
    """A request that was written on a kept connection may have been received: Unknown, and it is not repeated."""
    with Server(answering(202), hang_up) as server:
        mailer = door(server.url)
        assert isinstance(mailer.submit(letter()), Submitted)
        assert isinstance(mailer.submit(letter()), Unknown)
        mailer.close()
    assert 2 == len(server.received)


@pytest.mark.parametrize(
    "reaction", [hang_up, reset, saying(b"garbage\r\n\r\n"), saying(b"HTTP/1.1 "), saying(b"HTTP/1.1 103 Hint\r\n\r\n")]
)
def test_no_answer_is_uncertain(reaction: Reaction) -> None:
    """A request that was read and not answered may have been accepted."""
    assert isinstance(submit_to(reaction), Unknown)


def test_a_reset_before_reading_is_uncertain() -> None:
    """What was written before the reset may have been read, as far as this side can see."""
    assert isinstance(submit_to(reset_soon, read_first=False), Unknown)


def test_a_reset_at_once_is_an_answer_too() -> None:
    """A reset while the connection opens or just after it is certainly no acceptance, and never an exception."""
    assert all(isinstance(submit_to(reset, read_first=False), Unknown | TryLater) for _ in range(40))


@pytest.mark.parametrize("reaction", [hang, drip_bytes])
def test_time_is_bounded_as_a_whole(reaction: Reaction) -> None:
    """A server that says nothing, or a byte now and then, is given up after request_timeout_seconds, uncertain."""
    started = time.monotonic()
    with Server(reaction) as server:
        mailer = door(server.url, seconds=0.5)
        answer = mailer.submit(letter())
        taken = time.monotonic() - started
        mailer.close()
    assert isinstance(answer, Unknown)
    assert 0.4 < taken < 1.0


def test_writing_is_bounded_too() -> None:
    """A server that does not read a large request is given up in time."""
    started = time.monotonic()
    with Server(hang, read_first=False) as server:
        mailer = door(server.url, seconds=0.5)
        answer = mailer.submit(letter(size=20_000_000))
        taken = time.monotonic() - started
        mailer.close()
    assert isinstance(answer, Unknown)
    assert taken < 1.5


def test_a_status_stands_without_its_body() -> None:
    """Once the status line says 202 the letters are accepted, and once it says 401 they are not, whatever follows."""
    assert isinstance(submit_to(saying(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nx")), Submitted)
    assert isinstance(submit_to(saying(b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nx")), SenderRefused)


def test_no_answer_raises() -> None:
    """Whatever bytes a server sends, submit returns an Answer."""
    with Server(hang_up) as server:
        mailer = door(server.url, seconds=2.0)

        @settings(max_examples=60, deadline=None)
        @given(st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 400 No\r\n", b"HTTP/1.1 202 Yes\r\n"]), st.binary(max_size=80))
        def answers(start: bytes, rest: bytes) -> None:
            server.reactions = [saying(start + rest)]
            assert isinstance(mailer.submit(letter()), Submitted | Refused | TryLater | Unknown | SenderRefused)

        answers()
        mailer.close()


# Nothing was sent ----------------------------------------------------------------------------------------------------


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_closed_port_and_a_bad_name_are_tried_later() -> None:
    """Where no connection came about nothing can have been accepted."""
    for url in (f"http://127.0.0.1:{free_port()}", "http://no..name"):
        mailer = door(url)
        assert isinstance(mailer.submit(letter()), TryLater)
        mailer.close()


def test_a_host_that_does_not_answer_is_tried_later() -> None:
    """A connection that takes too long is given up within connect_timeout_seconds, and nothing was sent."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):  # Fill the queue of a listener that accepts nobody.
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - socket's own signature
            waiting.connect_ex(listener.getsockname())
        started = time.monotonic()
        mailer = door(f"http://127.0.0.1:{listener.getsockname()[1]}", connect=0.3)
        assert isinstance(mailer.submit(letter()), TryLater)
        assert time.monotonic() - started < 1.0
        mailer.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "localhost.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    return file


def context_of(certificate: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_an_untrusted_server_gets_nothing(certificate: Path) -> None:
    """Neither a server whose certificate nobody signed nor one that speaks no TLS sees the key or a letter."""
    with Server(answering(202), tls=context_of(certificate)) as server:
        mailer = door(server.url)
        assert isinstance(mailer.submit(letter()), TryLater)
        mailer.close()
    assert [] == server.received
    with Server(hang_up) as server:
        mailer = door(server.url.replace("http:", "https:"), seconds=1.0)
        assert isinstance(mailer.submit(letter()), TryLater)
        mailer.close()


def test_tls_connections_are_kept_and_bounded(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS, too, one connection serves many requests and a dripping server is given up in time."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Server(*[answering(202)] * 5, drip_bytes, tls=context_of(certificate)) as server:
        mailer = door(server.url, seconds=0.8)
        assert all(isinstance(mailer.submit(letter()), Submitted) for _ in range(5))
        started = time.monotonic()
        assert isinstance(mailer.submit(letter()), Unknown)
        assert time.monotonic() - started < 1.5
        mailer.close()
    assert 1 == server.connections


# Redirects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """The key does not travel to wherever a redirect points."""
    with Server(answering(202)) as elsewhere:
        answer = submit_to(answering(status, Location=elsewhere.url + "/v3/mail/send"))
    assert isinstance(answer, SenderRefused)
    assert 0 == len(elsewhere.received)


# Silence -------------------------------------------------------------------------------------------------------------


def test_nothing_logged_or_answered_holds_the_key_or_an_address(caplog: pytest.LogCaptureFixture) -> None:
    """With all loggers at DEBUG, and again after logging was set up anew, neither log nor reason tells a secret."""
    caplog.set_level(logging.DEBUG)
    vendor = logging.getLogger("python_http_client.client")
    caplog.set_level(logging.DEBUG, vendor.name)
    vendor.disabled = False
    echo = f'"{PEOPLE[0]}" is bad, <{PEOPLE[1]}> too; Bearer {KEY} c%79%40example.org {PEOPLE[2].upper()}'
    reasons = [str(submit_to(reaction)) for reaction in (refusing(400, echo), refusing(403, echo), hang_up, answering(202))]
    vendor.disabled = True
    for told in [caplog.text, *reasons]:
        assert KEY not in told
        assert "Bearer" not in told
        assert "example.org" not in told.lower()


def test_a_key_must_be_given() -> None:
    """An empty key is an error here; the package would look into the environment for one."""
    for key in ("", "two words", "line\nbreak"):
        with pytest.raises(ValueError, match="API key"):
            SendGridMailer(key)
    with pytest.raises(ValueError, match="base URL"):
        SendGridMailer(KEY, "api.sendgrid.com")
