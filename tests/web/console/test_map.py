"""The map and the week: everybody at her lesson, each letter in its hour, in figures and not in bars alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from drip.core.enrollment import Stage
from drip.store import tables, versions
from tests.web.conftest import Site
from tests.web.console.conftest import Admit, Visitor
from tests.web.console.crowd import gather

HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}"


def rows(page: str) -> dict[str, tuple[int, int]]:
    """Return for each lesson of the map how many have it next and how many had it."""
    line = r'<span class="name">([^<]+)</span>.*?<span class="figure">([\d,]+)</span>.*?<td class="number">([\d,]+)</td>'
    found = re.findall(line, page, re.DOTALL)
    return {title: (int(following.replace(",", "")), int(had.replace(",", ""))) for title, following, had in found}


def test_the_map_tells_where_everybody_stands(site: Site, kim: Visitor) -> None:
    """The figures of a crowd are those of its rows, lesson by lesson, and everybody on the course is at one of them."""
    gather(site.deployment, 300)
    with site.deployment.database.read() as connection:
        people = connection.execute(tables.enrollments.select()).all()
    page = kim.page("/console/map")
    found = rows(page)
    active = [one for one in people if one.state == Stage.ACTIVE]
    assert len(active) == sum(following for following, _ in found.values())
    for lesson in ("hello", "breathe", "walk", "rest", "goodbye"):
        following, _ = found[f"The letter {lesson}"]
        assert sum(one.next_lesson == lesson for one in active) == following
    last = sum(one.place == "goodbye" for one in people if one.state in {Stage.ACTIVE, Stage.FINISHED})
    assert last == found["The letter goodbye"][1]
    for stage in Stage:
        assert f"<strong>{sum(one.state == stage for one in people)}</strong>" in page
    assert f"{sum(one.paused != '' for one in active)} of them paused" in page


def test_the_map_names_what_stops_a_lesson(site: Site, kim: Visitor) -> None:
    """A held lesson says why, in words that cannot be anything but words, and how many wait at it."""
    person = site.have_letters(site.enroll(), 2)
    with site.deployment.database.write() as connection:
        versions.hold_lesson(connection, "small", "walk", version_id=1, reason="broken-letter", detail=HOSTILE, now=site.now())
    assert person.next_due_at is not None
    site.pass_to(person.next_due_at + timedelta(minutes=1))
    page = kim.page("/console/map")
    assert "Does not go: &lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;{{ 7*7 }}" in page
    assert "1 waits at it" in page
    assert "<script>alert" not in page


def test_the_week_has_each_letter_in_its_hour(site: Site, kim: Visitor) -> None:
    """The table holds every letter of the coming week in the hour of the course's zone, and the charts say the same in words."""
    gather(site.deployment, 300)
    page = kim.page("/console/week")
    [whole] = re.findall(r"<p>([\d,]+) letters fall due", page)
    [foot] = re.findall(r"<tfoot>(.*?)</tfoot>", page, re.DOTALL)
    days = [int(one.replace(",", "")) for one in re.findall(r'<td class="number">([\d,]+)</td>', foot)]
    assert (7, int(whole.replace(",", ""))) == (len(days), sum(days))
    assert "Hours are those of Europe/London" in page
    titles = [int(one.replace(",", "")) for one in re.findall(r"<title[^>]*>[^<]*: ([\d,]+) letters?</title>", page)]
    assert days == titles
    told = [sum(map(int, re.findall(r"\d\d:00 (\d+)\.", words))) for words in re.findall(r"<desc[^>]*>([^<]*)</desc>", page)]
    assert days == told
    bars = [len(re.findall("<rect ", chart)) for chart in re.findall(r'<svg class="columns".*?</svg>', page, re.DOTALL)]
    assert [len(re.findall(r"\d\d:00", words)) for words in re.findall(r"<desc[^>]*>([^<]*)</desc>", page)] == bars


def test_a_held_course_says_that_nothing_of_the_week_goes(site: Site, kim: Visitor) -> None:
    """The hold stands over the week with its reason, and letters whose time is past are told."""
    person = site.have_letters(site.enroll(), 2)
    with site.deployment.database.write() as connection:
        versions.hold(connection, None, "a storm", site.now())
    assert person.next_due_at is not None
    site.pass_to(person.next_due_at + timedelta(hours=1))
    page = kim.page("/console/week")
    assert "<strong>Held:</strong> a storm" in page
    assert "1 letter has its time behind it and waits." in page


def test_an_empty_course_has_its_pages(site: Site, kim: Visitor) -> None:
    """With nobody on the course the figures are zero, and nothing divides by them."""
    assert {(0, 0)} == set(rows(kim.page("/console/map")).values())
    assert "0 letters fall due." in kim.page("/console/week")
    assert "No letter fell due in that time." in kim.page("/console/outcomes")
    assert "Nothing is in doubt" in kim.page("/console/uncertain")


@pytest.mark.parametrize("room", ["map", "week", "outcomes", "uncertain", "files", "versions"])
def test_whoever_may_look_sees_every_room(site: Site, admit: Admit, room: str) -> None:
    """To look takes no further permission, and a stranger is led to the way in."""
    lee = admit(site, "lee", "look")
    assert "<h1>" in lee.page(f"/console/{room}")
    assert 303 == Visitor(site).get(f"/console/{room}").status
