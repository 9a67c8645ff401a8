"""The second door: any SMTP server, one mail a submit, over one kept-alive session.

What a reply means depends on when it comes. Until the final dot is written nothing can have been accepted; from there until
the server's reply nobody knows; the reply settles it.
"""

from __future__ import annotations

import ipaddress
import re
import smtplib
import socket
import ssl
import threading
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from drip import clock
from drip.core.address import ENCODED
from drip.core.delivery import Answer, Refused, SenderRefused, Submitted, TryLater, Unknown
from drip.mail import deadline
from drip.mail.guard import check
from drip.mail.reason import scrubbed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from drip.mail.message import Message, Recipient

_REMEDY_LOGIN = "The mail server refuses the user name or password in DRIP_SMTP_URL (an app password may be needed)."
_REMEDY_NO_LOGIN = (
    "The mail server offers no login that drip knows: leave user and password out of DRIP_SMTP_URL, or use another port."
)
_REMEDY_TLS = "The mail server offers no encryption, so the password was kept back: use its port 587, or smtps:// with 465."
_REMEDY_CERTIFICATE = "The mail server's certificate is not trusted for this host name: check the host in DRIP_SMTP_URL."
_REMEDY_SENDER = "The mail server does not let this sender write: check the course's `from` address and DRIP_SMTP_URL's user."
_REMEDY_RELAY = "The mail server does not forward mail for us: put a user and password that may send into DRIP_SMTP_URL."
_REMEDY_SERVER = (
    "The mail server turned us away: check host and port in DRIP_SMTP_URL, and that it accepts mail from this machine."
)

_NOT_ALLOWED = re.compile(r"relay|authenticat|not logged in|log ?in first|sender.{0,20}not", re.IGNORECASE)
_ENHANCED = re.compile(r"\b[45]\.(\d{1,3})\.(\d{1,3})\b")


# The letter ----------------------------------------------------------------------------------------------------------


class _Lines(EmailPolicy):
    """Folds the headers that hold words; the others are addresses, ids and links, which folding would encode."""

    def fold(self, name: str, value: Any) -> str:  # noqa: ANN401 - the signature of the class above
        folded = name.lower() in {"from", "reply-to", "subject"}
        return str(super().fold(name, value)) if folded else f"{name}: {value}\r\n"

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 - the signature of the class above
        return self.fold(name, value).encode("ascii", "surrogateescape")


# Quoted-printable lines have 76 characters at most (RFC 2045, 6.7), which Python knows only when it is told.
_POLICY = _Lines(linesep="\r\n", cte_type="7bit", max_line_length=76)


def put_in(template: str, substitutions: Mapping[str, str]) -> str:
    """Return *template* with each tag replaced by its value, once: a value that looks like a tag stays as it is."""
    if not substitutions:
        return template
    tags = "|".join(re.escape(tag) for tag in sorted(substitutions, key=len, reverse=True))
    return re.sub(tags, lambda tag: substitutions[tag[0]], template)


def letter_of(message: Message, recipient: Recipient, *, date: datetime) -> EmailMessage:
    """Return the one mail (RFC 5322) that *recipient* gets, written at *date*.

    Its Message-ID is made of the delivery's id, so a second copy of one delivery has the same and mailboxes can tell.
    """
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = Address(_as_it_is(message.sender_name), addr_spec=message.sender_email)
    letter["To"] = recipient.address
    if message.reply_to:
        letter["Reply-To"] = Address(addr_spec=message.reply_to)
    letter["Subject"] = _as_it_is(put_in(message.subject, recipient.substitutions))
    letter["Date"] = format_datetime(date)
    letter["Message-ID"] = f"<{recipient.delivery}@{message.sender_email.rpartition('@')[2]}>"
    letter["X-Drip-Delivery"] = recipient.delivery
    hers = {name.lower() for name in recipient.headers}
    common = {name: value for name, value in message.headers.items() if name.lower() not in hers}
    for name, value in {**common, **recipient.headers}.items():
        letter[name] = value
    text, html = ("\n".join(put_in(part, recipient.substitutions).splitlines()) + "\n" for part in (message.text, message.html))
    letter.set_content(text, subtype="plain", charset="utf-8", cte="quoted-printable")
    letter.add_alternative(html, subtype="html", charset="utf-8", cte="quoted-printable")
    return letter


def _as_it_is(text: str) -> str:
    """Return *text* for a header so that it is not read as an encoded word (RFC 2047).

    The email package decodes what looks like one, and writes the line breaks that were hidden in it.
    """
    return text.replace(ENCODED, "= ?")


# The session ---------------------------------------------------------------------------------------------------------


class _Stop(Exception):
    """The talk with the server ends with *answer*."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class _Session(smtplib.SMTP):
    """smtplib's session, with every read and write inside the deadline of the mail under way."""

    def __init__(self, host: str, port: int, *, until: deadline.Deadline, connect_seconds: float, tls: bool) -> None:
        self.until = until
        self._connect_seconds = connect_seconds
        self._tls = tls
        # smtplib would look this machine's name up in the DNS.
        name = socket.gethostname()
        super().__init__(host, port, local_hostname=name if "." in name and name.isascii() else "[127.0.0.1]")

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        del timeout  # The deadline's is stricter.
        sock = deadline.connect(host, port, min(self._connect_seconds, self.until.left()))
        if not self._tls:
            return sock
        try:
            return ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except OSError:
            sock.close()
            raise

    def send(self, s: Any) -> None:  # noqa: ANN401 - the signature of the class above
        for piece in deadline.slices(s.encode("ascii") if isinstance(s, str) else bytes(s)):
            if self.sock is not None:
                self.sock.settimeout(self.until.left())
            super().send(piece)

    def _left(self) -> float:
        return self.until.left()

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = deadline.bounded_reader(self.sock, self._left)
        return super().getreply()


class SmtpMailer:
    """An SMTP server as a `Mailer`; times in seconds.

    *url* is `smtp://user:password@host:587` (STARTTLS where the server offers it; without it no password leaves this
    machine, except to the machine itself) or `smtps://…:465`; percent-encode what is special in user and password.
    """

    batch_max = 1

    def __init__(self, url: str, request_timeout_seconds: float = 30.0, connect_timeout_seconds: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("the SMTP URL is not one of smtp:// or smtps:// with a host")
        self.request_timeout_seconds = request_timeout_seconds
        self._connect_seconds = connect_timeout_seconds
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        if not (self._user + self._password).isascii():
            raise ValueError("the user and password of an SMTP URL must be ASCII")
        self._session: _Session | None = None
        self._lock = threading.Lock()

    def submit(self, message: Message) -> Answer:
        """Hand *message* to its one recipient; `ValueError` when it breaks the rules, otherwise always an `Answer`."""
        check(message, recipients_max=self.batch_max)
        recipient = message.recipients[0]
        if not (recipient.address + message.sender_email + message.reply_to).isascii():
            return Refused("an address is not ASCII; this door does not speak SMTPUTF8", position=0)
        if ENCODED in recipient.address:
            # From before such addresses were refused where they are typed: the email package would decode it, or raise.
            return Refused("the address looks like an encoded word", position=0)
        wire = letter_of(message, recipient, date=clock.machine_now()).as_bytes()
        until = deadline.Deadline(self.request_timeout_seconds)
        if not self._lock.acquire(timeout=self.request_timeout_seconds):
            return TryLater("another mail has kept the session busy all the time")
        try:
            reused = self._wake(until)
            answer, dotted = self._attempt(message, recipient, wire, until)
            if reused and isinstance(answer, TryLater) and not dotted:
                # An old session may have met its server's limit; nothing was handed over, so a new one may try.
                answer, _ = self._attempt(message, recipient, wire, until)
        except BaseException:
            # A session left in the middle of a mail would take the reply to this one for the reply to the next.
            self._drop()
            raise
        finally:
            self._lock.release()
        return answer

    def greet(self) -> Answer | None:
        """Connect, encrypt and log in, and write nothing; None when the server has us, otherwise what keeps us out."""
        try:
            with self._lock:
                self._drop()
                self._session = self._opened(deadline.Deadline(self.request_timeout_seconds))
                self._drop()
        except _Stop as stop:
            return self._told(stop.answer, "")
        except (OSError, smtplib.SMTPException) as error:
            return self._told(TryLater(f"{type(error).__name__}: {error}"), "")
        return None

    def close(self) -> None:
        """Give back the connection."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _wake(self, until: deadline.Deadline) -> bool:
        """Whether the session of the last mail is there and answers."""
        if self._session is None:
            return False
        self._session.until = until
        try:
            awake = self._session.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            awake = False
        if not awake:
            self._drop()
        return awake

    def _attempt(self, message: Message, recipient: Recipient, wire: bytes, until: deadline.Deadline) -> tuple[Answer, bool]:
        """Return what became of one try, and whether the final dot was written; the session is kept after a success."""
        talk = _Talk()
        try:
            if self._session is None:
                self._session = self._opened(until)
            answer = talk.hand_over(self._session, message.sender_email, recipient.address, wire)
        except _Stop as stop:
            answer = stop.answer
        except (OSError, smtplib.SMTPException) as error:
            reason = f"{type(error).__name__}: {error}"
            answer = Unknown(reason) if talk.dotted else TryLater(reason)
        if isinstance(answer, Submitted):
            return Submitted(f"{recipient.delivery}@{message.sender_email.rpartition('@')[2]}"), talk.dotted
        self._drop()
        return self._told(answer, recipient.address), talk.dotted

    def _told(self, answer: Answer, address: str) -> Answer:
        """Return *answer* with a reason that may be stored."""
        secrets = [address, self._password]
        match answer:
            case Refused(reason, position, bad_address, about_letter, too_large):
                return Refused(scrubbed(reason, secrets=secrets), position, bad_address, about_letter, too_large)
            case SenderRefused(reason, remedy):
                return SenderRefused(scrubbed(reason, secrets=secrets), remedy)
            case TryLater(reason):
                return TryLater(scrubbed(reason, secrets=secrets))
            case Unknown(reason):
                return Unknown(scrubbed(reason, secrets=secrets))
            case Submitted():
                return answer

    def _opened(self, until: deadline.Deadline) -> _Session:
        """Return a session that is greeted, encrypted and logged in; `_Stop` when the server will not have us."""
        try:
            session = _Session(self._host, self._port, until=until, connect_seconds=self._connect_seconds, tls=self._tls)
        except ssl.SSLCertVerificationError as error:
            raise _Stop(SenderRefused(str(error), _REMEDY_CERTIFICATE)) from None
        except smtplib.SMTPResponseException as error:
            raise _Stop(_turned_away(error, _REMEDY_SERVER)) from None
        try:
            self._introduce(session)
        except BaseException:
            session.close()
            raise
        return session

    def _introduce(self, session: _Session) -> None:
        try:
            session.ehlo_or_helo_if_needed()
            if not self._tls and session.has_extn("starttls"):
                session.starttls(context=_context_for(self._host))
                session.ehlo_or_helo_if_needed()
            elif not self._tls and self._user and not _is_this_machine(self._host):
                raise _Stop(SenderRefused("the server offers no STARTTLS", _REMEDY_TLS))
            if self._user:
                session.login(self._user, self._password)
        except ssl.SSLCertVerificationError as error:
            raise _Stop(SenderRefused(str(error), _REMEDY_CERTIFICATE)) from None
        except smtplib.SMTPAuthenticationError as error:
            raise _Stop(_turned_away(error, _REMEDY_LOGIN)) from None
        except smtplib.SMTPResponseException as error:
            raise _Stop(_turned_away(error, _REMEDY_SERVER)) from None
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException as error:
            raise _Stop(SenderRefused(str(error), _REMEDY_NO_LOGIN)) from None


def _context_for(host: str) -> ssl.SSLContext:
    """Return the settings for STARTTLS; a server on this machine has no name that a certificate could prove."""
    context = ssl.create_default_context()
    if _is_this_machine(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# The replies ---------------------------------------------------------------------------------------------------------


class _Talk:
    """The hand-over of one mail; *dotted* once the server may have the whole of it."""

    def __init__(self) -> None:
        self.dotted = False

    def hand_over(self, session: _Session, sender: str, address: str, wire: bytes) -> Answer:
        """Return what the server says to the sender, the recipient, and the letter, in that order."""
        code, text = session.mail(sender)
        if code // 100 != 2:
            return _judged(code, text, SenderRefused(_reply(code, text), _REMEDY_SENDER))
        code, text = session.rcpt(address)
        if code // 100 != 2:
            return _judged(code, text, _recipient_refused(code, text))
        code, text = session.docmd("DATA")
        if code != 354:
            return _judged(code, text, _letter_refused(code, text))
        session.send(re.sub(rb"(?m)^\.", b"..", wire))
        session.until.left()  # Out of time now means out of time before the dot.
        self.dotted = True
        session.send(b".\r\n")
        code, text = session.getreply()
        if code // 100 == 2:
            return Submitted()
        if code // 100 not in {4, 5}:
            return Unknown(_reply(code, text))
        return _judged(code, text, _letter_refused(code, text))


def _judged(code: int, text: bytes, refusal: Answer) -> Answer:
    """Return *refusal* for a 5xx; anything else means that the mail was not taken now."""
    return refusal if code // 100 == 5 else TryLater(_reply(code, text))


def _recipient_refused(code: int, text: bytes) -> Answer:
    """Return what a 5xx to RCPT says of her address, unless it says that we may not send at all."""
    reason = _reply(code, text)
    status = _enhanced(reason)
    if code in {502, 503, 504, 530, 535} or _NOT_ALLOWED.search(reason):
        return SenderRefused(reason, _REMEDY_RELAY)
    if status in {(1, 7), (1, 8)}:
        return SenderRefused(reason, _REMEDY_SENDER)
    # 5.2.x is a full or closed mailbox, 5.7.x a policy, others the way there: the address itself may be good.
    bad_address = status[0] == 1 if status else code in {501, 521, 550, 551, 553, 556}
    return Refused(reason, position=0, bad_address=bad_address)


def _letter_refused(code: int, text: bytes) -> Answer:
    """Return what a 5xx to the letter itself means.

    A relay refuses content, size and policy for everybody alike, so it is about the letter, and the course stops rather than
    failing one person after the other. Only a reply that names the mailbox (5.1.x, 5.2.x) is about the person.
    """
    reason = _reply(code, text)
    status = _enhanced(reason)
    if _NOT_ALLOWED.search(reason) or code in {530, 535}:
        return SenderRefused(reason, _REMEDY_RELAY)
    if status in {(1, 7), (1, 8)}:
        return SenderRefused(reason, _REMEDY_SENDER)
    too_large = status in {(2, 3), (3, 4)} if status else code == 552
    if status and status[0] in {1, 2} and not too_large:
        return Refused(reason, position=0, bad_address=status[0] == 1)
    return Refused(reason, about_letter=True, too_large=too_large)


def _turned_away(error: smtplib.SMTPResponseException, remedy: str) -> Answer:
    text = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
    return _judged(error.smtp_code, text, SenderRefused(_reply(error.smtp_code, text), remedy))


def _reply(code: int, text: bytes) -> str:
    return f"{code} {text.decode('utf-8', 'replace')}"


def _enhanced(reason: str) -> tuple[int, int] | None:
    """Return the subject and detail of an enhanced status code (RFC 3463), such as 1 and 1 of 5.1.1; None without one."""
    found = _ENHANCED.search(reason)
    return (int(found[1]), int(found[2])) if found else None
