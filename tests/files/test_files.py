"""YAML 1.2, places, and files that cannot be read."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.source import Source
from drip.files import parse_source, read_letter, read_project, read_yaml


def values_of(text: str) -> object:
    """Return the values of a text that must have no problem."""
    document, problems = read_yaml(text, "a.yaml")
    assert problems == []
    return document.values


def problems_of(text: str) -> list[tuple[int, int, str]]:
    """Return line, column and code of every problem of a text."""
    return [(problem.line, problem.column, problem.code) for problem in read_yaml(text, "a.yaml")[1]]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12:30", "12:30"),
        ("09:00", "09:00"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("1_000", "1_000"),
        ("012", 12),
        ("0o12", 10),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("1.5", 1.5),
        ("-.5e3", -500.0),
        (".inf", float("inf")),
        ("1.5x daily", "1.5x daily"),
        ("2026-11-30", "2026-11-30"),
        ("=", "="),
        ("'true'", "true"),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("0b11", "0b11"),
    ],
)
def test_scalars_mean_what_editors_show(written: str, value: object) -> None:
    """Scalars follow the core schema of YAML 1.2."""
    assert {"a": value} == values_of(f"a: {written}")


def test_anchors_and_merges_are_read() -> None:
    """An alias repeats, a merge adds only what is not given, and the first of several merges wins."""
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 9\nw: *x"
    assert values_of(text) == {"x": {"a": 1, "b": 2}, "y": {"b": 3, "c": 4}, "z": {"a": 9, "b": 2, "c": 4}, "w": {"a": 1, "b": 2}}


def test_places_are_those_of_values_and_keys() -> None:
    """A value is found where it begins, a key where it stands, and what is missing at the nearest thing around it."""
    marks = read_yaml("a:\n  - {b: 1, c: two}\n", "a.yaml")[0].marks
    assert marks.value(("a", 0, "c")) == (2, 15)
    assert marks.key(("a", 0, "c")) == (2, 12)
    assert marks.value(("a", 0, "d")) == (2, 5)
    assert marks.key(("a",)) == (1, 1)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.from_regex(r"[A-Z]{1,8}é?", fullmatch=True), max_size=8))
def test_marks_lead_back_to_the_text(entries: dict[str, str]) -> None:
    """At the place of each value stands that value, and at the place of each key that key."""
    text = "top:\n" + "".join(f"    {key}:   {value}\n" for key, value in entries.items())
    document, problems = read_yaml(text, "a.yaml")
    lines = text.split("\n")
    assert problems == []
    for key, value in entries.items():
        line, column = document.marks.value(("top", key))
        assert lines[line - 1][column - 1 :] == value
        line, column = document.marks.key(("top", key))
        assert lines[line - 1][column - 1 :].startswith(f"{key}:")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: 2\na: 3", (3, 1, "Y103")),
        ("a:\n\tb: 1", (2, 1, "Y102")),
        ("a:\n  b: 1\n \tc: 1", (3, 2, "Y102")),
        ("subject: Letter: one", (1, 16, "Y101")),
        ("a: [1, 2\nb: 3", (1, 4, "Y101")),
        ("a: 1\nb: 'open\nc: 2", (2, 4, "Y101")),
        ("a: 1\n  b: 2", (2, 4, "Y101")),
        ("a: *nobody", (1, 4, "Y101")),
        ("a: @home", (1, 4, "Y101")),
        ("a: 1\n---\nb: 2", (2, 1, "Y101")),
        ("é: \x07", (1, 4, "Y101")),
        ("a: !!python/name:os.system x", (1, 4, "Y104")),
        ("a: !!int x", (1, 4, "Y104")),
        ("a: !!set {b}", (1, 4, "Y104")),
        ("a: {<<: 3}", (1, 9, "Y104")),
        ("a: &a [*a]", (1, 4, "Y105")),
        ("a: " + "[" * 1_000_000, (1, 43, "Y105")),
        ("subject: {{ title }}", (1, 11, "Y106")),
        ("a: " + "9" * 5000, (1, 4, "Y104")),
    ],
)
def test_a_fault_has_its_place(text: str, place: tuple[int, int, str]) -> None:
    """Every way to break YAML gives a problem at the right line and column."""
    assert problems_of(text) == [place]


def test_every_problem_of_reading_has_a_remedy() -> None:
    """Nobody is told only that something is wrong."""
    for text in ("a: 1\na: 2", "a:\n\tb: 1", "a: [1", "a: !x 1", "{[1]: 2}", "- a\nb: c", "a: 'b"):
        assert all(problem.hint for problem in read_yaml(text, "a.yaml")[1]), text


def test_aliases_that_multiply_are_refused() -> None:
    """A few lines that unfold into a billion values end in a problem, soon."""
    text = "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    for before, name in pairwise("abcdefgh"):
        text += f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    assert [code for _, _, code in problems_of(text)] == ["Y105"]


@given(st.text())
def test_any_text_gives_values_or_problems(text: str) -> None:
    """Reading never raises, whatever is in the file."""
    read_yaml(text, "a.yaml")


def test_the_body_keeps_the_line_numbers_of_the_file() -> None:
    """The front matter is replaced by as many newlines, and its own marks are lines of the file too."""
    letter, problems = read_letter("---\ntitle: A\nminutes: 2\n---\nHello\n\n---\n", "orient/a.md")
    assert problems == []
    assert letter.body.split("\n") == ["", "", "", "", "Hello", "", "---", ""]
    assert letter.front.values == {"title": "A", "minutes": 2}
    assert letter.front.marks.value(("minutes",)) == (3, 10)
    assert letter.id == "a"


@pytest.mark.parametrize("text", ["", "Hello", "---\ntitle: A\n", " ---\n---\n"])
def test_a_letter_without_front_matter_is_a_problem(text: str) -> None:
    """A letter that does not begin and end its front matter says so."""
    assert [problem.code for problem in read_letter(text, "a.md")[1]] == ["L101"]


def test_an_empty_front_matter_is_read() -> None:
    """Two lines of dashes are front matter; what is missing in it is said elsewhere."""
    letter, problems = read_letter("---\n---\nHello", "a.md")
    assert (problems, letter.front.values, letter.body) == ([], None, "\n\nHello")


def project(folder: Path) -> Path:
    """Write a small project and return its folder."""
    (folder / "emails/orient").mkdir(parents=True)
    (folder / "emails/_base/blocks").mkdir(parents=True)
    (folder / "schedules.yaml").write_bytes(b"\xef\xbb\xbfcourses: {}\r\n")
    (folder / "emails/orient/welcome.md").write_text("---\ntitle: A\n---\n")
    (folder / "emails/_base/blocks/FX-CARE.md").write_text("Care")
    (folder / "emails/references.yaml").write_text("{}")
    (folder / "emails/LICENSE").write_text("free")
    (folder / "emails/.swp.md").write_text("half")
    (folder / "emails/welcome.md~").write_text("old")
    return folder


def test_a_project_is_every_text_by_its_path(tmp_path: Path) -> None:
    """Texts have plain newlines and no byte order mark; hidden files, backups and strangers stay out."""
    folder = project(tmp_path)
    letters = {"orient/welcome.md": "---\ntitle: A\n---\n", "_base/blocks/FX-CARE.md": "Care", "references.yaml": "{}"}
    assert read_project(folder / "schedules.yaml", folder / "emails") == Source("courses: {}\n", letters)


def test_a_source_can_be_parsed_without_a_disk() -> None:
    """A version from the database is parsed like files, blocks included."""
    source = Source("courses: {}", {"orient/welcome.md": "---\ntitle: A\n---\nHi", "_base/blocks/FX-CARE.md": "Care"})
    parsed = parse_source(source)
    assert parsed.problems == ()
    assert parsed.schedule.values == {"courses": {}}
    assert parsed.block_names == {"FX-CARE"}
    assert parsed.letters["orient/welcome.md"].body == "\n\n\nHi"


def test_whatever_cannot_be_read_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    """Links, large files, other encodings, odd names and pipes are each told once, and the rest is read."""
    folder = project(tmp_path)
    emails = folder / "emails"
    (emails / "orient/linked.md").symlink_to("/etc/passwd")
    (emails / "away").symlink_to("/etc")
    (emails / "orient/large.md").write_bytes(b"x" * (1024 * 1024 + 1))
    (emails / "orient/latin.md").write_bytes(b"---\ntitle: Caf\xe9\n---\n")
    (emails / "orient/two words.md").write_text("x")
    os.mkfifo(emails / "orient/pipe.md")
    source = read_project(folder / "schedules.yaml", emails)
    found = {(problem.file.removeprefix(f"{emails}/"), problem.line, problem.column, problem.code) for problem in source.unread}
    assert found == {
        ("away", 1, 1, "F102"),
        ("orient/large.md", 1, 1, "F103"),
        ("orient/latin.md", 2, 11, "F104"),
        ("orient/linked.md", 1, 1, "F102"),
        ("orient/pipe.md", 1, 1, "F101"),
        ("orient/two words.md", 1, 1, "F105"),
    }
    assert all(problem.hint for problem in source.unread)
    assert "orient/welcome.md" in source.letters


def test_the_named_paths_themselves_may_be_links(tmp_path: Path) -> None:
    """An operator who names a link to her files, as deployments do, gets them read."""
    folder = project(tmp_path / "release")
    (tmp_path / "schedules.yaml").symlink_to(folder / "schedules.yaml")
    (tmp_path / "emails").symlink_to(folder / "emails")
    source = read_project(tmp_path / "schedules.yaml", tmp_path / "emails")
    assert source == read_project(folder / "schedules.yaml", folder / "emails")
    assert source.unread == ()


def test_missing_files_are_problems(tmp_path: Path) -> None:
    """Neither a missing schedule nor a missing folder is a traceback."""
    source = read_project(tmp_path / "schedules.yaml", tmp_path / "emails")
    assert [problem.code for problem in source.unread] == ["F101", "F101"]
