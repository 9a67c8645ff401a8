"""`drip status`, `report`, `hold`, `release`, `db upgrade` and `keys` as an operator meets them."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from drip import config
from drip.core.delivery import SenderRefused
from drip.store.tables import beats, enrollments
from tests.cli.conftest import Run
from tests.databases import Maker
from tests.editing import apply
from tests.engine import Engine
from tests.flows.test_listening import hear, report

OPENING = [
    ["status"],
    ["report", "--audit"],
    ["hold"],
    ["release"],
    ["subscribers", "add", "ada@example.net"],
]
"""Every command that works on an installation that is there already."""


# What stands --------------------------------------------------------------------------------------------------------


def test_status_tells_how_things_stand(engine: Engine, run: Run) -> None:
    """Clock, workers, sender, course with its people, letters and the next moment, each on a line of its own."""
    code, out, err = run("status")
    assert (0, "") == (code, err)
    assert "Workers    no tick yet" in out
    assert "Course     small, version 1: nobody yet" in out
    assert "Next       nothing is dated" in out
    engine.join("ada", "bo")
    engine.join("chi", confirmed=False)
    code, out, _ = run("status")
    assert "Course     small, version 1: 2 active, 1 asked" in out
    assert "Letters    2 due, 1 on their way, 0 reports to work off" in out
    engine.work()
    engine.leave("bo")
    out = run("status")[1]
    assert "Workers    last tick 0" in out
    assert "Sender     sandbox: working\n" in out
    assert "1 active, 1 asked, 1 left" in out
    due = engine.person("ada").next_due_at
    assert due is not None
    assert f"Next       {due.isoformat()}" in out


def test_status_says_when_nothing_runs(engine: Engine, run: Run) -> None:
    """A tick that is long past is said in capitals with the remedy: letters do not go, however calm the rest looks."""
    engine.join("ada")
    engine.work()
    with engine.database.write() as connection:
        at = connection.execute(sa.select(beats.c.machine_at).where(beats.c.name == "tick")).scalar_one()
        connection.execute(beats.update().values(machine_at=at - timedelta(hours=3)))
    assert "Workers    NOTHING RUNS: the last tick was 3 hours ago; start drip up" in run("status")[1]


def test_status_as_json(engine: Engine, run: Run) -> None:
    """The document has a format, and every fact of the text in plain values."""
    engine.join("ada")
    engine.work()
    code, out, err = run("status", "--json")
    found = json.loads(out)
    assert (0, "", 1) == (code, err, found["format"])
    assert ("sandbox", "closed", None) == (found["sender"]["door"], found["sender"]["state"], found["sender"]["retry_at"])
    assert [{"course": "small", "version": 1, "held": None, "people": {"active": 1}}] == found["courses"]
    assert (0, 0, 0) == (found["due_now"], found["open_now"], found["reports_waiting"])
    assert [] == found["held_lessons"] == found["parked_letters"] == found["unreachable_enrollments"]


def test_a_paused_sender_says_why_and_what_to_do(engine: Engine, run: Run) -> None:
    """When the provider refuses us, status names the reason, the remedy, and when it is tried again."""
    engine.mailer.script.append(SenderRefused("the key is refused", remedy="make a new key and set SENDGRID_API_KEY"))
    engine.join("ada")
    engine.send(engine.tick())
    out = run("status")[1]
    assert "Sender     sandbox: paused; the key is refused; make a new key and set SENDGRID_API_KEY; tries again at " in out
    found = json.loads(run("status", "--json")[1])
    assert "paused" == found["sender"]["state"]


# The sum ------------------------------------------------------------------------------------------------------------


def test_the_report_adds_up(engine: Engine, run: Run) -> None:
    """Due is the sum of what became of it; the audit says so and exits with 0."""
    assert (0, "", "no letter fell due yet\n") == run("report")
    engine.join("ada", "bo")
    engine.work()
    code, out, err = run("report", "--audit")
    assert (0, "") == (code, err)
    assert ["small: 2 due = 2 submitted + 0 withheld + 0 failed + 0 uncertain + 0 open", "The audit holds."] == out.splitlines()
    found = json.loads(run("report", "--json")[1])
    assert 1 == found["format"]
    assert "faults" not in found
    (course,) = found["courses"]
    assert ("small", 2, 2, True) == (course["course"], course["due"], course["submitted"], course["adds_up"])
    assert [] == json.loads(run("report", "--json", "--audit")[1])["faults"]


def test_an_audit_that_does_not_hold_exits_with_1(engine: Engine, run: Run) -> None:
    """Each fault is a line on stderr, or an entry of the document; without --audit the report exits with 0."""
    engine.join("ada")
    engine.work()
    with engine.database.write() as connection:
        connection.execute(enrollments.update().values(deliveries_due=enrollments.c.deliveries_due + 1))
    code, out, err = run("report", "--audit")
    assert 1 == code
    assert "The audit holds." not in out
    assert "small" in err
    code, out, err = run("report", "--audit", "--json")
    assert (1, "") == (code, err)
    assert json.loads(out)["faults"]
    assert 0 == run("report")[0]


# The big switches ---------------------------------------------------------------------------------------------------


def test_hold_stops_and_release_goes_on(engine: Engine, run: Run) -> None:
    """Nothing goes while the course is held; status shows it with the reason; after the release the letter goes."""
    engine.join("ada")
    held = run("hold", "small", "--reason", "the server moves")
    assert (0, "small stands still: nothing more goes out until drip release\n", "") == held
    engine.work()
    assert [] == engine.subjects("ada")
    assert "HELD: the server moves" in run("status")[1]
    assert "the server moves" == json.loads(run("status", "--json")[1])["courses"][0]["held"]
    assert (0, "nothing to hold: it was held already, or there is no course yet\n", "") == run("hold")
    assert "HELD: the server moves" in run("status")[1]
    assert (0, "it was held already; the reason is now: it burns\n", "") == run("hold", "--reason", "it burns")
    assert "HELD: it burns" in run("status")[1]
    assert (0, "the course goes on; whatever was waiting follows at people's own hours\n", "") == run("release")
    engine.work()
    assert ["hello"] == engine.subjects("ada")
    code, out, _ = run("release", "small")
    assert 0 == code
    assert "no course was held" in out


@pytest.mark.parametrize("command", ["hold", "release"])
def test_an_unknown_course_is_neither_held_nor_released(engine: Engine, run: Run, command: str) -> None:
    """A typing error must not look like a success."""
    code, out, err = run(command, "smal")
    assert (1, "") == (code, out)
    assert "there is no course 'smal'; running are: small" in err


# The database -------------------------------------------------------------------------------------------------------


def test_db_upgrade_makes_the_tables_and_is_harmless_again(
    databases: Maker, run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an empty database it makes the tables; on a new one it changes nothing; before it, every command names it."""
    url = databases.fresh()
    monkeypatch.setenv("DRIP_DATABASE_URL", url)
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    code, _, err = run("status")
    assert (3, "drip: the database is not up to date; run: drip db upgrade\n") == (code, err)
    assert (0, "the database is up to date now\n", "") == run("db", "upgrade")
    assert (0, "the database was up to date already\n", "") == run("db", "upgrade")
    assert 0 == run("status")[0]
    code, out, err = run("report", "--audit")
    assert (0, "The audit holds.\n") == (code, out)
    databases.drop(url)


@pytest.mark.parametrize("command", OPENING, ids=" ".join)
def test_where_nothing_is_looking_makes_nothing(run: Run, nowhere: None, command: list[str]) -> None:
    """In an empty folder every command says what to do and exits with 3, and the folder stays empty."""
    code, out, err = run(*command)
    assert (3, "") == (code, out)
    assert "there is no database yet" in err
    assert "start drip up, or run: drip db upgrade" in err
    assert [] == list(Path.cwd().iterdir())


def test_a_server_that_is_down_is_named_without_its_password(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not answer exits with 3, names the setting, and does not show what stands in it."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    monkeypatch.setenv("DRIP_DATABASE_URL", f"postgresql+psycopg://drip:a-password@127.0.0.1:{port}/drip")
    code, out, err = run("status")
    assert (3, "") == (code, out)
    assert "the database does not answer" in err
    assert "DRIP_DATABASE_URL" in err
    assert "a-password" not in err


def test_the_other_door_is_refused(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox's database is not opened with a provider's key in the settings; the message names the remedy."""
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.a-key-of-a-provider")
    monkeypatch.setenv("DRIP_BASE_URL", "https://letters.example.com")
    code, out, err = run("status")
    assert (3, "") == (code, out)
    assert "made for the sandbox door" in err
    assert "unset the provider's key" in err


def test_another_suppression_key_is_refused(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another key nobody who left would be recognised, so nothing is opened."""
    monkeypatch.setenv("DRIP_SUPPRESSION_KEY", "quite-another-key-for-addresses")
    code, _, err = run("subscribers", "add", "ada@example.net")
    assert 3 == code
    assert "DRIP_SUPPRESSION_KEY is not the one" in err
    with engine.database.read() as connection:
        assert 0 == connection.execute(sa.select(sa.func.count()).select_from(enrollments)).scalar()


# Settings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*OPENING, ["db", "upgrade"]], ids=" ".join)
def test_an_unknown_setting_is_named(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    """A misspelt setting must not be a silent default: exit 3, with its name and the names that are known."""
    monkeypatch.setenv("DRIP_DATABSE_URL", "sqlite:///x.db")
    code, out, err = run(*command)
    assert (3, "") == (code, out)
    assert "DRIP_DATABSE_URL is not a setting of drip" in err
    assert "DRIP_DATABASE_URL" in err
    assert [] == list(Path.cwd().iterdir())


def test_keys_are_fresh_and_good(run: Run, nowhere: None) -> None:
    """Two lines that can be pasted into an environment, never the same twice, with the warning on stderr."""
    code, out, err = run("keys")
    assert 0 == code
    assert "never be changed" in err
    keys = dict(line.split("=", 1) for line in out.splitlines())
    assert {"DRIP_SECRET_KEYS", "DRIP_SUPPRESSION_KEY"} == set(keys)
    real = {**keys, "SENDGRID_API_KEY": "SG.x", "DRIP_BASE_URL": "https://letters.example.com"}
    assert "real" == config.load(real).door
    again = dict(line.split("=", 1) for line in run("keys")[1].splitlines())
    assert not set(keys.values()) & set(again.values())
    assert [] == list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    "arguments", [["status", "--jsn"], ["hold", "one", "two"], ["subscribers"], ["subscribers", "add"], ["db"]]
)
def test_what_is_not_understood_exits_with_2(run: Run, nowhere: None, arguments: list[str]) -> None:
    """Usage goes to stderr, and stdout stays empty for whoever reads data from it."""
    code, out, err = run(*arguments)
    assert (2, "") == (code, out)
    assert err


def test_a_database_that_upgrade_makes_is_its_owners_alone(
    nowhere: None, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It will hold addresses, and the folder may be one that others can look into."""
    state = tmp_path / "open"
    state.mkdir(mode=0o755)
    monkeypatch.setenv("DRIP_STATE", str(state))
    assert (0, "the database is up to date now\n", "") == run("db", "upgrade")
    assert 0o600 == (state / "drip.db").stat().st_mode & 0o777
    assert (0, "the database was up to date already\n", "") == run("db", "upgrade")


def test_status_shows_the_limit_of_today(engine: Engine, run: Run) -> None:
    """A line for each course that has one, with what went and when it grows; none where there is no limit."""
    assert "Rate " not in run("status")[1]
    schedule = Path(engine.deployment.settings.schedule)
    text = schedule.read_text(encoding="utf-8")
    limit = "    sending: {per_hour: 50, grow: 1.5x daily}\n    phases:"
    schedule.write_text(text.replace("    phases:", limit, 1), encoding="utf-8")
    apply(engine)
    words = "50 letters an hour for all, and 0 went in this one; it grows to 75 after a day with at least 50, and today had 0"
    assert f"Rate       small: {words}" in run("status")[1]
    (found,) = json.loads(run("status", "--json")[1])["limits"]
    assert {"course": "small", "per_hour": 50, "went": 0, "today": 0, "grows_to": 75, "words": words} == found


def test_status_says_that_complaints_hold_a_course(engine: Engine, run: Run) -> None:
    """The line of the course has the figures and what to find out, and a release takes it away."""
    names = ("ada", "bo", "cy")
    engine.join(*names)
    engine.work()
    hear(engine, *(report(engine.deliveries(name)[-1].public_id, "spamreport") for name in names))
    out = run("status")[1]
    assert "HELD: readers reported 3 of the 3 letters of " in out
    assert "how they joined before you release it" in out
    assert 0 == run("release")[0]
    assert "HELD" not in run("status")[1]
