"""Celery as drip uses it: hints that hold ids, that may be lost, and that nobody waits for."""

from __future__ import annotations

import ast
import base64
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog
from celery import Celery
from structlog.testing import capture_logs

from drip import clock, config
from drip.core.address import address_key
from drip.flows import asking, enrolling
from drip.sandbox.valkey import EmbeddedValkey
from drip.store import wishes
from drip.store.subscribers import find_by_key
from drip.store.wishes import SIGN_UP, Wish
from drip.tasks import TASK_SECONDS_MAX, VISIBILITY_SECONDS, Hints, make_app
from drip.wiring import Deployment
from tests.conftest import Prepare
from tests.course import write_course
from tests.databases import SqliteFiles
from tests.installation import ROOT, environment, free_port

pytestmark = pytest.mark.xdist_group("tasks")

BATCH = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A broker for all tests of this file."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


def app_for(tmp_path: Path, redis_url: str, **settings: str) -> Celery:
    """Return an application that publishes through *redis_url*."""
    found = config.load({"DRIP_STATE": str(tmp_path / "var"), "DRIP_REDIS_URL": redis_url, **settings})
    return make_app(found)


# What travels -------------------------------------------------------------------------------------------------------


def test_a_hint_holds_an_id_and_nothing_more(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    """In Redis lie the name of the task and the batch's id, on the queue of this installation, without a time to wait for."""
    app = app_for(tmp_path, valkey.celery_url, DRIP_QUEUE="of-this-test")
    hints = Hints(app)
    for publish in (hints.tick, hints.listen, lambda: hints.send(BATCH)):
        publish()
    with redis.Redis.from_url(valkey.url) as client:
        found = client.lrange("of-this-test", 0, -1)
        assert isinstance(found, list)
    app.close()
    messages = [json.loads(each) for each in reversed(found)]
    assert ["drip.tick", "drip.listen", "drip.send"] == [each["headers"]["task"] for each in messages]
    bodies = [json.loads(base64.b64decode(each["body"])) for each in messages]
    assert [[], [], [BATCH]] == [body[0] for body in bodies]
    assert [{}] * 3 == [body[1] for body in bodies]
    for message in messages:
        headers = message["headers"]
        assert (None, None) == (headers["eta"], headers.get("group"))
        assert "json" in message["content-type"]


def test_no_task_waits_in_the_broker() -> None:
    """Nowhere in drip is a task given a time to wait for: Redis would hand it out twice."""
    waiting = {"eta", "countdown", "retry_backoff", "autoretry_for", "default_retry_delay"}
    for path in sorted((ROOT / "drip").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword):
                assert node.arg not in waiting, f"{path}:{node.value.lineno}"


def test_the_hint_of_a_form_works_it_off(prepare: Prepare) -> None:
    """What the pages stored is worked off by the same task as the provider's reports, and by each tick."""
    deployment = prepare()
    app = make_app(deployment.settings)
    for task, name in (("drip.listen", "ada"), ("drip.tick", "bo")):
        wish = Wish(SIGN_UP, "small", f"{name}@example.net", clock.machine_now())
        asking.store(deployment.database, wish)
        with capture_logs():
            app.tasks[task].apply()
        with deployment.database.read() as connection:
            assert [] == wishes.waiting(connection, 9)
            assert find_by_key(connection, address_key(wish.address, deployment.suppression_key))
    app.close()


def test_a_task_that_breaks_names_nobody(prepare: Prepare, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever a trouble says, and with nothing set up for logs: what is printed has its kind and place, and no address."""
    deployment = prepare()
    wish = enrolling.Wish("ada@example.net", name="Adalinde")
    key = deployment.suppression_key
    enrolling.enroll(deployment.database, deployment.library, wish, suppression_key=key, confirmed=True)
    (batch,) = deployment.ticker().tick().hints

    def broken(point: str) -> None:
        about = "ada@example.net, Adalinde"
        raise ValueError(about)

    structlog.reset_defaults()
    app = make_app(deployment.settings, at=broken)
    app.tasks["drip.send"].apply((batch,))
    app.close()

    written = "".join(capfd.readouterr())
    assert "batch-broke" in written
    assert "task-broke" in written
    assert "ValueError" in written
    assert "ada@example" not in written
    assert "Adalinde" not in written


# Settings -----------------------------------------------------------------------------------------------------------


def test_the_settings_keep_a_killed_workers_hint(tmp_path: Path) -> None:
    """Late acknowledgement, one hint at a time, JSON only, no results, and one queue with one key."""
    app = app_for(tmp_path, "redis://127.0.0.1:1", DRIP_QUEUE="mine")
    conf: Any = app.conf
    assert (True, True, 1) == (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.worker_prefetch_multiplier)
    assert (["json"], "json", True) == (conf.accept_content, conf.task_serializer, conf.task_ignore_result)
    assert (None, "mine", [0]) == (
        conf.result_backend,
        conf.task_default_queue,
        conf.broker_transport_options["priority_steps"],
    )
    for name in ("drip.tick", "drip.send", "drip.listen"):
        assert name in app.tasks
    (entry,) = conf.beat_schedule.values()
    assert ("drip.tick", 2.0, 20.0) == (entry["task"], entry["schedule"], entry["options"]["expires"])


def test_a_hint_is_handed_out_again_only_after_the_longest_task(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    """The visibility timeout is longer than any task may run, in the settings and in every channel that is really opened."""
    app = app_for(tmp_path, valkey.celery_url)
    assert VISIBILITY_SECONDS > TASK_SECONDS_MAX == app.conf.task_time_limit
    assert VISIBILITY_SECONDS == app.conf.broker_transport_options["visibility_timeout"]
    for opened in (app.connection_for_read(), app.connection_for_write()):
        with opened as connection:
            assert VISIBILITY_SECONDS == connection.default_channel.visibility_timeout
    app.close()


def test_the_application_reads_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`worker.py` names no settings, so the environment decides; without a Redis the address is one that leads nowhere."""
    for name in config.NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DRIP_STATE", str(tmp_path))
    assert "nowhere" in make_app().conf.broker_url
    monkeypatch.setenv("DRIP_REDIS_URL", "redis://redis.example:6379/5")
    monkeypatch.setenv("DRIP_QUEUE", "of-the-environment")
    conf: Any = make_app().conf
    assert ("redis://redis.example:6379/5", "of-the-environment") == (conf.broker_url, conf.task_default_queue)


# A broker that does not answer --------------------------------------------------------------------------------------


def lost(hints: Hints) -> float:
    """Publish one hint of each kind; return the seconds that the longest took, after all three are logged as lost."""
    longest = 0.0
    for publish, task in (
        (hints.tick, "drip.tick"),
        (hints.listen, "drip.listen"),
        (lambda: hints.send(BATCH), "drip.send"),
    ):
        begun = clock.monotonic()
        with capture_logs() as logs:
            publish()
        longest = max(longest, clock.monotonic() - begun)
        assert [("hint-lost", task, "warning")] == [(line["event"], line["task"], line["log_level"]) for line in logs]
    return longest


@pytest.mark.parametrize("kind", ["port", "socket"])
def test_a_hint_to_nobody_is_lost_quickly(tmp_path: Path, kind: str) -> None:
    """Where nobody listens a hint is given up within seconds, with a line in the log and without an exception."""
    url = f"redis://127.0.0.1:{free_port()}/0" if kind == "port" else f"redis+socket://{tmp_path}/none.sock"
    app = app_for(tmp_path, url)
    assert lost(Hints(app)) < 5
    app.close()


def test_a_broker_that_hangs_costs_seconds(tmp_path: Path) -> None:
    """A server that takes the connection and never says a word is given up too."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        app = app_for(tmp_path, f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = clock.monotonic()
        with capture_logs() as logs:
            Hints(app).tick()
        assert clock.monotonic() - begun < 25
        assert ["hint-lost"] == [line["event"] for line in logs]
        app.close()


def test_a_hint_goes_again_when_the_broker_is_back(tmp_path: Path) -> None:
    """What was lost is not made up for, and the next one arrives."""
    with EmbeddedValkey(tmp_path / "redis") as server:
        app = app_for(tmp_path, server.celery_url, DRIP_QUEUE="again")
        hints = Hints(app)
        hints.tick()
    assert lost(hints) < 5
    with EmbeddedValkey(tmp_path / "redis") as server:
        with capture_logs() as logs:
            hints.send(BATCH)
        with redis.Redis.from_url(server.url) as client:
            assert ([], 1) == (logs, client.llen("again"))
    app.close()


# The worker ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_worker_refuses_the_wrong_door(valkey: EmbeddedValkey, sqlite_files: SqliteFiles, tmp_path: Path) -> None:
    """A database of the sandbox and a provider's key in the settings: exit code 3, the remedy, no traceback, no work."""
    schedule, emails = write_course(tmp_path)
    shutil.copy(ROOT / "worker.py", tmp_path)
    url = sqlite_files.migrated()
    keys = {"DRIP_SECRET_KEYS": "a-key-that-signs-links", "DRIP_SUPPRESSION_KEY": "a-key-for-addresses"}
    given = {
        "DRIP_DATABASE_URL": url,
        "DRIP_REDIS_URL": valkey.celery_url,
        "DRIP_SCHEDULE": str(schedule),
        "DRIP_EMAILS": str(emails),
        "DRIP_STATE": str(tmp_path / "var"),
        **keys,
    }
    deployment = Deployment(config.load(given))
    deployment.prepare()
    deployment.database.dispose()
    real = environment(**given, SENDGRID_API_KEY="SG.x", DRIP_BASE_URL="https://letters.example.com", DRIP_LOG="json")
    command = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--concurrency", "1", "-l", "WARNING"]
    done = subprocess.run(command, cwd=tmp_path, env=real, capture_output=True, text=True, check=False, timeout=120)
    assert 3 == done.returncode, done.stderr
    (line,) = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert ("cannot-start", "critical") == (line["event"], line["level"])
    assert "this database was made for the sandbox door" in line["why"]
    assert "unset the provider's key" in line["why"]
    assert "Traceback" not in done.stderr
    sqlite_files.drop(url)


@pytest.mark.slow
def test_a_worker_without_good_settings_says_so(tmp_path: Path) -> None:
    """A misspelt setting ends a worker before it starts, with the name of it."""
    shutil.copy(ROOT / "worker.py", tmp_path)
    command = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--concurrency", "1"]
    bad = environment(DRIP_DATABSE_URL="x")
    done = subprocess.run(command, cwd=tmp_path, env=bad, capture_output=True, text=True, check=False, timeout=120)
    assert 0 != done.returncode
    assert "DRIP_DATABSE_URL is not a setting of drip" in done.stderr + done.stdout
