"""What a provider reports about a delivery, read from the raw body of SendGrid's event webhook."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drip.core.delivery import Outcome

OUTCOMES: dict[str, Outcome] = {
    "processed": Outcome.PROCESSED,
    "deferred": Outcome.DEFERRED,
    "delivered": Outcome.DELIVERED,
    "bounce": Outcome.BOUNCED,
    "dropped": Outcome.DROPPED,
    "spamreport": Outcome.COMPLAINED,
    "unsubscribe": Outcome.UNSUBSCRIBED,
    "group_unsubscribe": Outcome.UNSUBSCRIBED,
}
"""SendGrid's word for an event, and ours; a word that is not here has no outcome (open, click, group_resubscribe …)."""

BOUNCED = "hard-bounce"
COMPLAINED = "complaint"
UNSUBSCRIBED = "provider-unsubscribe"
INVALID = "invalid-address"

WEIGHT: dict[str, int] = {INVALID: 1, BOUNCED: 2, UNSUBSCRIBED: 3, COMPLAINED: 4}
"""Of two reasons that the provider named for one address the register keeps the graver, whichever came first.

An erasure stands as it is: who comes back from it does so by a letter that reached her and a press of her own."""

SUPPRESSING_KINDS: dict[str, str] = {
    "spamreport": COMPLAINED,
    "unsubscribe": UNSUBSCRIBED,
    "group_unsubscribe": UNSUBSCRIBED,
}
"""Events after which we must not write again, and the reason that the register keeps."""

SUPPRESSING_DROPS: dict[str, str] = {
    "bounced address": BOUNCED,
    "unsubscribed address": UNSUBSCRIBED,
    "spam reporting address": COMPLAINED,
    # Exactly so: "Invalid SMTPAPI header" is our mistake and nobody's address.
    "invalid": INVALID,
}
"""SendGrid's reason for a drop that names the address, in lower case, and ours; other drops are outcomes and no more."""


def lighter(reason: str) -> list[str]:
    """Return the reasons of the provider that give way to *reason*."""
    return [other for other, weight in WEIGHT.items() if weight < WEIGHT.get(reason, 0)]


def graver(one: str | None, other: str) -> str:
    """Return the graver of two reasons."""
    return other if one is None or WEIGHT.get(other, 0) > WEIGHT.get(one, 0) else one


BOUNCE_CLASSES = frozenset(
    {"content", "frequency or volume too high", "invalid address", "mailbox unavailable", "reputation", "technical failure"}
)
"""The classes that SendGrid documents; its free text may quote the letter or the address and is not kept."""

SECONDS_MAX = 253_402_300_800
"""The year 10,000, in unix seconds."""

_KIND = re.compile(r"[a-z_]{1,40}")
_DELIVERY = re.compile(r"[A-Za-z0-9._-]{1,40}")
_EVENT_ID = re.compile(r"[A-Za-z0-9_=+/.-]{1,200}")
_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff<>,;@]{1,256}@[^\s\x00-\x1f\x7f\ud800-\udfff<>,;@]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class MalformedEvents:
    """The body is no list of events; *reason* says why in plain words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """One event about one delivery.

    *delivery* is our id, None when the provider left it out (late bounces); then *address* finds the person, and is never
    stored or logged. *kind* is the provider's word, "unknown" when it is not a word. *outcome* is None for what we do not
    follow. *suppress* says that the address must not be written to again, for *reason_class*.
    """

    delivery: str | None
    kind: str
    outcome: Outcome | None = None
    bounce_type: str | None = None
    reason_class: str | None = None
    at: datetime | None = None
    address: str | None = field(default=None, repr=False)
    provider_event_id: str | None = None
    suppress: bool = False

    @property
    def key(self) -> str:
        """The same for each copy of one event, in 64 hexadecimal digits: of whom, which event with what effect, which second.

        The provider's own event id has been seen to change when it tries again. Without a delivery id the address stands in,
        so match it first and take the key of `replace(report, delivery=…)`: then nothing stored derives from an address.
        """
        who = f"id {self.delivery}" if self.delivery else f"address {(self.address or '').casefold()}"
        second = str(int(self.at.timestamp())) if self.at else ""
        # What is made of it belongs to it: a block and a bounce of one second are two events.
        made = f"{self.outcome or ''} {self.reason_class if self.suppress else ''}"
        return hashlib.sha256(f"{who}\n{self.kind}\n{second}\n{made}".encode()).hexdigest()


def parse_events(raw: bytes) -> list[Report] | MalformedEvents:
    """Return what the webhook's body *raw* reports, in its order; what is not an event is left out, nothing ever raises."""
    try:
        found = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return MalformedEvents("the body is not UTF-8")
    except ValueError:
        return MalformedEvents("the body is not JSON")
    except RecursionError:
        return MalformedEvents("the body is nested too deeply")
    if not isinstance(found, list):
        return MalformedEvents("the body is not a list of events")
    return [_report(event) for event in found if isinstance(event, dict)]


def _report(event: dict[str, Any]) -> Report:
    kind = _matching(_KIND, event.get("event")) or "unknown"
    outcome = OUTCOMES.get(kind)
    bounce_type = _bounce_type(event) if kind == "bounce" else None
    if bounce_type == "blocked":
        outcome = Outcome.BLOCKED
    suppression = _suppression(kind, bounce_type, event)
    return Report(
        delivery=_matching(_DELIVERY, event.get("drip_delivery")),
        kind=kind,
        outcome=outcome,
        bounce_type=bounce_type,
        reason_class=suppression or _bounce_class(event),
        at=_instant(event.get("timestamp")),
        address=_matching(_ADDRESS, event.get("email")),
        provider_event_id=_matching(_EVENT_ID, event.get("sg_event_id")),
        suppress=suppression is not None,
    )


def _suppression(kind: str, bounce_type: str | None, event: dict[str, Any]) -> str | None:
    """Return why the address must not be written to again; None when this event is no reason."""
    if kind == "bounce":
        return BOUNCED if bounce_type == "bounce" else None
    if kind == "dropped":
        return SUPPRESSING_DROPS.get(_word(event.get("reason")))
    return SUPPRESSING_KINDS.get(kind)


def _bounce_type(event: dict[str, Any]) -> str:
    """Return "bounce" (for good, also when the type is missing, as with some late ones), "blocked" or "other"."""
    word = _word(event.get("type"))
    return word if word in {"bounce", "blocked"} else "other" if word else "bounce"


def _bounce_class(event: dict[str, Any]) -> str | None:
    word = _word(event.get("bounce_classification"))
    return word.replace(" ", "-") if word in BOUNCE_CLASSES else None


def _instant(value: object) -> datetime | None:
    """Return the instant of unix seconds, given as a number or as digits; None for anything else."""
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < SECONDS_MAX:
        return None
    return datetime.fromtimestamp(int(value), UTC)


def _word(value: object) -> str:
    return value[:100].strip().casefold() if isinstance(value, str) else ""


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
