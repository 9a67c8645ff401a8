"""The process: where it listens, what it refuses, and that its output names nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from drip import clock, config
from drip.errors import SettingsError
from drip.web.serve import main, port_of, serving

PROJECT = Path(__file__).parents[2]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _environment(state: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DRIP_", "SENDGRID_"))}
    return {**kept, "DRIP_STATE": str(state), "PYTHONPATH": str(PROJECT), **more}


def test_the_port_is_that_of_the_address() -> None:
    """The address that letters carry says where to listen; without a port it is 8000."""
    assert 8123 == port_of(config.Settings(base_url="http://127.0.0.1:8123"))
    assert 8000 == port_of(config.Settings(base_url="http://127.0.0.1"))


@pytest.mark.slow
def test_the_process_serves_and_prints_no_address_of_a_page(tmp_path: Path) -> None:
    """`python -m drip.web` answers, and after forged tokens, unreadable requests and a stop its output holds none of them."""
    state, port = tmp_path / "var", _free_port()
    environment = _environment(state, DRIP_BASE_URL=f"http://127.0.0.1:{port}")
    prepare = "from drip import config, wiring; wiring.Deployment(config.load()).prepare()"
    subprocess.run([sys.executable, "-c", prepare], env=environment, cwd=PROJECT, check=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "drip.web"], env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            deadline = clock.monotonic() + 20
            while True:
                try:
                    assert 200 == pool.request("GET", f"http://127.0.0.1:{port}/healthz").status
                    break
                except urllib3.exceptions.HTTPError:
                    assert clock.monotonic() < deadline
                    clock.wait(0.05)
            for path in ("/my/secret.token", "/leave/secret.token", "/confirm/secret.token"):
                assert pool.request("GET", f"http://127.0.0.1:{port}{path}").status in {200, 404}
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"GET /my/secret.token\x00 HTTP/9.9\r\n\r\n")
            raw.recv(1000)
    finally:
        process.terminate()
        output = process.communicate(timeout=20)[0].decode()
    assert "secret" not in output


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Two processes on one port: the second says which port, and is a settings error."""

    async def app(scope: object, receive: object, send: object) -> None:
        """Answer nothing."""

    with (
        serving(app) as url,
        pytest.raises(SettingsError, match=url.rpartition(":")[2]),
        serving(app, port=int(url.rpartition(":")[2])),
    ):
        pass


def test_a_database_that_is_not_ready_ends_it(tmp_path: Path) -> None:
    """Without tables the process names the remedy and exits with 3."""
    done = subprocess.run(
        [sys.executable, "-m", "drip.web", "--port", "0"],
        env=_environment(tmp_path / "var"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 3 == done.returncode
    assert "drip db upgrade" in done.stderr


def test_unknown_options_are_a_usage_error() -> None:
    """Like every program, it exits with 2."""
    with pytest.raises(SystemExit) as ended:
        main(["--nothing"])
    assert 2 == ended.value.code
