"""What a cell of somebody else's table says: an instant, a standing; and how a sentence may show it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from drip.core.problem import quoted


def shown(text: str) -> str:
    """Return a cell as a sentence may show it: cut where it is long, and not at all where it may be an address."""
    return "that stands there" if "@" in text else quoted(text)


# As Go prints an instant, and with it listmonk: 2024-03-05 09:10:11.12345 +0000 UTC; where the zone has no name, +0100 +0100.
_PRINTED = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d:?\d\d)(?: (?:[A-Z]{1,5}|[+-]\d{2,4}))?")


def instant_of(text: str) -> datetime | None:
    """Return the instant that a cell says, UTC where it names no zone; None when it can be read in more than one way."""
    bare = text.strip()
    printed = _PRINTED.fullmatch(bare)
    if printed is not None:
        bare = f"{printed[1]}{printed[2]}"
    for ending in (" UTC", "UTC", " GMT"):
        bare = bare.removesuffix(ending)
    try:
        found = datetime.fromisoformat(bare)
    except ValueError:
        return None
    if bare.replace("-", "").isdecimal() and len(bare) != 10:
        return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True)
class Status:
    """What another tool's word means: *suppress* is why nobody may write to her; *pending*: she never said yes."""

    suppress: str = ""
    pending: bool = False


_GOOD, _PENDING = Status(), Status(pending=True)
STATUSES: dict[str, Status] = {
    **dict.fromkeys(("active", "subscribed", "confirmed", "enabled", "yes", "true", "1"), _GOOD),
    **dict.fromkeys(("unconfirmed", "pending", "inactive", "non-subscribed", "transactional"), _PENDING),
    **dict.fromkeys(("unsubscribed", "cancelled", "canceled", "left", "archived", "disabled", "no"), Status("left")),
    **dict.fromkeys(("bounced", "cleaned", "hard bounced"), Status("bounced")),
    **dict.fromkeys(("complained", "spam", "abuse"), Status("complained")),
    **dict.fromkeys(("blocklisted", "blacklisted"), Status("unsubscribed")),
    "invalid": Status("invalid"),
}
"""The words of Kit, Mailchimp, listmonk and spreadsheets; a word that is not here is refused, not guessed at."""


def standing_of(text: str) -> Status | None:
    """Return what a word of another tool means; None for one that nobody knows."""
    return STATUSES.get(" ".join(text.casefold().split()))
