"""When a letter falls due: the worked examples of the design, each with the dates that a person would write down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from drip.core import timing
from drip.core.schedule import Allow, Course, Lesson, Phase, Send, Sender

WAITS = (0, 3, 7, 7, 7, 7, 7, 7, 7, 4, 3, 7, 7, 7, 7, 7, 7, 7, 7)
"""The roadmap: a welcome at once, eight letters, the halfway letter on any day, and on to the last."""

WELCOME, WEEK_8, HALFWAY, WEEK_9 = 0, 8, 9, 10

LONDON = ZoneInfo("Europe/London")
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def _course(send: Send | None = None, allow: Allow | None = None) -> Course:
    lessons = tuple(
        Lesson(id=f"letter-{index}", wait=wait, anytime=index == WELCOME, anyday=index == HALFWAY)
        for index, wait in enumerate(WAITS)
    )
    return Course(
        title="The Roadmap",
        sender=Sender(name="Sam", email="letters@example.org"),
        reply_to="hello@example.org",
        postal_address="1 Example Street",
        timezone="Europe/London",
        send=send or Send(),
        allow=allow or Allow(),
        phases=(Phase(id="all", title="All", lessons=lessons),),
    )


ROADMAP = _course()
LESSONS = ROADMAP.sequence
TUESDAYS = timing.rhythm_of(ROADMAP, LONDON)
SLOWLY = timing.rhythm_of(ROADMAP, LONDON, pace=2)


def _at(day: date, hour: int, minute: int = 0, zone: ZoneInfo = LONDON) -> datetime:
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


def _march(day: int) -> date:
    return date(2026, 3, day)


def _calendar(zone: str, joined: date, **choice: int) -> list[datetime]:
    """Return the local times of everybody's course for a person who joins at noon."""
    there = ZoneInfo(zone)
    entries = timing.course_calendar(
        ROADMAP, joined=_at(joined, 12, zone=there), zone=there, pace=choice.get("pace", 1), weekday=choice.get("weekday")
    )
    return [entry.due_at.astimezone(there) for entry in entries]


# The rhythm ---------------------------------------------------------------------------------------------------------


def test_the_halfway_letter_leaves_the_weekly_ones_on_their_day() -> None:
    """Week 8 on Tue 3 March: the halfway letter goes on Sat 7, and week 9 on Tue 10."""
    halfway = timing.next_slot(LESSONS[HALFWAY], TUESDAYS, last_meant_on=_march(3), last_letter_on=_march(3))
    week_9 = timing.next_slot(LESSONS[WEEK_9], TUESDAYS, last_meant_on=halfway.meant_on, last_letter_on=halfway.letter_on)
    assert (_march(7), _march(10)) == (halfway.letter_on, week_9.letter_on)
    assert (SAT, TUE) == (halfway.letter_on.weekday(), week_9.letter_on.weekday())


def test_every_two_weeks_doubles_every_wait() -> None:
    """At the slow pace the halfway letter comes after 8 days and week 9 after 6 more."""
    halfway = timing.next_slot(LESSONS[HALFWAY], SLOWLY, last_meant_on=_march(3), last_letter_on=_march(3))
    week_9 = timing.next_slot(LESSONS[WEEK_9], SLOWLY, last_meant_on=halfway.meant_on, last_letter_on=halfway.letter_on)
    assert (_march(11), _march(17)) == (halfway.letter_on, week_9.letter_on)


def test_the_later_letters_keep_their_waits_at_the_slow_pace() -> None:
    """The letters after the last phase wait eight weeks for everybody."""
    booster = Lesson(id="booster-1", wait=56)
    slow = timing.next_slot(booster, SLOWLY, last_meant_on=_march(3), last_letter_on=_march(3), afterwards=True)
    assert _march(3) + timedelta(weeks=8) == slow.letter_on


def test_who_joins_on_a_thursday_gets_the_first_letter_on_the_tuesday_after_three_days() -> None:
    """The wait is counted in days from the welcome letter, then the letter moves on to her weekday."""
    days = [local.date() for local in _calendar("Europe/London", date(2026, 1, 8))]
    assert [date(2026, 1, 8), date(2026, 1, 13), date(2026, 1, 20)] == days[:3]
    assert date(2026, 1, 13) + timedelta(weeks=16) == days[-1]
    assert len(WAITS) == len(days)


def test_waits_count_days_and_not_weeks_for_who_chose_another_day() -> None:
    """On Fridays the letters are a week apart too, with the halfway letter on the Tuesday between."""
    days = [local.date() for local in _calendar("Europe/London", date(2026, 1, 8), weekday=FRI)]
    assert [date(2026, 1, 8), date(2026, 1, 16), date(2026, 1, 23)] == days[:3]
    assert (TUE, FRI) == (days[HALFWAY].weekday(), days[WEEK_9].weekday())
    assert timedelta(weeks=1) == days[WEEK_9] - days[WEEK_8]


# Clock changes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("joined", [date(2026, 2, 10), date(2026, 8, 11)], ids=["spring", "autumn"])
@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia"])
def test_nine_oclock_stays_nine_oclock(zone: str, joined: date) -> None:
    """Across both clock changes every letter after the welcome one goes at nine by her own clock."""
    letters = _calendar(zone, joined)
    assert {time(9)} == {local.time() for local in letters[1:]}
    assert (1 if zone == "Pacific/Apia" else 2) == len({local.utcoffset() for local in letters})


@pytest.mark.parametrize(
    ("zone", "night", "asked", "local"),
    [
        ("Europe/London", date(2026, 3, 29), time(1, 30), time(2, 30)),
        ("America/New_York", date(2026, 3, 8), time(2, 30), time(3, 30)),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), time(2, 45)),
        ("America/Santiago", date(2026, 9, 6), time(0, 30), time(1, 30)),
    ],
)
def test_a_time_that_does_not_exist_that_night_moves_forward(zone: str, night: date, asked: time, local: time) -> None:
    """The letter goes later by as much as the clock was put forward, on the same date."""
    there = timing.instant(night, asked, ZoneInfo(zone)).astimezone(ZoneInfo(zone))
    assert datetime.combine(night, local) == there.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("zone", "night", "asked", "utc"),
    [
        ("Europe/London", date(2026, 10, 25), time(1, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
        ("America/Santiago", date(2026, 4, 4), time(23, 30), datetime(2026, 4, 5, 2, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_exists_twice_is_the_first(zone: str, night: date, asked: time, utc: datetime) -> None:
    """When the clock is put back the letter goes at the first of the two, however the time was marked."""
    assert utc == timing.instant(night, asked, ZoneInfo(zone))
    assert utc == timing.instant(night, asked.replace(fold=1), ZoneInfo(zone))


def test_a_day_that_a_country_skips_is_the_day_after() -> None:
    """Apia had no 30 December 2011: a letter for that day goes at nine on the 31st."""
    apia = ZoneInfo("Pacific/Apia")
    there = timing.instant(date(2011, 12, 30), time(9), apia).astimezone(apia)
    assert datetime(2011, 12, 31, 9) == there.replace(tzinfo=None)  # noqa: DTZ001 - a wall clock


def test_a_window_inside_the_hour_that_is_skipped_is_not_empty() -> None:
    """A window from half past one to two, on the night when two comes first, opens at half past two for half an hour."""
    night = replace(TUESDAYS, opens=time(1, 30), closes=time(2))
    slot = timing.slot_on(date(2026, 3, 29), night)
    assert _at(date(2026, 3, 29), 2, 30) == slot.due_at
    assert timedelta(minutes=30) == slot.closes_at - slot.due_at
    assert timing.may_go(slot, night, last_letter_on=None, now=slot.due_at)
    assert date(2026, 3, 29) == timing.first_open_day(slot.due_at, night)


# Late ---------------------------------------------------------------------------------------------------------------


def _missed(lesson: Lesson, day: date, now: datetime, last: date | None = None) -> timing.Slot:
    return timing.follow(timing.slot_on(day, TUESDAYS), lesson, TUESDAYS, last_letter_on=last, now=now)


def test_inside_its_window_a_letter_is_not_late() -> None:
    """An outage that ends at seven in the evening still leaves an hour of her window."""
    slot = timing.slot_on(_march(3), TUESDAYS)
    assert timing.may_go(slot, TUESDAYS, last_letter_on=_march(1), now=_at(_march(3), 19))
    assert not timing.may_go(slot, TUESDAYS, last_letter_on=_march(1), now=_at(_march(3), 20))
    assert not timing.may_go(slot, TUESDAYS, last_letter_on=_march(1), now=_at(_march(3), 8, 59))


@pytest.mark.parametrize("now", [_at(_march(3), 20), _at(_march(3), 23, 30), _at(_march(4), 3), _at(_march(4), 15)])
def test_a_late_letter_follows_in_the_window_of_the_next_day(now: datetime) -> None:
    """Missed on Tuesday, it follows on Wednesday from nine and never at night, and keeps its meant date."""
    slot = _missed(LESSONS[WEEK_8], _march(3), now)
    assert (_march(3), _march(4)) == (slot.meant_on, slot.letter_on)
    assert _at(_march(4), 9) == slot.due_at


def test_after_a_letter_that_followed_the_next_one_keeps_its_date() -> None:
    """Two days late, week 8 goes on Thursday, and the halfway letter still on Saturday."""
    late = _missed(LESSONS[WEEK_8], _march(3), _at(_march(5), 10))
    halfway = timing.next_slot(LESSONS[HALFWAY], TUESDAYS, last_meant_on=late.meant_on, last_letter_on=late.letter_on)
    assert (_march(5), _march(7)) == (late.letter_on, halfway.letter_on)


def test_beyond_late_a_letter_waits_for_her_own_weekday_and_the_rhythm_restarts() -> None:
    """Three days late, week 8 goes on the next Tuesday, and what follows counts from there."""
    late = _missed(LESSONS[WEEK_8], _march(3), _at(_march(6), 3))
    halfway = timing.next_slot(LESSONS[HALFWAY], TUESDAYS, last_meant_on=late.meant_on, last_letter_on=late.letter_on)
    assert (_march(10), _march(10), _march(14)) == (late.meant_on, late.letter_on, halfway.letter_on)


def test_late_is_counted_from_the_meant_date_however_often_it_was_missed() -> None:
    """A letter that missed Tuesday, and then Wednesday, and then Thursday, waits for Tuesday."""
    first = _missed(LESSONS[WEEK_8], _march(3), _at(_march(3), 21))
    second = timing.follow(first, LESSONS[WEEK_8], TUESDAYS, last_letter_on=None, now=_at(_march(4), 21))
    third = timing.follow(second, LESSONS[WEEK_8], TUESDAYS, last_letter_on=None, now=_at(_march(5), 21))
    assert [_march(4), _march(5), _march(10)] == [first.letter_on, second.letter_on, third.letter_on]


@pytest.mark.parametrize("days", [1, 2, 3, 10, 60])
def test_an_anyday_letter_follows_on_the_next_day_however_late(days: int) -> None:
    """The halfway letter never waits for a weekday."""
    back = _march(7) + timedelta(days=days)
    slot = _missed(LESSONS[HALFWAY], _march(7), _at(back, 21))
    assert back + timedelta(days=1) == slot.letter_on


def test_a_late_letter_pushes_the_next_one_only_by_the_gap() -> None:
    """The halfway letter follows on Monday; week 9, meant for Tuesday, goes on Wednesday and the rhythm stays."""
    late = _missed(LESSONS[HALFWAY], _march(7), _at(_march(9), 9))
    week_9 = timing.next_slot(LESSONS[WEEK_9], TUESDAYS, last_meant_on=late.meant_on, last_letter_on=late.letter_on)
    week_10 = timing.next_slot(LESSONS[WEEK_9 + 1], TUESDAYS, last_meant_on=week_9.meant_on, last_letter_on=week_9.letter_on)
    assert (_march(9), _march(11), _march(17)) == (late.letter_on, week_9.letter_on, week_10.letter_on)


def test_inside_the_gap_nothing_goes_though_the_window_is_open() -> None:
    """Two calendar days lie between two scheduled letters, whatever the dates say."""
    slot = timing.slot_on(_march(4), TUESDAYS, meant_on=_march(3))
    assert not timing.may_go(slot, TUESDAYS, last_letter_on=_march(3), now=slot.due_at)
    assert timing.may_go(slot, TUESDAYS, last_letter_on=_march(2), now=slot.due_at)


# The welcome letter -------------------------------------------------------------------------------------------------


def test_the_welcome_letter_goes_at_once_at_any_hour() -> None:
    """Asked for at half past eleven at night it goes then, for an hour."""
    now = _at(_march(5), 23, 30)
    slot = timing.first_slot(LESSONS[WELCOME], TUESDAYS, now=now)
    assert (now, now + timedelta(hours=1), _march(5)) == (slot.due_at, slot.closes_at, slot.letter_on)
    assert timing.may_go(slot, TUESDAYS, last_letter_on=None, now=now + timedelta(minutes=59))
    assert not timing.may_go(slot, TUESDAYS, last_letter_on=None, now=now + timedelta(hours=1))


@pytest.mark.parametrize(
    ("asked", "again", "goes"),
    [
        (_at(_march(5), 10), _at(_march(5), 12), _at(_march(5), 9)),
        (_at(_march(5), 2), _at(_march(5), 3, 30), _at(_march(5), 9)),
        (_at(_march(5), 23, 30), _at(_march(6), 1), _at(_march(6), 9)),
        (_at(_march(5), 10), _at(_march(14), 21), _at(_march(15), 9)),
    ],
    ids=["by day: now", "before the window", "next morning", "after an outage of days"],
)
def test_a_welcome_letter_an_hour_late_obeys_the_window(asked: datetime, again: datetime, goes: datetime) -> None:
    """Late at night it waits for the morning, on any day of the week."""
    slot = timing.first_slot(LESSONS[WELCOME], TUESDAYS, now=asked)
    assert goes == timing.follow(slot, LESSONS[WELCOME], TUESDAYS, last_letter_on=None, now=again).due_at


def test_a_late_welcome_letter_waits_for_a_day_on_which_letters_may_go() -> None:
    """Asked for on a Saturday evening of a course without weekends, and an hour late, it goes on Monday."""
    weekdays = replace(TUESDAYS, allow_days=frozenset({MON, TUE, WED, THU, FRI}))
    slot = timing.first_slot(LESSONS[WELCOME], weekdays, now=_at(_march(7), 12))
    late = timing.follow(slot, LESSONS[WELCOME], weekdays, last_letter_on=None, now=_at(_march(7), 14))
    assert (_march(7), _march(9)) == (late.meant_on, late.letter_on)


# Her choices: day, hour, pause --------------------------------------------------------------------------------------


def _moved(meant_on: date, weekday: int, now: datetime, last: date) -> timing.Slot:
    rhythm = timing.rhythm_of(ROADMAP, LONDON, weekday=weekday)
    return timing.move_to_weekday(meant_on, LESSONS[WEEK_8], rhythm, last_letter_on=last, now=now)


@pytest.mark.parametrize(("weekday", "day"), [(SAT, 7), (SUN, 8), (MON, 9), (TUE, 10), (WED, 11), (THU, 12), (FRI, 13)], ids=str)
def test_a_new_weekday_takes_the_nearest_date(weekday: int, day: int) -> None:
    """Meant for Tue 10 March, the next letter moves by three days at most, back or on."""
    assert _march(day) == _moved(_march(10), weekday, _at(_march(4), 12), _march(3)).letter_on


def test_a_new_weekday_never_comes_closer_than_the_gap() -> None:
    """With the last letter on Tue 3, Wednesday 4 would be too close for a letter meant for Sat 7."""
    assert _march(11) == _moved(_march(7), WED, _at(_march(3), 12), _march(3)).letter_on
    assert _march(5) == _moved(_march(7), THU, _at(_march(3), 12), _march(3)).letter_on


@pytest.mark.parametrize(("clock", "day"), [((8, 0), 10), ((8, 1), 17), ((9, 30), 17), ((21, 0), 17)])
def test_a_new_weekday_never_falls_within_the_next_hour(clock: tuple[int, int], day: int) -> None:
    """Choosing Tuesday on a Tuesday at eight still gives nine; a minute later it gives next week."""
    assert _march(day) == _moved(_march(11), TUE, _at(_march(10), *clock), _march(3)).letter_on


def test_with_several_weekdays_the_nearest_of_them_counts() -> None:
    """Meant for Wednesday 11, a letter goes on Thursday 12 rather than on Monday 9."""
    both = replace(TUESDAYS, weekdays=frozenset({MON, THU}))
    slot = timing.move_to_weekday(_march(11), LESSONS[WEEK_8], both, last_letter_on=_march(3), now=_at(_march(4), 12))
    assert _march(12) == slot.letter_on


@pytest.mark.parametrize(
    ("chosen", "window"),
    [
        (time(7), (time(7), time(18))),
        (time(11), (time(11), time(22))),
        (time(19), (time(19), time(22))),
        (time(6), (time(6), time(17))),
    ],
)
def test_a_chosen_hour_keeps_the_length_of_the_window(chosen: time, window: tuple[time, time]) -> None:
    """Eleven hours from her hour on, cut at the end of what the course allows."""
    rhythm = timing.rhythm_of(ROADMAP, LONDON, send_at=chosen)
    assert window == (rhythm.opens, rhythm.closes)


@pytest.mark.parametrize("chosen", [time(5, 59), time(22), time(23)])
def test_an_hour_that_is_not_allowed_any_more_is_the_course_s(chosen: time) -> None:
    """When an edit narrows what is allowed, nobody is written to at night and nobody's window is empty."""
    assert timing.rhythm_of(ROADMAP, LONDON, send_at=chosen) == TUESDAYS


def test_a_weekday_that_is_not_allowed_any_more_is_the_course_s() -> None:
    """When an edit takes the weekend away, Saturday people get their letters on the day of the course."""
    weekdays = _course(allow=Allow(days=("mon", "tue", "wed", "thu", "fri")))
    assert frozenset({TUE}) == timing.rhythm_of(weekdays, LONDON, weekday=SAT).weekdays
    assert frozenset({FRI}) == timing.rhythm_of(weekdays, LONDON, weekday=FRI).weekdays


@pytest.mark.parametrize("weeks", [1, 2, 4])
def test_a_pause_moves_the_next_letter_by_as_many_weeks(weeks: int) -> None:
    """The next letter's meant date and seven days a week, the halfway letter too; pressed again it counts from the same date."""
    now = _at(_march(4), 12)
    assert (
        _march(10) + timedelta(weeks=weeks) == timing.pause_for(_march(10), weeks, LESSONS[WEEK_8], TUESDAYS, now=now).letter_on
    )
    assert _march(7) + timedelta(weeks=weeks) == timing.pause_for(_march(7), weeks, LESSONS[HALFWAY], TUESDAYS, now=now).letter_on


@pytest.mark.parametrize(
    ("back", "day"),
    [
        (_at(_march(5), 12), 10),
        (_at(_march(10), 12), 10),
        (_at(_march(10), 20), 17),
        (_at(_march(12), 12), 17),
        (_at(_march(24), 3), 24),
    ],
    ids=["early", "on the day", "in the evening of the day", "two days later", "weeks later"],
)
def test_until_i_say_ends_on_a_day_of_hers(back: datetime, day: int) -> None:
    """The first Tuesday on or after both the original date, Tue 10, and the day she comes back."""
    assert _march(day) == timing.resume(_march(10), LESSONS[WEEK_8], TUESDAYS, last_letter_on=_march(3), now=back).letter_on


def test_the_halfway_letter_comes_on_the_day_she_comes_back() -> None:
    """A free letter resumes on any day, yet not inside the gap."""
    back = _at(_march(20), 12)
    assert _march(20) == timing.resume(_march(7), LESSONS[HALFWAY], TUESDAYS, last_letter_on=_march(3), now=back).letter_on
    assert _march(21) == timing.resume(_march(7), LESSONS[HALFWAY], TUESDAYS, last_letter_on=_march(19), now=back).letter_on


# Edits --------------------------------------------------------------------------------------------------------------


def _redated(meant_on: date, now: datetime, last: date | None = None) -> date:
    return timing.redate(meant_on, LESSONS[WEEK_8], TUESDAYS, last_letter_on=last, now=now).letter_on


def test_an_edit_that_puts_a_date_into_the_past_is_not_lateness() -> None:
    """Put on Monday when it is Wednesday, the letter takes her next Tuesday and not tomorrow."""
    assert _march(10) == _redated(_march(2), _at(_march(4), 12))


def test_an_edit_brings_nothing_into_the_next_hour_nor_into_the_gap() -> None:
    """At eight the letter of nine stays; at half past eight, or with a letter yesterday, it is next week's."""
    assert _march(10) == _redated(_march(10), _at(_march(10), 8))
    assert _march(17) == _redated(_march(10), _at(_march(10), 8, 30))
    assert _march(17) == _redated(_march(10), _at(_march(4), 12), last=_march(9))


def test_redating_a_letter_that_is_due_moves_it_to_next_week() -> None:
    """Why settings that change nothing must not re-date: inside her open window that alone would cost her a week."""
    assert _march(17) == _redated(_march(10), _at(_march(10), 9, 30), last=_march(3))


def test_a_course_that_begins_with_an_ordinary_letter_begins_on_her_day() -> None:
    """Without an `anytime` letter the first one comes on the next Tuesday whose window has not opened yet."""
    first = Lesson(id="first", wait=0)
    assert _march(10) == timing.first_slot(first, TUESDAYS, now=_at(_march(10), 8, 59)).letter_on
    assert _march(17) == timing.first_slot(first, TUESDAYS, now=_at(_march(10), 9, 1)).letter_on
