"""The sandbox's memory: durable, safe from any thread, and read as a mail program would show it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drip.errors import DripError
from drip.sandbox.links import Link, links_of
from drip.sandbox.mailbox import Counts, Mailbox
from drip.sandbox.substitution import substitute

Make = Callable[..., dict[str, Any]]

MACHINE = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
CALENDAR = datetime(2026, 6, 9, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Mailbox]:
    """An empty mailbox."""
    mailbox = Mailbox(tmp_path / "sandbox.db")
    yield mailbox
    mailbox.close()


def accept(store: Mailbox, payload: dict[str, Any], *, message_id: str = "receipt", later: int = 0) -> None:
    """Put *payload* into *store*, *later* weeks after the first."""
    shift = timedelta(weeks=later)
    store.accept(payload, message_id=message_id, accepted_at=MACHINE, calendar_at=CALENDAR + shift)


def test_a_mail_keeps_all_that_came(store: Mailbox, letter: Make, person: Make) -> None:
    """It has its person, delivery, bodies, headers, raw request, receipt, and the instants of both clocks."""
    ada = person("ada@example.net", "d1", substitutions={"zNameTz": "Ada"}, headers={"List-Unsubscribe": "<http://x/zNameTz>"})
    accept(store, letter(ada, person("bob@example.net", "d2"), subject="Hi zNameTz", headers={"List-Id": "<l.example.org>"}))

    mail = store.mail(1)
    assert mail is not None
    assert ("ada@example.net", "d1", "Hi Ada", "receipt") == (mail.address, mail.delivery, mail.subject, mail.message_id)
    assert (MACHINE, CALENDAR) == (mail.accepted_at, mail.calendar_at)
    assert {
        "From": "Sam <letters@example.org>",
        "To": "ada@example.net",
        "Subject": "Hi Ada",
        "Date": "Tue, 09 Jun 2026 09:00:00 +0000",
        "Message-ID": "<receipt@sandbox.invalid>",
        "Reply-To": "hello@example.org",
        "List-Id": "<l.example.org>",
        "List-Unsubscribe": "<http://x/zNameTz>",
    } == mail.headers
    assert [ada] == mail.raw["personalizations"]
    assert ("Hi zNameTz", "text/plain") == (mail.raw["subject"], mail.raw["content"][0]["type"])


def test_a_body_is_kept_once_for_all(tmp_path: Path, store: Mailbox, letter: Make, person: Make) -> None:
    """Five hundred people who share a letter share its text in the file."""
    content = [{"type": "text/html", "value": "<p>" + "long " * 20_000}]
    accept(store, letter(*(person(f"p{n}@example.net") for n in range(500)), content=content))

    assert "<p>long" == store.mails(limit=1)[0].html[:7]
    size = sum(path.stat().st_size for path in tmp_path.glob("sandbox.db*"))
    assert size < 1_000_000


def test_mails_are_found_by_person_delivery_and_number(store: Mailbox, letter: Make, person: Make) -> None:
    """The case of an address does not matter; pages of results go on after a number, in either direction."""
    for week in range(5):
        accept(store, letter(person("ada@example.net", f"a{week}"), person("bob@example.net", f"b{week}")), later=week)

    assert ["a0", "a1", "a2", "a3", "a4"] == [mail.delivery for mail in store.mails(address="ADA@example.net")]
    assert ["b4", "b3"] == [mail.delivery for mail in store.mails(address="bob@example.net", newest_first=True, limit=2)]
    assert ["a3", "b3", "a4", "b4"] == [mail.delivery for mail in store.mails(after=6)]
    assert ["b0", "a0"] == [mail.delivery for mail in store.mails(before=3, newest_first=True)]
    assert ["bob@example.net"] == [mail.address for mail in store.mails(delivery="b2")]
    assert store.mail(99) is None
    assert (5, 0) == (store.letters_of("Ada@example.net"), store.letters_of("cy@example.net"))


def test_people_stand_with_the_latest_letter_first(store: Mailbox, letter: Make, person: Make) -> None:
    """The list shows each person once, with her number of letters and her latest one, and can be searched."""
    accept(store, letter(person("ada@example.net"), person("bob_1@example.net")))
    accept(store, letter(person("ada@example.net", "d9"), subject="Second"))

    assert [("ada@example.net", 2, "Second"), ("bob_1@example.net", 1, "Letter 1: Welcome")] == [
        (each.address, each.letters, each.latest.subject) for each in store.people()
    ]
    assert ["bob_1@example.net"] == [each.address for each in store.people(find="OB_1@")]
    assert [] == store.people(find="%")
    assert ["bob_1@example.net"] == [each.address for each in store.people(limit=1, offset=1)]


def test_counts_name_every_delivery_that_came_twice(store: Mailbox, letter: Make, person: Make) -> None:
    """A delivery seen three times is one duplicate; mails without a delivery are none."""
    for _ in range(3):
        accept(store, letter(person("ada@example.net", "d1")))
    for _ in range(2):
        accept(store, letter({"to": [{"email": "bob@example.net"}]}))

    assert Counts(mails=5, people=2, duplicates=1, unreported=5) == store.counts()


def test_a_delivery_may_be_named_for_the_whole_request(store: Mailbox, letter: Make) -> None:
    """custom_args of the request count for whoever has none of her own."""
    accept(store, letter({"to": [{"email": "ada@example.net"}]}, custom_args={"drip_delivery": "d7"}))

    assert "d7" == store.mails()[0].delivery


def test_reports_only_move_forward(store: Mailbox, letter: Make, person: Make) -> None:
    """What was reported is not reported again, whichever order the numbers come in."""
    accept(store, letter(*(person(f"p{n}@example.net") for n in range(4))))

    assert [1, 2, 3] == [mail.id for mail in store.unreported(limit=3)]
    store.report(3)
    store.report(1)
    assert [4] == [mail.id for mail in store.unreported(limit=3)]


def test_threads_may_write_at_once(store: Mailbox, letter: Make, person: Make) -> None:
    """Requests from many threads are all kept, and each in one piece."""
    with ThreadPoolExecutor(8) as threads:
        for request in range(40):
            people = [person(f"p{request}x{n}@example.net") for n in range(25)]
            threads.submit(accept, store, letter(*people), message_id=f"r{request}")

    assert 1000 == store.counts().mails
    receipts = [mail.message_id for mail in store.mails(limit=2000)]
    assert all(len(set(receipts[start : start + 25])) == 1 for start in range(0, 1000, 25))


def test_a_refused_request_leaves_nothing(store: Mailbox, letter: Make, person: Make) -> None:
    """A fault half-way through a request keeps none of its mails, and the mailbox goes on."""
    with pytest.raises(sqlite3.Error):
        accept(
            store, letter(person("ada@example.net"), {"to": [{"email": "bob@example.net"}], "custom_args": {"drip_delivery": []}})
        )

    assert 0 == store.counts().mails
    accept(store, letter())
    assert 1 == store.counts().mails


def test_accepted_mails_survive_kill_9(tmp_path: Path) -> None:
    """Every request whose acceptance was announced is there after the process was killed without warning."""
    program = f"""
import itertools
from datetime import UTC, datetime
from drip.sandbox.mailbox import Mailbox
store = Mailbox({str(tmp_path / "sandbox.db")!r})
now = datetime(2026, 3, 1, tzinfo=UTC)
for n in itertools.count(1):
    people = [{{"to": [{{"email": f"p{{k}}@example.net"}}]}} for k in range(10)]
    payload = {{"personalizations": people, "from": {{"email": "a@example.org"}}, "content": []}}
    store.accept(payload, message_id=str(n), accepted_at=now, calendar_at=now)
    print(n, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = 0
        while announced < 50:
            announced = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        announced = max([announced, *(int(line) for line in process.stdout.read().splitlines())])

    store = Mailbox(tmp_path / "sandbox.db")
    try:
        mails = store.counts().mails
        assert mails >= announced * 10
        assert 0 == mails % 10
    finally:
        store.close()


def test_a_file_of_another_version_is_left_alone(tmp_path: Path) -> None:
    """It is refused with a sentence that names it, not rewritten."""
    path = tmp_path / "sandbox.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()

    with pytest.raises(DripError, match="another version"):
        Mailbox(path)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("no tags", {"zA": "x"}, "no tags"),
        ("zA and zA", {"zA": "x"}, "x and x"),
        ("zA", {"zA": r"\1 \g<0> $&"}, r"\1 \g<0> $&"),
        ("a.b a+b", {"a.b": "1", "a+b": "2"}, "1 2"),
        ("zA", {}, "zA"),
    ],
)
def test_substitution_is_plain_replacement(text: str, values: dict[str, str], expected: str) -> None:
    """Neither tags nor values are patterns."""
    assert expected == substitute(text, values)


def test_links_are_found_as_a_reader_finds_them() -> None:
    """Those of the HTML in order with their words; of a text alone, its addresses without the full stop after them."""
    html = '<a href="http://x/1?a=1&amp;b=2">Pause\n <b>now</b></a> <a name="here">no</a> <a href="mailto:a@example">write</a>'

    assert [Link("Pause now", "http://x/1?a=1&b=2"), Link("write", "mailto:a@example")] == links_of(html, "http://y")
    assert [Link("", "http://x/a"), Link("", "https://y/b_c")] == links_of("", "See http://x/a. (https://y/b_c)")
