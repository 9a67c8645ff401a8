"""What may happen to a delivery: its states, the provider's answers and outcomes, and the table of letter kinds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What *we* did with a delivery; stored as a plain string."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    WITHHELD = "withheld"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


OPEN = frozenset({State.PENDING, State.CLAIMED, State.SUBMITTING})
"""States in which a delivery still waits for its result."""

HAD = frozenset({State.SUBMITTED, State.UNCERTAIN, State.WITHHELD, State.FAILED})
"""States after which the course goes on to the next lesson."""

IN_MAILBOX = frozenset({State.SUBMITTED, State.UNCERTAIN})
"""States in which the letter went, or may have gone."""

MOVES: dict[State, frozenset[State]] = {
    # Withheld straight from pending: suppressed for good, erased, removed from the course, superseded. Uncertain: the
    # database came back from a backup, and the letter may have gone since.
    State.PENDING: frozenset({State.CLAIMED, State.WITHHELD, State.UNCERTAIN}),
    # Back to pending: the claim was lost, or a pause, a hold or the end of the window came first.
    State.CLAIMED: frozenset({State.SUBMITTING, State.PENDING, State.WITHHELD, State.UNCERTAIN}),
    # Back to claimed: the provider refused the whole request for somebody else's address, so nothing was accepted.
    # Back to pending: certainly not accepted (refused connection, 429, 503); the sender backs off.
    State.SUBMITTING: frozenset({State.SUBMITTED, State.CLAIMED, State.PENDING, State.FAILED, State.UNCERTAIN}),
    # An event with our id settles it, or an operator accepts the risk of a second copy.
    State.UNCERTAIN: frozenset({State.SUBMITTED, State.PENDING}),
    State.SUBMITTED: frozenset(),
    State.WITHHELD: frozenset(),
    State.FAILED: frozenset(),
}


def may_move(old: State, new: State) -> bool:
    """Whether the table of moves has an arrow from *old* to *new*."""
    return new in MOVES[old]


class Outcome(StrEnum):
    """What the provider later reported; ordered by strength, see `RANK`."""

    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


RANK: dict[Outcome, int] = {
    Outcome.PROCESSED: 1,
    Outcome.DEFERRED: 2,
    Outcome.DELIVERED: 3,
    Outcome.BLOCKED: 4,
    Outcome.DROPPED: 5,
    Outcome.BOUNCED: 6,
    Outcome.COMPLAINED: 7,
    Outcome.UNSUBSCRIBED: 8,
}
"""Strength of a report: an outcome only ever rises, so the order in which reports arrive does not matter."""


def raised(old: Outcome | None, new: Outcome) -> Outcome:
    """Return the stronger of two reports."""
    return new if old is None or RANK[new] > RANK[old] else old


class Kind(StrEnum):
    """Why a letter is written; decides which rules it obeys."""

    LESSON = "lesson"
    ASKED = "asked"
    SERVICE = "service"
    CONFIRMATION = "confirmation"


CONFIRM_LETTER = "confirm"
MY_LINK = "my-link"
ADDRESS_CHANGE = "address-change"
"""The letters below `emails/_system/`."""

_FORM = "form:"


class Reason(StrEnum):
    """Why a delivery is withheld, put back, or failed; stored and shown by name."""

    PAUSED = "paused"
    HELD = "held"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no-consent"
    ERASED = "erased"
    REMOVED = "removed"
    SUPERSEDED = "superseded"
    WINDOW = "window-closed"
    GAP = "min-gap"
    LATER = "not-yet"
    RATE = "rate"
    INVALID = "invalid-address"
    REFUSED = "refused"
    BROKEN = "broken-letter"
    CRASHES = "ends-workers"
    NOT_READY = "not-ready"


AGAIN = "let go once more"
"""How the detail of a delivery begins that was in doubt and that an operator let go once more; it stays with the row."""

AT_HER_WISH = frozenset({Reason.LEFT, Reason.ERASED})
"""Why an address is in the register because whoever reads there said so: by confirming she may come back."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rules one kind of letter obeys."""

    window_and_gap: bool
    while_paused: bool
    while_held: bool
    after_leaving: bool
    needs_consent: bool


RULES: dict[Kind, Rules] = {
    Kind.LESSON: Rules(window_and_gap=True, while_paused=False, while_held=False, after_leaving=False, needs_consent=True),
    # Flare kit, repeat, the next one now: she asked for it a moment ago.
    Kind.ASKED: Rules(window_and_gap=False, while_paused=True, while_held=False, after_leaving=False, needs_consent=True),
    # My link, address change: the two letters that a person who left may still ask for.
    Kind.SERVICE: Rules(window_and_gap=False, while_paused=True, while_held=True, after_leaving=True, needs_consent=False),
    Kind.CONFIRMATION: Rules(window_and_gap=False, while_paused=True, while_held=True, after_leaving=True, needs_consent=False),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is true of a person at the moment before a hand-over; *suppression* is the reason in the register, if any."""

    consented: bool
    left: bool
    erased: bool
    suppression: str | None
    paused: bool
    held: bool


def why_not(kind: Kind, standing: Standing) -> Reason | None:
    """Return why a letter of this *kind* may not be handed over to a person of this *standing*; None when it may.

    `withheld_for_good` tells which of the reasons end the delivery; after the others it waits.
    """
    rules = RULES[kind]
    if standing.erased:
        return Reason.ERASED
    if standing.suppression is not None and not (standing.suppression in AT_HER_WISH and rules.after_leaving):
        return Reason.LEFT if standing.suppression == Reason.LEFT else Reason.SUPPRESSED
    if standing.left and not rules.after_leaving:
        return Reason.LEFT
    if rules.needs_consent and not standing.consented:
        return Reason.NO_CONSENT
    if standing.paused and not rules.while_paused:
        return Reason.PAUSED
    if standing.held and not rules.while_held:
        return Reason.HELD
    return None


def withheld_for_good(reason: Reason) -> bool:
    """Whether a delivery stopped for *reason* ends as withheld; otherwise it goes back to pending and waits."""
    return reason in {Reason.ERASED, Reason.SUPPRESSED, Reason.NO_CONSENT, Reason.REMOVED, Reason.SUPERSEDED}


# The letter that asks -----------------------------------------------------------------------------------------------


def asked_by(form: str) -> str:
    """Return how the occasion of a letter begins that asks because of a *form*, called by its public id; '' for no form."""
    return f"{_FORM}{form}" if form else "asked"


def form_of(occasion: str) -> str:
    """Return the public id of the form that a letter of this occasion answers; '' when it answers none."""
    return occasion.removeprefix(_FORM).partition(":")[0] if occasion.startswith(_FORM) else ""


# The provider's answer to one request -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider accepted the whole request (202); *message_id* is its receipt and may be missing."""

    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider refused the whole request, so nothing was accepted.

    *position* is the 0-based recipient it named, None when it named nobody; *bad_address* is true when it named that
    recipient's address; *about_letter* when it named something that is the same for everybody (sender, subject, content).
    *signature* is equal for refusals alike, with positions taken out.
    """

    reason: str
    position: int | None = None
    bad_address: bool = False
    about_letter: bool = False
    too_large: bool = False

    @property
    def signature(self) -> str:
        """The reason without digits, so that the same refusal of two letters compares equal."""
        return "".join(letter for letter in self.reason if not letter.isdigit())


@dataclass(frozen=True, slots=True)
class TryLater:
    """Certainly not accepted, and nobody's fault: refused connection, DNS, 429, 503.

    *retry_after_seconds* is what the provider asked for, None when it did not say.
    """

    reason: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left and nobody knows: a timeout, a reset, any other 5xx."""

    reason: str


@dataclass(frozen=True, slots=True)
class SenderRefused:
    """The provider refuses us as a sender (401, 403, spent credits): nothing was accepted, sending pauses."""

    reason: str
    remedy: str


Answer = Submitted | Refused | TryLater | Unknown | SenderRefused


def next_state(answer: Answer) -> State:
    """Return the state that each recipient of a request takes after *answer*.

    A `Refused` puts everyone back to claimed; the flow then fails the one it names, or halves the request.
    """
    match answer:
        case Submitted():
            return State.SUBMITTED
        case Refused():
            return State.CLAIMED
        case TryLater() | SenderRefused():
            return State.PENDING
        case Unknown():
            return State.UNCERTAIN


# The sender's breaker -----------------------------------------------------------------------------------------------


class Breaker(StrEnum):
    """Whether the door to the provider is in use; stored per door."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class SenderChange:
    """What an answer does to the sender: its new state, why, what an operator can do, and when to try again."""

    state: Breaker
    reason: str = ""
    remedy: str = ""
    retry_at: datetime | None = None
