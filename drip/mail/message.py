"""A message to hand over: one text for many people, each with values of her own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drip.core.delivery import Answer


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person of a request.

    *delivery* is the opaque id of the delivery, the only thing about her that the provider keeps. *substitutions* maps
    tags such as `zNextDateTz` to her values, which are put in verbatim: those for HTML are escaped already.
    *headers* are hers alone (`List-Unsubscribe`, `List-Unsubscribe-Post`).
    """

    address: str
    delivery: str
    substitutions: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One request: a rendered letter and its *recipients* (1 to 1,000, no address twice).

    *subject*, *text* and *html* hold the tags that each recipient's substitutions replace; *headers* hold for all
    (`List-Id`).
    """

    sender_name: str
    sender_email: str
    reply_to: str
    subject: str
    text: str
    html: str
    recipients: tuple[Recipient, ...]
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """The door to one provider."""

    request_timeout_seconds: float
    """The longest that `submit` may take."""

    batch_max: int
    """How many recipients one request may have."""

    def submit(self, message: Message) -> Answer:
        """Hand the message over once and say what became of it; expected trouble is an `Answer`, never an exception."""
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...
