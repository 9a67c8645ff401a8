"""Gates in a worker: a test orders what happens when a batch comes to a named point, once."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from drip.store.session import Database
from tests.faults.patience import WAIT_SECONDS

POINTS = ("claimed", "rendered", "marked", "answered", "recorded")
POISON = "poison"

POLL_SECONDS = 0.01


def kill() -> None:
    """End this worker child as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_group() -> None:
    """End the worker, parent and children, as kill -9 of the whole does."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def stop() -> None:
    """Freeze this worker child."""
    os.kill(os.getpid(), signal.SIGSTOP)


def go_on() -> None:
    """Do nothing: the batch goes on."""


ACTIONS = {action.__name__: action for action in (kill, kill_group, stop, go_on)}


class Gate:
    """The worker's side: the first batch that comes to a point with an order waits for the word, and then obeys."""

    def __init__(self, orders: Path) -> None:
        """Read orders in the folder *orders*."""
        self._orders = orders

    def __call__(self, point: str) -> None:
        """Take the order for *point*, if there is one."""
        for order in sorted(self._orders.glob(f"*.{point}")):
            taken = order.with_suffix(".taken")
            try:
                # Of several workers one takes it.
                order.rename(taken)
            except FileNotFoundError:
                continue
            action = ACTIONS[taken.read_text(encoding="ascii")]
            _write(order.with_suffix(".reached"), str(os.getpid()))
            deadline = time.monotonic() + WAIT_SECONDS
            while not order.with_suffix(".go").exists() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            action()
            return


class Poison:
    """A letter to one person ends every worker that claims it."""

    def __init__(self, orders: Path, database_url: str) -> None:
        """Look for the address in the folder *orders*, and for who claimed her letter in the database."""
        self._file = orders / POISON
        self._url = database_url

    def __call__(self, point: str) -> None:
        """End this process when it has claimed the poisoned letter."""
        if point != "claimed" or not self._file.exists():
            return
        query = (
            "SELECT count(*) FROM deliveries JOIN owners ON owners.id = deliveries.owner JOIN subscribers ON "
            "subscribers.id = deliveries.subscriber_id WHERE deliveries.state = 'claimed' AND owners.pid = :pid "
            "AND owners.dead_at IS NULL AND subscribers.address = :address"
        )
        bound = {"pid": os.getpid(), "address": self._file.read_text(encoding="utf-8")}
        database = Database(self._url)
        with database.read() as connection:
            mine = connection.execute(sa.text(query), bound).scalar_one()
        database.dispose()
        if mine:
            kill()


@dataclass(frozen=True, slots=True)
class Order:
    """The test's side of one order."""

    file: Path

    def reached(self) -> int | None:
        """Return the pid of the worker child that waits at the gate; None when none does yet."""
        try:
            return int(self.file.with_suffix(".reached").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def go(self) -> None:
        """Let the worker obey."""
        _write(self.file.with_suffix(".go"), "")

    def take_back(self) -> None:
        """Cancel what nobody came for, and free whoever waits."""
        self.file.unlink(missing_ok=True)
        self.go()


class Orders:
    """Orders in a folder that workers read."""

    def __init__(self, folder: Path) -> None:
        """Begin without orders in *folder*."""
        folder.mkdir()
        self.folder = folder
        self._numbers = count(1)
        self._given: list[Order] = []

    def give(self, point: str, action: str) -> Order:
        """Order *action* for the next batch that comes to *point*."""
        assert point in POINTS
        assert action in ACTIONS
        order = Order(self.folder / f"{next(self._numbers):04}.{point}")
        _write(order.file, action)
        self._given.append(order)
        return order

    def poison(self, address: str) -> None:
        """Make the letters to *address* deadly."""
        _write(self.folder / POISON, address)

    def clear(self) -> None:
        """Take everything back."""
        (self.folder / POISON).unlink(missing_ok=True)
        for order in self._given:
            order.take_back()
        self._given.clear()


def _write(path: Path, text: str) -> None:
    """Write in one step, so that nobody reads half."""
    aside = path.with_name(f"{path.name}-{os.getpid()}-aside")
    aside.write_text(text, encoding="utf-8")
    aside.rename(path)
