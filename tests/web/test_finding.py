"""Send me my page, and the button of a link that has grown old."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from drip import clock
from drip.core.enrollment import Stage
from drip.core.token import CONFIRM
from drip.core.wording import day_in_words
from drip.store import tables
from drip.store.wishes import ENOUGH, FRESH
from tests.web.forms import JOIN, SMALL, fill_in, letters, made, stored, work

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from tests.web.conftest import Site, Start


@pytest.fixture
def site(start: Start) -> Site:
    """The pages of the small course, open for everybody."""
    return start(roadmap=False, schedule=SMALL)


def _old_link(site: Site, person: Enrollment, days: float = 31) -> str:
    signed = site.deployment.tokens.sign_dated(CONFIRM, person.public_id, now=clock.machine_now() - timedelta(days=days))
    return f"/confirm/{signed}"


def test_a_lost_link_comes_by_mail(site: Site) -> None:
    """From the front page, and from the page of a dead link, one field and one press bring the letter with the link."""
    for path, status in (("/", 200), ("/my/x", 404), ("/confirm/x", 404)):
        assert 'href="/page"' in site.page(path, status)
    site.enroll()
    site.run()
    answer = fill_in(site, "/page")
    assert (303, "/page/asked") == (answer.status, answer.headers["Location"])
    page = site.page("/page/asked")
    assert all(words in page for words in ("letters@example.org", "About your letters", "spam"))
    assert "sam@" not in page
    work(site)
    assert ["hello", "my-link"] == letters(site)


def test_an_old_link_to_confirm_brings_nobody_back(site: Site) -> None:
    """She left, and her mail program still has the link that began her letters: it begins nothing, and says how to ask."""
    person = site.enroll(confirmed=False)
    site.run()
    link = f"/confirm/{site.deployment.service_token('', person.public_id)}"
    assert b"Welcome, you are in" in site.press(link).data
    site.run()
    assert 200 == site.press(site.leave(person)).status
    for answer in (site.press(link), site.press(link)):
        assert b"You have left" in answer.data
        assert JOIN.encode() in answer.data
    assert "left" == site.person(person.id).state


def test_a_link_that_has_done_its_work_says_so(site: Site) -> None:
    """Whoever is on the course reads when her next letter comes, before a press and after it; nothing is promised anew."""
    person = site.enroll(confirmed=False)
    site.run()
    link = f"/confirm/{site.deployment.service_token('', person.public_id)}"
    site.press(link)
    site.run()
    for page in (site.page(link), site.press(link).data.decode()):
        assert "Your letters are on" in page
        assert "Nothing begins until you press" not in page


def test_who_begins_anew_is_told_the_day_that_holds(site: Site) -> None:
    """A letter came yesterday, in the run before: the first one keeps its distance, and the page names that day."""
    person = site.have_letters(site.enroll(), 2)
    assert 200 == site.press(site.leave(person)).status
    site.enroll(confirmed=False)
    site.run()
    answer = site.press(f"/confirm/{site.deployment.service_token('', person.public_id)}")
    found = site.person(person.id)
    assert found.last_letter_on is not None
    assert found.next_letter_on is not None
    assert timedelta(days=2) <= found.next_letter_on - found.last_letter_on
    assert day_in_words(found.next_letter_on) in answer.data.decode()
    count = len(site.mailbox())
    site.run()
    assert count == len(site.mailbox())


def test_what_is_no_address_is_said_beside_the_field(site: Site) -> None:
    """And what was typed is still there; a form that grew old is shown again."""
    answer = fill_in(site, "/page", email="sam at home")
    assert 422 == answer.status
    assert b'id="email-fault"' in answer.data
    assert b'value="sam at home"' in answer.data
    assert b"Please write your email address here." in fill_in(site, "/page", email="").data
    assert 200 == fill_in(site, "/page", seconds_ago=90_000).status
    assert [] == stored(site)


def test_a_program_learns_nothing(site: Site) -> None:
    """The same answer, and nothing is kept."""
    for changes in ({"topic": "x"}, {"made": made(site, "/page", 0)}):
        assert "/page/asked" == fill_in(site, "/page", changes).headers["Location"]
    assert [] == stored(site)


def test_one_press_on_an_old_link_brings_a_fresh_one(site: Site) -> None:
    """It needs nothing but the old link, and the fresh one begins her letters."""
    person = site.enroll(confirmed=False)
    site.run()
    answer = site.post(f"{_old_link(site, person)}/fresh")
    assert (303, f"{JOIN}/asked") == (answer.status, answer.headers["Location"])
    work(site)
    [*_, fresh] = re.findall(r"/confirm/[\w.-]+", site.mailbox()[-1].text)
    assert 200 == site.press(fresh).status
    assert Stage.ACTIVE == site.person(person.id).state


def test_an_old_link_is_counted_like_a_form(site: Site) -> None:
    """Three a day for one link, the others are stored alike and bring nothing; a forged one is nobody's."""
    path = f"{_old_link(site, site.enroll(confirmed=False))}/fresh"
    assert [303] * 5 == [site.post(path).status for _ in range(5)]
    assert [FRESH] * 3 + [ENOUGH] * 2 == [row["kind"] for row in stored(site)]
    assert 404 == site.press("/confirm/forged/fresh").status
    assert 403 == site.press(path, b"", **{"Sec-Fetch-Site": "cross-site"}).status


def test_an_old_link_of_somebody_who_finished_begins_nothing(site: Site) -> None:
    """It says that she has had all the letters, and how to ask for them once more."""
    person = site.enroll()
    link = _old_link(site, person, days=1)
    with site.deployment.database.write() as connection:
        connection.execute(sa.update(tables.enrollments).values(state="finished", next_due_at=None, next_lesson=None))
    answer = site.press(link)
    assert (200, "finished") == (answer.status, site.person(person.id).state)
    assert b"You have had all the letters" in answer.data
    assert f'href="{JOIN}"'.encode() in answer.data


def test_the_workers_are_told_after_the_answer(start: Start) -> None:
    """Each form that is kept is a hint; one that fails costs nobody the answer."""
    told: list[int] = []

    def hint() -> None:
        told.append(1)
        raise OSError

    site = start(roadmap=False, schedule=SMALL, hint=hint)
    assert [303, 303] == [fill_in(site, path).status for path in (JOIN, "/page")]
    assert 303 == fill_in(site, topic="x").status
    site.page("/page")
    assert [1, 1] == told
