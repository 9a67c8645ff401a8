"""One address that must not be mailed, as another tool or the provider tells it: for which of our reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from drip.core.address import normal_address
from drip.core.cell import STATUSES, instant_of, shown, standing_of
from drip.core.delivery import Reason
from drip.core.event import BOUNCED, COMPLAINED, INVALID, UNSUBSCRIBED
from drip.core.newcomer import Refusal, Why
from drip.core.problem import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

REASONS: dict[str, str] = {
    "bounced": BOUNCED,
    "complained": COMPLAINED,
    # She may come back by confirming; after the others she may not, for the provider would drop her letters.
    "left": Reason.LEFT.value,
    "unsubscribed": UNSUBSCRIBED,
    "invalid": INVALID,
}
"""What an operator says, and the reason that the register keeps."""


class Listed(NamedTuple):
    """An address of a list: where it stands, why it must not be mailed (a reason of the register), and since when."""

    line: int
    address: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Free:
    """A line whose status says that this person may be mailed."""

    line: int


def listed_of(line: int, cells: Mapping[str, str], *, reason: str, now: datetime) -> Listed | Free | Refusal:
    """Return what a line of a list says; *reason* (a word of `REASONS`) holds where the line itself says none."""
    column = "reason" if cells.get("reason") else "status"
    word, said = cells.get(column, ""), reason
    if column == "reason" and word.casefold() in REASONS:
        said = word.casefold()
    elif word:
        standing = standing_of(word)
        if standing is None:
            hint = did_you_mean(word, {*REASONS, *STATUSES}, otherwise=f"write one of {', '.join(REASONS)}")
            return Refusal(line, Why.STATUS, column, f"nobody here knows {shown(word)}; {hint}")
        if not standing.suppress:
            return Free(line)
        said = standing.suppress
    if not said:
        return Refusal(line, Why.STATUS, "reason", f"the line does not say why; say --reason {'|'.join(REASONS)}")
    try:
        address = normal_address(cells.get("email", ""))
    except ValueError as fault:
        return Refusal(line, Why.ADDRESS, "email", f"{fault} Correct it, or leave the line out")
    at = instant_of(cells.get("at", "")) if cells.get("at") else None
    return Listed(line, address, REASONS[said], None if at is None else min(at, now))
