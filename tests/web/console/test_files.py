"""The files in the console: faults in their places, a plan beside them, and a press that applies just what was shown."""

from __future__ import annotations

import html
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3

from drip.store import versions
from tests.course import SCHEDULE
from tests.web.conftest import Site, Start
from tests.web.console.conftest import Admit, Visitor

WALK = "          - {id: walk, wait: 1 week}\n"


def schedule(site: Site) -> Path:
    """Return the schedule that the site's web process reads."""
    return site.deployment.settings.schedule


def words_of(site: Site, lesson: str) -> Path:
    """Return the file of a letter."""
    [found] = site.deployment.settings.emails.rglob(f"{lesson}.md")
    return found


def edit(path: Path, before: str, after: str) -> None:
    """Change a file as an editor does."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def form_of(page: str, **more: str) -> list[tuple[str, str]]:
    """Return what the form of a plan posts, every hazard unticked."""
    [form] = re.findall(r'<form class="card agree".*?</form>', page, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    return [(name, html.unescape(value)) for name, value in hidden] + list(more.items())


def post(visitor: Visitor, path: str, fields: list[tuple[str, str]]) -> urllib3.BaseHTTPResponse:
    """Post a form whose fields may stand there more than once."""
    return visitor.ask("POST", path, urlencode(fields).encode(), {})


def newest(site: Site) -> versions.Version:
    """Return what was applied last."""
    with site.deployment.database.read() as connection:
        row = versions.newest(connection)
        found = None if row is None else versions.find(connection, row[0])
    assert found is not None
    return found


def test_what_is_live_needs_no_press(site: Site, kim: Visitor) -> None:
    """Where the files say what is live there is nothing to apply, and no button."""
    page = kim.page("/console/files/look")
    assert "There is nothing to apply." in page
    assert "Make it live" not in page


def test_other_words_are_one_press(site: Site, kim: Visitor) -> None:
    """A change of wording has no hazard: a press makes it live, under the operator's name, and leads to the version."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    page = kim.page("/console/files/look")
    assert "<dt>walk</dt><dd>another wording</dd>" in page
    answer = post(kim, "/console/files/apply", form_of(page, reason="shorter"))
    assert (303, "/console/versions/2?done=applied") == (answer.status, answer.headers["Location"])
    version = newest(site)
    assert (2, "kim", "shorter") == (version.id, version.applied_by, version.note)
    assert "It is live" in kim.page("/console/versions/2?done=applied")
    assert "There is nothing to apply." in kim.page("/console/files/look")


def test_a_hazard_is_ticked_by_name_with_a_reason(site: Site, kim: Visitor) -> None:
    """Without the tick or without a reason nothing is applied and the page says what lacks; with both the version keeps both."""
    site.have_letters(site.enroll(), 1)
    edit(schedule(site), WALK, "")
    page = kim.page("/console/files/look")
    assert "<strong>removed-unread</strong>: 1 people lose a lesson" in page
    form = form_of(page)
    for fields, said in (
        (form, "removed-unread is not ticked."),
        ([*form, ("accept", "removed-unread"), ("reason", "  ")], "Please say why"),
        ([*form, ("accept", "burst"), ("reason", "because")], "removed-unread is not ticked."),
    ):
        answer = post(kim, "/console/files/apply", fields)
        assert (409, 1) == (answer.status, newest(site).id)
        assert said in answer.data.decode()
        assert "<strong>Nothing was changed.</strong>" in answer.data.decode()
    answer = post(kim, "/console/files/apply", [*form, ("accept", "removed-unread"), ("reason", "it repeats another")])
    assert (303, 2, "kim", "it repeats another") == (answer.status, newest(site).id, newest(site).applied_by, newest(site).note)


def test_a_hazard_that_grew_since_is_refused(site: Site, kim: Visitor) -> None:
    """Who joined meanwhile and loses a lesson was not in the plan: it is refused, and the plan of now stands below."""
    site.have_letters(site.enroll(), 1)
    edit(schedule(site), WALK, "")
    form = form_of(kim.page("/console/files/look"))
    site.have_letters(site.enroll("jo@example.net"), 1)
    answer = post(kim, "/console/files/apply", [*form, ("accept", "removed-unread"), ("reason", "it repeats another")])
    page = answer.data.decode()
    assert (409, 1) == (answer.status, newest(site).id)
    assert "removed-unread is more than the plan showed (2 now, 1 accepted)." in page
    assert "<strong>removed-unread</strong>: 2 people lose a lesson" in page
    answer = post(kim, "/console/files/apply", [*form_of(page), ("accept", "removed-unread"), ("reason", "it repeats another")])
    assert (303, 2) == (answer.status, newest(site).id)


def test_a_file_that_was_edited_meanwhile_is_refused(site: Site, kim: Visitor) -> None:
    """The plan was of other words: nothing is applied, and the fresh plan has the fresh words."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    form = form_of(kim.page("/console/files/look"), reason="")
    edit(words_of(site, "rest"), "One practice", "One small practice")
    answer = post(kim, "/console/files/apply", form)
    page = answer.data.decode()
    assert (409, 1) == (answer.status, newest(site).id)
    assert "the files are not those of the plan." in page
    assert "<dt>rest</dt><dd>another wording</dd>" in page


def test_half_edited_files_change_nothing(site: Site, kim: Visitor) -> None:
    """A fault is shown where it is, with its remedy; a press that was on its way is refused, and what is live stays."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    form = form_of(kim.page("/console/files/look"), reason="")
    edit(schedule(site), "wait: 3 days", "wait: 3 dyas")
    page = kim.page("/console/files/look")
    line = next(number for number, text in enumerate(schedule(site).read_text().splitlines(), 1) if "dyas" in text)
    [place] = re.findall(rf"<code>({schedule(site).name}:{line}:\d+)</code>", page)
    assert place
    assert '<span class="code">S105</span>' in page
    assert "There is none while the files have errors." in page
    assert "Make it live" not in page
    answer = post(kim, "/console/files/apply", form)
    assert (409, 1) == (answer.status, newest(site).id)
    assert "The files have faults, so they cannot go live." in answer.data.decode()


def test_two_who_apply_at_once_make_one_version(site: Site, admit: Admit) -> None:
    """The same plan pressed by two in the same moment: one version, and the other is told that it went live."""
    kim, lee = admit(site), admit(site, "lee")
    edit(words_of(site, "walk"), "One practice", "One small practice")
    forms = [(who, form_of(who.page("/console/files/look"), reason="")) for who in (kim, lee)]
    start = threading.Barrier(2)

    def press(who: Visitor, form: list[tuple[str, str]]) -> urllib3.BaseHTTPResponse:
        start.wait()
        return post(who, "/console/files/apply", form)

    with ThreadPoolExecutor() as pool:
        answers = [waiting.result() for waiting in [pool.submit(press, *form) for form in forms]]
    assert [303, 409] == sorted(answer.status for answer in answers)
    assert 2 == newest(site).id
    [refused] = [answer.data.decode() for answer in answers if answer.status == 409]
    assert "version 2 went live since the plan." in refused
    assert "There is nothing to apply." in refused


@pytest.mark.parametrize(
    ("field", "value"), [("digest", "0" * 12), ("shown", "removed-unread"), ("shown", "x=²"), ("base", "one"), ("source", "")]
)
def test_a_form_that_is_not_whole_is_refused(site: Site, kim: Visitor, field: str, value: str) -> None:
    """What does not belong together is no plan that anybody saw."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    form = [(name, value if name == field else kept) for name, kept in form_of(kim.page("/console/files/look"), reason="")]
    answer = post(kim, "/console/files/apply", form)
    assert (409, 1) == (answer.status, newest(site).id)
    assert "This form is not whole." in answer.data.decode()


def test_whoever_may_only_look_applies_nothing(site: Site, admit: Admit) -> None:
    """She sees the plan and its hazards, and no form; a press of hers is refused."""
    site.have_letters(site.enroll(), 1)
    kim, lee = admit(site), admit(site, "lee", "look")
    edit(schedule(site), WALK, "")
    page = lee.page("/console/files/look")
    assert "<strong>removed-unread</strong>" in page
    assert "agree" not in page
    form = dict(form_of(kim.page("/console/files/look"), accept="removed-unread", reason="it repeats another"))
    answer = lee.press("/console/files/apply", {**form, "csrf": lee.token()})
    assert (403, 1) == (answer.status, newest(site).id)


def test_a_web_process_without_files_says_what_to_do(site: Site, kim: Visitor) -> None:
    """On a host without the files it names where it looked and where the work is done; a press there changes nothing."""
    edit(words_of(site, "walk"), "One practice", "One small practice")
    form = form_of(kim.page("/console/files/look"), reason="")
    schedule(site).unlink()
    for path in ("/console/files", "/console/files/look"):
        page = kim.page(path)
        assert "No files here." in page
        assert f"<code>{schedule(site)}</code>" in page
        assert "<code>drip apply</code>" in page
    answer = post(kim, "/console/files/apply", form)
    assert (409, 1) == (answer.status, newest(site).id)


def test_a_script_fetches_the_part_and_others_the_page(site: Site, kim: Visitor) -> None:
    """The same address gives the whole page to a browser and its part to the page that fetches it by itself."""
    whole = kim.page("/console/files/look")
    part = kim.get("/console/files/look", **{"HX-Request": "true"}).data.decode()
    assert ("<!doctype html>", True) == (whole[:15], '<div id="looked">' in whole)
    assert part.lstrip().startswith('<div id="looked">')
    assert "<html" not in part


def test_hostile_words_in_files_stay_words(start: Start, admit: Admit) -> None:
    """What a file says in names, titles and faults is shown, and nothing of it is markup."""
    site = start(roadmap=False, schedule=SCHEDULE.replace("title: A small course", "title: '<b onclick=x>A & b</b>'"))
    kim = admit(site)
    edit(schedule(site), "{id: goodbye,", "{id: goodbye, '<script>alert(1)</script>': 1,")
    for path in ("/console/map", "/console/week", "/console/outcomes", "/console/files/look", "/console/versions/1"):
        page = kim.page(path)
        assert "<script>alert" not in page
        assert "<b onclick" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in kim.page("/console/files/look")
    assert "&lt;b onclick=x&gt;A &amp; b&lt;/b&gt;" in kim.page("/console/map")
