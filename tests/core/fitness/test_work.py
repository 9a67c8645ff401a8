"""Workers, schedule, reports and account: what runs, what is live, what stops people, and what the provider says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drip.core.fitness.account import ERASURE, AccountFacts, provider
from drip.core.fitness.work import ReportFacts, ScheduleFacts, Waiting, WorkFacts, reports, schedule, workers
from tests.core.fitness.said import levels, only

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
RUNS = WorkFacts(NOW, NOW - timedelta(seconds=2), NOW - timedelta(hours=5))
LIVE = ScheduleFacts(0, live=3, same=True, real=True)
COMES_IN = ReportFacts("sendgrid", "", https=True, handed_over=9, last_report=NOW - timedelta(minutes=5), now=NOW, answers=200)
KNOWN = AccountFacts("sendgrid", scopes=("mail.send", ERASURE, "asm.suppressions.global.delete", "suppression.read"), tracking=())
UNCHECKED = "no clinician has checked it"


def test_what_runs_is_fine() -> None:
    """A tick a moment ago."""
    assert ["fine"] == levels(workers(RUNS))


@pytest.mark.parametrize(
    ("level", "facts", "words"),
    [
        ("look", replace(RUNS, tick=None), "no tick yet"),
        (
            "wrong",
            replace(RUNS, tick=NOW - timedelta(hours=3), due=7),
            "nothing runs: the last tick was 3 hours ago, and 7 letters",
        ),
        ("wrong", replace(RUNS, tick=NOW + timedelta(hours=1)), "lies in the future"),
        ("look", replace(RUNS, passed=NOW - timedelta(days=4)), "the daily pass was last done 4 days ago"),
        ("wrong", replace(RUNS, sender="paused", reason="401", remedy="check the key"), "the provider refuses us"),
        ("look", replace(RUNS, sender="open", reason="503"), "tries again by itself: 503"),
        ("look", replace(RUNS, reports_waiting=20_000), "20,000 reports"),
        ("look", replace(RUNS, parked=2), "2 letters wait for you"),
        ("look", replace(RUNS, uncertain=1), "1 letter is in doubt"),
        ("wrong", replace(RUNS, tick=None, still="the books are behind"), "everything stands still: the books are behind"),
    ],
)
def test_what_keeps_letters_is_named(level: str, facts: WorkFacts, words: str) -> None:
    """Each with the length of it, or how many."""
    found = list(workers(facts))
    assert level in levels(found)
    assert words in only(found, level).text


def test_files_that_are_live_are_fine() -> None:
    """They pass, and say what is live."""
    assert ["fine", "fine"] == levels(schedule(LIVE))


@pytest.mark.parametrize(
    ("level", "facts", "words"),
    [
        ("wrong", replace(LIVE, errors=None, trouble="no such file"), "cannot be read: no such file"),
        ("wrong", replace(LIVE, errors=2), "2 faults"),
        ("wrong", replace(LIVE, live=0), "nothing is live yet"),
        ("look", replace(LIVE, live=0, real=False), "nothing is live yet"),
        ("look", replace(LIVE, same=False), "something else than version 3"),
        ("look", replace(LIVE, held=[("small/rest", "it cannot be rendered")]), "small/rest is held"),
        ("wrong", replace(LIVE, waiting=[Waiting("small", "rest", "the letter is a draft", 4, 9)]), "small/rest stops 4 people"),
        ("look", replace(LIVE, waiting=[Waiting("small", "rest", UNCHECKED, 0, 9)]), "9 people are on the way to the first"),
        (
            "look",
            replace(LIVE, real=False, waiting=[Waiting("small", "rest", UNCHECKED, 0, 0)]),
            "would stop real people: small/rest",
        ),
        ("not known", replace(LIVE, asked=False), "what is live"),
    ],
)
def test_what_stands_between_files_and_people_is_named(level: str, facts: ScheduleFacts, words: str) -> None:
    """With how many wait, and how many come to it."""
    found = list(schedule(facts))
    assert level in levels(found)
    assert words in only(found, level).text


def test_many_letters_that_wait_for_a_review_are_one_line() -> None:
    """Four are named, the rest counted, and why is said once when it is the same."""
    many = [Waiting("small", f"letter-{number}", UNCHECKED, 0, 0) for number in range(22)]
    text = only(schedule(replace(LIVE, waiting=many)), "look").text
    assert text.startswith("22 letters would stop people: small/letter-0, ")
    assert text.endswith(f"small/letter-3 and 18 more ({UNCHECKED})")


def test_reports_that_come_in_are_fine() -> None:
    """The address answers, the key is one, and the last report is fresh."""
    assert ["fine"] * 3 == levels(reports(COMES_IN))
    assert ["fine"] == levels(reports(replace(COMES_IN, door="sandbox")))


@pytest.mark.parametrize(
    ("level", "facts", "words"),
    [
        ("wrong", replace(COMES_IN, key=None), "DRIP_SENDGRID_WEBHOOK_KEY is not set"),
        ("wrong", replace(COMES_IN, key="it is cut short"), "no verification key: it is cut short"),
        ("wrong", replace(COMES_IN, last_report=None), "9 letters went out in the last week, and not one report"),
        ("wrong", replace(COMES_IN, last_report=NOW - timedelta(days=9)), "not one report"),
        ("not known", replace(COMES_IN, handed_over=0), "no letter went out"),
        ("not known", replace(COMES_IN, answers=None), "nobody did from here"),
        ("look", replace(COMES_IN, answers=502), "answers with 502"),
        ("look", replace(COMES_IN, https=False), "no https"),
        ("look", replace(COMES_IN, door="smtp"), "bounces come back as mail"),
    ],
)
def test_what_keeps_reports_away_is_named(level: str, facts: ReportFacts, words: str) -> None:
    """Silence while letters go out is wrong; silence without letters says nothing."""
    found = list(reports(facts))
    assert level in levels(found)
    assert words in only(found, level).text


def test_a_key_that_may_do_what_is_needed_is_fine() -> None:
    """And no more than that."""
    assert ["fine", "fine"] == levels(provider(KNOWN))
    assert ["fine"] == levels(provider(AccountFacts("smtp")))


@pytest.mark.parametrize(
    ("level", "facts", "words"),
    [
        ("wrong", replace(KNOWN, trouble="refused"), "SendGrid does not answer: refused"),
        ("not known", AccountFacts("sandbox", trouble="refused"), "the sandbox does not run"),
        ("wrong", replace(KNOWN, refused="401", remedy="check it"), "turned us away: 401"),
        ("wrong", replace(KNOWN, scopes=("suppression.read",)), "it may not send"),
        ("look", replace(KNOWN, scopes=("mail.send",)), "the key may not ask for an erasure"),
        ("look", replace(KNOWN, scopes=(*(KNOWN.scopes or ()), "api_keys.create", "billing.read")), "(api_keys, billing)"),
        ("not known", replace(KNOWN, scopes=None), "what the key may do"),
        ("look", replace(KNOWN, tracking=("open tracking",)), "watches readers (open tracking)"),
        ("not known", replace(KNOWN, tracking=None), "this key may not look"),
    ],
)
def test_what_is_odd_about_the_account_is_named(level: str, facts: AccountFacts, words: str) -> None:
    """A key that may do less, or far more."""
    found = list(provider(facts))
    assert level in levels(found)
    assert words in only(found, level).text
