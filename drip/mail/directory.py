"""What a provider keeps about an address besides the letters: the door to have it erased, or taken off a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Told:
    """The provider took it, or had nothing of the kind."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """It is to be asked again: no answer, too many requests, trouble of its own. Asking twice does no harm."""

    reason: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider refuses until somebody does what *remedy* says; *one_of_them* when an address among several may be why."""

    reason: str
    remedy: str
    one_of_them: bool = False


Reply = Told | NotNow | Declined


class Directory(Protocol):
    """The door to what one provider keeps; expected trouble is a `Reply`, never an exception."""

    erase_max: int
    """How many addresses one request may name."""

    def erase(self, addresses: Sequence[str]) -> Reply:
        """Have everything about some addresses erased."""
        ...

    def clear(self, address: str) -> Reply:
        """Have an address taken off the provider's own list of those who unsubscribed."""
        ...


class NoDirectory:
    """A provider that cannot be asked, as every SMTP server: what it keeps goes by its own rules, which the manual tells of."""

    erase_max = 1_000

    def erase(self, addresses: Sequence[str]) -> Reply:  # noqa: ARG002 - the shape of a Directory
        """Have nobody to ask."""
        return Told()

    def clear(self, address: str) -> Reply:  # noqa: ARG002 - as above
        """Have nobody to ask."""
        return Told()
