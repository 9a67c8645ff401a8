"""Database, Redis and clocks: what is fit, what is worth a look, and what loses letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drip.core.fitness.server import ClockFacts, DatabaseFacts, RedisFacts, clocks, database, redis
from tests.core.fitness.said import levels, only

GB = 1024**3
FILE = DatabaseFacts(
    sqlite=True, shown="3.40", newest=True, stamp="real", door="real", journal="wal", free_bytes=50 * GB, log_bytes=0, mode=0o600
)
POSTGRES = DatabaseFacts(sqlite=False, version=160004, shown="16.4", newest=True, stamp="real", door="real")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CLOCKS = ClockFacts(NOW, NOW, NOW, "2026a")


@pytest.mark.parametrize("facts", [FILE, POSTGRES])
def test_a_sound_database_is_fine(facts: DatabaseFacts) -> None:
    """Of either kind."""
    assert {"fine"} == set(levels(database(facts)))


@pytest.mark.parametrize("facts", [replace(FILE, missing=True), replace(POSTGRES, trouble="OperationalError")])
def test_a_database_that_is_not_there_is_unreachable(facts: DatabaseFacts) -> None:
    """One line, and the exit code of a missing server."""
    (found,) = database(facts)
    assert ("wrong", True) == (found.level, found.unreachable)


@pytest.mark.parametrize(
    ("level", "facts", "words"),
    [
        ("wrong", replace(FILE, newest=False), "its tables are not those of this program"),
        ("wrong", replace(FILE, stamp="sandbox"), "it was made for the sandbox door"),
        ("wrong", replace(FILE, journal="delete"), "keeps its journal as delete"),
        ("wrong", replace(FILE, free_bytes=50 * 1024**2), "only 50.0 MB are free"),
        ("look", replace(FILE, free_bytes=GB), "only 1.0 GB are free"),
        ("look", replace(FILE, log_bytes=2 * GB), "the log beside the database has 2.0 GB"),
        ("look", replace(FILE, mode=0o644), "open to other users"),
        ("wrong", replace(POSTGRES, forgets=("fsync off",)), "(fsync off), and then a letter goes twice"),
        ("look", replace(POSTGRES, version=120000, shown="12.0"), "PostgreSQL 12.0 gets no repairs"),
    ],
)
def test_what_harms_a_database_is_named(level: str, facts: DatabaseFacts, words: str) -> None:
    """With what it leads to."""
    found = list(database(facts))
    assert level in levels(found)
    assert words in only(found, level).text


def test_a_redis_that_keeps_hints_is_fine() -> None:
    """It needs to save nothing, and is told so."""
    found = list(redis(RedisFacts(own=False, version="8.0", policy="noeviction")))
    assert ["fine", "fine"] == levels(found)
    assert "it needs not" in found[1].text


def test_a_redis_that_does_not_answer() -> None:
    """One that is set must answer; the embedded one comes and goes with drip up."""
    (set_one,) = redis(RedisFacts(own=False, trouble="ConnectionError"))
    assert ("wrong", True) == (set_one.level, set_one.unreachable)
    (own,) = redis(RedisFacts(own=True, trouble="ConnectionError"))
    assert ("not known", False) == (own.level, own.unreachable)


@pytest.mark.parametrize(
    ("level", "facts", "words"),
    [
        ("wrong", RedisFacts(own=False, policy="allkeys-lru", memory_max=GB), "maxmemory-policy allkeys-lru"),
        ("look", RedisFacts(own=False, policy="allkeys-lru"), "no limit is set now"),
        ("look", RedisFacts(own=False, policy="noeviction", memory=GB, memory_max=GB), "its memory is full"),
        ("wrong", RedisFacts(own=False, policy="noeviction", saving_failed=True), "it cannot save"),
    ],
)
def test_what_harms_redis_is_named(level: str, facts: RedisFacts, words: str) -> None:
    """A server that throws hints away is wrong as soon as it has a limit to do it at."""
    assert words in only(redis(facts), level).text


def test_clocks_that_agree_are_fine() -> None:
    """A second more or less is the answer's own time."""
    near = replace(CLOCKS, database=NOW + timedelta(seconds=2), provider=NOW - timedelta(seconds=3))
    assert ["fine"] * 3 == levels(clocks(near))


@pytest.mark.parametrize(
    ("level", "apart", "words"),
    [("look", timedelta(seconds=40), "39 seconds apart"), ("wrong", timedelta(hours=3), "2 hours apart")],
)
def test_clocks_that_disagree_are_named(level: str, apart: timedelta, words: str) -> None:
    """Seconds are worth a look; from half an hour on letters come at wrong hours."""
    assert words in only(clocks(replace(CLOCKS, database=NOW + apart)), level).text
    assert words in only(clocks(replace(CLOCKS, provider=NOW - apart)), level).text


def test_what_nobody_can_tell_of_clocks_is_not_known() -> None:
    """Without a clock outside, and without a version of the zones."""
    assert ["not known", "not known"] == levels(clocks(ClockFacts(NOW, None, None, "")))


def test_old_zones_and_a_calendar_ahead_are_worth_a_look() -> None:
    """Countries change their hours; a sandbox that was moved stays moved."""
    assert "of 2024b" in only(clocks(replace(CLOCKS, zones="2024b")), "look").text
    assert "30 days ahead" in only(clocks(replace(CLOCKS, ahead=timedelta(days=30))), "look").text
