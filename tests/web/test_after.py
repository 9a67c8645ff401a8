"""After the last letter: what she may choose, each by one press, and all her letters as one file."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from drip.core.wording import day_in_words
from drip.flows import forgetting, reporting
from drip.store import enrollments, tables
from tests.course import SCHEDULE

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from tests.web.conftest import Site, Start

EDITED = SCHEDULE.replace(
    "          - {id: goodbye, wait: 1 week, numbered: false}\n",
    "          - {id: goodbye, wait: 1 week, numbered: false}\n          - {id: kit, wait: 1 week}\n",
).replace("    on_demand:\n      - {id: kit}\n", "")
"""The small course with a lesson added after its last one."""


def finished(site: Site, letters: int = 5) -> Enrollment:
    """Enroll somebody and let her have every letter."""
    person = site.have_letters(site.enroll("samantha@example.net", name="Samantha Smith"), letters)
    assert "finished" == person.state
    return person


def consents(site: Site) -> list[tuple[str, str, str]]:
    """Return every consent: action, wording, and the address of its form."""
    table = tables.consents
    with site.deployment.database.read() as connection:
        rows = connection.execute(sa.select(table.c.action, table.c.wording, table.c.form).order_by(table.c.id))
        return [(row.action, row.wording, row.form) for row in rows]


@pytest.fixture
def small(start: Start) -> Site:
    """The pages of the small course."""
    return start(roadmap=False)


def test_the_page_names_the_day_and_offers_each_choice(small: Site) -> None:
    """What stays until when, what may come, the file, and the way to be forgotten; looking changes nothing."""
    person = finished(small)
    before = small.dump()
    page = unescape(small.page(f"{small.my(person)}/after"))
    assert person.ended_at is not None
    on = (person.ended_at + timedelta(days=90)).date()
    assert f"<strong>{day_in_words(on)} {on.year}</strong>" in page
    assert "Keep my page" in page
    assert "Mail me the later letter" in page
    assert f'href="{small.my(person)}/letters.html"' in page
    assert f'href="{small.my(person)}/fresh"' in page
    assert "amantha" not in page
    assert 200 == small.pool.request("HEAD", f"{small.url}{small.my(person)}/after").status
    assert before == small.dump()
    assert f'href="{small.my(person)}/after"' in small.page(small.my(person))


def test_her_page_is_kept_by_one_press(small: Site) -> None:
    """Twice is harmless; no day of forgetting is named any more, and none comes."""
    person = finished(small)
    for _ in range(2):
        answer = small.post(f"{small.my(person)}/after", {"what": "keep"})
        assert (303, f"{small.my(person)}/after") == (answer.status, answer.headers["Location"])
    page = small.page(f"{small.my(person)}/after")
    assert "You asked us to keep your page. Your page stays until you say" in page
    assert "Keep my page" not in page
    small.pass_to(small.now() + timedelta(days=400))
    forgetting.pass_over(small.deployment.database, small.deployment.library)
    assert small.person(person.id).keep


def test_the_late_letter_is_a_consent_of_its_own(small: Site) -> None:
    """The words on the page are what is kept, and the letter comes on the day that the page named."""
    person = finished(small)
    page = unescape(small.page(f"{small.my(person)}/after"))
    assert 303 == small.post(f"{small.my(person)}/after", {"what": "letters"}).status
    after = small.person(person.id)
    assert after.next_letter_on is not None
    assert f"would come on {day_in_words(after.next_letter_on)}" in page
    assert ("active", True, "encore") == (after.state, after.afterwards, after.next_lesson)
    assert 1 == after.next_letter_on.weekday()
    (*_, (action, wording, form)) = consents(small)
    assert "agreed" == action
    assert f"<q>{wording}</q>" in page
    assert form.endswith("/my/…/after")
    assert small.deployment.tokens.sign("my", person.public_id) not in form
    small.post(f"{small.my(person)}/after", {"what": "letters"})
    assert wording == consents(small)[-1][1]
    assert 2 == len(consents(small))
    assert after.next_due_at is not None
    small.pass_to(after.next_due_at)
    assert "About encore" == small.mailbox()[-1].subject
    end = small.person(person.id)
    assert ("finished", "encore") == (end.state, end.place)
    assert "later letter" not in small.page(f"{small.my(person)}/after")
    assert [] == reporting.audit(small.deployment.database, small.deployment.library)


def test_whoever_asked_for_the_late_letter_is_told_so(small: Site) -> None:
    """The page names the day on which it comes, and that her page stays, and offers neither again."""
    person = finished(small)
    for what in ("keep", "letters"):
        small.post(f"{small.my(person)}/after", {"what": what})
    page = small.page(f"{small.my(person)}/after")
    on = small.person(person.id).next_letter_on
    assert on is not None
    assert f"You asked for the later letters. Your next letter comes on <strong>{day_in_words(on)}</strong>" in " ".join(
        page.split()
    )
    assert "Your page stays until you say" in page
    assert "Once you have had the last letter" not in page
    assert "<form" not in page


def test_the_file_is_in_the_order_in_which_letters_came(site: Site) -> None:
    """A kit that came after a letter stands after it, and nothing numbers what has a number of its own."""
    person = site.have_letters(site.enroll(), 2)
    site.press(f"{site.my(person)}/rough/mail")
    site.run()
    site.have_letters(person, 2)
    page = unescape(site.get(f"{site.my(person)}/letters.html").data.decode())
    contents = re.findall(r'<li><a href="#letter-\d+">([^<]*)</a></li>', page)
    assert [letter.subject for letter in site.mailbox()] == contents
    assert 4 == len(contents)
    assert "<ol>" not in page.partition("</nav>")[0]


def test_a_date_that_has_passed_becomes_her_next_own_day(small: Site) -> None:
    """She asks twelve weeks after the end for a letter that would have come after eight: it comes on the next Tuesday."""
    person = finished(small)
    small.post(f"{small.my(person)}/after", {"what": "keep"})
    small.pass_to(small.now() + timedelta(weeks=12, days=1))
    small.post(f"{small.my(person)}/after", {"what": "letters"})
    after = small.person(person.id)
    assert after.next_letter_on is not None
    assert 1 == after.next_letter_on.weekday()
    assert 0 < (after.next_letter_on - small.now().date()).days <= 7


def test_who_is_not_finished_chooses_nothing(small: Site) -> None:
    """Before the end the page says so, and presses change nothing; words that are no choice are refused."""
    person = small.have_letters(small.enroll(), 2)
    page = small.page(f"{small.my(person)}/after")
    assert "Once you have had the last letter" in page
    before = small.dump()
    for what in ("keep", "letters"):
        assert 303 == small.post(f"{small.my(person)}/after", {"what": what}).status
    assert 400 == small.post(f"{small.my(person)}/after", {"what": "nonsense"}).status
    assert before == small.dump()


def test_whose_address_is_barred_gets_no_late_letter(small: Site) -> None:
    """A bounce after the last letter stands against it."""
    person = finished(small)
    with small.deployment.database.write() as connection:
        key = connection.execute(sa.select(tables.subscribers.c.address_key)).scalar_one()
        connection.execute(tables.suppressions.insert().values(address_key=key, course="", reason="hard-bounce", at=small.now()))
    small.post(f"{small.my(person)}/after", {"what": "letters"})
    assert "finished" == small.person(person.id).state


def test_a_lesson_added_after_her_last_letter_stays_out(small: Site) -> None:
    """People who finished do not get what is appended; who goes on with the late letters does not either, and the books agree."""
    person = finished(small)
    settings = small.deployment.settings
    settings.schedule.write_text(EDITED, encoding="utf-8")
    (settings.emails / "two").mkdir(exist_ok=True)
    (settings.emails / "extra" / "kit.md").rename(settings.emails / "two" / "kit.md")
    edition = small.deployment.edition()
    planned = small.deployment.plan(edition)
    from drip.flows.applying import Accepting

    names = frozenset(hazard.name for hazard in planned.hazards)
    small.deployment.apply(edition, planned, Accepting(names, by="Sam", reason="a test"))
    small.post(f"{small.my(person)}/after", {"what": "letters"})
    small.run()
    due = small.person(person.id).next_due_at
    assert due is not None
    small.pass_to(due)
    assert ["About goodbye", "About encore"] == [letter.subject for letter in small.mailbox()][-2:]
    assert [] == reporting.audit(small.deployment.database, small.deployment.library)


def test_all_letters_come_as_one_file_that_needs_nothing(site: Site) -> None:
    """Each in the version she had, without her name, her address, a script, a live token or anything from elsewhere."""
    person = finished(site, 19)
    answer = site.get(f"{site.my(person)}/letters.html")
    assert 200 == answer.status
    assert 'attachment; filename="letters.html"' == answer.headers["Content-Disposition"]
    page = answer.data.decode()
    assert 19 == page.count("<section id=")
    for letter in site.mailbox():
        assert f"{letter.subject}</a></li>" in unescape(page)
    for secret in ("amantha", "Smith", person.public_id, "x7", "/my/", "/leave/", "<script", "@import", "<img", "src="):
        assert secret not in page, secret
    links = re.findall(r'href="([^"]+)"', page)
    assert all(link.startswith(("#", "https://", "tel:", "mailto:")) or link.endswith("/care") for link in links), links
    assert [f"#letter-{number}" for number in range(1, 20)] == links[:19]
    assert 1 == page.count("<body") == page.count("</html>")


def test_the_last_letter_read_again_says_until_when_it_stays(site: Site) -> None:
    """The day, as the mail said it; once her page is kept, until she says so."""
    person = finished(site, 19)
    letter = f"{site.my(person)}/letters/completion"
    went_on = person.last_letter_on
    assert went_on is not None
    assert f"stay until {day_in_words(went_on + timedelta(days=90))}." in unescape(site.page(letter))
    site.post(f"{site.my(person)}/after", {"what": "keep"})
    assert "stay until you say so." in unescape(site.page(letter))


def test_strangers_learn_nothing(small: Site) -> None:
    """A forged link is a calm 404 for each of them."""
    person = finished(small)
    for path in ("after", "letters.html"):
        assert 404 == small.get(f"{small.my(person)[:-2]}/{path}").status
        assert 404 == small.get(f"/my/forged/{path}").status
    assert 404 == small.post("/my/forged/after", {"what": "keep"}).status
    with small.deployment.database.read() as connection:
        found = enrollments.find(connection, person.id)
    assert found is not None
    assert not found.keep
