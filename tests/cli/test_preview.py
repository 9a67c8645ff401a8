"""`drip preview` as a process: it prints its address, follows the files, and ends when it is told to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
import urllib3

from drip.config import NAMES, environment_for, python
from tests.cli.conftest import Run
from tests.engine import Engine

ROOT = Path(__file__).parents[2]
SECONDS = 60

Starting = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the course, and nothing else."""
    shutil.copy(ROOT / "schedules.yaml", tmp_path / "schedules.yaml")
    shutil.copytree(ROOT / "emails", tmp_path / "emails")
    return tmp_path


@pytest.fixture
def starting() -> Iterator[Starting]:
    """A function that starts `drip preview`; whatever still runs after the test is stopped by its pid."""
    with ExitStack() as stack:

        def start(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
            kept = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in NAMES}
            process = subprocess.Popen(
                [python(), "-m", "drip", "preview", "--no-open", *arguments],
                cwd=folder,
                env={**kept, "PYTHONPATH": str(ROOT), **settings},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(_stop, process)
            return process

        yield start


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=SECONDS)


def address(process: subprocess.Popen[str]) -> str:
    """Return the address that a preview prints."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate(timeout=SECONDS)[1]
    return line


def get(url: str) -> tuple[int, str]:
    """Return the status and the words of a page."""
    with urllib3.PoolManager(retries=False, timeout=20) as pool:
        answer = pool.request("GET", url)
        return answer.status, answer.data.decode()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(folder: Path, starting: Starting, number: signal.Signals) -> None:
    """It needs no database and no setting, makes no file, and ends by Ctrl-C as well with exit code 0."""
    before = sorted(path for path in folder.rglob("*"))
    process = starting(folder, "settle")
    url = address(process)
    assert url.startswith("http://127.0.0.1:")
    assert url.endswith("/letters/roadmap/settle")
    status, page = get(url)
    assert (200, True) == (status, "Three ways to settle" in page)
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    assert (0, "") == (process.returncode, out)
    assert "Ctrl-C ends it" in err
    assert "Traceback" not in err
    assert before == sorted(path for path in folder.rglob("*"))


@pytest.mark.slow
def test_only_this_machine_is_listened_to(folder: Path, starting: Starting) -> None:
    """Its one door is on the loopback interface."""
    process = starting(folder)
    address(process)
    doors = [one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.status == psutil.CONN_LISTEN]
    assert ["127.0.0.1"] == doors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["setle"], 1, "there is no letter 'setle'; did you mean settle?"),
        (["--schedule", "nowhere.yaml"], 1, "nowhere.yaml:1:1: F101"),
        (["--emails", "nowhere"], 1, "nowhere:1:1: F101"),
        (["--port", "70000"], 2, "70000"),
        (["--as", "zoe@example.net"], 3, "there is no database yet"),
        (["--as", "no address"], 3, "there is no database yet"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(
    folder: Path, starting: Starting, arguments: list[str], code: int, says: str
) -> None:
    """A slip of the pen is 1, a call that is not understood 2, a missing installation 3; each with its remedy, on stderr."""
    process = starting(folder, *arguments)
    out, err = process.communicate(timeout=SECONDS)
    assert (code, "") == (process.returncode, out)
    assert says in err
    assert "Traceback" not in err
    assert not (folder / "var").exists()


@pytest.mark.slow
def test_a_port_that_is_taken_is_said(folder: Path, starting: Starting) -> None:
    """Exit code 3, and the port is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = starting(folder, "--port", str(port))
        _, err = process.communicate(timeout=SECONDS)
    assert 3 == process.returncode
    assert f"port {port}" in err


@pytest.mark.slow
def test_a_broken_schedule_is_no_reason_not_to_begin(folder: Path, starting: Starting) -> None:
    """Whoever broke it sees where: the list says what is wrong, and the page comes."""
    (folder / "schedules.yaml").write_text("courses: [", encoding="utf-8")
    status, page = get(address(starting(folder, "settle")))
    assert 200 == status
    assert "<code>Y101</code>" in page


@pytest.mark.slow
def test_as_a_subscriber_nothing_names_her(engine: Engine, starting: Starting) -> None:
    """Her next letter opens, greets her and keeps her length; her address is in no page, no address, no log and no process."""
    engine.join("ada", short=True)
    engine.work()
    rows = engine.deliveries("ada")
    settings = engine.deployment.settings
    process = starting(settings.state.parent, "--as", "Ada@Example.net", **_given(environment_for(settings)))
    url = address(process)
    assert url.endswith("/letters/small/breathe")
    _, page = get(f"{url}?panes=text,raw")
    assert "Hello Ada," in page
    assert "This is the short letter." in page
    assert "her next" in page
    assert engine.person("ada").public_id not in page
    assert "ada@" not in page.casefold()
    command = " ".join(psutil.Process(process.pid).cmdline()).casefold()
    assert "ada" not in command.replace(str(settings.state.parent).casefold(), "")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert 0 == process.returncode
    assert "ada" not in err.casefold()
    assert rows == engine.deliveries("ada")


def _given(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(("DRIP_", "SENDGRID_"))}


def test_nobody_is_read_as(engine: Engine, run: Run) -> None:
    """An unknown address ends it before anything is served, and is not repeated."""
    code, out, err = run("preview", "--as", "zoe@example.net")
    assert (1, "") == (code, out)
    assert "nobody by this address" in err
    assert "zoe" not in err
