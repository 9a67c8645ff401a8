"""The provider's own lists of addresses that it does not write to any more, behind one small door for all providers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from drip.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


class ListName(NamedTuple):
    """A list by the name in the provider's API, and what it means to us: a word of `drip suppressions import --reason`.

    Without a *reason* the list is counted and no more: who stands there may be mailed again.
    """

    name: str
    reason: str


SENDGRID_LISTS = (
    ListName("bounces", "bounced"),
    ListName("invalid_emails", "invalid"),
    ListName("spam_reports", "complained"),
    ListName("unsubscribes", "unsubscribed"),
    # Refused for a while by one server: no reason never to write again.
    ListName("blocks", ""),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One address of a list, and since when it stands there."""

    address: str = field(repr=False)
    at: datetime | None


class Lists(Protocol):
    """What can be asked of a provider about the addresses that it does not write to."""

    names: tuple[ListName, ...]
    """The lists that there are."""

    def entries(self, name: str) -> Iterator[list[Entry]]:
        """Yield a list page by page; raises a DripError with the remedy when the provider does not tell."""
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...


class NoLists:
    """A door that has no lists to ask for, such as SMTP."""

    names: tuple[ListName, ...] = ()

    def entries(self, name: str) -> Iterator[list[Entry]]:
        """Say that there are none."""
        del name
        msg = "SMTP keeps no lists that could be asked for; export them where your mail is handled, and name the file"
        raise UsageError(msg)

    def close(self) -> None:
        """Do nothing: there are no connections."""
