"""Pages for everybody: the front, when to get care, and confirming."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from drip.core.token import CONFIRM
from drip.flows import showing
from drip.store import subscribers
from drip.store.tables import enrollments as runs
from drip.store.tables import subscribers as people
from tests.web.forms import SMALL, fill_in, work

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from tests.web.conftest import Site, Start


def _link(site: Site, person: Enrollment, *, days_ago: float = 0) -> str:
    made = site.deployment.tokens.sign_dated(CONFIRM, person.public_id, now=site.now() - timedelta(days=days_ago))
    return f"/confirm/{made}"


def test_the_link_in_a_confirmation_letter_begins_the_course(site: Site) -> None:
    """Opening it begins nothing; its button does, and says who writes, what the subject is, and to look in spam."""
    person = site.enroll(confirmed=False)
    site.run()
    [letter] = site.mailbox()
    [path] = re.findall(r"/confirm/[\w.-]+", letter.text)

    assert "Start my letters" in site.page(path)
    assert "asked" == site.person(person.id).state
    answer = site.press(path)

    assert 200 == answer.status
    page = answer.data.decode()
    assert "active" == site.person(person.id).state
    site.run()
    assert site.mailbox()[-1].subject in page
    assert all(words in page for words in ("Sam from the Roadmap", "letters@example.org", "spam"))


def test_the_proof_of_consent_is_kept(site: Site) -> None:
    """The record says where and from which network address she agreed."""
    site.press(_link(site, site.enroll(confirmed=False)))

    agreed = [row for row in site.dump()["consents"] if "agreed" in row]
    assert [("confirmation page", "127.0.0.1")] == [row[-4:-2] for row in agreed]


def test_confirming_twice_begins_once(site: Site) -> None:
    """The second press changes nothing, and says that her letters are on."""
    person = site.enroll(confirmed=False)
    first = site.press(_link(site, person))
    begun = site.person(person.id)
    second = site.press(_link(site, person))

    assert (200, 200) == (first.status, second.status)
    assert b"Your letters are on" in second.data
    assert begun == site.person(person.id)


def test_after_thirty_days_the_link_has_grown_old(site: Site) -> None:
    """Showing and pressing an old link begin nothing and offer one button for a fresh one."""
    person = site.enroll(confirmed=False)
    old = _link(site, person, days_ago=30)

    for answer in (site.get(old), site.press(old)):
        assert 410 == answer.status
        assert "Send me a fresh link" in answer.data.decode()
    assert "asked" == site.person(person.id).state
    assert 200 == site.get(_link(site, person, days_ago=29.9)).status


def test_a_link_that_is_nobodys_is_answered_kindly(site: Site) -> None:
    """A forged link and a cut one begin nothing."""
    person = site.enroll(confirmed=False)
    link = _link(site, person)
    for path in (link[:-2], "/confirm/x"):
        assert 404 == site.press(path).status
    assert "asked" == site.person(person.id).state


def test_a_link_to_an_address_that_must_not_be_mailed_says_so(site: Site) -> None:
    """Before the press and after it, with nothing to press."""
    person = site.enroll(confirmed=False)
    link = _link(site, person)
    with site.deployment.database.write() as connection:
        key = site.dump()["subscribers"][0][2]
        subscribers.suppress(connection, key, "bounced", now=site.now())
    for page in (site.page(link), site.press(link).data.decode()):
        assert "No letters go to this address" in page
        assert "<button" not in page
        assert "/my/" not in page
    assert "asked" == site.person(person.id).state


def test_when_to_get_care_is_public(site: Site) -> None:
    """Both lists of the live version are there for everybody, nothing of anybody else, and the heading stands once.

    Above them stands how to read the first, and a link to the second for whoever came for that.
    """
    page = site.page("/care")

    order = ["most urgent things stand first", 'href="#crisis"', "Get emergency help now", 'id="crisis"', "It is not watched"]
    assert order == sorted(order, key=page.index)
    assert "Get emergency help now" in page
    for domain in ("befrienders.org", "findahelpline.com"):
        assert f'<a href="https://{domain}">{domain}</a>' in page
    assert 1 == page.count("When to get care</h1>")
    assert "<h3>When to get care" not in page
    assert "/my/" not in page


def test_the_care_page_lists_every_helpline_with_the_day_it_was_checked(start: Start) -> None:
    """They stand by country below the fixed words; a number can be dialled by a tap, words to text are words."""
    page = start(helplines=True).page("/care")

    order = [
        "befrienders.org",
        "Lines by country",
        "<dt>Netherlands</dt>",
        'href="tel:+3100000"',
        "Checked on 2 November 2026",
        "text *HEY* to 00000",
        "<dt>United Kingdom</dt>",
        "Checked on 1 November 2026",
    ]
    assert order == sorted(order, key=page.index)
    assert "In the" not in page


def test_helplines_stand_on_the_care_page_of_a_course_without_the_blocks(start: Start) -> None:
    """A course with lines and no fixed words shows both its own words and the lines."""
    page = start(roadmap=False, helplines=True).page("/care")

    assert page.index("befrienders.org") < page.index("The Listeners")


def test_care_has_words_of_its_own_without_the_blocks(start: Start) -> None:
    """A course without the fixed lists still says where to turn, the most urgent first."""
    page = start(roadmap=False).page("/care")

    order = ["call your local emergency number now", "see a clinician", 'id="crisis"', "befrienders.org"]
    assert order == sorted(order, key=page.index)


def test_the_front_page_says_what_this_is(site: Site) -> None:
    """The sentence is the schedule's, no address tells of it, and three ways lead on: to the form, her page and care."""
    page = site.page("/")

    [live] = showing.live_courses(site.deployment.database, site.deployment.library).values()
    assert "<h1>The Roadmap</h1>" in page
    assert "fibromyalgia" in live.course.about
    assert f'<p class="lead">{live.course.about}</p>' in page
    assert f'<p class="lead">{live.course.about}</p>' in site.page("/join/roadmap")
    links = re.findall(r'(?:href|action|src)="([^"]*)"', page)
    assert {"/join/roadmap", "/page", "/care"} <= set(links)
    assert not re.search("fibro|pain|illness|symptom", " ".join(links), re.IGNORECASE)


def test_a_course_without_a_sentence_tells_no_topic(start: Start) -> None:
    """Its page says that there are short letters, and nothing of what they are about."""
    assert "A course in short letters" in start(roadmap=False, schedule=SMALL).page("/")


def test_each_letter_confirms_its_own_form(start: Start) -> None:
    """A stranger fills in the form with her address before and after her; her own letter's link brings what she typed."""
    site = start(roadmap=False, schedule=SMALL)
    for name, zone in (("You fool", "Asia/Tokyo"), ("Sam", "Europe/Paris"), ("Fool again", "America/Lima")):
        fill_in(site, name=name, zone=zone)
        work(site)
    links = [re.findall(r"/confirm/[\w.-]+", letter.text)[0] for letter in site.mailbox()]
    assert 3 == len(links)

    assert 200 == site.press(links[1]).status
    assert b"Your letters are on" in site.press(links[2]).data
    with site.deployment.database.read() as connection:
        [(name, zone)] = connection.execute(sa.select(people.c.name, runs.c.zone).join(runs, runs.c.subscriber_id == people.c.id))
    assert ("Sam", "Europe/Paris") == (name, zone)
