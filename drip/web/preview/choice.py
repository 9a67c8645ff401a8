"""What somebody chose to see of a letter: as whom, how long, and in which panes. It stands in the address and names nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from drip.core.reader import SAMPLES, Reader

LENGTHS = (("", "As she has it"), ("full", "Full"), ("short", "Short"))

PANES = {
    "wide": "600 px, light",
    "wide-dark": "600 px, dark",
    "phone": "320 px, light",
    "phone-dark": "320 px, dark",
    "lock": "Lock screen",
    "text": "Text part",
    "source": "Your file",
    "raw": "HTML as mailed",
}
"""The panes, in the order in which they stand."""

NARROW = frozenset({"lock", "phone", "phone-dark"})
FRAMES = frozenset({"wide", "wide-dark", "phone", "phone-dark"})
USUAL = ("wide", "phone-dark", "lock")


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice among the *readers* of a course; what is not known is read as what is usual."""

    readers: tuple[Reader, ...]
    reader: Reader
    length: str = ""
    panes: tuple[str, ...] = USUAL

    @property
    def full(self) -> bool:
        """Whether the letter is shown in full."""
        return not self.reader.short if not self.length else self.length == "full"

    def shows(self, pane: str) -> bool:
        """Whether a pane is open."""
        return pane in self.panes

    def query(self, **changes: str) -> str:
        """Return this choice with *changes* as the query of an address; what is usual is left out."""
        given = {
            "reader": "" if self.reader == self.readers[0] else self.reader.key,
            "length": self.length,
            "panes": "" if self.panes == USUAL else ",".join(self.panes) or "none",
            **changes,
        }
        text = urlencode({name: value for name, value in given.items() if value}, safe=",")
        return f"?{text}" if text else ""

    def turned(self, pane: str) -> str:
        """Return the query of this choice with one pane opened or closed."""
        panes = tuple(one for one in PANES if (one in self.panes) != (one == pane))
        return replace(self, panes=panes).query()

    def opening(self, pane: str) -> str:
        """Return the query of this choice with one pane open."""
        return self.query() if pane in self.panes else self.turned(pane)


def choice_of(values: Mapping[str, str], hers: Sequence[Reader] = ()) -> Choice:
    """Return what the query of an address chooses; *hers* is the subscriber for whom the preview was started, if any."""
    readers = (*hers, *SAMPLES)
    reader = next((one for one in readers if one.key == values.get("reader")), readers[0])
    length = next((key for key, _ in LENGTHS if key == values.get("length")), "")
    named = values.get("panes", "").split(",") if values.get("panes") else USUAL
    return Choice(readers, reader, length, tuple(pane for pane in PANES if pane in named))
