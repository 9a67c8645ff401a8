"""When readers report so many letters as spam that sending must stop: mailboxes turn a sender down at one in a thousand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.wording import day_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

LETTERS_PER_COMPLAINT = 1_000
"""Gmail and Yahoo ask for less than one in a thousand."""

COMPLAINTS_MIN = 3
"""So many people in any case: one of two hundred is more than one in a thousand, and may be a slip of the thumb."""


@dataclass(frozen=True, slots=True)
class Complaints:
    """How many of the *letters* of one day were reported as spam."""

    day: date
    count: int
    letters: int

    @property
    def too_many(self) -> bool:
        """Whether so many stop everything. Of a day of which no letter is known, nothing is said."""
        return self.letters > 0 and self.count >= COMPLAINTS_MIN and self.count * LETTERS_PER_COMPLAINT > self.letters

    @property
    def words(self) -> str:
        """Why everything is held, and what to do before it goes on."""
        return (
            f"readers reported {self.count:,} of the {self.letters:,} letters of {day_in_words(self.day)} as spam, "
            "and at 1 in 1,000 mailboxes turn a sender down; find out who they are and how they joined before you release it"
        )


def worst(days: Iterable[date], letters: Mapping[date, int]) -> Complaints | None:
    """Return the worst day of those with too many complaints, each complaint given by the day of its letter; None for none."""
    found = [Complaints(day, count, letters.get(day, 0)) for day, count in Counter(days).items()]
    return max((one for one in found if one.too_many), key=lambda one: (one.count / one.letters, one.day), default=None)
