"""The proxies' examples in the documentation: what they write down names nobody."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from drip.sandbox.machine import free_port
from tests.conftest import ask_for

OPERATING = (Path(__file__).parents[1] / "docs" / "operating.md").read_text("utf-8")

TELLING = ("request_uri", "uri", "document_uri", "request", "args", "query_string", "http_referer", "http_cookie", "request_body")
"""Variables of nginx that hold the address of a page, or what was typed into it."""


def example(language: str) -> str:
    """Return the one example in a language."""
    found = re.findall(rf"```{language}\n(.*?)```", OPERATING, re.DOTALL)
    assert 1 == len(found)
    return str(found[0])


def test_nginx_writes_no_address_of_a_page_and_nobodys_own() -> None:
    """Its only log has a format of its own, without the request and without whoever asked; the log of errors is off."""
    text = example("nginx")
    formats = dict(re.findall(r"log_format (\w+) '([^']*)'", text))
    logs = re.findall(r"access_log (\S+) (\w+);", text)
    assert [("/var/log/nginx/drip.log", "drip")] == logs
    assert 1 == text.count("access_log")
    variables = set(re.findall(r"\$(\w+)", formats["drip"]))
    assert set() == variables & {*TELLING, "remote_addr", "http_user_agent", "http_x_forwarded_for"}
    assert {"status", "request_method"} <= variables
    assert "error_log /dev/null" in text


def test_caddy_writes_no_request_down() -> None:
    """It lists requests only when told to, and what it quotes when the pages do not answer is left out."""
    text = example("caddyfile")
    assert ["log default {", "exclude http.log http.handlers"] == re.findall(r"log default \{|exclude .*", text)
    assert 2 == text.split().count("log") + text.split().count("exclude")


def test_caddy_understands_its_example(caddy: str, tmp_path: Path) -> None:
    """By its own validator, as the manual has it typed."""
    file = tmp_path / "Caddyfile"
    file.write_text(example("caddyfile"), encoding="utf-8")
    done = subprocess.run(
        [caddy, "validate", "--adapter", "caddyfile", "--config", str(file)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, True) == (done.returncode, "Valid configuration" in done.stdout + done.stderr), done.stderr


@pytest.mark.parametrize("backend", ["gone", "breaks off"])
def test_caddy_quotes_no_token_when_the_pages_do_not_answer(caddy: str, tmp_path: Path, backend: str) -> None:
    """A page that is asked for while drip is down, or goes down, stands in no line of Caddy's; without the example it would."""
    assert "a-secret-token" not in said_by(caddy, example("caddyfile"), tmp_path, backend=backend)
    if backend == "gone":
        bare = re.sub(r"\tlog default \{.*?\n\t\}\n", "", example("caddyfile"), flags=re.DOTALL)
        assert "a-secret-token" in said_by(caddy, bare, tmp_path, backend=backend)


@pytest.fixture(scope="module")
def caddy() -> str:
    """The path of Caddy."""
    return ask_for("caddy", shutil.which("caddy"))


def said_by(caddy: str, text: str, folder: Path, *, backend: str) -> str:
    """Return everything that Caddy says while somebody asks for a page of hers and *backend* is the trouble."""
    port, behind = free_port(0), free_port(0)
    text = text.replace("{\n", "{\n\tadmin off\n", 1).replace("letters.example.com", f"http://127.0.0.1:{port}")
    file = folder / "Caddyfile"
    file.write_text(text.replace("127.0.0.1:8000", f"127.0.0.1:{behind}"), encoding="utf-8")
    with contextlib.ExitStack() as stack:
        if backend == "breaks off":
            server = stack.enter_context(socket.create_server(("127.0.0.1", behind)))
            threading.Thread(target=break_off, args=[server], daemon=True).start()
        process = stack.enter_context(
            subprocess.Popen(
                [caddy, "run", "--adapter", "caddyfile", "--config", str(file)],
                env={"PATH": os.environ["PATH"], "HOME": str(folder)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        try:
            ask(port)
            time.sleep(0.3)
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=20)
    return said


def break_off(server: socket.socket) -> None:
    """Answer one request with half a page, and hang up."""
    with contextlib.suppress(OSError), server.accept()[0] as line:
        line.recv(4096)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def ask(port: int) -> None:
    """Ask Caddy for a page of hers, as soon as it listens."""
    for _ in range(100):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            line.request("GET", "/my/a-secret-token")
            line.getresponse().read()
        except ConnectionRefusedError:
            time.sleep(0.1)
        except http.client.HTTPException:
            return
        else:
            return
        finally:
            line.close()
    pytest.fail("Caddy does not listen")
