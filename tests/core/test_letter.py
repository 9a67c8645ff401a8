"""One letter by itself: front matter, headings, blocks."""

from __future__ import annotations

import pytest

from drip.core.letter import Evidence, parse_letter
from drip.core.problem import Problem
from drip.files import read_letter

FRONT = """title: One
subject: "Letter {{ number }}: one"
preheader: One line.
minutes: 5
objective: The reader does one thing.
evidence: mixed
evidence_line: Studies disagree.
refs: [R1]
blocks: []
"""
BODY = "".join(f"## {heading}\n\nWords.\n\n" for heading in ("In one line", "You can stop here", "The idea", "Take care"))


def problems_of(front: str = FRONT, body: str = BODY, path: str = "orient/one.md") -> list[Problem]:
    """Return every problem of a letter."""
    letter, problems = read_letter(f"---\n{front}---\n{body}", path)
    assert problems == []
    return sorted(parse_letter(letter)[1])


def places_of(problems: list[Problem]) -> list[tuple[int, int, str]]:
    """Return line, column and code of each of *problems*."""
    return [(problem.line, problem.column, problem.code) for problem in problems]


def test_a_whole_letter_is_read() -> None:
    """A letter without faults becomes a value with its evidence as a word of six."""
    text, _ = read_letter(f"---\n{FRONT}---\n{BODY}", "orient/one.md")
    letter, problems = parse_letter(text)
    assert problems == []
    assert letter is not None
    assert letter.lesson is not None
    assert letter.lesson.evidence is Evidence.MIXED


def test_a_system_letter_needs_three_lines_only() -> None:
    """The confirmation has no evidence and no headings."""
    assert problems_of("title: A\nsubject: B\npreheader: C\n", "Hello", "_system/confirm.md") == []


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("minutes: 5", "minuts: 5", (5, 1, "L102")),
        ("minutes: 5", "minutes: five", (5, 10, "L104")),
        ("minutes: 5", "minutes: 0", (5, 10, "L105")),
        ("title: One", "title: 1", (2, 8, "L104")),
        ("title: One", "title:", (2, 7, "L104")),
        ("evidence: mixed", "evidence: mixt", (7, 11, "L106")),
        ("preheader: One line.", f"preheader: {'x' * 91}", (4, 12, "L105")),
        ("blocks: []", "blocks: [FX-CARE]", (10, 10, "L206")),
        ("blocks: []", "blocks: []\nmovement: yes", (11, 11, "L104")),
        ("blocks: []", "blocks: []\nalternatives: {standng: sit}", (11, 16, "L102")),
        ("blocks: []", "blocks: []\nalternatives: {standing: ''}", (11, 26, "L105")),
        ("blocks: []", "blocks: []\nalternatives: [standing]", (11, 15, "L104")),
        ("blocks: []", "blocks: []\nreviewed: {by: A, on: 2026-02-31, until: 2027-01-01}", (11, 23, "L104")),
    ],
)
def test_a_fault_in_the_front_matter_has_its_place(before: str, after: str, place: tuple[int, int, str]) -> None:
    """Each fault is found at its line of the file."""
    found = problems_of(FRONT.replace(before, after))
    assert place in places_of(found)
    assert all(problem.hint for problem in found)


def test_a_missing_key_is_asked_for_by_name() -> None:
    """Without a subject the problem says so, with an example."""
    (problem,) = problems_of(FRONT.replace('subject: "Letter {{ number }}: one"\n', ""))
    assert (problem.code, problem.text) == ("L103", "subject is missing")
    assert problem.hint.startswith("such as `subject:")


def test_a_number_that_is_derived_counts_as_two_characters() -> None:
    """A subject of fifty characters with its number fits, and one more does not."""
    fits = f"Letter {{{{ number }}}}: {'x' * 39}"
    assert problems_of(FRONT.replace("Letter {{ number }}: one", fits)) == []
    assert places_of(problems_of(FRONT.replace("Letter {{ number }}: one", f"{fits}x"))) == [(3, 10, "L105")]


def test_a_review_has_a_name_and_two_dates() -> None:
    """Dates in the front matter stay text in YAML and become dates here."""
    text, _ = read_letter(f"---\n{FRONT}reviewed: {{by: Dr A, on: 2026-11-30, until: 2028-11-30}}\n---\n{BODY}", "orient/one.md")
    letter, _ = parse_letter(text)
    assert letter is not None
    assert letter.lesson is not None
    assert letter.lesson.reviewed is not None
    assert letter.lesson.reviewed.until.year == 2028


def test_title_subject_and_preheader_are_enough() -> None:
    """What else a letter says, and under which headings, is for the rules of its course to ask."""
    assert [] == problems_of("title: One\nsubject: One\npreheader: One line.\n", "Words.\n")


@pytest.mark.parametrize(("given", "lacking"), [("evidence: mixed", "evidence_line"), ("evidence_line: Not tested.", "evidence")])
def test_how_sure_we_are_is_said_twice_or_not_at_all(given: str, lacking: str) -> None:
    """The word without the sentence, or the sentence without the word, lacks the other."""
    (problem,) = problems_of(f"title: One\nsubject: One\npreheader: One line.\n{given}\n", "Words.\n")
    assert ("L103", f"{lacking} is missing") == (problem.code, problem.text)


def test_a_draft_is_a_warning() -> None:
    """A draft says that it is one."""
    (problem,) = problems_of(f"{FRONT}draft: true\n", "Soon.")
    assert (problem.line, problem.column, problem.code, problem.severity) == (11, 1, "L207", "warning")


def test_blocks_listed_are_the_blocks_placed() -> None:
    """A block in the body that the front matter does not list is found at its place; one in a comment is not placed."""
    body = BODY.replace("Words.\n", 'Words.\n\n  {{ block("FX-PEM") }}\n', 1)
    assert places_of(problems_of(body=body)) == [(16, 3, "L206")]
    assert problems_of(FRONT.replace("[]", "[FX-PEM]"), body) == []
    hidden = body.replace("{{", "{# {{").replace("}}", "}} #}")
    assert places_of(problems_of(FRONT.replace("[]", "[FX-PEM]"), hidden)) == [(10, 10, "L206")]
