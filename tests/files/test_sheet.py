"""CSV files: what any writer writes is read back, and what is no CSV is named by its place."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drip.core.problem import Problem
from drip.errors import ProblemsFound
from drip.files.sheet import Sheet, read_sheet

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
tables = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=6))


def written(rows: list[list[str]], delimiter: str, ending: str) -> str:
    """Return *rows* as a spreadsheet writes them."""
    output = io.StringIO(newline="")
    # Python's own writer forgets the quotes around a lone carriage return when lines end otherwise.
    csv.writer(output, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    return output.getvalue()


@given(rows=tables, delimiter=st.sampled_from(",;\t"), ending=st.sampled_from(["\n", "\r\n"]), bom=st.booleans())
@example(rows=[["a\rb", 'x"y']], delimiter=",", ending="\n", bom=True)
def test_what_was_written_is_read(rows: list[list[str]], delimiter: str, ending: str, bom: bool) -> None:  # noqa: FBT001 - drawn
    """Every cell comes back, each row knows the line it begins on, and its text is what stands there."""
    header = ["email", *(f"c{number}" for number in range(1, len(rows[0]) if rows else 2))]
    text = written([header, *rows], delimiter, ending)
    sheet = Sheet("x.csv", (b"\xef\xbb\xbf" if bom else b"") + text.encode())
    found = list(sheet.rows())
    said = [row for row in rows if any(cell.strip() for cell in row)]
    assert (tuple(header), said, len(said)) == (sheet.columns, [row.cells for row in found], sheet.count)
    lines = list(io.StringIO(text, newline=""))
    for row in found:
        assert "".join(lines[row.line - 1 :]).startswith(row.text)


@given(raw=st.binary(max_size=60))
@example(raw=b'email\n"')
@example(raw=b'sep=;\n"a"b')
def test_nothing_but_a_problem_comes_of_any_bytes(raw: bytes) -> None:
    """Whatever the file is, it is read or refused with a place; nothing else is raised."""
    places = [(1, 1)]
    try:
        sheet = Sheet("x.csv", b"email,name\n" + raw)
        counted = sheet.count
    except ProblemsFound as fault:
        places = [(one.line, one.column) for one in fault.problems if isinstance(one, Problem)]
    else:
        assert counted == len(list(sheet.rows()))
    assert places
    assert all(place >= (1, 1) for place in places)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("email\n", ("email",)),
        ("a,b;c;d\n", ("a,b", "c", "d")),
        ('"a;b;c",d\n', ("a;b;c", "d")),
        ("a\tb,c\td\n", ("a", "b,c", "d")),
        ("sep=;\na;b\n", ("a", "b")),
        ("\n\n a , b \n", ("a", "b")),
    ],
)
def test_the_delimiter_is_the_one_that_stands_most_often(text: str, columns: tuple[str, ...]) -> None:
    """In the first line that says anything, outside quotes; what Excel says of it wins."""
    assert columns == Sheet("x.csv", text.encode()).columns


def test_lines_are_counted_as_an_editor_shows_them() -> None:
    """Quoted line ends, empty lines and Excel's own line count too."""
    sheet = Sheet("x.csv", b'sep=,\r\nemail,name\r\na,"x\r\ny"\r\n\r\nb,z\r\n')
    assert [3, 6] == [row.line for row in sheet.rows()]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """Missing, a folder, or not ours to read."""
    shut = tmp_path / "shut.csv"
    shut.write_text("email\n", encoding="utf-8")
    shut.chmod(0)
    for path in (tmp_path / "none.csv", tmp_path, *([] if os.geteuid() == 0 else [shut])):
        with pytest.raises(ProblemsFound, match="C101 this file cannot be read"):
            read_sheet(path)
