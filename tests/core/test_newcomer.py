"""One line of an import: where she goes on, and what is wrong with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core import timing
from drip.core.address import normal_address
from drip.core.cell import STATUSES
from drip.core.newcomer import (
    COLUMNS,
    Newcomer,
    Reception,
    Refusal,
    Terms,
    Why,
    first_letter,
    passed_at,
    place_without_welcome,
)
from drip.core.progress import LiveCourse
from drip.core.recipe import Columns, listed_columns, people_columns
from drip.core.schedule import Course, Lesson, Phase, Sender
from drip.core.spread import Spread
from drip.core.suppression import REASONS, Free, Listed, listed_of

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
ZONES = [
    ZoneInfo(name) for name in ("Europe/London", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns", "Asia/Kathmandu")
]


def course(*lessons: Lesson) -> Course:
    """Return a course of one phase."""
    found = lessons or (
        Lesson(id="hello", wait=0, anytime=True),
        Lesson(id="breathe", wait=3),
        Lesson(id="check-in", wait=4, anyday=True),
        Lesson(id="walk", wait=7),
        Lesson(id="goodbye", wait=7),
    )
    return Course(
        title="A course",
        sender=Sender(name="Sam", email="letters@example.org"),
        reply_to="hello@example.org",
        postal_address="1 Example Street",
        timezone="Europe/London",
        phases=(Phase(id="one", title="One", lessons=found),),
    )


LIVE = LiveCourse(3, course(), {})


def decided(live: LiveCourse = LIVE, terms: Terms | None = None, **cells: str) -> Newcomer | Refusal:
    """Return what becomes of one line."""
    reception = Reception(live, terms or Terms("a form", confirmed=True), b"key", now=NOW)
    return reception.decide(2, {"email": "ada@example.net", **cells})


@given(
    zone=st.sampled_from(ZONES),
    weekday=st.one_of(st.none(), st.integers(0, 6)),
    hour=st.integers(6, 21),
    pace=st.sampled_from([1, 2]),
    place=st.sampled_from([None, "hello", "breathe", "check-in", "walk"]),
    ago=st.one_of(st.none(), st.integers(0, 60)),
    ahead=st.one_of(st.none(), st.integers(-10, 60)),
    now=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - UTC is drawn
)
def test_the_first_letter_is_kind(  # noqa: PLR0917 - as drawn
    zone: ZoneInfo,
    weekday: int | None,
    hour: int,
    pace: int,
    place: str | None,
    ago: int | None,
    ahead: int | None,
    now: datetime,
) -> None:
    """On a day and at an hour of hers, not within the hour, the gap over, not before the start, and no week later than that."""
    rhythm = timing.rhythm_of(LIVE.course, zone, weekday=weekday, send_at=time(hour), pace=pace)
    today = now.astimezone(zone).date()
    last = None if ago is None else today - timedelta(days=ago)
    start = None if ahead is None else today + timedelta(days=ahead)
    found = first_letter(LIVE.course, place, rhythm, last_letter_on=last, start=start, now=now)
    due, day = found["next_due_at"], found["next_letter_on"]
    assert day.weekday() in rhythm.weekdays
    assert timing.instant(day, rhythm.opens, zone) == due
    assert due >= now + timing.NOTICE
    earliest = max((last or today) + timedelta(days=rhythm.min_gap), start or date.min)
    assert day >= earliest
    following = LIVE.course.sequence[0 if place is None else LIVE.course.places[place] + 1]
    assert following.id == found["next_lesson"]
    wait = following.wait * pace if last is not None else rhythm.min_gap
    latest = max(today + timedelta(days=1), (last or today) + timedelta(days=max(wait, rhythm.min_gap)), start or date.min)
    assert day < latest + timedelta(days=7)
    # What a later change of hers counts from gives the same date again.
    assert day == found["last_meant_on"] + timing.wait_of(following, rhythm)


@given(
    local=st.one_of(st.from_regex(r"[A-Za-z0-9._+\-]{1,70}", fullmatch=True), st.text(min_size=1, max_size=10)),
    domain=st.sampled_from(["example.net", "EXAMPLE.net", "bücher.example.net", "localhost", "a..b", "mail.example.org"]),
)
def test_a_known_domain_is_no_shorter_way_in(local: str, domain: str) -> None:
    """An address comes out as it does when it is looked at alone, and is refused when it would be."""
    reception = Reception(LIVE, Terms("a form", confirmed=True), b"key", now=NOW)
    reception.decide(2, {"email": f"ada@{domain}"})
    found = reception.decide(3, {"email": f"{local}@{domain}"})
    try:
        expected = normal_address(f"{local}@{domain}")
    except ValueError:
        expected = ""
    assert expected == (found.address if isinstance(found, Newcomer) else "")


def test_the_place_of_a_beginner_is_the_welcome() -> None:
    """Where there is one; and up to her place nothing is owed to her."""
    assert "hello" == place_without_welcome(LIVE.course)
    assert place_without_welcome(course(Lesson(id="one", wait=1), Lesson(id="two", wait=7))) is None
    assert place_without_welcome(course(Lesson(id="hello", wait=0, anytime=True))) is None
    assert () == passed_at(LIVE, None)
    assert ("hello",) == passed_at(LIVE, "hello")


def test_a_renamed_lesson_is_known_by_both_names() -> None:
    """The old tool's export may be older than the rename; what she had is recorded by the first id."""
    live = LiveCourse(4, LIVE.course, {"breathe": "first-breath"})
    for name in ("breathe", "first-breath"):
        found = decided(live, last_lesson=name)
        assert isinstance(found, Newcomer)
        assert "breathe" == found.place
    assert ("hello", "first-breath") == passed_at(live, "breathe")


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=30)))
def test_any_line_is_decided_and_no_sentence_holds_an_address(cells: dict[str, str]) -> None:
    """Whatever stands in it: somebody, or a refusal whose words may be shown to anybody."""
    cells = {**cells, "name": "ada@example.net", "weekday": cells.get("weekday", "") + "x@y.example"}
    found = Reception(LIVE, Terms("a form"), b"key", now=NOW).decide(2, cells)
    assert isinstance(found, Refusal)
    assert "x@y.example" not in found.say


def test_every_word_of_another_tool_means_something_here() -> None:
    """Each that suppresses names a reason of ours, and none both suppresses and waits."""
    assert {status.suppress for status in STATUSES.values()} - {""} <= set(REASONS)
    assert not [word for word, status in STATUSES.items() if status.suppress and status.pending]
    assert [word.casefold() for word in STATUSES] == list(STATUSES)


def test_proof_is_asked_of_each_line() -> None:
    """A date, or the operator's word, or a letter; a pending person comes in by the letter alone."""
    found = decided(terms=Terms("a form"))
    assert isinstance(found, Refusal)
    assert Why.CONSENT == found.why
    assert isinstance(decided(terms=Terms("a form"), consented_at="2025-01-02"), Newcomer)
    assert isinstance(decided(terms=Terms("a form", ask=True)), Newcomer)
    assert isinstance(decided(status="unconfirmed"), Refusal)
    assert isinstance(decided(status="unconfirmed", terms=Terms("a form", ask=True)), Newcomer)


# Columns -------------------------------------------------------------------------------------------------------------


def test_the_first_column_that_says_something_wins() -> None:
    """What was mapped comes before a recipe, a recipe before our own names."""
    columns = Columns(["email", "Confirm Time", "consented_at", "mine"], ["email", "consented_at"])
    columns.follow({"consented_at": ("confirm_time",)})
    assert {"email": "a", "consented_at": "b"} == columns.cells(["a", "b", "c", "d"])
    assert {"email": "a", "consented_at": "c"} == columns.cells(["a", "", "c", "d"])
    assert ["mine"] == columns.unused
    assert "" == columns.map("mine=consented_at")
    assert {"email": "a", "consented_at": "d"} == columns.cells(["a", "b", "c", "d"])
    assert {"email": "a"} == columns.cells(["a"])
    assert [] == columns.unused


@pytest.mark.parametrize("text", ['{"zone": "Asia/Tokyo"}', '{"zone": 3}', "[]", "{", "null", "", "[" * 100_000])
def test_a_key_of_json_is_read_or_nothing(text: str) -> None:
    """Only a text of an object is a value."""
    columns = people_columns(["email", "attributes"])
    assert "" == columns.map("attributes.zone=timezone")
    expected = {"email": "a", "timezone": "Asia/Tokyo"} if "Tokyo" in text else {"email": "a"}
    assert expected == columns.cells(["a", text])


# Lists ---------------------------------------------------------------------------------------------------------------


def test_a_line_of_a_list_says_why_or_the_operator_does() -> None:
    """Its own word wins, a status that is fine frees it, and without any word it is refused."""
    columns = listed_columns(["email", "status"])
    assert "" == columns.missing()

    def read(reason: str = "", **cells: str) -> Listed | Free | Refusal:
        return listed_of(5, {"email": "ada@example.net", **cells}, reason=reason, now=NOW)

    assert Listed(5, "ada@example.net", "complaint", None) == read("left", status="complained")
    assert Listed(5, "ada@example.net", "left", NOW) == read("left", at="2999-01-01")
    assert Free(5) == read("left", status="active")
    assert isinstance(read(), Refusal)
    assert isinstance(read("left", status="dunno"), Refusal)


# Moments -------------------------------------------------------------------------------------------------------------


@given(
    people=st.lists(st.sampled_from(ZONES), max_size=60),
    per_hour=st.integers(1, 8),
    taken=st.lists(st.integers(-5, 30), max_size=10),
    now=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - UTC is drawn
)
def test_moments_keep_to_the_hour_and_to_the_day(people: list[ZoneInfo], per_hour: int, taken: list[int], now: datetime) -> None:
    """No hour from now on has more than its number, what waits already counted in, and none is at night."""
    allow = LIVE.course.allow
    waiting = [now + timedelta(hours=hours, minutes=1) for hours in taken]
    spread = Spread(allow, per_hour=per_hour, now=now, taken=waiting)
    moments = [spread.moment(zone) for zone in people]
    for zone, moment in zip(people, moments, strict=True):
        assert now <= moment
        assert allow.opens <= moment.astimezone(zone).time() < allow.closes
    for hour in range(200):
        begins, ends = now + timedelta(hours=hour), now + timedelta(hours=hour + 1)
        own = sum(begins <= moment < ends for moment in moments)
        before = sum(begins <= moment < ends for moment in waiting)
        assert own <= max(0, per_hour - before)


def test_without_a_limit_they_go_at_once_by_day() -> None:
    """At half past nine in London that is now; where it is night, in her morning."""
    spread = Spread(LIVE.course.allow, per_hour=None, now=NOW)
    assert [NOW, NOW] == [spread.moment(ZoneInfo("Europe/London")) for _ in range(2)]
    local = spread.moment(ZoneInfo("Pacific/Pago_Pago")).astimezone(ZoneInfo("Pacific/Pago_Pago"))
    assert 6 == local.hour
