"""What holds for every date of one letter, in every zone of the world, on every date, for every choice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import event, given, settings
from hypothesis import strategies as st

from drip.core import timing
from drip.core.schedule import Allow, Course, Lesson, Phase, Send, Sender
from drip.core.timeword import WEEKDAYS
from drip.core.timing import Rhythm

ZONES = sorted(name for name in available_timezones() if name not in {"Factory", "localtime"})
"""Every zone of the time zone database; the copies under `posix` and `right` are not among the available ones."""

FIRST, LAST = date(2024, 1, 1), date(2037, 12, 31)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@cache
def clock_changes(zone: str) -> tuple[date, ...]:
    """Return the local dates on which the clock of *zone* is changed."""

    def offset(ahead: int) -> timedelta | None:
        return datetime.combine(FIRST + ahead * DAY, time(), ZoneInfo(zone)).utcoffset()

    weeks = [week for week in range(0, (LAST - FIRST).days, 7) if offset(week) != offset(week + 7)]
    return tuple(FIRST + day * DAY for week in weeks for day in range(week, week + 7) if offset(day) != offset(day + 1))


@st.composite
def days_in(draw: st.DrawFn, zone: ZoneInfo) -> date:
    """Draw a date, every other one beside a clock change where the zone has any."""
    changes = clock_changes(str(zone))
    if draw(st.booleans()) and changes:
        return draw(st.sampled_from(changes)) + timedelta(days=draw(st.integers(-2, 2)))
    return draw(st.dates(FIRST, LAST))


zones = st.sampled_from(ZONES).map(ZoneInfo)
minutes = st.integers(0, 24 * 60 - 2)


def _clock(minute: int) -> time:
    return time(minute // 60, minute % 60)


@st.composite
def rhythms(draw: st.DrawFn) -> Rhythm:
    """Draw what anybody could choose in any course: a day or some days among the allowed ones, a window, a pace."""
    opens = draw(minutes)
    allow_days = draw(st.one_of(st.just(frozenset(range(7))), st.frozensets(st.integers(0, 6), min_size=1)))
    return Rhythm(
        zone=draw(zones),
        weekdays=draw(st.frozensets(st.sampled_from(sorted(allow_days)), min_size=1, max_size=2)),
        opens=_clock(opens),
        closes=_clock(draw(st.integers(opens + 1, 24 * 60 - 1))),
        allow_days=allow_days,
        pace=draw(st.sampled_from((1, 2))),
        min_gap=draw(st.integers(1, 5)),
        late=draw(st.integers(0, 4)),
    )


lessons = st.builds(Lesson, id=st.just("lesson"), wait=st.integers(5, 21), anyday=st.booleans())


def _suits(day: date, lesson: Lesson, rhythm: Rhythm) -> bool:
    return day.weekday() in (rhythm.allow_days if lesson.anyday else rhythm.weekdays)


# Instants -----------------------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(st.data(), zones, minutes.map(_clock))
def test_her_hour_is_her_hour(data: st.DataObject, zone: ZoneInfo, at: time) -> None:
    """The instant reads as the chosen time on her clock, the first of two, or later by the gap when there is no such time."""
    day = data.draw(days_in(zone))
    utc = timing.instant(day, at, zone)
    local, wanted = utc.astimezone(zone), datetime.combine(day, at, UTC)
    shift = local.replace(tzinfo=UTC, fold=0) - wanted
    if not shift:
        assert 0 == local.fold
        return
    event("a time that does not exist")
    before, after = (utc - DAY / 8).astimezone(zone).utcoffset(), local.utcoffset()
    assert before is not None
    assert after is not None
    assert after - before == shift > timedelta()
    read = {datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC).astimezone(zone) for fold in (0, 1)}
    assert wanted not in {local.replace(tzinfo=UTC, fold=0) for local in read}


@settings(max_examples=300, deadline=None)
@given(st.data(), rhythms())
def test_a_window_is_never_empty_and_never_longer_than_she_chose(data: st.DataObject, rhythm: Rhythm) -> None:
    """It opens before it closes on every date; only a clock change within it makes it shorter or longer."""
    day = data.draw(days_in(rhythm.zone))
    slot = timing.slot_on(day, rhythm)
    assert slot.due_at < slot.closes_at
    chosen = datetime.combine(day, rhythm.closes) - datetime.combine(day, rhythm.opens)
    if slot.due_at.astimezone(rhythm.zone).utcoffset() == slot.closes_at.astimezone(rhythm.zone).utcoffset():
        assert slot.closes_at - slot.due_at <= chosen
    assert day == timing.first_open_day(slot.closes_at - timedelta(minutes=1), rhythm)
    assert day < timing.first_open_day(slot.closes_at, rhythm)


def test_a_window_that_is_moved_past_midnight_is_still_that_day_s() -> None:
    """In Nuuk the last hour of 29 March 2025 was skipped: a window in it opened on the 30th, and was the window of the 29th."""
    nuuk = ZoneInfo("America/Nuuk")
    night = Rhythm(nuuk, frozenset({5}), time(23, 15), time(23, 45), frozenset(range(7)))
    slot = timing.slot_on(date(2025, 3, 29), night)
    assert datetime(2025, 3, 30, 0, 15, tzinfo=nuuk) == slot.due_at
    assert date(2025, 3, 29) == timing.first_open_day(slot.due_at, night)


# Dates --------------------------------------------------------------------------------------------------------------


@settings(max_examples=250, deadline=None)
@given(st.data(), rhythms(), lessons, st.booleans())
def test_a_letter_is_meant_for_a_day_that_suits_it(data: st.DataObject, rhythm: Rhythm, lesson: Lesson, afterwards: bool) -> None:  # noqa: FBT001 - drawn
    """Its date lies on her weekday, or on an allowed one for a free letter, and never before the wait at her pace is over."""
    last = data.draw(days_in(rhythm.zone))
    wait = timedelta(days=lesson.wait * (1 if afterwards else rhythm.pace))
    slot = timing.next_slot(lesson, rhythm, last_meant_on=last, last_letter_on=last, afterwards=afterwards)
    assert _suits(slot.meant_on, lesson, rhythm)
    assert last + wait <= slot.meant_on <= last + wait + 6 * DAY
    assert slot.meant_on == slot.letter_on


@settings(max_examples=250, deadline=None)
@given(st.data(), rhythms(), lessons)
def test_a_late_letter_follows_on_a_kind_date(data: st.DataObject, rhythm: Rhythm, lesson: Lesson) -> None:
    """Not inside the gap, on an allowed day, within a week of the first moment it may; restarted, on a day that suits it."""
    days = rhythm.allow_days if lesson.anyday else rhythm.weekdays
    meant_on = timing.on_or_after(data.draw(days_in(rhythm.zone)), days)
    missed = timing.slot_on(meant_on, rhythm)
    now = missed.closes_at + data.draw(st.timedeltas(timedelta(), 60 * DAY))
    last = data.draw(st.none() | st.dates(meant_on - 9 * DAY, now.astimezone(rhythm.zone).date()))
    slot = timing.follow(missed, lesson, rhythm, last_letter_on=last, now=now)
    assert now < slot.closes_at
    assert timing.gap_ends_on(last, rhythm) <= slot.letter_on
    assert slot.letter_on.weekday() in rhythm.allow_days
    if slot.meant_on == meant_on:
        assert (slot.letter_on - meant_on).days <= rhythm.late
    else:
        assert _suits(slot.letter_on, lesson, rhythm)
        assert slot.letter_on == slot.meant_on
    earliest = max(timing.first_open_day(now, rhythm), timing.gap_ends_on(last, rhythm))
    assert slot.letter_on - earliest < 7 * DAY or not lesson.anyday
    assert slot.letter_on - earliest < 13 * DAY


@settings(max_examples=200, deadline=None)
@given(st.data(), rhythms(), st.lists(lessons, min_size=2, max_size=20), st.integers(0, 6))
def test_every_two_weeks_is_twice_as_slow(data: st.DataObject, rhythm: Rhythm, course: list[Lesson], weekday: int) -> None:
    """No two lessons are closer than twice their waits, less the three days by which a new weekday may pull one of them."""
    rhythm = replace(rhythm, pace=2, allow_days=frozenset(range(7)))
    begun = data.draw(days_in(rhythm.zone))
    changed = data.draw(st.integers(0, len(course) - 1))
    slot = timing.slot_on(begun, rhythm)
    for number, lesson in enumerate(course):
        last = slot
        slot = timing.next_slot(lesson, rhythm, last_meant_on=last.meant_on, last_letter_on=last.letter_on)
        shift = 0
        if number == changed:
            rhythm, shift = replace(rhythm, weekdays=frozenset({weekday})), 3
            slot = timing.move_to_weekday(slot.meant_on, lesson, rhythm, last_letter_on=last.letter_on, now=last.due_at)
        assert 2 * lesson.wait - shift <= (slot.letter_on - last.letter_on).days


# Moves by hand ------------------------------------------------------------------------------------------------------


@st.composite
def standings(draw: st.DrawFn) -> tuple[Rhythm, Lesson, date, date, datetime]:
    """Draw a person between two letters: her rhythm, the next lesson and its meant date, the last letter, and now."""
    rhythm, lesson = draw(rhythms()), draw(lessons)
    last = draw(days_in(rhythm.zone))
    ahead = draw(st.integers(rhythm.min_gap, 35))
    meant_on = timing.on_or_after(last + ahead * DAY, rhythm.allow_days if lesson.anyday else rhythm.weekdays)
    now = timing.slot_on(last, rhythm).due_at + draw(st.timedeltas(timedelta(), 90 * DAY))
    return rhythm, lesson, meant_on, last, now


@settings(max_examples=300, deadline=None)
@given(st.data(), standings())
def test_a_move_by_hand_is_kept_by_every_recount(
    data: st.DataObject, standing: tuple[Rhythm, Lesson, date, date, datetime]
) -> None:
    """After a pause, a resume, a new weekday or an edit, counting the wait from the moved anchor gives the same date again."""
    rhythm, lesson, meant_on, last, now = standing
    match data.draw(st.sampled_from(("pause", "resume", "weekday", "edit"))):
        case "pause":
            slot = timing.pause_for(meant_on, data.draw(st.integers(1, 4)), lesson, rhythm, now=now)
        case "resume":
            slot = timing.resume(meant_on, lesson, rhythm, last_letter_on=last, now=now)
        case "weekday":
            rhythm = replace(rhythm, weekdays=frozenset({data.draw(st.sampled_from(sorted(rhythm.allow_days)))}))
            slot = timing.move_to_weekday(meant_on, lesson, rhythm, last_letter_on=last, now=now)
        case _:
            slot = timing.redate(meant_on, lesson, rhythm, last_letter_on=last, now=now)
    anchor = timing.anchor_before(slot, lesson, rhythm)
    assert slot == timing.next_slot(lesson, rhythm, last_meant_on=anchor, last_letter_on=last)
    assert slot.meant_on == timing.meant_after(anchor, lesson, rhythm)
    if slot.due_at >= now + HOUR:
        assert slot == timing.redate(timing.meant_after(anchor, lesson, rhythm), lesson, rhythm, last_letter_on=last, now=now)


@settings(max_examples=250, deadline=None)
@given(standings())
def test_redating_moves_only_what_is_less_than_an_hour_off(standing: tuple[Rhythm, Lesson, date, date, datetime]) -> None:
    """A date further off stays to the second; one that is due, past or near takes the next day that suits it."""
    rhythm, lesson, meant_on, last, now = standing
    before = timing.slot_on(meant_on, rhythm)
    after = timing.redate(meant_on, lesson, rhythm, last_letter_on=last, now=now)
    if before.due_at >= now + HOUR:
        assert before == after
        return
    assert after.due_at >= now + HOUR
    assert after.letter_on > meant_on
    skipped = [day for ahead in range(1, 8) if _suits(day := after.letter_on - ahead * DAY, lesson, rhythm)]
    assert timing.slot_on(skipped[0], rhythm).due_at < now + HOUR or skipped[0] < timing.gap_ends_on(last, rhythm)


@settings(max_examples=250, deadline=None)
@given(st.data(), standings())
def test_a_new_weekday_is_the_nearest_that_is_kind(
    data: st.DataObject, standing: tuple[Rhythm, Lesson, date, date, datetime]
) -> None:
    """Within three days of the meant date, else the first of hers after the gap and the notice; a free letter stays put."""
    rhythm, lesson, meant_on, last, now = standing
    weekday = data.draw(st.sampled_from(sorted(rhythm.allow_days)))
    rhythm = replace(rhythm, weekdays=frozenset({weekday}))
    slot = timing.move_to_weekday(meant_on, lesson, rhythm, last_letter_on=last, now=now)
    if lesson.anyday:
        assert slot == timing.redate(meant_on, lesson, rhythm, last_letter_on=last, now=now)
        return
    assert weekday == slot.letter_on.weekday()
    assert now + HOUR <= slot.due_at
    assert last + rhythm.min_gap * DAY <= slot.letter_on
    if abs(slot.letter_on - meant_on) > 3 * DAY:
        week_before = timing.slot_on(slot.letter_on - 7 * DAY, rhythm)
        assert week_before.due_at < now + HOUR or week_before.letter_on < last + rhythm.min_gap * DAY


# The window of a course ---------------------------------------------------------------------------------------------


@st.composite
def windows(draw: st.DrawFn) -> tuple[Allow, Send]:
    """Draw what a course allows, and a default within it."""
    opens = draw(st.integers(0, 24 * 60 - 2))
    closes = draw(st.integers(opens + 1, 24 * 60 - 1))
    at = draw(st.integers(opens, closes - 1))
    until = draw(st.integers(at + 1, closes))
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
    allow = Allow(days=tuple(days), opens=_clock(opens), closes=_clock(closes))
    return allow, Send(days=(draw(st.sampled_from(days)),), at=_clock(at), until=_clock(until))


@settings(max_examples=250, deadline=None)
@given(windows(), st.none() | st.integers(0, 6), st.none() | minutes.map(_clock))
def test_nobody_s_window_leaves_what_the_course_allows(
    window: tuple[Allow, Send], weekday: int | None, send_at: time | None
) -> None:
    """Whatever she chose, and however the course was edited since, her window is inside and not empty."""
    allow, send = window
    course = Course(
        title="A course",
        sender=Sender(name="Sam", email="letters@example.org"),
        reply_to="hello@example.org",
        postal_address="1 Example Street",
        timezone="UTC",
        allow=allow,
        send=send,
        phases=(Phase(id="one", title="One", lessons=(Lesson(id="welcome", wait=0),)),),
    )
    rhythm = timing.rhythm_of(course, ZoneInfo("UTC"), weekday=weekday, send_at=send_at)
    assert allow.opens <= rhythm.opens < rhythm.closes <= allow.closes
    assert rhythm.weekdays <= rhythm.allow_days
    if weekday in rhythm.allow_days:
        assert frozenset({weekday}) == rhythm.weekdays
    if send_at is not None and allow.opens <= send_at < allow.closes:
        assert send_at == rhythm.opens
