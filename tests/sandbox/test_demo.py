"""`drip demo --exit`: the whole course as a process, once, and then what became of everybody."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from drip.core.enrollment import Enrollment
from drip.sandbox.cast import CHANGING
from drip.sandbox.mailbox import Mail, Mailbox
from drip.store import enrollments
from drip.store.session import Database
from drip.store.tables import enrollments as enrollment_table
from drip.store.tables import subscribers as subscriber_table
from tests.installation import ROOT, environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]

LETTERS = 19
ANYDAY = "halfway"
SECONDS_MAX = 600
"""Half a minute on a machine that does nothing else; tests run beside other tests."""


@dataclass(frozen=True)
class Shown:
    """What a demo left: what it said, when it said its last word, and what is in its folder."""

    folder: Path
    code: int
    said: str
    errors: str
    seconds_after_last_word: float
    before: dict[str, str]
    journals: list[str]
    people: dict[str, Enrollment]
    mails: dict[str, list[Mail]]

    def local(self, name: str) -> list[datetime]:
        """Return when the letters of somebody came, by her own clocks."""
        zone = ZoneInfo(self.people[name].zone)
        return [mail.calendar_at.astimezone(zone) for mail in self.mails[name]]

    def days(self, name: str) -> list[date]:
        """Return the days on which the letters of somebody came, by her own calendar."""
        return [moment.date() for moment in self.local(name)]


def write_project(folder: Path) -> None:
    """Copy what an operator has: the schedule, the letters, the worker."""
    shutil.copytree(ROOT / "emails", folder / "emails")
    for name in ("schedules.yaml", "worker.py"):
        shutil.copy(ROOT / name, folder)


def fingerprints(folder: Path) -> dict[str, str]:
    """Return the files below *folder*, but for the demo's own and Python's caches, with hashes of what they hold."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_relative_to(folder / "var" / "demo") and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A demo that ran to its end in a folder in which an installation lives already."""
    folder = tmp_path_factory.mktemp("demo")
    write_project(folder)
    (folder / "var").mkdir()
    (folder / "var" / "drip.db").write_bytes(b"an installation's own")
    before = fingerprints(folder)
    with (folder / "errors.txt").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "drip", "demo", "--exit"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        lines, last = [], time.monotonic()
        try:
            for line in process.stdout:
                lines.append(line)
                last = time.monotonic()
            code = process.wait(SECONDS_MAX)
        finally:
            process.kill()
            process.stdout.close()
            process.wait()
        after = time.monotonic() - last
        errors.seek(0)
        words = errors.read()
    (folder / "errors.txt").unlink()
    journals = [path.name for path in (folder / "var" / "demo").glob("*-wal")]
    database = Database.at(folder / "var" / "demo" / "drip.db")
    mailbox = Mailbox(folder / "var" / "demo" / "mailbox.db")
    try:
        yield Shown(folder, code, "".join(lines), words, after, before, journals, people_in(database), mails_in(mailbox))
    finally:
        mailbox.close()
        database.dispose()


def people_in(database: Database) -> dict[str, Enrollment]:
    """Return the enrollments by name."""
    with database.read() as connection:
        query = sa.select(subscriber_table.c.name, enrollment_table.c.id).join_from(subscriber_table, enrollment_table)
        rows = list(connection.execute(query))
        found = {row.name: enrollments.find(connection, row.id) for row in rows}
    return {name: person for name, person in found.items() if person is not None}


def mails_in(mailbox: Mailbox) -> dict[str, list[Mail]]:
    """Return the letters of everybody by name, oldest first."""
    found: dict[str, list[Mail]] = {}
    for mail in mailbox.mails(limit=10_000):
        name = mail.address.partition("@")[0].removeprefix("bounce.").capitalize()
        found.setdefault(name, []).append(mail)
    return found


# The whole ----------------------------------------------------------------------------------------------------------


def test_it_ends_by_itself_and_all_holds(shown: Shown) -> None:
    """It exits with 0, prints the sum, no duplicates, that the audit holds, how long it took, and what staying would show."""
    assert 0 == shown.code, shown.said + shown.errors
    total = sum(len(mails) for mails in shown.mails.values())
    assert f"{total} letters due = {total} submitted + 0 withheld + 0 failed + 0 uncertain + 0 open" in shown.said
    assert f"The provider says: 1 bounced, {total - 1} delivered" in shown.said
    assert "Duplicates: 0\n" in shown.said
    assert "The audit holds." in shown.said
    assert "Without --exit the mailbox stays open" in shown.said
    assert "http://" not in shown.said
    assert "Traceback" not in shown.errors


def test_what_it_says_fits_into_eighty_columns(shown: Shown) -> None:
    """Where there is no terminal it writes plain lines, one a month while people are on their way."""
    lines = shown.said.splitlines()
    assert 4 <= sum("on their way" in line for line in lines) <= 14
    assert all(len(line) <= 80 for line in lines if str(shown.folder) not in line)
    assert "\x1b" not in shown.said


def test_it_ends_promptly(shown: Shown) -> None:
    """After its last word the worker, the pages and Redis end in order, and that takes a moment only."""
    assert shown.seconds_after_last_word < 15


def test_it_touches_nothing_but_its_own_folder(shown: Shown) -> None:
    """An installation in the same folder keeps every byte, and no file is made beside it; the demo has keys of its own."""
    assert shown.before == fingerprints(shown.folder)
    state = shown.folder / "var" / "demo"
    assert {"drip.db", "mailbox.db", "keys.json"} <= {path.name for path in state.iterdir()}
    assert 0o600 == (state / "keys.json").stat().st_mode & 0o777
    assert 0o700 == state.stat().st_mode & 0o777
    assert [] == shown.journals
    logs = "".join(path.read_text() for path in (state / "log").iterdir())
    assert "example.net" not in logs
    assert "Traceback" not in logs


def test_nobody_gets_anything_twice_or_out_of_order(shown: Shown) -> None:
    """Everybody's letters are different ones, and the numbers in their subjects rise."""
    for name, mails in shown.mails.items():
        subjects = [mail.subject for mail in mails]
        assert len(subjects) == len(set(subjects)), name
        numbers = [int(subject.split()[1].rstrip(":")) for subject in subjects if subject.startswith("Letter ")]
        assert numbers == sorted(numbers), name


def test_letters_keep_to_windows_and_gaps(shown: Shown) -> None:
    """At any speed: never outside the hours that the course allows, never two scheduled letters within two days."""
    for name in shown.people:
        # The welcome letter comes at once, and so does the question before it.
        scheduled = shown.local(name)[2 if name == "Hana" else 1 :]
        assert all(6 <= moment.hour < 22 for moment in scheduled), name
        days = sorted({moment.date() for moment in scheduled})
        assert len(days) == len(scheduled), name
        assert all(after - before >= timedelta(days=2) for before, after in pairwise(days)), name


# Everybody ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ada", "Bo", "Chi", "Dana", "Gus", "Iris", "Jon", "Kim", "Lou"])
def test_most_finish(shown: Shown, name: str) -> None:
    """They get every letter of the course and have finished."""
    assert "finished" == shown.people[name].state
    assert LETTERS == len(shown.mails[name])


def test_ada_reads_on_tuesdays_at_nine(shown: Shown) -> None:
    """The usual day and hour, but for the extra letter half-way."""
    local = [moment for moment, mail in zip(shown.local("Ada"), shown.mails["Ada"], strict=True) if usual(mail)]
    assert {1} == {moment.weekday() for moment in local}
    assert {9} == {moment.hour for moment in local}


def test_bo_reads_at_nine_before_and_after_the_clocks_change(shown: Shown) -> None:
    """Her letters come at nine by her clocks, under both offsets."""
    assert shown.people["Bo"].zone in CHANGING
    local = shown.local("Bo")[1:]
    assert {9} == {moment.hour for moment in local}
    assert 2 == len({moment.utcoffset() for moment in local})


def test_dana_pauses_two_weeks(shown: Shown) -> None:
    """By the link in her fourth letter: all that follows comes two weeks later than it would have, on her day."""
    ada, dana = shown.days("Ada"), shown.days("Dana")
    assert ada[1:4] == dana[1:4]
    assert [day + timedelta(weeks=2) for day in ada[4:]] == dana[4:]


def test_eli_leaves_for_good(shown: Shown) -> None:
    """By the button in her mail program after the sixth letter: none follows."""
    assert ("left", 6) == (shown.people["Eli"].state, len(shown.mails["Eli"]))


def test_fay_gets_no_second_letter(shown: Shown) -> None:
    """Her mailbox is gone: the report of the first letter ends her course."""
    fay = shown.people["Fay"]
    assert ("ended", "hard-bounce", 1) == (fay.state, fay.ended_why, len(shown.mails["Fay"]))


def test_gus_moves_to_thursdays(shown: Shown) -> None:
    """From the letter after her choice on, her day is Thursday by her own calendar."""
    local = list(zip(shown.local("Gus"), shown.mails["Gus"], strict=True))
    assert {1} == {moment.weekday() for moment, _ in local[1:3]}
    assert {3} == {moment.weekday() for moment, mail in local[3:] if usual(mail)}


def test_hana_is_asked_first(shown: Shown) -> None:
    """Her first letter asks; nothing else comes before she pressed the button; then the whole course."""
    assert "finished" == shown.people["Hana"].state
    assert LETTERS + 1 == len(shown.mails["Hana"])
    first = shown.mails["Hana"][0]
    assert any("/confirm/" in link.url for link in first.links)
    assert not any("/confirm/" in link.url for mail in shown.mails["Hana"][1:] for link in mail.links)


@pytest.mark.parametrize("name", ["Iris", "Jon"])
def test_iris_and_jon_go_slowly(shown: Shown, name: str) -> None:
    """Every two weeks; the extra letter half-way comes between two of them."""
    days = [day for day, mail in zip(shown.days(name), shown.mails[name], strict=True) if usual(mail)]
    assert {14} == {(after - before).days for before, after in pairwise(days)}


def test_kim_reads_at_half_past_six(shown: Shown) -> None:
    """Her hour is hers, on every day but the first."""
    assert {(18, 30)} <= {(moment.hour, moment.minute) for moment in shown.local("Kim")[1:]}
    assert {18} == {moment.hour for moment in shown.local("Kim")[1:]}


def test_lou_holds_a_letter_a_week(shown: Shown) -> None:
    """By the button on the page for rough patches: one week later from the ninth letter on."""
    ada, lou = shown.days("Ada"), shown.days("Lou")
    assert ada[1:8] == lou[1:8]
    assert [day + timedelta(weeks=1) for day in ada[8:]] == lou[8:]


def test_chi_gets_short_letters(shown: Shown) -> None:
    """What she reads is shorter than what others read, letter by letter."""
    for short, full in zip(shown.mails["Chi"], shown.mails["Ada"], strict=True):
        assert len(short.text) < len(full.text), short.subject


def usual(mail: Mail) -> bool:
    """Whether a letter comes on the reader's own day: not at once, and not the extra one half-way."""
    letter = json.dumps(mail.raw.get("categories", [])) + mail.subject
    return mail.subject.startswith("Letter ") and ANYDAY not in letter


# Trouble ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["SENDGRID_API_KEY", "DRIP_SMTP_URL"])
def test_it_never_runs_with_a_provider(tmp_path: Path, setting: str) -> None:
    """With a key in the environment it exits with 2, says which to unset, and makes no file."""
    write_project(tmp_path)
    before = fingerprints(tmp_path)
    command = [sys.executable, "-m", "drip", "demo", "--exit"]
    values = {setting: "smtp://127.0.0.1:1" if setting == "DRIP_SMTP_URL" else "SG.a-key"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(**values), capture_output=True, text=True, check=False, timeout=SECONDS_MAX
    )
    assert (2, "") == (done.returncode, done.stdout)
    assert "the demo never runs with a real provider: unset SENDGRID_API_KEY and DRIP_SMTP_URL" in done.stderr
    assert before == fingerprints(tmp_path)
    assert not (tmp_path / "var").exists()
