"""What only the owner of the mailbox may do: by a link mailed to her today, and by no other."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest

from drip import clock
from drip.core.holding import ABOUT, NOT_ABOUT_HER, NOT_SHOWN, TITLES
from drip.core.token import OWN
from drip.store import deliveries, subscribers, tables

if TYPE_CHECKING:
    from tests.web.conftest import Site

PAGES = ("data", "data.json", "address", "erase")


def _nonce(page: str) -> str:
    return str(re.findall(r'<input type="hidden" name="nonce" value="([^"]*)">', page)[0])


def test_a_fresh_link_opens_the_three(site: Site) -> None:
    """From her page one press mails a link; behind it My course leads to what is hers alone, and each page opens."""
    person = site.have_letters(site.enroll(), 2)
    my = site.my(person)
    plain = site.page(my)
    assert "/own/" not in plain
    sent = site.press(f"{my}/fresh", {"nonce": _nonce(plain)}).data.decode()
    assert 'on its way to <span class="whole">s…@example.net</span>.' in sent
    site.run()
    link = re.findall(r'href="http://127\.0\.0\.1:8000(/own/[^"]+)"', site.mailbox()[-1].html)[0]

    page = site.page(link)
    for name in ("data", "address", "erase"):
        assert f'href="{link}/{name}"' in page
        inner = site.page(f"{link}/{name}")
        assert 1 == len(re.findall("<h1[ >]", inner))
        assert f'class="home" href="{link}"' in inner
    assert "Mail me a fresh link" not in page
    # They stand before everything else, and once.
    assert page.index("For one day, here:") < page.index(f'href="{link}/data"') < page.index("My map")
    assert 1 == page.count('id="mine"') == page.count(f'href="{link}/erase"')
    assert "For one day, here:" not in plain
    assert "For one day the link also opens" in " ".join(site.mailbox()[-1].text.split())


def test_after_a_move_the_old_mailbox_opens_nothing_of_hers(site: Site) -> None:
    """A link mailed to it before is old at once; one asked from her page goes to the new mailbox and opens the three."""
    person = site.have_letters(site.enroll(), 1)
    before = site.own(person)
    site.press(f"{before}/address", {"address": "new@example.org"})
    site.run()
    [move] = re.findall(r'href="http://127\.0\.0\.1:8000(/change/[^"]+)"', site.mailbox()[-1].html)
    assert "Your letters come here now" in site.press(move).data.decode()

    dumped = site.dump()
    assert "This link has grown old" in site.page(before)
    for name in PAGES:
        answer = site.get(f"{before}/{name}")
        assert (410, False) == (answer.status, "new@example.org" in answer.data.decode())
    assert 410 == site.press(f"{before}/address", {"address": "other@example.org"}).status
    assert 410 == site.press(f"{before}/erase").status
    assert dumped == site.dump()

    page = site.page(site.my(person))
    assert (
        'on its way to <span class="whole">n…@example.org</span>.'
        in site.press(f"{site.my(person)}/fresh", {"nonce": _nonce(page)}).data.decode()
    )
    site.run()
    [link] = re.findall(r'href="http://127\.0\.0\.1:8000(/own/[^"]+)"', site.mailbox()[-1].html)
    assert [200] * len(PAGES) == [site.get(f"{link}/{name}").status for name in PAGES]
    assert "You are erased" in site.press(f"{link}/erase").data.decode()


def test_a_link_without_the_mark_of_a_mailbox_opens_nothing(site: Site) -> None:
    """Links from before they were bound to one count as old."""
    person = site.have_letters(site.enroll(), 1)
    token = site.deployment.tokens.sign_dated(OWN, person.public_id, now=clock.machine_now())
    assert [410] * len(PAGES) == [site.get(f"/own/{token}/{name}").status for name in PAGES]
    assert 410 == site.press(f"/own/{token}/erase").status


def test_a_fresh_link_is_mailed_three_times_a_day(site: Site) -> None:
    """The same form twice mails one; the fourth is refused calmly; a form of nobody's mails none."""
    my = site.my(site.have_letters(site.enroll(), 1))
    form = {"nonce": _nonce(site.page(f"{my}/fresh"))}
    site.press(f"{my}/fresh", form)
    site.press(f"{my}/fresh", form)
    for _ in range(2):
        site.press(f"{my}/fresh", {"nonce": _nonce(site.page(my))})
    assert "enough for today" in site.press(f"{my}/fresh", {"nonce": _nonce(site.page(my))}).data.decode()
    assert 400 == site.press(f"{my}/fresh").status
    site.run()
    assert 4 == len(site.mailbox())


def test_an_old_link_opens_her_page_without_the_three(site: Site) -> None:
    """It says that it has grown old and mails another; nothing can be taken, moved or erased by it."""
    person = site.have_letters(site.enroll(), 2)
    old = site.own(person, days_ago=1)
    page = site.page(old)
    assert "This link has grown old" in page
    assert "/own/" not in page
    before = site.dump()
    for name in PAGES:
        assert "Mail me a fresh link" in site.page(f"{old}/{name}", 410)
    assert 410 == site.press(f"{old}/address", {"address": "new@example.net"}).status
    assert 410 == site.press(f"{old}/erase").status
    assert before == site.dump()


def test_no_other_link_opens_them(site: Site) -> None:
    """Links to her page, to leave, to confirm, cut ones and forged ones are no key to it."""
    person = site.have_letters(site.enroll(), 2)
    tokens = [site.my(person), site.leave(person), f"/x/{site.deployment.service_token('', person.public_id)}"]
    wrong = [f"/own/{one.rpartition('/')[2]}" for one in tokens] + [site.own(person)[:-2], "/own/x"]
    before = site.dump()
    for path in wrong:
        assert 404 == site.get(path).status
        for name in PAGES:
            assert 404 == site.get(f"{path}/{name}").status
        for name in ("address", "erase"):
            assert 404 == site.press(f"{path}/{name}", {"address": "new@example.net"}).status
    assert before == site.dump()


def test_what_is_held_is_all_there(site: Site) -> None:
    """The page names it with the address masked; the file has it in full, letters and their dates and her consents too."""
    person = site.have_letters(site.enroll("samantha@example.net", name="Samantha", weekday=3), 2)
    own = site.own(person)
    with site.deployment.database.write() as connection:
        subscribers.note_consent(
            connection, person.subscriber_id, "roadmap", "agreed", now=site.now(), source="a form", wording="Yes, please & now."
        )
    page = unescape(site.page(f"{own}/data"))
    assert "samantha@" not in page
    assert {"s…@example.net", "Thursday", "Yes, please & now.", "Two words for the road: loaded and locked"} <= {
        one.strip() for one in re.findall(r"<dd>(?:<span[^>]*>)?([^<]*)<", page)
    }
    assert "Your letters" in page
    assert not re.findall(r"\d{4}-\d\d-\d\d|\+00:00|loaded-and-locked|\bsubmitted\b", page)

    answer = site.get(f"{own}/data.json")
    held = json.loads(answer.data)
    assert 'attachment; filename="what-is-held.json"' == answer.headers["Content-Disposition"]
    assert set(TITLES.values()) | {"format", "made"} == set(held)
    assert [("samantha@example.net", "Samantha")] == [(one["Address"], one["What to call you"]) for one in held["You"]]
    letters = held["Letters"]
    assert ["welcome", "loaded-and-locked"] == [one["Letter"] for one in letters]
    assert all("submitted" == one["What we did"] and one["Went on"] for one in letters)
    assert "Yes, please & now." in [one["The words you agreed to"] for one in held[TITLES["consents"]]]
    for table, labels in ABOUT.items():
        for row in held[TITLES[table]]:
            assert set(labels.values()) == set(row)


def test_only_her_own_rows_are_in_it(site: Site) -> None:
    """What is held about somebody else is in no answer to her."""
    person = site.have_letters(site.enroll(), 2)
    site.have_letters(site.enroll("other@example.net", name="Somebody"), 2)
    raw = site.get(f"{site.own(person)}/data.json").data.decode()
    assert "other@" not in raw
    assert "Somebody" not in raw
    with site.deployment.database.read() as connection:
        letters = deliveries.ended(connection, person.id)
    assert [one.letter for one in letters] == [one["Letter"] for one in json.loads(raw)["Letters"]]


def test_every_column_about_a_person_is_shown_or_explained() -> None:
    """A new table or column must be put on one of the lists."""
    for name, table in tables.metadata.tables.items():
        if name in NOT_ABOUT_HER:
            assert name not in ABOUT
            continue
        columns = set(table.c.keys())
        shown, hidden = set(ABOUT[name]), set(NOT_SHOWN[name])
        assert columns == shown | hidden, name
        assert not shown & hidden
        assert all(NOT_SHOWN[name].values())
        assert len(ABOUT[name]) == len(set(ABOUT[name].values())), name
    assert set(ABOUT) == set(TITLES)


def test_the_move_to_another_address(site: Site) -> None:
    """The form asks the new mailbox, its letter has the button, and after the press letters come there."""
    person = site.have_letters(site.enroll(), 2)
    own = site.own(person)
    asked = site.press(f"{own}/address", {"address": "new@example.net"}).data.decode()
    assert "Please look in the new mailbox" in asked
    assert "new@" not in asked
    site.run()
    letter = site.mailbox()[-1]
    [link] = re.findall(r'href="http://127\.0\.0\.1:8000(/change/[^"]+)"', letter.html)
    assert "sam@" not in letter.html + letter.text
    page = site.page(link)
    assert "Move my letters to this mailbox" in page
    assert "example.net" not in page
    assert "n…@" not in site.page(site.my(person))

    done = site.press(link).data.decode()

    assert "Your letters come here now" in done
    assert "n…@example.net" in site.page(site.my(person))
    assert "used up" in site.press(link).data.decode()
    assert "used up" in site.page(link)
    assert person.place == site.person(person.id).place


def test_the_answer_is_the_same_for_a_known_and_an_unknown_address(site: Site) -> None:
    """Nobody learns who else gets letters; the mailbox itself is told what to do."""
    own = site.own(site.have_letters(site.enroll(), 1))
    site.enroll("known@example.net")
    with site.deployment.database.write() as connection:
        from drip.core.address import address_key

        key = address_key("bounced@example.net", site.deployment.suppression_key)
        subscribers.suppress(connection, key, "bounce", now=site.now())
    pages = {
        site.press(f"{own}/address", {"address": f"{name}@example.net"}).data.decode() for name in ("known", "unknown", "bounced")
    }
    assert 1 == len(pages)


def test_an_address_of_somebody_else_is_told_only_to_that_mailbox(site: Site) -> None:
    """The page behind its letter says that it has letters of its own, and nothing moves."""
    person = site.have_letters(site.enroll(), 1)
    site.have_letters(site.enroll("known@example.net"), 1)
    site.press(f"{site.own(person)}/address", {"address": "known@example.net"})
    site.run()
    [link] = re.findall(r'href="http://127\.0\.0\.1:8000(/change/[^"]+)"', site.mailbox()[-1].html)
    assert "This mailbox has letters of its own" in site.press(link).data.decode()
    assert "s…@example.net" in site.page(site.my(person))


@pytest.mark.parametrize("typed", ["", "nobody", "a@b@c", "a b@example.net", "<script>@example.net", "x" * 400])
def test_what_is_no_address_is_said_beside_the_field(site: Site, typed: str) -> None:
    """With 422, and nothing is written."""
    own = site.own(site.have_letters(site.enroll(), 1))
    before = site.dump()
    answer = site.press(f"{own}/address", {"address": typed})
    assert 422 == answer.status
    assert 'id="address-fault"' in answer.data.decode()
    assert "<script" not in answer.data.decode()
    assert before == site.dump()


def test_the_same_mailbox_is_answered_kindly(site: Site) -> None:
    """Nothing changes, and no letter goes."""
    own = site.own(site.have_letters(site.enroll(), 1))
    assert "go there already" in site.press(f"{own}/address", {"address": "Sam@EXAMPLE.net"}).data.decode()
    site.run()
    assert 1 == len(site.mailbox())


def test_a_forged_or_old_link_to_move_does_nothing(site: Site) -> None:
    """A forged one is a kind 404, one older than three days is used up."""
    person = site.have_letters(site.enroll(), 1)
    site.press(f"{site.own(person)}/address", {"address": "new@example.net"})
    with site.deployment.database.read() as connection:
        change = connection.execute(tables.address_changes.select()).one().public_id
    made = clock.machine_now() - timedelta(days=3)
    old = f"/change/{site.deployment.tokens.sign_dated('change', change, now=made)}"
    mine = f"/change/{site.my(person).rpartition('/')[2]}"
    for path, status in ((old, 200), (mine, 404), ("/change/x", 404)):
        assert status == site.get(path).status
        assert status == site.press(path).status
    assert "s…@example.net" in site.page(site.my(person))


def test_erasing_says_what_goes_and_what_stays(site: Site) -> None:
    """One press; the answer is calm, also the second time."""
    person = site.have_letters(site.enroll(), 1)
    own = site.own(person)
    page = site.page(f"{own}/erase")
    assert page.index("What goes") < page.index("What stays") < page.index("Erase me now")
    for _ in range(2):
        answer = site.press(f"{own}/erase")
        assert (200, True) == (answer.status, "You are erased" in answer.data.decode())


def test_erasing_under_a_letter_on_its_way_is_not_acknowledged(site: Site) -> None:
    """Then it is 503 with Retry-After, as with leaving."""
    person = site.enroll()
    own = site.own(person)
    site.deployment.ticker().tick()
    site.handing_over(person)
    answer = site.press(f"{own}/erase")
    assert 503 == answer.status
    assert answer.headers["Retry-After"].isdigit()


def test_a_stranger_is_told_where_to_sign_up(site: Site) -> None:
    """Her page says whose it is, and leads to the form of the same course."""
    page = site.page(site.my(site.enroll()))
    assert "This page belongs to whoever got the letter" in page
    assert 'href="/join/roadmap"' in page


def test_a_press_from_another_site_is_refused(site: Site) -> None:
    """No page elsewhere can mail, move or erase in her name."""
    person = site.have_letters(site.enroll(), 2)
    my, own = site.my(person), site.own(person)
    before = site.dump()
    paths = [f"{my}/{name}" for name in ("next", "again", "fresh", "rough/mail", "letters/welcome/mail")]
    for path in [*paths, f"{own}/address", f"{own}/erase", "/change/x"]:
        assert 403 == site.press(path, {"nonce": "abcdefgh"}, **{"Sec-Fetch-Site": "cross-site"}).status
    assert before == site.dump()
