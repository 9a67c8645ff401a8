"""Why the engine is as careful as it is: five weaker designs break a promise under the same scenarios that it passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product

import pytest

from drip.core.delivery import Answer, Submitted
from drip.mail.message import Message
from drip.store.owners import Incarnation
from tests.engine import Engine
from tests.faulty import Points
from tests.flows.mutants import WEAKER, Design


class Dead(BaseException):
    """Stands for kill -9."""


IN_THE_CALL = "in the call"
POINTS = ("claimed", "marked", IN_THE_CALL, "answered")
MEANWHILE = ("it dies", "another works", "she leaves", "another works, she leaves", "she leaves, another works")


@dataclass(slots=True)
class Scene:
    """One person, one letter, one worker that is interrupted at one point, and what happens meanwhile."""

    engine: Engine
    design: Design
    name: str
    left_at: float | None = None
    copies: list[tuple[float, float]] = field(default_factory=list)

    def worker(self, points: Points) -> tuple[Incarnation, Callable[[str], int]]:
        """Return a new worker of this design: its owner, and what it does with a hint."""
        owner = self.engine.deployment.incarnation()
        plain = self.engine.deployment.sender(owner, at=points)
        sender = self.design.sender.__new__(self.design.sender)
        sender.__dict__.update(plain.__dict__)
        return owner, sender.send

    def meanwhile(self, what: str) -> None:
        """Let something happen while the first worker stands still."""
        if what == "it dies":
            raise Dead
        for step in what.split(", "):
            if step == "another works":
                self.others_work()
            elif self.design.leave(self.engine, self.name):
                self.left_at = time.monotonic()

    def others_work(self) -> None:
        """Let another worker do whatever this design gives it."""
        owner, send = self.worker(Points())
        for hint in self.design.take_over(self.engine):
            send(hint)
        owner.close()

    def play(self, point: str, what: str) -> set[str]:
        """Play the scene and return which promises were broken."""
        points = Points()
        begun: list[str] = []

        def door(_: Message) -> Answer:
            # The first request stands still before its first byte leaves, as a stopped process does.
            first = not begun
            begun.append(self.name)
            if first and point == IN_THE_CALL:
                self.meanwhile(what)
            at = time.monotonic()
            self.copies.append((at, time.monotonic()))
            return Submitted("ok")

        self.engine.mailer.otherwise = door
        self.engine.join(self.name)
        (hint,) = self.engine.tick().hints
        if point != IN_THE_CALL:
            points.on(point, lambda: self.meanwhile(what))
        owner, send = self.worker(points)
        with suppress(Dead):
            send(hint)
        owner.close()
        self.others_work()
        self.others_work()
        broken = set()
        if len(self.copies) > 1:
            broken.add("one copy")
        if self.left_at is not None and any(ended > self.left_at for _, ended in self.copies):
            broken.add("leaving is final")
        return broken


def broken_by(engine: Engine, design: Design) -> set[str]:
    """Return every promise that *design* breaks in any of the scenes."""
    broken: set[str] = set()
    for number, (point, what) in enumerate(product(POINTS, MEANWHILE)):
        broken |= Scene(engine, design, f"p{number}").play(point, what)
        # A scene that is over must not give work to the next.
        engine.leave(f"p{number}", wait_seconds=0.0)
    return broken


@pytest.fixture(autouse=True)
def an_engine_that_owns_nothing(engine: Engine) -> Iterator[None]:
    """Let only the scenes' own workers live."""
    yield
    engine.mailer.otherwise = Submitted()


def test_the_real_design_keeps_its_promises(engine: Engine) -> None:
    """Interrupted, killed or stopped at any point, while others work and she leaves: one copy, and nothing after a leave."""
    assert set() == broken_by(engine, Design())
    engine.assert_sound()


@pytest.mark.parametrize("name", WEAKER)
def test_a_weaker_design_breaks_a_promise(engine: Engine, name: str) -> None:
    """The same scenes catch each of the five weaker designs."""
    design, expected = WEAKER[name]
    assert expected == broken_by(engine, design())
