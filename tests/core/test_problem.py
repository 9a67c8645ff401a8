"""Problems print as compilers do, sort by place, and every code is written down."""

from __future__ import annotations

import re
from pathlib import Path

from drip.core.editorial.rulebook import MEASURED
from drip.core.problem import Problem, did_you_mean, has_errors, quoted

ROOT = Path(__file__).parents[2]


def test_a_problem_is_one_line_that_editors_can_jump_to() -> None:
    """File, line and column come first, then the code, the sentence, and two spaces before the remedy."""
    problem = Problem("schedules.yaml", 12, 9, "S101", "'wiat' is not known", "did you mean wait?")
    assert str(problem) == "schedules.yaml:12:9: S101 'wiat' is not known  did you mean wait?"


def test_what_was_written_cannot_break_the_line() -> None:
    """A newline or an escape in a value never starts a second line or colours the terminal."""
    assert "\n" not in str(Problem("a", 1, 1, "S101", "one\ntwo\x1b[31m"))
    assert "\x1b" not in str(Problem("a", 1, 1, "S101", "one\ntwo\x1b[31m"))


def test_problems_sort_by_place() -> None:
    """Lines sort as numbers, so line 9 comes before line 12."""
    late, early = Problem("a", 12, 1, "S101", ""), Problem("a", 9, 1, "S202", "")
    assert [early, late] == sorted([late, early])


def test_a_warning_is_not_an_error() -> None:
    """Warnings alone leave a check successful."""
    warning = Problem("a", 1, 1, "L207", "", "", "warning")
    assert not has_errors([warning])
    assert has_errors([warning, Problem("a", 1, 1, "S101", "")])


def test_did_you_mean_ignores_case_and_stays_silent_when_nothing_is_near() -> None:
    """A slip of the keys finds its word; something else altogether finds none."""
    assert did_you_mean("europe/lodnon", ["Europe/London", "Asia/Tokyo"]) == "did you mean Europe/London?"
    assert did_you_mean("zzzz", ["Europe/London"], otherwise="write one") == "write one"


def test_long_values_are_cut() -> None:
    """A whole page where a word should be does not fill the screen."""
    assert len(quoted("x" * 1000)) == 60


def test_every_code_is_written_down() -> None:
    """The codes in the program and in docs/problems.md are the same."""
    used = {code for file in (ROOT / "drip").rglob("*.py") for code in re.findall(r'"([CEFYSL]\d{3})"', file.read_text())}
    rows = re.findall(r"^\| ([CEFYSL]\d{3}) \| (.+) \| (.+) \|$", (ROOT / "docs/problems.md").read_text(), re.MULTILINE)
    assert used == {code for code, _, _ in rows}
    assert len(rows) == len({code for code, _, _ in rows})


def test_every_rule_is_written_down() -> None:
    """The rules that Python measures and those that the Roadmap's file names have their row, and no other has."""
    named = re.findall(r"^  - id: (\S+)$", (ROOT / "emails/editorial/roadmap.yaml").read_text(), re.MULTILINE)
    written = (ROOT / "docs/problems.md").read_text()
    rows = re.findall(r"^\| ([A-Z]-[A-Z]+|[A-Z]\d{2}) \| (.+) \| (.+) \|$", written, re.MULTILINE)
    assert {*MEASURED, *named} == {code for code, _, _ in rows}
    assert len(rows) == len(MEASURED) + len(named)


def test_every_measured_rule_is_used() -> None:
    """What a waiver knows as a rule is one that some letter can break."""
    sources = "".join(file.read_text() for file in (ROOT / "drip/core/editorial").glob("*.py") if file.name != "rulebook.py")
    assert set(MEASURED) == set(re.findall(r'"([RM]-[A-Z]+)"', sources))
