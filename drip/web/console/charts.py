"""The geometry of charts, in shares of their room: a bar is as wide on a phone as on a desk, and no text is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST = 2.0
"""What is there at all is seen: the least height or width of a bar, in hundredths."""


class Column(NamedTuple):
    """An upright bar: what it stands for, and where it stands."""

    at: int
    amount: int
    x: str
    y: str
    width: str
    height: str


class Part(NamedTuple):
    """A piece of a lying bar: what it is a part of, how many, and where it lies."""

    name: str
    amount: int
    x: str
    width: str


def columns(counts: Sequence[int], most: int) -> list[Column]:
    """Return a bar for each of *counts* that is not zero, side by side, where *most* is as high as can be."""
    room = 100 / len(counts)
    found = []
    for at, count in enumerate(counts):
        if count:
            height = max(LEAST * 2, 100 * count / most)
            found.append(Column(at, count, *_shares(at * room + room * 0.1, 100 - height, room * 0.8, height)))
    return found


def stacked(counts: Mapping[str, int], names: Sequence[str], whole: int) -> list[Part]:
    """Return the pieces of one bar in the order of *names*, where *whole* is as wide as can be; small ones are seen too."""
    widths = {name: max(LEAST / 2, 100 * counts.get(name, 0) / whole) for name in names if counts.get(name, 0)}
    over = sum(widths.values()) - 100
    if over > 0:
        # The largest gives what the small ones took.
        largest = max(widths, key=lambda name: widths[name])
        widths[largest] -= over
    found, x = [], 0.0
    for name, width in widths.items():
        found.append(Part(name, counts[name], *_shares(x, width)))
        x += width
    return found


def share(count: int, most: int) -> str:
    """Return how wide the bar of *count* is, where *most* is as wide as can be."""
    return _shares(max(LEAST, 100 * count / most) if count and most else 0.0)[0]


def percent(part: float) -> str:
    """Return a share from 0 to 1 as an operator reads it: small ones to a hundredth, since a thousandth is much of complaints."""
    hundredths = 100 * part
    return f"{hundredths:.0f} %" if hundredths >= 10 else f"{hundredths:.1f} %" if hundredths >= 1 else f"{hundredths:.2f} %"


def _shares(*numbers: float) -> list[str]:
    return [f"{number:.2f}%" for number in numbers]
