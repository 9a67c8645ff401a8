"""Answers that cost the database a while are asked for seldom, however many pages show them and however often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drip import clock

Answer = TypeVar("Answer")

QUICK_SECONDS = 1.0
"""What takes no longer is asked anew for each page."""

REST = 10
"""What took longer rests ten times as long: a page that fetches itself takes a tenth of one connection at most."""


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    until: float = 0.0
    answer: Any = None


class Seldom:
    """Keeps answers by name for as long as asking again would be a burden; a press of anybody's ends that."""

    def __init__(self, monotonic: Callable[[], float] = clock.monotonic) -> None:
        """Measure with *monotonic*."""
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    def ask(self, name: str, question: Callable[[], Answer]) -> Answer:
        """Return what *question* returns, or what it returned a short while ago where it took long."""
        kept = self._kept.setdefault(name, _Kept())
        with kept.lock:
            begun = self._monotonic()
            if begun < kept.until:
                answer: Answer = kept.answer
                return answer
            answer = question()
            took = self._monotonic() - begun
            kept.answer = answer
            kept.until = begun + took + REST * took if took > QUICK_SECONDS else 0.0
            return answer

    def forget(self) -> None:
        """Ask anew next time: something was changed."""
        for kept in list(self._kept.values()):
            kept.until = 0.0
