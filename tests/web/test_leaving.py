"""Leaving: one press, from a page or a mail program, calm for everybody, and undone for thirty days."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from drip.core.token import CONFIRM, LEAVE, MY
from drip.store import endings, stamps, subscribers, tables

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.mark.parametrize("multipart", [True, False])
def test_a_mail_program_leaves_by_one_post(site: Site, multipart: bool) -> None:  # noqa: FBT001
    """RFC 8058 in both encodings: 200 at once, no redirect, no cookie, and the record says that it was one click."""
    person = site.enroll()
    site.run()

    answer = site.pool.request(
        "POST", site.url + site.leave(person), fields=ONE_CLICK, encode_multipart=multipart, redirect=False
    )

    assert 200 == answer.status
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert "left" == site.person(person.id).state
    assert ("withdrawn", "one-click") == site.dump()["consents"][-1][3:4] + site.dump()["consents"][-1][6:7]


@pytest.mark.parametrize("body", [b"", b"\x00\xff not a form", b"List-Unsubscribe=One-Click\r\n", b"--x\r\nbroken"])
def test_any_body_leaves(site: Site, body: bytes) -> None:
    """What stands in the body does not matter, be it empty or broken."""
    person = site.enroll()

    answer = site.press(site.leave(person), body, **{"Content-Type": "multipart/form-data"})

    assert 200 == answer.status
    assert "left" == site.person(person.id).state


def test_another_site_may_post_it(site: Site) -> None:
    """Mail providers post from their own pages, so no origin is asked for."""
    person = site.enroll()

    answer = site.press(site.leave(person), ONE_CLICK, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example.com"})

    assert 200 == answer.status
    assert "left" == site.person(person.id).state


def test_the_button_is_the_first_thing_under_the_heading(site: Site) -> None:
    """No question comes before it; the rest and the slower pace stand below it."""
    page = site.page(site.leave(site.enroll()))

    under = page.partition("</h1>")[2].lstrip()
    assert under.startswith("<form")
    assert under.index("Stop my letters") < under.index("Pause for 4 weeks") < under.index("A letter every two weeks")
    assert "<select" not in page
    assert "checkbox" not in page


def test_leaving_twice_is_leaving_once(site: Site) -> None:
    """A second press answers as the first and writes nothing more."""
    person = site.enroll()
    first = site.press(site.leave(person), ONE_CLICK)
    before = site.dump()

    second = site.press(site.leave(person), ONE_CLICK)

    assert (200, first.data) == (second.status, second.data)
    assert before == site.dump()


def test_nothing_comes_after_it(site: Site) -> None:
    """Who has left gets no further letter, however much time passes."""
    person = site.have_letters(site.enroll(), 2)
    site.press(site.leave(person), ONE_CLICK)

    site.pass_to(site.now() + timedelta(days=40))

    assert 2 == len(site.mailbox())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_unknown_forged_and_cut_links_are_calm(site: Site, method: str) -> None:
    """Whoever it is not, the answer is the same 200, and nothing is written."""
    person = site.enroll()
    whole = site.leave(person)
    nobody = f"/leave/{site.deployment.tokens.sign(LEAVE, 'nobody-at-all')}"
    before = site.dump()

    answers = [
        site.pool.request(method, site.url + path, redirect=False)
        for path in (
            nobody,
            whole[:-4],
            whole[:-9] + ("A" if whole[-9] != "A" else "B") + whole[-8:],
            "/leave/x",
            "/leave/%00%ff",
        )
    ]

    assert {200} == {answer.status for answer in answers}
    assert 1 == len({answer.data for answer in answers})
    assert before == site.dump()


def test_the_erased_are_answered_calmly(site: Site) -> None:
    """An erased person's link says the same as one that was never anybody's."""
    person = site.enroll()
    with site.deployment.database.write() as connection:
        connection.execute(tables.subscribers.update().values(address=None, erased_at=site.now()))

    for answer in (site.get(site.leave(person)), site.press(site.leave(person), ONE_CLICK)):
        assert 200 == answer.status
        assert "No letters are sent for this link" in answer.data.decode()


def test_a_link_serves_one_purpose(site: Site) -> None:
    """The link to her page does not leave, nor does the one to confirm; and the link to leave opens no page of hers."""
    person = site.enroll()
    tokens = site.deployment.tokens
    dated = site.deployment.service_token("", person.public_id)

    for token in (tokens.sign(MY, person.public_id), dated):
        assert 200 == site.press(f"/leave/{token}", ONE_CLICK).status
    assert "active" == site.person(person.id).state
    leave = tokens.sign(LEAVE, person.public_id)
    for path in (f"/my/{leave}", f"/my/{leave}/pause", f"/my/{leave}/settings", f"/my/{leave}/rough", f"/confirm/{leave}"):
        assert 404 == site.get(path).status
    assert 404 == site.press(f"/confirm/{tokens.sign(MY, person.public_id)}").status
    assert CONFIRM not in tokens.sign(MY, person.public_id)


def test_what_a_mail_program_stuck_to_the_link_is_ignored(site: Site) -> None:
    """A full stop or a bracket behind the link does not make it another one."""
    person = site.enroll()

    assert 200 == site.press(f"{site.leave(person)}.)", ONE_CLICK).status
    assert "left" == site.person(person.id).state


def test_old_keys_still_open_links(start: Start) -> None:
    """After a new key was added, links of the old one work."""
    site = start(environment={"DRIP_SECRET_KEYS": "the-old-key-of-links,the-new-key-of-links"})
    person = site.enroll()
    from drip.core.token import Tokens

    old = Tokens(["the-old-key-of-links"]).sign(LEAVE, person.public_id)

    assert 200 == site.press(f"/leave/{old}", ONE_CLICK).status
    assert "left" == site.person(person.id).state


def test_while_a_letter_is_being_handed_over_it_is_not_acknowledged(site: Site) -> None:
    """The answer is 503 with Retry-After and says so; once the letter has its result, the same press is acknowledged."""
    person = site.enroll()
    site.deployment.ticker().tick()
    site.handing_over(person)

    answer = site.press(site.leave(person), ONE_CLICK)

    assert 503 == answer.status
    assert answer.headers["Retry-After"].isdigit()
    assert "You have left. One letter may already be on its way." in answer.data.decode()
    assert "left" == site.person(person.id).state
    with site.deployment.database.write() as connection:
        connection.execute(tables.deliveries.update().values(state="submitted"))
    assert 200 == site.press(site.leave(person), ONE_CLICK).status


def test_undo_brings_her_back_to_her_place(site: Site) -> None:
    """Until a day that the page names, one press names the date of the next letter, and it comes; twice is harmless."""
    person = site.have_letters(site.enroll(), 2)
    left = site.press(site.leave(person), ONE_CLICK).data.decode()
    assert f'action="{site.leave(person)}/undo"' in left
    last = site.now() + timedelta(days=30)
    assert f"Until {last:%A} {last.day} {last:%B} you can come back" in left
    assert f'action="{site.leave(person)}/undo"' in site.page(site.leave(person))

    pages = [site.press(f"{site.leave(person)}/undo").data.decode() for _ in range(2)]

    back = site.person(person.id)
    assert "active" == back.state
    assert back.next_letter_on is not None
    assert all(f"{back.next_letter_on.day} {back.next_letter_on:%B}" in page for page in pages)
    assert back.next_due_at is not None
    site.pass_to(back.next_due_at)
    assert 3 == len(site.mailbox())


def test_after_thirty_days_there_is_no_undo(site: Site) -> None:
    """Later it says so kindly and offers no button."""
    person = site.have_letters(site.enroll(), 1)
    site.press(site.leave(person), ONE_CLICK)
    site.pass_to(site.now() + timedelta(days=31))

    assert "/undo" not in site.page(site.leave(person))
    answer = site.press(f"{site.leave(person)}/undo")
    assert 200 == answer.status
    assert "cannot be undone" in answer.data.decode()
    assert "left" == site.person(person.id).state


def test_instead_of_leaving_she_can_rest_or_go_slower(site: Site) -> None:
    """Both act at once, name the next date, and the date on the button is the one that comes true."""
    person = site.have_letters(site.enroll(), 2)
    offered = site.page(site.leave(person))

    page = site.press(f"{site.leave(person)}/rest").data.decode()

    rested = site.person(person.id)
    assert "weeks" == rested.paused
    assert rested.next_letter_on is not None
    date = f"{rested.next_letter_on:%A} {rested.next_letter_on.day} {rested.next_letter_on:%B}"
    assert f"Next letter on {date}" in offered
    assert date in page
    assert 200 == site.press(f"{site.leave(person)}/slower").status
    assert 2 == site.person(person.id).pace


def test_after_leaving_nothing_rests_and_nothing_is_slower(site: Site) -> None:
    """Presses of an old page say that she has left, and change nothing; the way back stands below."""
    person = site.have_letters(site.enroll(), 1)
    left = site.press(site.leave(person), ONE_CLICK).data
    before = site.person(person.id)

    for instead in ("rest", "slower"):
        assert left == site.press(f"{site.leave(person)}/{instead}").data
    assert before == site.person(person.id)


def test_whoever_confirms_first_rests_from_nothing(site: Site) -> None:
    """Before she has confirmed there is nothing to pause, and the page says so."""
    person = site.enroll(confirmed=False)

    page = site.press(f"{site.leave(person)}/rest").data.decode()

    assert "There is nothing to change now" in page
    assert "Your letters rest" not in page


@pytest.mark.parametrize("leaves", [False, True])
def test_no_page_says_that_somebody_is_back_who_complained(site: Site, leaves: bool) -> None:  # noqa: FBT001
    """After a complaint neither the way back nor a fresh link is promised, and no letter is opened."""
    person = site.have_letters(site.enroll(), 1)
    with site.deployment.database.write() as connection:
        now = stamps.now_in(connection)
        found = subscribers.find(connection, person.subscriber_id)
        assert found is not None
        endings.suppress(connection, {found.address_key: "complaint"}, now=now)
    if leaves:
        assert "/undo" not in site.press(site.leave(person), ONE_CLICK).data.decode()
    before = site.dump()

    page = site.press(f"{site.leave(person)}/undo").data.decode()
    fresh = site.press(f"{site.my(person)}/fresh", {"nonce": "abcdefghij"}).data.decode()

    assert "This cannot be undone now" in page
    assert "You are back" not in page
    assert "No letters go to this address" in fresh
    assert "on its way" not in fresh
    assert "Mail me a fresh link" not in site.page(f"{site.my(person)}/fresh")
    assert "There is nothing to change now" in site.press(f"{site.leave(person)}/rest").data.decode() or leaves
    assert before == site.dump()


def test_the_pages_know_no_redis() -> None:
    """Leaving needs the database alone: neither Redis nor Celery is even loaded."""
    code = "import sys, drip.web.app, drip.web.serve; sys.exit(' '.join({'redis', 'celery', 'kombu'} & set(sys.modules)) or 0)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
