"""How drip writes to a terminal: plain when it is not one, and without colour when NO_COLOR is set."""

from __future__ import annotations

from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints words as they are: no markup, no guessing at colours, NO_COLOR respected."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)
