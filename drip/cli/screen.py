"""How drip writes to a terminal: plain when it is not one, and without colour when NO_COLOR is set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints words as they are: no markup, no guessing at colours, NO_COLOR respected."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


@contextlib.contextmanager
def busy(words: str) -> Iterator[None]:
    """Show on a terminal's stderr that something takes a moment, and nothing anywhere else."""
    screen = console(stderr=True)
    if not screen.is_terminal or screen.is_dumb_terminal:
        yield
        return
    with screen.status(words):
        yield
