"""The lint as a whole: waivers, drafts, and the letters of the Roadmap."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drip.cli.letters import proofs
from drip.core.editorial import folded
from drip.core.problem import Problem
from drip.files import read_project
from drip.flows.scheduling import Editor, check
from tests.editor import BODY, FILE, FRONT, ROOT, SCHEDULE, TODAY, problems_of, source_of

RULES = """\
patterns:
  - {id: B01, pattern: '\\bguarantee', why: no, hit: [guaranteed], miss: [maybe]}
  - {id: B03, severity: warning, pattern: '\\bcure\\b', why: hm, hit: [a cure], miss: [secure]}
"""
CURE = BODY.replace("That is plenty", "There is no cure. That is plenty")
BOTH = BODY.replace("That is plenty", "A cure is guaranteed. That is plenty")
FINISHED = ("orient/welcome.md", "unload/sleep-anchor.md", "unload/settle.md", "unwind/less-checking.md", "widen/completion.md")


def codes(front: str, body: str, rules: str | None = RULES) -> list[tuple[str, str]]:
    """Return code and severity of every problem of the letter."""
    return [(one.code, one.severity) for one in problems_of(source_of(rules=rules, front=front, body=body))]


# Waivers -------------------------------------------------------------------------------------------------------------


def test_a_warning_is_waived_with_a_reason() -> None:
    """The reason stands in the letter, and the warning is gone."""
    assert [("B03", "warning")] == codes(FRONT, CURE)
    assert [] == codes(f"{FRONT}lint_ok: {{B03: the sentence denies it}}\n", CURE)


@pytest.mark.parametrize(
    ("waiver", "expected"),
    [
        ("{B01: I like it}", [("B01", "error"), ("B03", "warning"), ("E202", "error")]),
        ("{B99: why not}", [("B01", "error"), ("B03", "warning"), ("E201", "error")]),
        ("{B03: ' '}", [("B01", "error"), ("B03", "warning"), ("E203", "error")]),
        ("{B03: it is denied}", [("B01", "error")]),
        ("{R-MUST: it is needed, B03: it is denied}", [("B01", "error"), ("E204", "warning")]),
        ("{R-REV: nobody has time}", [("B01", "error"), ("B03", "warning"), ("E202", "error")]),
    ],
)
def test_a_waiver_must_mean_something(waiver: str, expected: list[tuple[str, str]]) -> None:
    """An error, an unknown rule, no reason, or nothing to waive: each is a problem at the waiver's own line."""
    front = f"{FRONT}lint_ok: {waiver}\n"
    problems = problems_of(source_of(rules=RULES, front=front, body=BOTH))
    assert expected == sorted((one.code, one.severity) for one in problems)
    assert {front.count("\n") + 1} == {one.line for one in problems if one.code[0] == "E"} or waiver == "{B03: it is denied}"


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(["B01", "B03", "B99", "R-FK", "M-SIZE", "R-REV"]), st.sampled_from(["", "a reason"])))
def test_a_waiver_never_hides_an_error(waivers: dict[str, str]) -> None:
    """Whatever a letter waives, the guarantee in it is still told."""
    written = ", ".join(f"{name}: '{reason}'" for name, reason in waivers.items())
    assert ("B01", "error") in codes(f"{FRONT}lint_ok: {{{written}}}\n", BOTH)


def test_a_course_without_rules_can_waive_what_any_mail_needs() -> None:
    """Only the rules that Python measures are known there."""
    source = source_of(
        rules=None, front=f"{FRONT}lint_ok: {{B03: x, M-SIZE: y}}\n", schedule=SCHEDULE.replace("    editorial: rules.yaml\n", "")
    )
    assert ["E201", "E204"] == sorted(one.code for one in problems_of(source))


# Drafts --------------------------------------------------------------------------------------------------------------


def test_what_waits_in_a_draft_is_one_warning() -> None:
    """A draft is unfinished on purpose: its findings are counted, and shown when asked for."""
    source = source_of(rules=RULES, front=f"{FRONT}draft: true\n", body=BOTH)
    (problem,) = problems_of(source)
    assert ("L207", "warning", "draft; 2 editorial findings wait") == (problem.code, problem.severity, problem.text)
    assert "run drip check --drafts" == problem.hint
    assert ["B01", "B03", "L207"] == sorted(one.code for one in problems_of(source, drafts=True))


def test_a_draft_without_findings_keeps_its_warning() -> None:
    """It is still a draft."""
    (problem,) = problems_of(source_of(rules=RULES, front=f"{FRONT}draft: true\n"))
    assert "this letter is a draft" == problem.text


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.sampled_from(["error", "warning"])), max_size=8))
def test_folding_loses_nothing_of_a_finished_letter(findings: list[tuple[str, int, str]]) -> None:
    """Only what stands in a draft is folded."""
    made = [Problem(file, line, 1, "B01", "x", "", "error" if kind == "error" else "warning") for file, line, kind in findings]
    draft = Problem("a", 1, 1, "L207", "a draft", "", "warning")
    kept = folded([draft], made, ["a"])
    assert {one for one in made if one.file == "b"} == {one for one in kept if one.file == "b"}
    assert ["L207"] == [one.code for one in kept if one.file == "a"]


# Rule files ----------------------------------------------------------------------------------------------------------


def test_a_rule_file_that_is_missing_or_broken_is_told() -> None:
    """The place is the line in the schedule, or the line in the file; waivers are not judged then."""
    front = f"{FRONT}lint_ok: {{B03: a reason}}\n"
    (missing,) = problems_of(source_of(rules=None, front=front))
    assert ("schedules.yaml", 8, 16, "E109") == (missing.file, missing.line, missing.column, missing.code)
    (broken,) = problems_of(source_of(rules="patterns: [", front=front))
    assert ("emails/rules.yaml", "Y101") == (broken.file, broken.code)


def test_rules_belong_to_a_course() -> None:
    """Two courses of one schedule keep to rules of their own: what one forbids, the other may say."""
    other = (
        SCHEDULE.partition("courses:\n")[2]
        .replace("small:", "free:")
        .replace("    editorial: rules.yaml\n", "")
        .replace("first", "other")
    )
    source = source_of(rules=RULES, body=BOTH, files={"one/other.md": f"---\n{FRONT}---\n{BOTH}"}, schedule=SCHEDULE + other)
    assert {FILE} == {one.file for one in problems_of(source) if one.code[0] == "B"}


def test_a_broken_neighbour_hides_nothing() -> None:
    """A letter with a fault in its front matter does not keep another from being read."""
    schedule = SCHEDULE + "          - {id: next, wait: 1 week}\n"
    source = source_of(rules=RULES, body=BOTH, files={"one/next.md": "---\ntitle: 1\n---\nHello"}, schedule=schedule)
    found = {(one.file, one.code) for one in problems_of(source)}
    assert {(FILE, "B01"), ("emails/one/next.md", "L104")} <= found


# The Roadmap ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def roadmap() -> list[Problem]:
    """Everything that is found in the course of this repository, drafts judged like finished letters."""
    source = read_project(ROOT / "schedules.yaml", ROOT / "emails")
    return list(check(source, editor=Editor(proofs, TODAY, drafts=True)).problems)


@pytest.mark.parametrize("path", FINISHED)
def test_a_finished_letter_keeps_to_the_rules(path: str, roadmap: list[Problem]) -> None:
    """No error, and no warning but that no clinician has looked yet."""
    assert {"R-REV"} >= {one.code for one in roadmap if one.file == f"emails/{path}"}


def test_layouts_blocks_and_system_letters_keep_to_the_rules(roadmap: list[Problem]) -> None:
    """Nothing is found outside the letters of the course."""
    assert [] == [one for one in roadmap if one.file.startswith(("emails/_", "emails/editorial/"))]


def test_a_letter_past_its_review_is_an_error_on_the_day_after() -> None:
    """The day comes in from outside: today a letter holds, tomorrow it does not."""
    source = source_of(rules="review_months_max: 24")
    assert [] == problems_of(source, today=date(2027, 1, 31))
    assert ["R-REV"] == [one.code for one in problems_of(source, today=date(2027, 2, 1))]
