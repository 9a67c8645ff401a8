"""CSV files become rows with their line numbers: what other tools export and what people save from a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from drip.core.problem import Problem
from drip.errors import ProblemsFound

BYTES_MAX = 512 * 1024 * 1024
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}

# The reader's own bound is that of a cell in some database of long ago, and would refuse the whole file for one line.
csv.field_size_limit(BYTES_MAX)

_BOM = b"\xef\xbb\xbf"
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_RESCUE = "save the file as CSV, UTF-8, and try again"


class Row(NamedTuple):
    """One record: the *line* it begins on, its *cells*, and its text as it stands in the file."""

    line: int
    cells: list[str]
    text: str


@dataclass(frozen=True, slots=True)
class _Open:
    """A place in the file that breaks the rules of quoting."""

    line: int
    column: int
    text: str
    hint: str


class Sheet:
    """A CSV file that was read whole and found to be one: its name, digest, columns, and rows as often as one likes."""

    def __init__(self, name: str, raw: bytes) -> None:
        """Take the file apart; raises ProblemsFound, with line and column, for what is not CSV in UTF-8."""
        self.name = name
        self.sha256 = hashlib.sha256(raw).hexdigest()
        text = _text_of(name, raw)
        # Excel writes, and wants, a line that names the delimiter.
        said = _SEPARATOR.match(text)
        self._first_line = 1 if said is None else 2
        self._text = text if said is None else text[said.end() :]
        self._delimiter = said[1] if said is not None and said[1] in DELIMITERS else _sniffed(self._text)
        records = self._records()
        header = next(records, None)
        if header is None:
            raise _fault(
                name, 1, 1, "C104", "this file is empty", "its first line names the columns, such as email,name,timezone"
            )
        self.columns = tuple(cell.strip() for cell in header.cells)
        self.header = header.text
        self._check_columns(header.line)

    def _check_columns(self, line: int) -> None:
        """Raise unless the first line can be one of names: nobody's address, and no name twice."""
        if any("@" in name for name in self.columns):
            hint = "put a line with the names of the columns before it, such as email,name"
            raise _fault(self.name, line, 1, "C104", "the first line holds an address, not the names of columns", hint)
        known: set[str] = set()
        for number, name in enumerate(self.columns, start=1):
            if name and name.casefold() in known:
                raise _fault(
                    self.name, line, number, "C104", f"two columns are called {name!r}", "rename one; columns count from 1"
                )
            known.add(name.casefold())

    @cached_property
    def count(self) -> int:
        """How many rows follow the names of the columns; raises ProblemsFound where the text stops to be CSV."""
        return sum(1 for _ in self.rows())

    def rows(self) -> Iterator[Row]:
        """Yield the rows in their order; empty lines are none."""
        records = self._records()
        next(records, None)
        return records

    def _records(self) -> Iterator[Row]:
        taken: list[str] = []

        def lines() -> Iterator[str]:
            for line in io.StringIO(self._text, newline=""):
                taken.append(line)
                yield line

        reader = csv.reader(lines(), delimiter=self._delimiter, strict=True)
        line = self._first_line
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as trouble:
                found = _misquoted("".join(taken), line, self._delimiter)
                if found is None:
                    raise _fault(self.name, line, 1, "C103", f"this line is not CSV: {trouble}", _RESCUE) from None
                raise _fault(self.name, found.line, found.column, "C103", found.text, found.hint) from None
            if cells is None:
                return
            text = "".join(taken)
            if any(cell.strip() for cell in cells):
                yield Row(line, cells, text)
            line = self._first_line + reader.line_num
            taken.clear()


def read_sheet(path: Path) -> Sheet:
    """Return the CSV file at *path*; raises ProblemsFound with a remedy when it cannot be read or is no CSV in UTF-8."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise _fault(path.name, 1, 1, "C101", "this file is larger than 512 MiB", "split it; each part begins with the names")
        raw = path.read_bytes()
    except OSError as trouble:
        reason = (trouble.strerror or "unreadable").lower()
        raise _fault(
            path.name, 1, 1, "C101", f"this file cannot be read: {reason}", "check its name and its permissions"
        ) from trouble
    return Sheet(path.name, raw)


def _fault(name: str, line: int, column: int, code: str, text: str, hint: str) -> ProblemsFound:  # noqa: PLR0917 - a problem
    return ProblemsFound([Problem(name, line, column, code, text, hint)])


def _text_of(name: str, raw: bytes) -> str:
    """Return the text of the file without its mark of byte order."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _fault(name, 1, 1, "C102", "this file is UTF-16, as Excel's *Unicode text* is", _RESCUE)
    raw = raw.removeprefix(_BOM)
    try:
        return raw.decode()
    except UnicodeDecodeError as trouble:
        before = raw[: trouble.start].decode(errors="ignore").replace("\r\n", "\n").replace("\r", "\n")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _fault(name, line, column, "C102", "this is not UTF-8 text", _RESCUE) from None


def _sniffed(text: str) -> str:
    """Return the delimiter that stands most often in the first line that says anything, outside quotes."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(DELIMITERS, key=bare.count)


def _misquoted(text: str, line: int, delimiter: str) -> _Open | None:
    """Return where a record that begins on *line* breaks the rules of quoting; None when it keeps them."""
    quoted_at: int | None = None
    fresh, place = True, 0
    while place < len(text):
        letter = text[place]
        if quoted_at is None:
            if letter == '"' and fresh:
                quoted_at = place
            fresh = letter in {delimiter, "\n", "\r"}
        elif letter == '"':
            after = text[place + 1 : place + 2]
            if after == '"':
                place += 1
            elif after in {"", delimiter, "\n", "\r"}:
                quoted_at, fresh = None, False
            else:
                hint = 'write a quote inside quotes twice: ""'
                return _at(text, place, line, "a quoted field goes on after its closing quote", hint)
        place += 1
    if quoted_at is None:
        return None
    return _at(
        text, quoted_at, line, "a quote is opened here and never closed", 'close it, or write a quote inside quotes twice: ""'
    )


def _at(text: str, place: int, line: int, fault: str, hint: str) -> _Open:
    before = text[:place].replace("\r\n", "\n").replace("\r", "\n")
    return _Open(line + before.count("\n"), len(before) - before.rfind("\n"), fault, hint)
