"""`drip up`: everything on one machine, started in order, minded, and never left behind."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from drip import config
from drip.errors import SettingsError, Unreachable
from drip.sandbox import machine
from drip.sandbox.machine import Child, InUse, Machine, alone
from drip.sandbox.valkey import EmbeddedValkey
from tests.installation import ROLES, Installation, eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("machine")]

GONE_SECONDS = 30.0
"""How long what a killed parent left may take to go: the worker gets time for its last words."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A `drip up` for all tests of this file that leave it running."""
    installation = Installation(tmp_path_factory.mktemp("house"))
    try:
        installation.up()
        yield installation
    finally:
        installation.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Installation]:
    """An installation of one test's own, not yet started."""
    installation = Installation(tmp_path)
    yield installation
    installation.close()


# Up -----------------------------------------------------------------------------------------------------------------


def test_everything_runs_and_answers(house: Installation) -> None:
    """Redis, sandbox, pages, worker and beat each have a process; the addresses that are shown answer."""
    for role in ROLES:
        assert house.process(role) is not None, role
    said = house.said()
    assert f"Pages:   {house.web}" in said
    assert f"Mailbox: {house.sandbox}/" in said
    for url in (f"{house.web}/healthz", f"{house.web}/readyz", f"{house.sandbox}/"):
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert 200 == answer.status


def test_who_is_added_gets_her_letter_in_seconds(house: Installation) -> None:
    """The commands work beside it, without any setting but its own, and the first letter is in the mailbox soon."""
    done = house.run("subscribers", "add", "ada@example.net", "--confirmed", "--name", "Ada")
    assert (0, "the course begins now\n") == (done.returncode, done.stdout), done.stderr
    assert eventually(lambda: [mail["address"] for mail in house.mails()] == ["ada@example.net"]), house.words()
    found = json.loads(house.run("status", "--json").stdout)
    assert found["last_tick_seconds_ago"] < 30
    assert 0 == house.run("report", "--audit").returncode


@pytest.mark.parametrize("role", ["worker", "beat", "web", "sandbox"])
def test_what_was_killed_comes_back(house: Installation, role: str) -> None:
    """A process that somebody killed is started again, at the same address, by the same parent."""
    before = house.process(role)
    assert before is not None
    before.kill()

    def back() -> bool:
        found = house.process(role)
        return found is not None and found.pid != before.pid

    assert eventually(back), house.words()
    seconds_before = time.monotonic()
    checks = {
        # A tick that began after the new process was seen.
        "worker": lambda: _last_tick(house) < time.monotonic() - seconds_before,
        "beat": lambda: _last_tick(house) < time.monotonic() - seconds_before,
        "web": lambda: _opens(f"{house.web}/healthz"),
        "sandbox": lambda: house.get(f"{house.sandbox}/sandbox/counts"),
    }
    assert eventually(checks[role]), house.words()
    assert f"process={role}" in house.said()


def test_a_killed_keeper_leaves_no_stray(house: Installation) -> None:
    """When only the keeper is killed, what it kept is ended too, so that the port is free for the next one."""
    stray = house.process("web")
    assert stray is not None
    house.keeper("web").kill()
    assert eventually(lambda: not stray.is_running()), house.words()
    assert eventually(lambda: _opens(f"{house.web}/healthz")), house.words()


def test_a_second_one_in_the_same_folder_says_so(house: Installation) -> None:
    """It exits with 3 and harms nobody."""
    worker = house.process("worker")
    done = house.run("up")
    assert (3, "") == (done.returncode, done.stdout)
    assert "drip is running in var already" in done.stderr
    assert "Traceback" not in done.stderr
    assert house.runs
    assert worker is not None
    assert worker.is_running()


def test_term_stops_everything_in_order(house: Installation) -> None:
    """SIGTERM ends it with exit code 0: nothing is left, every database is closed, and no log holds a traceback."""
    house.signal(signal.SIGTERM)
    assert 0 == house.exit_code(), house.words()
    assert [] == house.left()
    state = house.folder / "var"
    assert [] == [path.name for path in state.glob("*-wal")]
    assert not (state / "valkey" / "valkey.sock").exists()
    assert "Traceback" not in house.words()


# Down ---------------------------------------------------------------------------------------------------------------


def test_nothing_outlives_a_killed_parent(other: Installation) -> None:
    """After kill -9 of the parent worker, beat, pages, sandbox, Redis and their keepers end; the folder is free at once."""
    other.up()
    running = other.processes()
    assert len(running) >= 2 * len(ROLES)
    other.signal(signal.SIGKILL)
    assert eventually(lambda: not other.left(), GONE_SECONDS), [process.cmdline() for process in other.left()]
    with alone(other.folder / "var"):
        pass


def test_an_existing_redis_is_used_and_left_running(tmp_path: Path) -> None:
    """With DRIP_REDIS_URL no Redis is started; Ctrl-C ends the rest with exit code 0, and the given Redis still answers."""
    with EmbeddedValkey(tmp_path / "redis") as server:
        queue = "a-queue-of-its-own"
        installation = Installation(tmp_path / "up", {"DRIP_REDIS_URL": server.celery_url, "DRIP_QUEUE": queue})
        try:
            installation.up()
            assert installation.process("valkey") is None
            assert installation.process("worker") is not None
            assert "Valkey" not in installation.said()
            with redis.Redis.from_url(server.url) as client:
                keys = {key.decode() for key in client.scan_iter()}
                assert any(queue in key for key in keys), keys
                installation.signal(signal.SIGINT)
                assert 0 == installation.exit_code(), installation.words()
                assert client.ping()
            assert [] == installation.left()
        finally:
            installation.close()


# Trouble ------------------------------------------------------------------------------------------------------------


def test_a_taken_port_is_an_error_in_words(other: Installation) -> None:
    """The message names the port and the setting; nothing is left running."""
    port = int(other.sandbox.rpartition(":")[2])
    with socket.socket() as line:
        line.bind(("127.0.0.1", port))
        line.listen()
        other.start("up")
        assert 3 == other.exit_code()
    assert f"port {port} is taken" in other.said()
    assert "DRIP_SANDBOX_URL" in other.said()
    assert "Traceback" not in other.said()
    assert [] == other.left()


def test_a_worker_that_does_not_start_ends_with_its_last_words(other: Installation) -> None:
    """What the process said last is in the message, with the name of its log; everything else is stopped again."""
    (other.folder / "worker.py").write_text("raise SystemExit('the dog ate it')\n")
    other.start("up")
    assert 3 == other.exit_code()
    assert "the worker does not start; var/log/worker.log ends with:" in other.said()
    assert "the dog ate it" in other.said()
    assert [] == other.left()


def test_faults_in_the_files_stop_a_first_start(other: Installation) -> None:
    """When nothing is live yet and the schedule has faults, they are shown, and no process is started."""
    schedule = other.folder / "schedules.yaml"
    schedule.write_text(schedule.read_text().replace("wait: 3 days", "wait: 3 dyas"))
    done = other.run("up")
    assert (1, "") == (done.returncode, done.stdout)
    assert "schedules.yaml:" in done.stderr


def test_a_child_that_will_not_stay_up_is_given_up(tmp_path: Path) -> None:
    """After five starts within a minute the machine ends with the child's last words."""
    found = Machine(config.load({"DRIP_STATE": str(tmp_path)}))
    command = [sys.executable, "-c", "raise SystemExit('I am not well')"]
    child = Child("web", command, {"PATH": ""}, tmp_path / "web.log")
    found.children.append(child)
    child.start()

    def mind_on() -> None:
        for _ in range(200):
            found.mind()
            time.sleep(0.05)

    try:
        with pytest.raises(Unreachable, match=r"the web ended 5 times within a minute(.|\n)*I am not well"):
            mind_on()
    finally:
        found.stop()
    assert len(child.starts) == machine.RESTARTS_MAX


def test_a_child_that_hangs_is_ended_by_force(tmp_path: Path) -> None:
    """One that does not listen is killed in the end, and stopping twice is nothing."""
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    child = Child("worker", command, {"PATH": ""}, tmp_path / "log" / "worker.log")
    child.start()
    try:
        assert eventually(lambda: child.last_words().endswith("\nup"))
        assert child.process is not None
        below = psutil.Process(child.process.pid).children()
        child.ask_to_stop()
    finally:
        child.ask_to_stop()
        child.wait()
    child.wait()
    assert child.has_ended
    assert not any(process.is_running() for process in below)


def test_a_folder_has_one_drip(tmp_path: Path) -> None:
    """The folder is held while the block runs and free after it."""
    with alone(tmp_path / "var"):
        with pytest.raises(InUse, match="drip is running in"), alone(tmp_path / "var"):
            pass
        assert 3 == InUse.exit_code
    with alone(tmp_path / "var"):
        pass


def test_a_port_that_is_taken_is_passed_over(tmp_path: Path) -> None:
    """The demo takes the port it wants or any free one; an installation asks for its own."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        port = line.getsockname()[1]
        assert port != machine.free_port(port)
        with pytest.raises(SettingsError, match=f"port {port} is taken"):
            machine._require_free(port, "DRIP_BASE_URL")
    assert port == machine.free_port(port)


def _last_tick(house: Installation) -> float:
    """Return how many seconds ago the last tick was."""
    found: float = json.loads(house.run("status", "--json").stdout)["last_tick_seconds_ago"]
    return found


def _opens(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


# Under a service manager, and after a restore ------------------------------------------------------------------------


def test_a_service_manager_keeps_the_lines_of_all_processes(other: Installation) -> None:
    """With --log-to-stderr there is no file that grows, and what a worker says stands where drip up says its own."""
    other.start("up", "--workers", "1", "--log-to-stderr")
    assert eventually(lambda: "Ctrl-C ends everything" in other.said() or not other.runs), other.words()
    other.run("subscribers", "add", "ada@example.net", "--confirmed")
    assert eventually(lambda: "handed-over" in other.said()), other.words()
    assert [] == list(other.folder.glob("var/**/log/*.log"))


def test_a_restored_database_brings_the_pages_up_and_hands_nothing_over(other: Installation) -> None:
    """People must be able to leave; letters go again once an operator has answered for what is lost."""
    other.up()
    other.run("subscribers", "add", "ada@example.net", "--confirmed")
    assert eventually(lambda: len(other.mails()) == 1), other.words()
    database = next(other.folder.glob("var/**/drip.db"))
    backup = database.with_name("backup.db")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", [str(backup)])
    time.sleep(5)
    other.close()
    for path in database.parent.glob("drip.db*"):
        path.unlink()
    backup.rename(database)
    other.up()
    assert eventually(lambda: "STANDS STILL" in other.run("status").stdout), other.words()
    assert eventually(lambda: _opens(f"{other.web}/healthz")), other.words()
    other.run("subscribers", "add", "bo@example.net", "--confirmed")
    time.sleep(5)
    assert 1 == len(other.mails())
    assert 0 == other.run("restored", "--yes").returncode
    assert eventually(lambda: [mail["address"][:2] for mail in other.mails()].count("bo") == 1), other.words()
    assert 2 == len(other.mails())
    assert 0 == other.run("report", "--audit").returncode
