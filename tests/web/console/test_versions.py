"""Versions in the console: who applied what and why, how two differ, and the way back by a plan like any other."""

from __future__ import annotations

import re

import pytest

from drip.store import versions
from tests.web.conftest import Site
from tests.web.console.conftest import Admit, Visitor
from tests.web.console.test_files import WALK, edit, form_of, newest, post, schedule, words_of


def apply_files(site: Site, kim: Visitor, reason: str = "") -> int:
    """Make the files live by the console, whatever it must accept, and return the number."""
    page = kim.page("/console/files/look")
    accepted = [("accept", name) for name in re.findall(r'name="accept" value="([^"]*)"', page)]
    assert 303 == post(kim, "/console/files/apply", [*form_of(page, reason=reason), *accepted]).status
    return newest(site).id


def test_the_list_tells_who_and_why(site: Site, kim: Visitor) -> None:
    """Each version with its number, who applied it, why, what it changed in a line, and which is live."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    apply_files(site, kim, "<i>shorter</i>")
    page = kim.page("/console/versions")
    heads = re.findall(r'<p class="head">(.*?)</p>', page, re.DOTALL)
    assert ["Version 2", "Version 1"] == [re.findall(r">(Version \d+)<", head)[0] for head in heads]
    assert [True, False] == ["live" in head for head in heads]
    assert "by kim" in heads[0]
    assert "1 letter in other words" in page
    assert "“&lt;i&gt;shorter&lt;/i&gt;”" in page


def test_a_difference_is_marked_by_signs_and_words(site: Site, kim: Visitor) -> None:
    """Added and removed lines carry a sign, a word for whoever hears the page, and their element; never a colour alone."""
    edit(words_of(site, "walk"), "One practice at a time.", "One <b>small</b> practice at a time.")
    apply_files(site, kim)
    page = kim.page("/console/versions/2")
    assert "What it changed against version 1" in page
    assert "1 added, 1 removed" in page
    added = re.findall(r'<tr class="added">(.*?)</tr>', page)
    removed = re.findall(r'<tr class="removed">(.*?)</tr>', page)
    assert ["<ins>One &lt;b&gt;small&lt;/b&gt; practice at a time.</ins>"] == [
        re.findall(r"<ins>.*</ins>", line)[0] for line in added
    ]
    assert ["<del>One practice at a time.</del>"] == [re.findall(r"<del>.*</del>", line)[0] for line in removed]
    assert all('<span class="hidden">added</span>' in line for line in added)
    assert all('<span class="hidden">removed</span>' in line for line in removed)


def test_any_two_versions_can_be_compared(site: Site, kim: Visitor) -> None:
    """Against one that is named, also a later one; against itself nothing differs, and one that is not there is said."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    apply_files(site, kim)
    edit(words_of(site, "rest"), "One practice", "One small practice")
    apply_files(site, kim)
    assert 2 == len(re.findall(r'<details class="diff"', kim.page("/console/versions/3?against=1")))
    assert 2 == len(re.findall(r'<details class="diff"', kim.page("/console/versions/1?against=3")))
    assert "Both say the same." in kim.page("/console/versions/3?against=3")
    assert "There is no version 77." in kim.page("/console/versions/3?against=77", 404)


@pytest.mark.parametrize("number", ["77", "0", "9" * 40])
def test_a_version_that_is_not_there_is_said(site: Site, kim: Visitor, number: str) -> None:
    """Any number that no version has, to look at, to plan and to press."""
    for path in ("", "/back", "/back/look"):
        assert f"There is no version {number}." in kim.page(f"/console/versions/{number}{path}", 404)
    assert 404 == kim.press(f"/console/versions/{number}/back").status
    assert "There is no version one." in kim.page("/console/versions/one", 404)


def test_the_way_back_is_a_plan_like_any_other(site: Site, kim: Visitor) -> None:
    """Going back shows what it does, is refused while its hazard is not ticked, and makes a new version that says where from."""
    site.have_letters(site.enroll(), 2)
    with_walk = schedule(site).read_text(encoding="utf-8")
    edit(schedule(site), WALK, "")
    apply_files(site, kim, "it repeats another")
    schedule(site).write_text(with_walk, encoding="utf-8")
    apply_files(site, kim, "it was missed")
    page = kim.page("/console/versions/2/back/look")
    assert "<strong>removed-unread</strong>: 1 people lose a lesson" in page
    form = form_of(page, reason="as it was")
    assert (409, 3) == (post(kim, "/console/versions/2/back", form).status, newest(site).id)
    answer = post(kim, "/console/versions/2/back", [*form, ("accept", "removed-unread")])
    assert (303, "/console/versions/4?done=back") == (answer.status, answer.headers["Location"])
    assert ("back to version 2: as it was", "kim") == (newest(site).note, newest(site).applied_by)
    assert WALK not in newest(site).schedule_text


def test_a_plan_of_the_way_back_that_moved_is_refused(site: Site, kim: Visitor) -> None:
    """Another version went live since: nothing is changed, and the plan of now stands below."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    apply_files(site, kim)
    form = form_of(kim.page("/console/versions/1/back/look"), reason="")
    edit(words_of(site, "rest"), "One practice", "One small practice")
    apply_files(site, kim)
    answer = post(kim, "/console/versions/1/back", form)
    assert (409, 3) == (answer.status, newest(site).id)
    assert "version 3 went live since the plan." in answer.data.decode()
    assert "<dt>rest</dt><dd>another wording</dd>" in answer.data.decode()


def test_whoever_may_only_look_does_not_go_back(site: Site, admit: Admit) -> None:
    """She sees what it would do; her press is refused."""
    kim, lee = admit(site), admit(site, "lee", "look")
    edit(words_of(site, "walk"), "One practice", "One small practice")
    apply_files(site, kim)
    assert "the permission <em>send</em>" in lee.page("/console/versions/1/back/look")
    form = dict(form_of(kim.page("/console/versions/1/back/look"), reason=""))
    assert 403 == lee.press("/console/versions/1/back", {**form, "csrf": lee.token()}).status
    assert 2 == newest(site).id


def test_a_version_that_todays_rules_refuse_cannot_be_gone_back_to(site: Site, kim: Visitor) -> None:
    """It says what is wrong with it today, offers no button, and a press changes nothing."""
    with site.deployment.database.write() as connection:
        found = versions.find(connection, 1)
        assert found is not None
        versions.publish(
            connection,
            schedule_text=found.schedule_text.replace("wait: 3 days", "wait: never"),
            letters=found.letters,
            course_ids=[],
            first_ids=found.first_ids,
            now=site.now(),
        )
    page = kim.page("/console/versions/2/back/look")
    assert "Today’s rules find faults in this version" in page
    assert "agree" not in page
    assert 409 == kim.press("/console/versions/2/back").status
