"""The people of a story, what they were told, and what became of their letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drip.core.delivery import State


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on the course."""

    address: str
    zone: str
    public_id: str
    subscriber_id: int
    enrollment_id: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody who left or paused was told, when, and what was still being handed over to her at that instant."""

    acknowledged: bool
    at: datetime
    under_way: int


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one story: one leaves, one pauses, one is the provider's favourite victim."""

    members: list[Member]

    @property
    def leaver(self) -> Member:
        """Who leaves."""
        return self.members[0]

    @property
    def pauser(self) -> Member:
        """Who pauses until she says."""
        return self.members[1]

    @property
    def victim(self) -> Member:
        """Whose address or letter is bad where one is."""
        return self.members[2]


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the letter, by address: its state, and who has it."""

    states: dict[str, str]
    has: set[str]

    def of(self, member: Member) -> tuple[str | None, bool]:
        """Return the state of one person's letter, and whether it is in her mailbox."""
        return self.states.get(member.address), member.address in self.has

    def count(self, state: State) -> int:
        """Return how many letters ended in *state*."""
        return list(self.states.values()).count(state.value)
