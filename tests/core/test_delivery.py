"""What may happen to a delivery: the tables of states, answers, outcomes and letter kinds."""

from __future__ import annotations

from itertools import pairwise, product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drip.core.delivery import (
    HAD,
    IN_MAILBOX,
    MOVES,
    OPEN,
    RANK,
    RULES,
    Answer,
    Kind,
    Outcome,
    Reason,
    Refused,
    SenderRefused,
    Standing,
    State,
    Submitted,
    TryLater,
    Unknown,
    may_move,
    next_state,
    raised,
    why_not,
    withheld_for_good,
)

ANSWERS: dict[type[Answer], tuple[Answer, State]] = {
    Submitted: (Submitted("id-1"), State.SUBMITTED),
    Refused: (Refused("no such address", position=3, bad_address=True), State.CLAIMED),
    TryLater: (TryLater("429", retry_after_seconds=60), State.PENDING),
    Unknown: (Unknown("timed out"), State.UNCERTAIN),
    SenderRefused: (SenderRefused("401", remedy="check the key"), State.PENDING),
}
"""One example of every answer, and the state that it leads to."""

KINDS: dict[Kind, dict[str, bool]] = {
    # The table of letter kinds in docs/delivery.md. Goodbye is shown on the page and never mailed: it is no kind.
    Kind.LESSON: {"window and gap": True, "while paused": False, "after leaving": False, "after bounce": False},
    Kind.ASKED: {"window and gap": False, "while paused": True, "after leaving": False, "after bounce": False},
    Kind.SERVICE: {"window and gap": False, "while paused": True, "after leaving": True, "after bounce": False},
    Kind.CONFIRMATION: {"window and gap": False, "while paused": True, "after leaving": True, "after bounce": False},
}

READER = Standing(consented=True, left=False, erased=False, suppression=None, paused=False, held=False)

STANDINGS = [
    Standing(consented=consented, left=left, erased=erased, suppression=suppression, paused=paused, held=held)
    for consented, left, erased, suppression, paused, held in product(
        (True, False), (False, True), (False, True), (None, "left", "bounced"), (False, True), (False, True)
    )
]


def _but(**facts: bool | str | None) -> Standing:
    known: dict[str, bool | str | None] = {
        "consented": True,
        "left": False,
        "erased": False,
        "suppression": None,
        "paused": False,
        "held": False,
    }
    return Standing(**(known | facts))  # type: ignore[arg-type]


# States -------------------------------------------------------------------------------------------------------------


def test_the_table_of_moves_is_closed() -> None:
    """Every state has a row, and every arrow ends in a state that has one."""
    assert set(State) == set(MOVES)
    assert set().union(*MOVES.values()) <= set(State)
    assert {(old, new) for old in State for new in MOVES[old]} == {(o, n) for o, n in product(State, State) if may_move(o, n)}


def test_every_state_can_be_reached_from_pending() -> None:
    """No row of the table is dead."""
    reached, edge = {State.PENDING}, {State.PENDING}
    while edge:
        edge = set().union(*(MOVES[state] for state in edge)) - reached
        reached |= edge
    assert set(State) == reached


def test_every_open_delivery_can_still_end() -> None:
    """From each open state some path leads to a result: nothing is stuck by design."""
    for state in OPEN:
        reached = {state}
        for _ in State:
            reached |= set().union(*(MOVES[at] for at in reached))
        assert HAD <= reached


def test_a_delivery_is_either_open_or_had() -> None:
    """So that due = submitted + withheld + failed + uncertain + open can add up."""
    assert set(State) == OPEN | HAD
    assert frozenset() == OPEN & HAD
    assert IN_MAILBOX < HAD


def test_what_is_settled_stays_settled() -> None:
    """Submitted, withheld and failed lead nowhere; only an uncertain one can still change."""
    assert {State.UNCERTAIN} == {state for state in HAD if MOVES[state]}
    assert {State.SUBMITTED, State.PENDING} == MOVES[State.UNCERTAIN]


def test_a_letter_is_handed_over_only_by_who_claimed_it() -> None:
    """The one way into submitting leads through claimed, and the one way to a result of the provider through submitting."""
    assert {State.CLAIMED} == {old for old in State if may_move(old, State.SUBMITTING)}
    # From the other two by a restore alone: what they say is older than what may have happened.
    assert OPEN == {old for old in State if may_move(old, State.UNCERTAIN)}
    assert {State.SUBMITTING} == {old for old in State if may_move(old, State.FAILED)}
    assert {State.SUBMITTING, State.UNCERTAIN} == {old for old in State if may_move(old, State.SUBMITTED)}


def test_what_may_be_in_her_mailbox_is_never_withheld() -> None:
    """Once a request has left, policy can no longer say that nothing went."""
    assert not may_move(State.SUBMITTING, State.WITHHELD)
    assert not may_move(State.UNCERTAIN, State.WITHHELD)


# Answers ------------------------------------------------------------------------------------------------------------


def test_every_kind_of_answer_has_an_example_here() -> None:
    """A new answer must say where it leads."""
    assert set(get_args(Answer)) == set(ANSWERS)


@pytest.mark.parametrize(("answer", "state"), ANSWERS.values(), ids=[kind.__name__ for kind in ANSWERS])
def test_an_answer_leads_where_the_design_says(answer: Answer, state: State) -> None:
    """Each leads to its one state, along an arrow of the table."""
    assert state is next_state(answer)
    assert may_move(State.SUBMITTING, next_state(answer))


def test_a_lost_reply_is_not_sent_again() -> None:
    """A timeout leaves the delivery uncertain, so a sweep does not submit it twice."""
    assert State.UNCERTAIN is next_state(Unknown("timed out"))
    assert State.UNCERTAIN not in OPEN


def test_refusals_alike_compare_equal_whatever_positions_they_name() -> None:
    """Two halves refused for the same reason are nobody's fault; two reasons are two."""
    first, second = Refused("personalizations.3.to is bad", position=3), Refused("personalizations.41.to is bad", position=41)
    assert first.signature == second.signature
    assert first.signature != Refused("the subject is empty").signature


# Outcomes -----------------------------------------------------------------------------------------------------------


def test_outcomes_are_ordered_as_the_design_says() -> None:
    """Processed, deferred, delivered, then bounces and drops, then what she said herself; no two are equally strong."""
    groups = (
        {Outcome.PROCESSED},
        {Outcome.DEFERRED},
        {Outcome.DELIVERED},
        {Outcome.BLOCKED, Outcome.DROPPED, Outcome.BOUNCED},
        {Outcome.COMPLAINED, Outcome.UNSUBSCRIBED},
    )
    assert set(Outcome) == set().union(*groups) == set(RANK)
    assert len(Outcome) == len(set(RANK.values()))
    for weaker, stronger in pairwise(groups):
        assert max(RANK[outcome] for outcome in weaker) < min(RANK[outcome] for outcome in stronger)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.lists(st.sampled_from(Outcome), min_size=1))
def test_an_outcome_only_rises(data: st.DataObject, reports: list[Outcome]) -> None:
    """Late, repeated or shuffled reports end in the same outcome, the strongest, and no step on the way is a step down."""
    arrived = data.draw(st.permutations(reports + data.draw(st.lists(st.sampled_from(reports)))))
    outcome: Outcome | None = None
    for report in arrived:
        before, outcome = outcome, raised(outcome, report)
        assert before is None or RANK[before] <= RANK[outcome]
    assert max(reports, key=lambda report: RANK[report]) is outcome


# Letter kinds -------------------------------------------------------------------------------------------------------


def test_every_kind_of_letter_is_in_the_table() -> None:
    """A new kind must say which rules it obeys."""
    assert set(Kind) == set(KINDS) == set(RULES)


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_of_letter_obeys_its_row(kind: Kind) -> None:
    """The window, a pause, leaving, and a bounce or complaint stop what the table says, for the reason that it says."""
    row = KINDS[kind]
    assert row["window and gap"] is RULES[kind].window_and_gap
    assert (None if row["while paused"] else Reason.PAUSED) is why_not(kind, _but(paused=True))
    for left in (_but(left=True), _but(suppression="left"), _but(left=True, suppression="left")):
        assert (None if row["after leaving"] else Reason.LEFT) is why_not(kind, left)
    for register in ("bounced", "complained", "invalid-address"):
        assert (None if row["after bounce"] else Reason.SUPPRESSED) is why_not(kind, _but(suppression=register))


@pytest.mark.parametrize("kind", Kind)
def test_nothing_stops_a_letter_to_a_reader(kind: Kind) -> None:
    """Who agreed, did not leave and is not paused gets every kind."""
    assert why_not(kind, READER) is None


def test_only_a_confirmation_and_what_she_asks_for_need_no_consent() -> None:
    """Lessons and mailed kits go to nobody who has not agreed."""
    unconfirmed = _but(consented=False)
    assert {Kind.SERVICE, Kind.CONFIRMATION} == {kind for kind in Kind if why_not(kind, unconfirmed) is None}
    assert Reason.NO_CONSENT is why_not(Kind.LESSON, unconfirmed)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("held", [False, True])
def test_an_erased_person_gets_nothing(kind: Kind, held: bool) -> None:  # noqa: FBT001 - a parameter of the case
    """Whatever else is true of her, erasure is the reason."""
    assert Reason.ERASED is why_not(kind, _but(erased=True, suppression="left", paused=True, held=held))


@pytest.mark.parametrize("kind", Kind)
def test_no_trouble_lifts_another(kind: Kind) -> None:
    """A letter that goes to somebody goes to everybody with fewer troubles: two reasons never cancel each other."""
    for standing in STANDINGS:
        if why_not(kind, standing) is None:
            assert not (standing.paused and not KINDS[kind]["while paused"])
            assert not (standing.left and not KINDS[kind]["after leaving"])
            assert not (standing.suppression == "left" and not KINDS[kind]["after leaving"])
            assert standing.suppression != "bounced"
            assert not standing.erased
            assert not (standing.held and kind is Kind.LESSON)


def test_what_can_be_undone_waits_and_what_cannot_ends() -> None:
    """A pause, a hold, a leave that may be undone, a closed window and the gap put a letter back; the rest withhold it."""
    back = {Reason.PAUSED, Reason.HELD, Reason.LEFT, Reason.WINDOW, Reason.GAP, Reason.LATER}
    ends = {Reason.ERASED, Reason.SUPPRESSED, Reason.NO_CONSENT, Reason.REMOVED, Reason.SUPERSEDED}
    assert set() == {reason for reason in back if withheld_for_good(reason)}
    assert ends == {reason for reason in Reason if withheld_for_good(reason)}


@pytest.mark.parametrize("kind", Kind)
def test_whoever_was_erased_may_come_back_as_one_who_left_may(kind: Kind) -> None:
    """The letter that asks may go to her address; a lesson may not, and ends for good."""
    standing = Standing(consented=False, left=False, erased=False, suppression=Reason.ERASED, paused=False, held=False)
    assert (None if RULES[kind].after_leaving else Reason.SUPPRESSED) is why_not(kind, standing)
