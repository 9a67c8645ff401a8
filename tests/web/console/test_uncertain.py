"""Uncertain letters in the console: the evidence, what each way of settling means, and one press that counts once."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

from drip.core.enrollment import Enrollment
from drip.store import deliveries, tables
from drip.store.deliveries import Delivery
from tests.web.conftest import Site
from tests.web.console.conftest import Admit, Visitor

HOSTILE = '"><img src=x onerror=alert(1)>'
WHY = "their log has no such id"


def in_doubt(site: Site, address: str = "sam@example.net", *, detail: str = "no answer for 30 s") -> tuple[Enrollment, int]:
    """Let the second letter of somebody end in doubt; return her, and the delivery."""
    person = site.have_letters(site.enroll(address), 2)
    mine = tables.deliveries.c.enrollment_id == person.id
    with site.deployment.database.write() as connection:
        newest = max(row.id for row in connection.execute(tables.deliveries.select().where(mine)))
        change = tables.deliveries.update().where(tables.deliveries.c.id == newest)
        connection.execute(change.values(state="uncertain", message_id=None, detail=detail))
    return person, newest


def found(site: Site, delivery: int) -> Delivery:
    """Return a delivery as it stands."""
    with site.deployment.database.read() as connection:
        row = deliveries.find(connection, delivery)
    assert row is not None
    return row


def settle(visitor: Visitor, way: str, *letters: int, why: str = WHY) -> str:
    """Press the button of the page that asks, and return where it leads."""
    answer = visitor.press("/console/uncertain/settle", {"as": way, "deliveries": ",".join(map(str, letters)), "why": why})
    assert 303 == answer.status, answer.data
    return str(answer.headers["Location"])


def test_the_list_shows_the_evidence_and_no_address(site: Site, kim: Visitor) -> None:
    """Each letter with when, why, what the provider said and the id to look for; nothing of the person but a number."""
    person, delivery = in_doubt(site, detail=HOSTILE)
    page = kim.page("/console/uncertain")
    assert "The letter breathe" in page
    assert "&#34;&gt;&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img" not in page
    assert f"<code>{found(site, delivery).public_id}</code>" in page
    assert f'/console/people/{person.public_id}">person {person.id}</a>' in page
    assert "sam@example.net" not in page
    assert f"/console/uncertain/settle?as=again&amp;delivery={delivery}" in page


def test_each_way_says_what_it_means_before_it_is_done(site: Site, kim: Visitor) -> None:
    """Sending again says who may get it twice, calling it submitted says who may never get it; looking settles nothing."""
    _, delivery = in_doubt(site)
    again = kim.page(f"/console/uncertain/settle?as=again&delivery={delivery}")
    assert "Whoever has it already gets it twice." in again
    assert "If the provider did <em>not</em> take it, that person never gets it." in kim.page(
        f"/console/uncertain/settle?as=submitted&delivery={delivery}"
    )
    assert "uncertain" == found(site, delivery).state


def test_it_was_submitted(site: Site, kim: Visitor) -> None:
    """One press, and the letter is submitted with who said so and how she knows; nothing goes out."""
    _, delivery = in_doubt(site)
    before = len(site.mailbox())
    page = kim.page(settle(kim, "submitted", delivery))
    site.run()
    assert ("submitted", f"called submitted by kim: {WHY}") == (found(site, delivery).state, found(site, delivery).detail)
    assert "<strong>submitted</strong>" in page
    assert f"called submitted by kim: {WHY}" in page
    assert before == len(site.mailbox())


def test_it_goes_again(site: Site, kim: Visitor) -> None:
    """The same row waits to go, and goes once."""
    _, delivery = in_doubt(site)
    before = len(site.mailbox())
    page = kim.page(settle(kim, "again", delivery))
    assert "<strong>waits to go</strong>" in page
    site.run()
    assert ("submitted", before + 1) == (found(site, delivery).state, len(site.mailbox()))


def test_what_cannot_go_again_says_why_and_stays(site: Site, kim: Visitor) -> None:
    """Whoever has come to a later letter does not get the old one once more, with or without the page that asks."""
    person, delivery = in_doubt(site)
    due = site.person(person.id).next_due_at
    assert due is not None
    site.pass_to(due)
    assert "Nothing here can go once more" in kim.page(f"/console/uncertain/settle?as=again&delivery={delivery}")
    page = kim.page(settle(kim, "again", delivery))
    assert "still in doubt" in page
    assert "she has come to a later letter since" in page
    assert "uncertain" == found(site, delivery).state


def test_several_are_settled_by_one_press(site: Site, kim: Visitor) -> None:
    """All that are chosen, each with the same words; a number that is none of ours is passed over."""
    letters = [in_doubt(site, f"{name}@example.net")[1] for name in ("ada", "ben")]
    chosen = "&".join(f"delivery={one}" for one in (*letters, 999))
    page = kim.page(f"/console/uncertain/settle?as=submitted&{chosen}&delivery=x&delivery=-1")
    assert [",".join(map(str, letters))] == re.findall(r'name="deliveries" value="([^"]*)"', page)
    settle(kim, "submitted", *letters, 999)
    assert ["submitted"] * 2 == [found(site, one).state for one in letters]


def test_choosing_all_ticks_each(site: Site, kim: Visitor) -> None:
    """Without a script, one link chooses everything on the page, and another nothing."""
    in_doubt(site)
    assert 0 == kim.page("/console/uncertain").count(" checked>")
    assert 1 == kim.page("/console/uncertain?all").count(" checked>")


def test_a_reason_is_asked_for(site: Site, kim: Visitor) -> None:
    """Without one nothing is settled, and the page asks again with the fault beside the field."""
    _, delivery = in_doubt(site)
    for why in ("", " \x07 "):
        form = {"as": "submitted", "deliveries": str(delivery), "why": why}
        answer = kim.press("/console/uncertain/settle", form)
        assert 422 == answer.status
        assert b'aria-describedby="why-fault"' in answer.data
    assert "uncertain" == found(site, delivery).state


def test_nothing_chosen_is_told(site: Site, kim: Visitor) -> None:
    """Neither a page without letters nor a press without them is a fault of the server."""
    assert "Nothing was chosen" in kim.page("/console/uncertain/settle", 404)
    assert "Nothing was chosen" in kim.page("/console/uncertain/settle?as=burn&delivery=1", 404)
    assert 404 == kim.press("/console/uncertain/settle", {"as": "again", "deliveries": ",x,", "why": WHY}).status
    assert 404 == kim.get("/console/uncertain/settled?as=again&delivery=99").status


def test_whoever_may_only_look_settles_nothing(site: Site, admit: Admit) -> None:
    """She sees the evidence and no button; a press of hers is refused and changes nothing."""
    _, delivery = in_doubt(site)
    lee = admit(site, "lee", "look")
    assert "no answer for 30 s" in lee.page("/console/uncertain")
    for path in ("/console/uncertain", f"/console/uncertain/settle?as=again&delivery={delivery}"):
        page = lee.page(path)
        assert "the permission <em>send</em>" in page
        assert 'uncertain/settle">' not in page.replace('method="get" action="/console/uncertain/settle">', "")
    answer = lee.press("/console/uncertain/settle", {"as": "submitted", "deliveries": str(delivery), "why": WHY})
    assert (403, "uncertain") == (answer.status, found(site, delivery).state)


def test_two_operators_who_press_at_once_settle_it_once(site: Site, admit: Admit) -> None:
    """One says submitted and the other again, in the same moment: one of them decides, and both pages tell how it stands."""
    kim, lee = admit(site), admit(site, "lee")
    for number in range(4):
        _, delivery = in_doubt(site, f"person{number}@example.net")
        ways = [(kim, "submitted", kim.token()), (lee, "again", lee.token())]
        start = threading.Barrier(2)

        def press(who: Visitor, way: str, token: str, *, delivery: int = delivery, start: threading.Barrier = start) -> str:
            start.wait()
            form = {"csrf": token, "as": way, "deliveries": str(delivery), "why": way}
            answer = who.post("/console/uncertain/settle", form)
            assert 303 == answer.status
            return who.page(answer.headers["Location"])

        with ThreadPoolExecutor() as pool:
            pages = [waiting.result() for waiting in [pool.submit(press, *way) for way in ways]]
        now = found(site, delivery)
        assert (now.state, now.detail) in {
            ("submitted", "called submitted by kim: submitted"),
            ("pending", "let go once more by lee: again"),
        }
        assert 1 == sum("settled in another way before this press" in page for page in pages)
