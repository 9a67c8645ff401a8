"""The second door against real SMTP servers on this machine: a good one, and one that fails where it is told to."""

from __future__ import annotations

import email
import email.policy
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drip.core.delivery import Answer, Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.mail.message import Message, Recipient
from drip.mail.smtp import SmtpMailer, put_in

LINK = "<https://example.org/u/" + "x" * 300 + ">"
ANNA = Recipient(
    "anna@example.org",
    delivery="7-k3j2",
    substitutions={"zNameT": "Anna & Jürgen", "zNameH": "Anna &amp; Jürgen", "zName": "wrong"},
    headers={"List-Unsubscribe": LINK, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)
LETTER = Message(
    sender_name="Säm, of the Roadmap",
    sender_email="letters@example.org",
    reply_to="hello@example.org",
    subject="Letter 1: zNameT, loaded and locked, and a subject so long that it has to be folded somewhere",
    text="Hello zNameT\n.a line with a dot\n\nBye",
    html="<p>Hello zNameH</p>",
    recipients=(ANNA,),
    headers={"List-Id": "<roadmap.example.org>"},
)


class Mailbox:
    """What the good server keeps."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.sessions: set[int] = set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail."""
        self.envelopes.append(envelope)
        self.sessions.add(id(session))
        return "250 kept"

    def letters(self) -> list[EmailMessage]:
        """The mails as a mailbox reads them."""
        raw = [envelope.content for envelope in self.envelopes]
        return [email.message_from_bytes(each, policy=email.policy.default) for each in raw if isinstance(each, bytes)]


@contextmanager
def good_server(mailbox: Mailbox, **settings: Any) -> Iterator[int]:  # noqa: ANN401 - aiosmtpd's own settings
    """Run aiosmtpd; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as finder:
        port: int = finder.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **settings)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def test_a_letter_arrives_as_it_was_meant() -> None:
    """Headers, both parts and her values reach the mailbox; links in headers stay on one line, unencoded."""
    mailbox = Mailbox()
    with good_server(mailbox) as port:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{port}")
        assert Submitted("7-k3j2@example.org") == mailer.submit(LETTER)
        mailer.close()
    (letter,) = mailbox.letters()
    (envelope,) = mailbox.envelopes
    assert ("letters@example.org", ["anna@example.org"]) == (envelope.mail_from, envelope.rcpt_tos)
    assert '"Säm, of the Roadmap" <letters@example.org>' == letter["From"]
    assert ("anna@example.org", "hello@example.org") == (letter["To"], letter["Reply-To"])
    assert LETTER.subject.replace("zNameT", "Anna & Jürgen") == letter["Subject"]
    assert ("<7-k3j2@example.org>", "7-k3j2") == (letter["Message-ID"], letter["X-Drip-Delivery"])
    assert letter["Date"].datetime.tzinfo is not None
    assert isinstance(envelope.content, bytes)
    assert f"List-Unsubscribe: {LINK}\r\n".encode() in envelope.content
    assert b"List-Id: <roadmap.example.org>\r\n" in envelope.content
    text, html = letter.iter_parts()
    assert ("multipart/alternative", "text/plain", "text/html") == tuple(part.get_content_type() for part in (letter, text, html))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert "Hello Anna & Jürgen\n.a line with a dot\n\nBye\n" == text.get_content().replace("\r\n", "\n")
    assert "<p>Hello Anna &amp; Jürgen</p>\n" == html.get_content().replace("\r\n", "\n")
    assert {"quoted-printable"} == {part["Content-Transfer-Encoding"] for part in (text, html)}


def test_values_are_put_in_once() -> None:
    """A name that looks like a tag stays a name, and of two tags the longer one counts."""
    assert "zB, b and a2" == put_in("zA, zB and zA2", {"zA": "zB", "zB": "b", "zA2": "a2"})


def test_one_session_carries_many_letters() -> None:
    """Twenty letters travel over one session; after the server closed it, the next one opens another."""
    mailbox = Mailbox()
    with good_server(mailbox) as port:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{port}")
        assert all(isinstance(mailer.submit(LETTER), Submitted) for _ in range(20))
        assert 1 == len(mailbox.sessions)
        assert mailer._session is not None
        assert mailer._session.sock is not None
        mailer._session.sock.shutdown(socket.SHUT_RDWR)
        assert isinstance(mailer.submit(LETTER), Submitted)
        mailer.close()
    assert 21 == len(mailbox.envelopes)


def check_login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401
    """Accept one password."""
    return AuthResult(success=(b"sam", b"p@ss") == (data.login, data.password), handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_login_with_special_characters() -> None:
    """User and password are percent-decoded; a wrong one pauses the sender and does not show in the reason."""
    mailbox = Mailbox()
    settings = {"authenticator": check_login, "auth_required": True, "auth_require_tls": False}
    with good_server(mailbox, **settings) as port:
        mailer = SmtpMailer(f"smtp://sam:p%40ss@127.0.0.1:{port}")
        assert isinstance(mailer.submit(LETTER), Submitted)
        mailer.close()
        for url in (f"smtp://sam:other-word@127.0.0.1:{port}", f"smtp://127.0.0.1:{port}"):
            mailer = SmtpMailer(url)
            answer = mailer.submit(LETTER)
            mailer.close()
            assert isinstance(answer, SenderRefused)
            assert "DRIP_SMTP_URL" in answer.remedy
            assert "other-word" not in str(answer)
    assert 1 == len(mailbox.envelopes)


# Faults --------------------------------------------------------------------------------------------------------------

Step = str | Callable[[socket.socket], None]
"""A reply, or something done instead of one, after which the connection ends."""


def hang_up(_: socket.socket) -> None:
    """Close without a word."""


def stall(sock: socket.socket) -> None:
    """Say nothing for longer than the client waits."""
    sock.settimeout(5)
    while sock.recv(1_000):
        pass


def drip_bytes(sock: socket.socket) -> None:
    """Send a reply that never ends, a byte at a time."""
    for _ in range(200):
        sock.sendall(b"2")
        time.sleep(0.05)


class Script:
    """A server whose reply to each verb is given; sessions after the first may have another script."""

    GOOD: dict[str, Step] = {  # noqa: RUF012 - never changed
        "": "220 hello",
        "EHLO": "250 me",
        "NOOP": "250 ok",
        "MAIL": "250 ok",
        "RCPT": "250 ok",
        "DATA": "354 go",
        ".": "250 kept",
    }

    def __init__(self, *scripts: dict[str, Step]) -> None:
        self._scripts = [{**self.GOOD, **script} for script in scripts]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept)
        self.url = f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.verbs: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            with sock, sock.makefile("rb") as lines:
                try:
                    self._talk(sock, lines, script)
                except OSError:
                    continue

    def _talk(self, sock: socket.socket, lines: Any, script: dict[str, Step]) -> None:  # noqa: ANN401 - a file of lines
        verb = ""
        while True:
            step = script.get(verb, "500 what?")
            if not isinstance(step, str):
                step(sock)
                return
            sock.sendall(step.encode() + b"\r\n")
            line = lines.readline()
            while line and step.startswith("354") and line != b".\r\n":
                line = lines.readline()
            if not line:
                return
            verb = re.split(rb"[ \r]", line)[0].decode().upper()
            self.verbs.append(verb)


def answer_of(*scripts: dict[str, Step], letters: int = 1) -> Answer:
    """The answer to the last of so many letters."""
    with Script(*scripts) as server:
        mailer = SmtpMailer(server.url, request_timeout_seconds=0.5)
        answers = [mailer.submit(LETTER) for _ in range(letters)]
        mailer.close()
    assert "anna@example.org" not in str(answers)
    return answers[-1]


@pytest.mark.parametrize("verb", ["", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("step", ["421 4.3.2 later", hang_up, stall, drip_bytes])
def test_nothing_is_accepted_before_the_final_dot(verb: str, step: Step) -> None:
    """A 4xx, a lost connection, silence or dripping before the final dot: nothing was accepted, and time is bounded."""
    started = time.monotonic()
    script: dict[str, Step] = {verb: step, "HELO": step} if verb == "EHLO" else {verb: step}
    assert isinstance(answer_of(script), TryLater)
    assert time.monotonic() - started < 1.6


@pytest.mark.parametrize("step", [hang_up, stall, drip_bytes, "what?", "199 hm"])
def test_silence_after_the_final_dot_is_uncertain(step: Step) -> None:
    """Once the dot is written only a proper reply tells whether the letter went."""
    assert isinstance(answer_of({".": step}), Unknown)


def test_a_no_for_now_after_the_dot_is_a_no() -> None:
    """A 4xx to the letter says that the server did not take it."""
    assert isinstance(answer_of({".": "451 4.3.0 disk"}), TryLater)


@pytest.mark.parametrize(
    "reply", ["550 5.1.1 <anna@example.org> unknown", "550 no such user", "553 5.1.3 bad syntax", "501 what address?"]
)
def test_a_bad_address_is_hers(reply: str) -> None:
    """A 5xx to RCPT that is about the address condemns the address."""
    answer = answer_of({"RCPT": reply})
    assert isinstance(answer, Refused)
    assert (0, True, False) == (answer.position, answer.bad_address, answer.about_letter)


@pytest.mark.parametrize("reply", ["552 5.2.2 mailbox full", "550 5.7.1 blocked by policy", "554 no"])
def test_a_refused_recipient_may_have_a_good_address(reply: str) -> None:
    """A full mailbox or a policy fails this mail and does not condemn the address."""
    answer = answer_of({"RCPT": reply})
    assert isinstance(answer, Refused)
    assert (0, False) == (answer.position, answer.bad_address)


@pytest.mark.parametrize(
    "script",
    [
        {"": "554 5.7.1 your network is not welcome"},
        {"MAIL": "550 5.7.1 sender not allowed"},
        {"MAIL": "530 5.7.0 Authentication required"},
        {"RCPT": "554 5.7.1 <anna@example.org>: Relay access denied"},
        {".": "554 5.1.8 sender domain unknown"},
    ],
)
def test_a_refused_sender_is_nobodys_fault(script: dict[str, Step]) -> None:
    """What the server holds against us pauses the sender: above all, relaying denied condemns no address."""
    answer = answer_of(script)
    assert isinstance(answer, SenderRefused)
    assert answer.remedy


def test_a_refused_letter_is_about_the_letter() -> None:
    """Content and size are the same for everybody, a mailbox named after the dot is one person's."""
    content, size, full, gone = (
        answer_of({".": reply}) for reply in ("554 5.6.0 spam", "552 5.3.4 too big", "552 5.2.2 full", "550 5.1.1 gone")
    )
    assert Refused("554 5.6.0 spam", about_letter=True) == content
    assert Refused("552 5.3.4 too big", about_letter=True, too_large=True) == size
    assert Refused("552 5.2.2 full", position=0) == full
    assert Refused("550 5.1.1 gone", position=0, bad_address=True) == gone


def test_an_old_session_at_its_limit_is_replaced() -> None:
    """A server that allows one letter a session costs a new session, and no letter."""
    assert isinstance(answer_of({"NOOP": hang_up}, {}, letters=2), Submitted)
    assert isinstance(answer_of({"NOOP": "421 bye"}, {}, letters=2), Submitted)


def test_a_closed_port_is_tried_later() -> None:
    """Where nobody listens nothing can have been accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(SmtpMailer(f"smtp://127.0.0.1:{port}").submit(LETTER), TryLater)
    with Script({"": hang_up}) as server:
        assert isinstance(SmtpMailer(server.url.replace("smtp:", "smtps:")).submit(LETTER), TryLater)


def test_our_own_mistakes_raise() -> None:
    """More than one recipient, an injected header or a URL that is none are bugs; an address beyond ASCII is not."""
    mailer = SmtpMailer("smtp://127.0.0.1:1")
    for message in (
        replace(LETTER, recipients=(ANNA, Recipient("bo@example.org", delivery="8"))),
        replace(LETTER, subject="a\nBcc: everybody@example.org"),
    ):
        with pytest.raises(ValueError, match=r"recipients|line break"):
            mailer.submit(message)
    for url in ("http://127.0.0.1", "smtp://", "smtp://sam:gehe%C3%AFm@127.0.0.1"):
        with pytest.raises(ValueError, match="SMTP URL"):
            SmtpMailer(url)
    answer = mailer.submit(replace(LETTER, recipients=(replace(ANNA, address="jürgen@example.org"),)))
    assert isinstance(answer, Refused)
    assert (0, False) == (answer.position, answer.bad_address)


def test_starttls_is_used_and_a_strangers_certificate_is_not_trusted(tmp_path: Path) -> None:
    """Where STARTTLS is offered the letter travels encrypted; a server elsewhere must prove its name, and gets nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem += built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    file = tmp_path / "mail.pem"
    file.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    mailbox = Mailbox()
    with good_server(mailbox, tls_context=context, require_starttls=True) as port:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{port}")
        assert isinstance(mailer.submit(LETTER), Submitted)
        assert isinstance(mailer.submit(LETTER), Submitted)
        mailer.close()
        # The bytes 127.1 reach this machine and are not one of its names.
        mailer = SmtpMailer(f"smtp://sam:secret@127.1:{port}")
        answer = mailer.submit(LETTER)
        mailer.close()
    assert isinstance(answer, SenderRefused)
    assert "certificate" in answer.remedy
    assert 2 == len(mailbox.envelopes)


def test_a_password_is_kept_back_where_nothing_is_encrypted() -> None:
    """Without STARTTLS no password leaves this machine, and the remedy says which port to use."""
    with Script({}) as server:
        mailer = SmtpMailer(server.url.replace("smtp://127.0.0.1", "smtp://sam:secret@127.1"))
        answer = mailer.submit(LETTER)
        mailer.close()
    assert isinstance(answer, SenderRefused)
    assert "587" in answer.remedy
    assert ["EHLO"] == server.verbs


def test_a_greeting_writes_nothing() -> None:
    """Connected and gone again; what keeps us out is an answer, and no letter was written."""
    mailbox = Mailbox()
    with good_server(mailbox) as port:
        assert None is SmtpMailer(f"smtp://127.0.0.1:{port}", 5.0).greet()
        refused = SmtpMailer(f"smtp://sam:secret@127.0.0.1:{port}", 5.0).greet()
    assert isinstance(refused, SenderRefused)
    assert "secret" not in repr(refused)
    assert [] == mailbox.envelopes
    gone = SmtpMailer(f"smtp://127.0.0.1:{port}", 5.0).greet()
    assert isinstance(gone, TryLater)
