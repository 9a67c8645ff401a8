"""The sandbox as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from drip import clock
from drip.errors import SettingsError
from drip.sandbox.api import make_sandbox
from drip.sandbox.faults import Faults, Rule
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.serve import serve, serving

PROGRAM = """
import sys
from drip.sandbox.api import make_sandbox
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.serve import serve
serve(make_sandbox(Mailbox(sys.argv[1]), api_key="k"), port=int(sys.argv[2]))
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
    return port


def test_it_serves_until_a_signal_and_logs_no_address(tmp_path: Path) -> None:
    """SIGTERM ends it, and what it printed holds no path: paths and queries hold tokens and addresses."""
    port = free_port()
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / "sandbox.db"), str(port)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            with urllib3.PoolManager(retries=urllib3.Retry(total=200, backoff_factor=0.01, backoff_max=0.1)) as pool:
                answer = pool.request("GET", f"http://127.0.0.1:{port}/mailbox?address=secret@example.net")
                assert 404 == answer.status
                assert "server" not in answer.headers
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=10)
        finally:
            process.kill()

    assert "secret" not in output
    assert "Traceback" not in output


def test_a_taken_port_is_an_error_in_words(tmp_path: Path) -> None:
    """The message names the port."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        with pytest.raises(SettingsError, match=f"Port {line.getsockname()[1]} .* is taken"):
            serve(None, port=line.getsockname()[1])  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_it_is_served_on_this_machine_only(host: str) -> None:
    """An address that others can reach is refused before anything listens."""
    with pytest.raises(SettingsError, match="this machine only"), serving(None, host=host):  # type: ignore[arg-type]
        pass


def test_stopping_does_not_wait_for_a_hang(tmp_path: Path) -> None:
    """A request that hangs for long does not keep the sandbox from ending."""
    faults = Faults()
    faults.add([Rule(action="hang", seconds=600)])
    store = Mailbox(tmp_path / "sandbox.db")
    payload = {
        "personalizations": [{"to": [{"email": "ada@example.net"}]}],
        "from": {"email": "letters@example.org"},
        "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}],
    }
    with urllib3.PoolManager(retries=False) as pool:
        with serving(make_sandbox(store, api_key="k", faults=faults)) as url:
            headers = {"Authorization": "Bearer k"}
            with pytest.raises(urllib3.exceptions.ReadTimeoutError):
                pool.request("POST", f"{url}/v3/mail/send", json=payload, headers=headers, timeout=0.2)
            began = clock.monotonic()
        assert clock.monotonic() - began < 5
    store.close()
