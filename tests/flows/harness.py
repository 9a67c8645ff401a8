"""The engine at full speed: senders and ticks in threads while people leave and pause, and what must hold of it all."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drip.core.delivery import Answer, Refused, Submitted, TryLater, Unknown
from drip.flows.sending import CannotRecord, Sender
from drip.mail.message import Message
from drip.store.session import DatabaseTrouble
from tests.engine import Engine


@dataclass(slots=True)
class Journal:
    """When each delivery was under way, and when each person's leave or pause was acknowledged (monotonic)."""

    begun: dict[str, list[tuple[str, float, float]]] = field(default_factory=dict)
    stopped: dict[str, float] = field(default_factory=dict)
    back: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    faults: list[str] = field(default_factory=list)

    def note(self, message: Message, began: float, ended: float) -> None:
        """Note one request that was handed over or may have been."""
        with self.lock:
            for one in message.recipients:
                name = one.address.partition("@")[0]
                self.begun.setdefault(name, []).append((one.delivery, began, ended))

    def broken(self) -> list[str]:
        """Return every promise that was broken: a second copy, or a hand-over after an acknowledged stop."""
        found = list(self.faults)
        for name, requests in sorted(self.begun.items()):
            ids = [delivery for delivery, _, _ in requests]
            found += [f"{name} got {one} {ids.count(one)} times" for one in sorted(set(ids)) if ids.count(one) > 1]
            stopped = self.stopped.get(name)
            back = self.back.get(name, float("inf"))
            if stopped is not None:
                late = [one for one, _, ended in requests if ended > stopped and ended < back]
                found += [f"{one} was under way after {name} had stopped" for one in late]
        return found


class SlowDoor:
    """A door that takes a moment, notes when, and sometimes answers with trouble (after which it surely did not send)."""

    def __init__(self, journal: Journal, seed: int, trouble: float) -> None:
        """Answer with trouble in so many of 1 requests."""
        self._journal, self._random, self._trouble = journal, random.Random(seed), trouble

    def __call__(self, message: Message) -> Answer:
        """Answer one message."""
        began = time.monotonic()
        time.sleep(self._random.uniform(0.0, 0.01))
        if self._random.random() < self._trouble:
            kind = self._random.randrange(3)
            if kind == 0:
                return TryLater("429")
            if kind == 1 and len(message.recipients) > 1:
                return Refused("400 too large", too_large=True)
            self._journal.note(message, began, time.monotonic())
            return Unknown("timed out")
        self._journal.note(message, began, time.monotonic())
        return Submitted("ok")


def run(engine: Engine, *, people: int, seconds: float, senders: int = 3, tickers: int = 2, trouble: float = 0.03) -> Journal:
    """Let threads tick and send a whole course at full speed while others leave, pause and come back; return the journal."""
    journal = Journal()
    engine.mailer.otherwise = SlowDoor(journal, 1, trouble)
    names = [f"p{number}" for number in range(people)]
    engine.join(*names)
    queue: list[str] = []
    stop = threading.Event()
    owners = [engine.deployment.incarnation() for _ in range(senders)]
    own_senders: dict[int, Sender | None] = {}

    def guarded(work: Callable[[random.Random], None], seed: int) -> threading.Thread:
        def loop() -> None:
            own = random.Random(seed)
            while not stop.is_set():
                try:
                    work(own)
                except (DatabaseTrouble, CannotRecord) as fault:
                    journal.faults.append(f"{work.__name__}: {type(fault).__name__} {fault}")
                    return

        return threading.Thread(target=loop, daemon=True)

    def sending(own: random.Random) -> None:
        try:
            hint = queue.pop(own.randrange(len(queue)))
        except (IndexError, ValueError):
            time.sleep(0.002)
            return
        if own.random() < 0.2:
            queue.append(hint)
        # One owner is one process, and a process hands over one batch at a time.
        mine = own_senders.setdefault(threading.get_ident(), None) or engine.deployment.sender(owners[len(own_senders) - 1])
        own_senders[threading.get_ident()] = mine
        mine.send(hint)

    def ticking(own: random.Random) -> None:
        # Machine time does not run faster for a test, so the waits that it counts are taken out.
        engine.let_it_try_again()
        report = engine.deployment.ticker().tick()
        for hint in report.hints:
            queue.append(hint)
        if not report.hints and not queue:
            moment = engine.next_moment()
            if moment is not None and own.random() < 0.5:
                engine.go_to(moment)

    def living(own: random.Random) -> None:
        time.sleep(0.01)
        name = own.choice(names)
        with journal.lock:
            if name in journal.stopped:
                return
        what = own.randrange(10)
        if what < 4:
            if engine.leave(name, wait_seconds=5.0).acknowledged:
                journal.stopped[name] = time.monotonic()
        elif what < 6:
            if engine.pause(name, None, wait_seconds=5.0).acknowledged:
                journal.stopped[name] = time.monotonic()
        elif what < 8:
            engine.pause(name, own.choice([1, 2]))
        else:
            engine.choose(name, weekday=own.choice(["mon", "wed", "fri"]), pace=own.choice(["1", "2"]))

    threads = [guarded(sending, number) for number in range(senders)]
    threads += [guarded(ticking, 100 + number) for number in range(tickers)]
    threads += [guarded(living, 200 + number) for number in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join(timeout=20)
        if thread.is_alive():
            journal.faults.append("a thread hangs")
    engine.mailer.otherwise = Submitted("ok")
    for owner in owners:
        owner.close()
    return journal
