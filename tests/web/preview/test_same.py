"""What is previewed is what is mailed: the same renderer, for the same person, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from drip import clock
from drip.core.token import LEAVE, MY
from drip.flows import adjusting, previewing
from drip.mail.render.proofing import READER
from drip.web.preview.bench import Bench
from drip.web.preview.snapshot import ADDRESS, Files

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from tests.web.conftest import Site, Start

PEOPLE: list[dict[str, Any]] = [
    {"name": "Ada", "country": "GB"},
    {"name": 'Jo <b>"O’Brien"</b> & [x](y) {{ name }}', "short": True, "country": "NL"},
    {"pace": 2, "timezone": "Pacific/Auckland", "weekday": 5, "send_at": "07:30"},
]


def without_links(text: str, base: str, my: str, leave: str) -> str:
    """Return a letter with words in place of what its links are made of."""
    return text.replace(base, "BASE").replace(my, "MY").replace(leave, "LEAVE")


def previewed(site: Site, person: Enrollment) -> tuple[str, str, str, str]:
    """Return the next letter of somebody as the preview shows it: its id, subject, HTML and text."""
    settings = site.deployment.settings
    bench = Bench(Files(settings.schedule, settings.emails))
    readers = previewing.readers_of(site.deployment.database, site.deployment.library, person.subscriber_id)
    reader = readers["roadmap"]
    rendered = bench.current.render("roadmap", reader.next_lesson, reader, full=not reader.short, now=clock.read().calendar)
    links = (ADDRESS, READER.my_token, READER.leave_token)
    return reader.next_lesson, rendered.subject, without_links(rendered.html, *links), without_links(rendered.text, *links)


def mailed_next(site: Site, person: Enrollment) -> tuple[str, str, str, str]:
    """Let the next letter of somebody go out, and return it as it lies in her mailbox."""
    tokens, base = site.deployment.tokens, site.deployment.settings.base_url
    lesson, due_at = person.next_lesson, person.next_due_at
    assert lesson is not None
    assert due_at is not None
    before = len(site.mailbox())
    site.pass_to(due_at)
    (letter,) = site.mailbox()[before:]
    links = (base, tokens.sign(MY, person.public_id), tokens.sign(LEAVE, person.public_id))
    return lesson, letter.subject, without_links(letter.html, *links), without_links(letter.text, *links)


@pytest.mark.parametrize("wish", PEOPLE, ids=["country", "short", "slow"])
def test_her_letters_are_mailed_as_they_were_previewed(start: Start, wish: dict[str, Any]) -> None:
    """Letter after letter, from the second to the end of a phase, the preview had every byte of it but her links."""
    site = start(helplines=True)
    person = site.have_letters(site.enroll(**wish), 1)
    for _ in range(5):
        expected = previewed(site, site.person(person.id))
        assert expected == mailed_next(site, site.person(person.id))


def test_the_first_letter_after_a_pause(site: Site) -> None:
    """It welcomes her back in the preview as in her mailbox."""
    person = site.have_letters(site.enroll(name="Ada"), 3)
    deployment = site.deployment
    adjusting.pause(deployment.database, deployment.library, person.public_id, weeks=2, wait_seconds=1)
    expected = previewed(site, site.person(person.id))
    assert "Welcome back" in expected[2]
    assert expected == mailed_next(site, site.person(person.id))
