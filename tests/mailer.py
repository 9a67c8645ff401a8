"""A door that remembers what it was asked to hand over, and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from drip.core.delivery import Answer, Submitted
from drip.mail import directory
from drip.mail.message import Message

Reply = Answer | Callable[[Message], Answer]
"""What the door answers: the answer itself, or what works it out (and may raise, wait, or do something meanwhile)."""


@dataclass(slots=True)
class Request:
    """One request: the message, when it began and ended (monotonic), and the answer; None while it is under way."""

    message: Message
    began: float
    ended: float | None = None
    answer: Answer | None = None

    @property
    def people(self) -> list[str]:
        """The addresses, in order, without their domain."""
        return [one.address.partition("@")[0] for one in self.message.recipients]

    @property
    def deliveries(self) -> list[str]:
        """The opaque delivery ids, in order."""
        return [one.delivery for one in self.message.recipients]


@dataclass(slots=True)
class RememberingMailer:
    """Implements `Mailer`: answers from *script*, one after another, and with *otherwise* once it is empty."""

    script: list[Reply] = field(default_factory=list)
    otherwise: Reply = field(default_factory=lambda: Submitted("accepted"))
    batch_max: int = 500
    request_timeout_seconds: float = 5.0
    requests: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def submit(self, message: Message) -> Answer:
        """Remember the message and answer it."""
        with self._lock:
            request = Request(message, time.monotonic())
            self.requests.append(request)
            reply = self.script.pop(0) if self.script else self.otherwise
        try:
            request.answer = reply(message) if callable(reply) else reply
        finally:
            request.ended = time.monotonic()
        return request.answer

    def close(self) -> None:
        """Do nothing: there is no connection."""

    @property
    def accepted(self) -> list[str]:
        """Every delivery id that was accepted, in order, one entry for each copy."""
        return [one for request in self.requests if isinstance(request.answer, Submitted) for one in request.deliveries]

    @property
    def reached(self) -> list[tuple[str, str]]:
        """Who got which letter: pairs of name and subject of everything accepted, in order."""
        return [
            (name, request.message.subject)
            for request in self.requests
            if isinstance(request.answer, Submitted)
            for name in request.people
        ]


@dataclass(slots=True)
class RememberingDirectory:
    """Implements `Directory`: remembers what it was asked, and answers from *script*, then that all is done."""

    script: list[directory.Reply | Callable[[], directory.Reply]] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    erase_max: int = 500

    def erase(self, addresses: Sequence[str]) -> directory.Reply:
        """Remember the addresses and answer."""
        return self._answer(self.erased, addresses)

    def clear(self, address: str) -> directory.Reply:
        """Remember the address and answer."""
        return self._answer(self.cleared, [address])

    def _answer(self, asked: list[str], addresses: Sequence[str]) -> directory.Reply:
        asked += addresses
        reply = self.script.pop(0) if self.script else directory.Told()
        return reply() if callable(reply) else reply
