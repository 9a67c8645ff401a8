"""Trouble to order: rules that make the sandbox behave like SendGrid on a bad day."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Action = Literal[
    "400-address",
    "400-all",
    "401",
    "403",
    "413",
    "429",
    "429-reset",
    "500",
    "503",
    "reset-before",
    "reset-after",
    "hang",
    "delay",
]


class Match(BaseModel):
    """Which requests a rule is for: those that name this address, or carry this delivery."""

    model_config = ConfigDict(extra="forbid")

    address: str | None = None
    delivery: str | None = None


class Rule(BaseModel):
    """One trouble: what happens, to which requests, and how often.

    *times* None holds until the rules are cleared. *seconds* is the length of a hang or a delay, and for `429-reset` how
    far away the reset is. *accept* stores the mail before the trouble begins (always so for `reset-after` and `delay`).
    *message* and *field* replace those of a 400, 401 or 403.
    """

    model_config = ConfigDict(extra="forbid")

    action: Action
    times: int | None = Field(default=1, ge=1)
    match: Match = Match()
    seconds: float = Field(default=30, ge=0, le=3600)
    accept: bool = False
    message: str | None = None
    field: str | None = None

    @property
    def stores(self) -> bool:
        """Whether the mail is accepted all the same."""
        return self.accept or self.action in {"reset-after", "delay"}


class Faults:
    """The rules in force, used up in order: the first that matches a request is the one that acts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, rules: Sequence[Rule]) -> None:
        """Put *rules* behind those in force."""
        with self._lock:
            self._rules += [rule.model_copy() for rule in rules]

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules = []

    def left(self) -> list[Rule]:
        """Return the rules that are not used up."""
        with self._lock:
            return [rule.model_copy() for rule in self._rules]

    def take(self, addresses: Collection[str], deliveries: Collection[str]) -> Rule | None:
        """Return the rule for a request to *addresses* with *deliveries*, used up by one time; None when all is well."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                wrong_address = rule.match.address is not None and rule.match.address.casefold() not in addresses
                wrong_delivery = rule.match.delivery is not None and rule.match.delivery not in deliveries
                if wrong_address or wrong_delivery:
                    continue
                if rule.times is not None:
                    rule.times -= 1
                    if not rule.times:
                        self._rules.remove(rule)
                return rule
        return None
