"""Blocks, evidence, references, review, links, and the way to a paid program."""

from __future__ import annotations

from datetime import date

import pytest

from drip.core.editorial.safety import digest_of
from tests.editor import BODY, FILE, FRONT, PROGRAM, SCHEDULE, TODAY, base, found, line_of, problems_of, source_of

CARE = "blocks: {demands: [{block: FX-CARE, letters: [first], under: Take care}]}"
FIRST = "blocks: {demands: [{block: FX-CARE, letters: [first], first: true}]}"
MOVES = "blocks: {movement: [FX-CARE, FX-PEM]}"
PAID = "blocks: {demands: [{block: FX-COI, letters: [first], with_program: true}]}"
WITH_PROGRAM = SCHEDULE.replace("    phases:\n", f"{PROGRAM}    phases:\n")
EVIDENCE = (
    "evidence: {words_min: 8, words_max: 70, sentence_max: 25, grade_max: 8, limiting: [no, nobody, cannot],"
    " claims: ['\\d+\\s?%', '\\d+ people\\b', '\\bstudy\\b']}"
)


def placed(*names: str, before: str = "Ask a clinician") -> tuple[str, str]:
    """Return front matter and body with the blocks *names* before some words."""
    body = BODY.replace(before, "".join(f'{{{{ block("{name}") }}}}\n\n' for name in names) + before)
    return FRONT.replace("blocks: []", f"blocks: [{', '.join(names)}]"), body


# R-BLK ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "names", "before", "words"),
    [
        (CARE, (), "Ask a clinician", "must carry the block FX-CARE"),
        (CARE, ("FX-CARE",), "A small thing", "stands under 'The idea'"),
        (FIRST, ("FX-CARE",), "Ask a clinician", "stands after a heading"),
        (PAID, ("FX-COI",), "Ask a clinician", "the course names none"),
    ],
)
def test_a_block_that_is_missing_or_misplaced_is_told(rules: str, names: tuple[str, ...], before: str, words: str) -> None:
    """The place is the list of blocks, or the block itself."""
    front, body = placed(*names, before=before)
    ((line, column, text),) = found(source_of(rules=rules, front=front, body=body), "R-BLK")
    assert words in text
    where = line_of('block("', front=front, body=body) if names else line_of("[]", front=front, body=body)
    assert where == (line, column)


@pytest.mark.parametrize(
    ("rules", "before"), [(CARE, "Ask a clinician"), (FIRST, "## In one line"), ("blocks: {}", "Ask a clinician")]
)
def test_a_block_in_its_place_is_not_told(rules: str, before: str) -> None:
    """Under its heading, before everything else, or anywhere when nothing is asked."""
    front, body = placed("FX-CARE", before=before)
    assert [] == found(source_of(rules=rules, front=front, body=body), "R-BLK")


def test_a_practice_that_moves_the_body_carries_its_blocks() -> None:
    """`movement: true` asks for both blocks, and a practice at rest for none."""
    assert [] == found(source_of(rules=MOVES), "R-BLK")
    moving = found(source_of(rules=MOVES, front=f"{FRONT}movement: true\n"), "R-BLK")
    assert ["FX-CARE", "FX-PEM"] == [text.split()[-1] for _, _, text in moving]
    front, body = placed("FX-CARE", "FX-PEM")
    assert [] == found(source_of(rules=MOVES, front=f"{front}movement: true\n", body=body), "R-BLK")


def test_who_is_paid_is_told_only_where_there_is_a_program() -> None:
    """The block is asked for when the course names a program, and a letter that asks first carries it for both."""
    front, body = placed("FX-COI")
    body = body.replace('{{ block("FX-COI") }}', '{% if course.program %}\n{{ block("FX-COI") }}\n{% endif %}')
    for schedule in (SCHEDULE, WITH_PROGRAM):
        assert [] == found(source_of(rules=PAID, front=front, body=body, schedule=schedule), "R-BLK")
    assert 1 == len(found(source_of(rules=PAID, schedule=WITH_PROGRAM), "R-BLK"))


def test_a_changed_block_is_found() -> None:
    """One letter more in a block gives other digits; the finding names both."""
    known = digest_of(base()["_base/blocks/FX-CARE.md"])
    rules = f"blocks: {{wording: {{FX-CARE: '{known}'}}}}"
    assert [] == problems_of(source_of(rules=rules))
    changed = {"_base/blocks/FX-CARE.md": base()["_base/blocks/FX-CARE.md"].replace("chest pain", "chest pains")}
    (problem,) = problems_of(source_of(rules=rules, files=changed))
    assert ("emails/_base/blocks/FX-CARE.md", "R-BLK") == (problem.file, problem.code)
    assert known in problem.text


def test_a_foot_without_its_blocks_is_found() -> None:
    """A layout that drops the footer is told once, in the layout."""
    rules = "blocks: {footer: [FX-DISC]}"
    assert [] == problems_of(source_of(rules=rules))
    text = base()["_base/letter.txt"].replace("{% for block in footer_blocks %}", "{% for block in [] %}")
    codes = [(one.file, one.code) for one in problems_of(source_of(rules=rules, files={"_base/letter.txt": text}))]
    assert ("emails/_base/letter.txt", "R-BLK") in codes


# R-EVID, R-REF, R-REV ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Nobody knows.", "has 2 words"),
        ("No. " * 71, "has 71 words"),
        ("It was tried by many and it went well for all of them.", "names no limit"),
        ("Nobody knows " + "and so on " * 9, "29 words; at most 25"),
        ("Heterogeneous methodological limitations cannot substantiate multidisciplinary recommendations today.", "grade"),
    ],
)
def test_a_weak_line_on_evidence_is_told(line: str, words: str) -> None:
    """Too short, too long, without a limit, or too hard to read."""
    front = FRONT.replace("Nobody has tested this, so we cannot say how far it helps.", line)
    hits = found(source_of(rules=EVIDENCE, front=front), "R-EVID")
    assert any(words in text for _, _, text in hits)
    assert {line_of("evidence_line", front=front)[0]} == {place for place, _, _ in hits}


def test_an_honest_line_on_evidence_is_not_told() -> None:
    """The plain letter names a limit, and shows the line."""
    assert [] == problems_of(source_of(rules=EVIDENCE))
    body = BODY.replace("{{ evidence }}\n", "We are not sure.\n")
    assert ["the line on evidence is not in the letter"] == [
        text for _, _, text in found(source_of(rules=EVIDENCE, body=body), "R-EVID")
    ]


@pytest.mark.parametrize(("words", "count"), [("A study of 40 people says so.", 2), ("About 30 % say so.", 1), ("We say so.", 1)])
def test_a_claim_rests_on_a_reference(words: str, count: int) -> None:
    """Each claim without a reference is told at its words, and a letter without any claim needs one too."""
    front, body = FRONT.replace("refs: [R1]", "refs: []"), BODY.replace("That is plenty", f"{words} That is plenty")
    assert count == len(found(source_of(rules=EVIDENCE, front=front, body=body), "R-REF"))
    assert [] == found(source_of(rules=EVIDENCE, body=body), "R-REF")


@pytest.mark.parametrize(
    ("reviewed", "words"),
    [
        ("{by: A, on: 2026-11-23, until: 2027-11-23}", "still to come"),
        ("{by: A, on: 2025-01-01, until: 2026-11-21}", "held until 2026-11-21"),
        ("{by: A, on: 2026-01-31, until: 2028-02-01}", "at most 24 months"),
    ],
)
def test_a_review_that_does_not_hold_is_an_error(reviewed: str, words: str) -> None:
    """Dated ahead, past, or said to hold too long."""
    front = FRONT.replace("{by: Dr A, on: 2026-01-31, until: 2027-01-31}", reviewed)
    ((line, _, text),) = found(source_of(rules="review_months_max: 24", front=front), "R-REV")
    assert words in text
    assert line_of("reviewed", front=front)[0] == line


@pytest.mark.parametrize("reviewed", ["{by: A, on: 2026-11-22, until: 2028-11-22}", "{by: A, on: 2024-11-30, until: 2026-11-22}"])
def test_a_review_holds_to_its_last_day(reviewed: str) -> None:
    """Read today, or valid until today, is valid; so is the last day of a shorter month."""
    front = FRONT.replace("{by: Dr A, on: 2026-01-31, until: 2027-01-31}", reviewed)
    assert [] == problems_of(source_of(rules="review_months_max: 24", front=front), today=TODAY)
    leap = FRONT.replace("{by: Dr A, on: 2026-01-31, until: 2027-01-31}", "{by: A, on: 2024-02-29, until: 2026-02-28}")
    assert [] == problems_of(source_of(rules="review_months_max: 24", front=leap), today=date(2026, 2, 1))


def test_a_review_is_of_the_words_that_were_read() -> None:
    """Another wording is told with the digits it has now; those digits settle it."""
    rules = "review_months_max: 24"
    (problem,) = problems_of(source_of(rules=rules), wording=True)
    assert ("R-REV", "warning") == (problem.code, problem.severity)
    digits = problem.text.rpartition(" ")[2]
    front = FRONT.replace("until: 2027-01-31}", f'until: 2027-01-31, of: "{digits}"}}')
    assert [] == problems_of(source_of(rules=rules, front=front), wording=True)


def test_an_unreviewed_letter_is_a_warning() -> None:
    """Nobody has looked yet: a warning that cannot be waived, and for a draft not even that."""
    front = FRONT.replace("reviewed: {by: Dr A, on: 2026-01-31, until: 2027-01-31}\n", "")
    (problem,) = problems_of(source_of(rules="review_months_max: 24", front=front))
    assert (FILE, "R-REV", "warning") == (problem.file, problem.code, problem.severity)
    draft = problems_of(source_of(rules="review_months_max: 24", front=f"{front}draft: true\n"), drafts=True)
    assert ["L207"] == [one.code for one in draft]


# R-LINK, R-CTA -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "count"),
    [("[here](https://example.com/a)", 1), ("[Click here](https://example.com/a)", 1), ("[Your page]({{ links.page }})", 0)],
)
def test_a_link_says_where_it_goes(link: str, count: int) -> None:
    """Words such as *here* do not."""
    body = BODY.replace("That is plenty", f"See {link}. That is plenty")
    hits = found(source_of(rules="links: {most: 5, vague: [here, click here]}", body=body), "R-LINK")
    assert count == len(hits)


def test_links_in_a_body_are_few() -> None:
    """The sixth link is told where it stands, and five are fine."""
    for count in (5, 6):
        body = BODY.replace("That is", " ".join(f"[Page {one}](https://example.com/{one})" for one in range(count)) + " That is")
        hits = found(source_of(rules="links: {most: 5, vague: [here]}", body=body), "R-LINK")
        assert ([line_of("Page 5", body=body)] if count == 6 else []) == [(line, column) for line, column, _ in hits]


APPLY = "[Read about it]({{ course.program.url }})"
COI = '{{ block("FX-COI") }}'
CRISIS = '{{ block("FX-CRISIS") }}'


@pytest.mark.parametrize(
    ("letters", "words", "said"),
    [
        ("[]", f"{APPLY}\n\n{COI}", "may carry one"),
        ("[first]", APPLY, "does not stand beside"),
        ("[first]", f"{APPLY}\n\n{APPLY}\n\n{COI}", "a second link"),
        ("[first]", f"{COI}\n\n{APPLY}\n\n{CRISIS}", "stands beside FX-CRISIS"),
        ("[first]", f"{APPLY}\n\n{COI}\n\nThen.\n\n{CRISIS}", ""),
    ],
)
def test_the_way_to_a_paid_program(letters: str, words: str, said: str) -> None:
    """Once, in the letters that may, beside the words on who is paid, and never beside a crisis line.

    The letter is read as if there were a program, although this course names none.
    """
    names = [name for name in ("FX-COI", "FX-CRISIS") if name in words]
    front = FRONT.replace("blocks: []", f"blocks: [{', '.join(names)}]")
    body = f"{BODY}\n{{% if course.program %}}\n\n{words}\n\n{{% endif %}}\n"
    rules = f"apply: {{letters: {letters}, beside: FX-COI, never_beside: [FX-CRISIS]}}"
    texts = [text for _, _, text in found(source_of(rules=rules, front=front, body=body), "R-CTA")]
    assert (said in texts[0]) if said else texts == []


def test_no_way_to_a_paid_program_above_the_first_heading() -> None:
    """A letter never opens with it."""
    body = f"{{% if course.program %}}\n\n{APPLY}\n\n{{% endif %}}\n\n{BODY}"
    hits = found(source_of(rules="apply: {letters: [first]}", body=body, schedule=WITH_PROGRAM), "R-CTA")
    assert ["a link to the paid program stands above the first heading"] == [text for _, _, text in hits]
