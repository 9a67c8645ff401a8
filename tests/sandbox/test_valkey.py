"""The embedded Redis: private, ready when started, and never left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis
from kombu.connection import Connection

from drip import clock
from drip.errors import Unreachable
from drip.sandbox.valkey import EmbeddedValkey, RedisInUse

pytestmark = pytest.mark.slow

PARENT = """
import os, sys, time
from drip.sandbox.valkey import EmbeddedValkey
redis = EmbeddedValkey(sys.argv[1]).start()
child = os.fork() if "fork" in sys.argv else -1
if child:
    print(redis.socket, child, flush=True)
time.sleep(60)
"""


def eventually(holds: Callable[[], bool], seconds: float = 2.0) -> bool:
    """Whether *holds* becomes true within *seconds*."""
    deadline = clock.monotonic() + seconds
    while not holds():
        if clock.monotonic() > deadline:
            return False
        clock.wait(0.02)
    return True


def servers(socket: Path | str) -> list[psutil.Process]:
    """Return the processes, servers and keepers, that have *socket* in their command line or title."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(socket) in words and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def answers(server: EmbeddedValkey) -> bool:
    """Whether redis-py gets an answer."""
    with redis.Redis.from_url(server.url) as client:
        return bool(client.ping())


def command(url: str, *words: str) -> object:
    """Return what redis-py gets for one command."""
    with redis.Redis.from_url(url) as client:
        return client.execute_command(*words)


def test_it_answers_when_started_and_is_gone_when_stopped(tmp_path: Path) -> None:
    """`start` returns when PING is answered; after `stop` neither server nor socket is there."""
    with EmbeddedValkey(tmp_path) as server:
        assert answers(server)
        assert 2 == len(servers(server.socket))
        path = server.socket

    assert ([], False) == (servers(path), path.exists())


def test_it_is_private(tmp_path: Path) -> None:
    """There is no TCP port, nothing is written to disk, and directory and socket are the owner's alone."""
    with EmbeddedValkey(tmp_path / "redis") as server:
        assert {"port": "0"} == command(server.url, "CONFIG GET", "port")
        assert {"save": ""} == command(server.url, "CONFIG GET", "save")
        assert {"appendonly": "no"} == command(server.url, "CONFIG GET", "appendonly")
        listening = [each for process in servers(server.socket) for each in process.net_connections("inet")]
        assert [] == listening
        assert 0o700 == stat.S_IMODE((tmp_path / "redis").stat().st_mode)
        assert 0o700 == stat.S_IMODE(server.socket.stat().st_mode)
        assert b"Ready to accept connections" in server.log.read_bytes()


def test_celery_reaches_it(tmp_path: Path) -> None:
    """The second address is the one that Celery's transport understands."""
    with EmbeddedValkey(tmp_path) as server, Connection(server.celery_url) as connection:  # type: ignore[no-untyped-call]
        connection.connect()
        assert connection.connected


def test_a_long_or_odd_directory_gets_a_short_socket(tmp_path: Path) -> None:
    """Where the path is too long for a socket, or would need quoting, a private short one serves, and is removed."""
    for directory in (tmp_path / ("long" * 30), tmp_path / "with space"):
        with EmbeddedValkey(directory) as server:
            assert answers(server)
            assert len(os.fsencode(server.socket)) <= 100
            assert 0o700 == stat.S_IMODE(server.socket.parent.stat().st_mode)
            assert server.log.parent == directory
            short = server.socket.parent
        assert not short.exists()


def test_one_directory_has_one_server(tmp_path: Path) -> None:
    """A second start says who is there, and harms nobody; after the first has stopped it works."""
    with EmbeddedValkey(tmp_path) as first:
        with pytest.raises(RedisInUse, match="Another drip is running"):
            EmbeddedValkey(tmp_path).start()
        with pytest.raises(RedisInUse, match="already"):
            first.start()
        assert answers(first)
    with EmbeddedValkey(tmp_path) as second:
        assert answers(second)


def test_stop_is_idempotent(tmp_path: Path) -> None:
    """Stopping twice, or before the start, is nothing; the address of a stopped one is an error in words."""
    server = EmbeddedValkey(tmp_path)
    server.stop()
    server.start()
    server.stop()
    server.stop()
    with pytest.raises(Unreachable, match="not started"):
        _ = server.url


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_it_dies_with_its_parent(tmp_path: Path, how: str) -> None:
    """After kill -9 of the parent the server is gone within two seconds, also when a forked child holds the pipe open."""
    arguments = [sys.executable, "-c", PARENT, str(tmp_path), how]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        socket, child = parent.stdout.readline().split()
        try:
            assert 2 == len(servers(socket))
            parent.send_signal(signal.SIGKILL)
            assert eventually(lambda: not servers(socket))
            assert not Path(socket).exists()
        finally:
            parent.kill()
            if how == "fork":
                os.kill(int(child), signal.SIGKILL)

    with EmbeddedValkey(tmp_path) as server:
        assert answers(server)


def test_it_dies_when_its_parent_just_ends(tmp_path: Path) -> None:
    """A parent that forgets to stop it leaves nothing behind either."""
    program = PARENT.replace("time.sleep(60)", "")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=30)

    assert eventually(lambda: not servers(done.stdout.split()[0]))


def test_a_server_that_dies_comes_back(tmp_path: Path) -> None:
    """When only the server is killed, an empty one stands in its place at the same address."""
    with EmbeddedValkey(tmp_path) as server:
        command(server.url, "SET", "a", "1")
        os.kill(int(redis_process(server)), signal.SIGKILL)

        def back() -> bool:
            try:
                return answers(server)
            except redis.ConnectionError:
                return False

        assert eventually(back, 5)
        assert command(server.url, "GET", "a") is None


def test_a_server_whose_keeper_was_killed_is_found(tmp_path: Path) -> None:
    """A stray server is shut down: by `stop`, and by the next start in its directory when nobody could stop it."""
    server = EmbeddedValkey(tmp_path).start()
    path = server.socket
    stray = redis_process(server)
    [keeper] = [process for process in servers(path) if process.pid != stray]
    keeper.kill()
    assert eventually(lambda: [stray] == [process.pid for process in servers(path)])
    try:
        with EmbeddedValkey(tmp_path) as successor:
            assert stray != redis_process(successor)
    finally:
        server.stop()
    assert eventually(lambda: not servers(path))


def test_a_server_that_cannot_start_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the log, and no keeper stays."""
    server = EmbeddedValkey(tmp_path)
    monkeypatch.setattr(server, "_command", lambda binary: [str(binary), "--no-such-option", "x"])

    with pytest.raises(Unreachable, match=r"valkey\.log says why"):
        server.start()
    assert [] == servers(tmp_path)


def redis_process(server: EmbeddedValkey) -> int:
    """Return the process id of the server itself."""
    with redis.Redis.from_url(server.url) as client:
        number: int = client.info("server")["process_id"]
    return number
