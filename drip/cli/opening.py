"""Opening an installation that is there already, for commands that look at it or change it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from drip import config
from drip.errors import Unreachable
from drip.wiring import Deployment


@contextlib.contextmanager
def opened() -> Iterator[Deployment]:
    """Give the installation that the settings name; raises Unreachable, with the remedy, where there is none yet."""
    settings = config.read()
    _require_file(settings.database)
    deployment = Deployment(config.with_local_keys(settings))
    try:
        deployment.check_door()
        yield deployment
    finally:
        deployment.database.dispose()


@contextlib.contextmanager
def made() -> Iterator[Deployment]:
    """Give the installation that the settings name, made and brought up to date where it is not: to apply is to begin."""
    deployment = Deployment(config.load())
    try:
        deployment.open_up()
        yield deployment
    finally:
        deployment.database.dispose()


def _require_file(url: str) -> None:
    """Raise Unreachable for a SQLite file that is not there: looking must not make one in whatever folder one stands."""
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        msg = f"there is no database yet at {file}; start drip up, or run: drip db upgrade"
        raise Unreachable(msg)
