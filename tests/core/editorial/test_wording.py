"""Words that are never said, shown, typed, shouted or copied; the Roadmap's own patterns are tried on their examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.editorial.rulebook import Rulebook, parse_rules
from drip.core.editorial.rules import Pattern
from drip.core.editorial.wording import shingles_of
from drip.files import read_project, read_yaml
from tests.editor import BODY, FRONT, ROOT, found, line_of, problems_of, source_of

FOLDER = "editorial/"


def roadmap() -> Rulebook:
    """The rules of the Roadmap as they are on the disk."""
    files = read_project(ROOT / "schedules.yaml", ROOT / "emails").letters
    document, _ = read_yaml(files[f"{FOLDER}roadmap.yaml"], f"emails/{FOLDER}roadmap.yaml")
    letters = {path.rpartition("/")[2].removesuffix(".md") for path in files if path.endswith(".md")}
    book, problems = parse_rules(document, letters=letters, blocks=letters, files=files, folder=FOLDER)
    assert [] == problems
    assert book is not None
    return book


BOOK = roadmap()
PATTERNS = {pattern.id: pattern for _, pattern in BOOK.rules.every_pattern}
EXAMPLES = [(pattern.id, words) for pattern in PATTERNS.values() for words in pattern.hit]
INNOCENT = [(pattern.id, words) for pattern in PATTERNS.values() for words in pattern.miss]
RULES = """\
patterns:
  - {id: B01, pattern: '\\bguarantee', why: no, hit: [guaranteed], miss: [maybe]}
  - {id: B03, severity: warning, pattern: '\\bcure\\b', why: hm, hit: [a cure], miss: [secure]}
"""
SHOWN = """\
headline: {subject_max: 50, preheader_max: 90, opening: 120}
lock_screen:
  - {id: S01, pattern: '\\bsleep\\b', why: private, hit: [sleep], miss: [asleep]}
"""


def test_every_kind_of_forbidden_words_is_there() -> None:
    """Twenty kinds of words that are never said, three that never show on a lock screen, and typed numbers."""
    assert {f"B{number:02}" for number in range(1, 21)} <= set(PATTERNS)
    assert {"S01", "S02", "S03", "R-WEEK"} <= set(PATTERNS)


@pytest.mark.parametrize(("rule", "words"), EXAMPLES)
def test_a_pattern_finds_its_examples(rule: str, words: str) -> None:
    """Each hit in the rule file is one."""
    assert any(PATTERNS[rule].finds(words))


@pytest.mark.parametrize(("rule", "words"), INNOCENT)
def test_a_pattern_passes_over_innocent_words(rule: str, words: str) -> None:
    """Each miss in the rule file is one."""
    assert not any(PATTERNS[rule].finds(words))


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("title", "title: One small thing", "title: Guaranteed"),
        ("subject", "subject: One small thing", "subject: Guaranteed"),
        ("preheader", "Choose one thing for", "Guaranteed for"),
        ("evidence", "Nobody has tested this", "Guaranteed, and nobody has tested this"),
        ("hard day", "Think of it once.", "Guaranteed."),
        ("heading", "## The idea", "## The idea\n\n### Guaranteed\n"),
        ("step", "Do it after breakfast.", "Do it, guaranteed."),
        ("emphasis", "That is plenty", "That *is guaranteed*, so"),
        ("link", "That is plenty", "[Guaranteed rest](https://example.com/a) is"),
    ],
)
def test_words_are_found_wherever_a_reader_meets_them(field: str, before: str, after: str) -> None:
    """Subject, preheader, title, headings, steps, link text and the lines of the front matter are all read."""
    front, body = FRONT.replace(before, after, 1), BODY.replace(before, after, 1)
    hits = found(source_of(rules=RULES, front=front, body=body), "B01")
    word = "guaranteed" if "guaranteed" in after else "Guaranteed"
    assert line_of(word, front=front, body=body) in [(line, column) for line, column, _ in hits], field


def test_nothing_is_hidden_behind_the_first() -> None:
    """A letter with four faults is told four, each at its place."""
    body = BODY.replace("That is plenty", "A cure is guaranteed, a cure, yes, guaranteed. That is plenty")
    problems = problems_of(source_of(rules=RULES, body=body))
    assert ["B03", "B01", "B03", "B01"] == [one.code for one in problems]
    assert 4 == len({(one.line, one.column) for one in problems})


def test_words_behind_a_condition_are_read() -> None:
    """What stands only where the course has a program is read although this course has none."""
    body = f"{BODY}\n{{% if course.program %}}\nResults are guaranteed.\n{{% endif %}}\n"
    assert [line_of("guaranteed", body=body)] == [place[:2] for place in found(source_of(rules=RULES, body=body), "B01")]


def test_blocks_and_layouts_are_read_at_their_own_place() -> None:
    """A word in a fixed block is told once, in the file of the block."""
    files = {"_base/blocks/FX-DISC.md": "Learning only.\nResults are guaranteed.\n"}
    (problem,) = problems_of(source_of(rules=RULES, files=files))
    assert ("emails/_base/blocks/FX-DISC.md", 2, 13, "B01") == (problem.file, problem.line, problem.column, problem.code)


def test_system_letters_are_read_too() -> None:
    """The confirmation has no evidence and no practice, and still promises nothing."""
    files = {"_system/confirm.md": "---\ntitle: A\nsubject: B\npreheader: C\n---\nGuaranteed.\n"}
    assert [("emails/_system/confirm.md", 6, "B01")] == [
        (one.file, one.line, one.code) for one in problems_of(source_of(rules=RULES, files=files))
    ]


@pytest.mark.parametrize("before", ["subject: One small", "preheader: Choose one"])
def test_a_lock_screen_shows_no_health(before: str) -> None:
    """A word in the subject or the preheader is told there, and not once more for the text part that opens with it."""
    front = FRONT.replace(before, before.replace("One", "Sleep").replace("Choose one", "Sleep is"), 1).replace(
        "Choose one thing", "Choose sleep"
    )
    front = front if "subject" not in before else front.replace("Choose sleep", "Choose one thing")
    front = front.replace("subject: One small", "subject: Sleep, one small") if "subject" in before else front
    hits = found(source_of(rules=SHOWN, front=front), "S01")
    assert 1 == len(hits)
    assert 3 if "subject" in before else 4 == hits[0][0]


def test_the_first_words_of_the_text_part_show_too() -> None:
    """After a short preheader the title may be among the first 120 characters; a later word is free."""
    front = FRONT.replace("title: One small thing", "title: On sleep").replace("Choose one thing for this week.", "Yes.")
    (hit,) = found(source_of(rules=SHOWN, front=front), "S01")
    assert "first 120 characters" in hit[2]
    body = BODY.replace("That is plenty", "Good sleep is plenty")
    assert [] == found(source_of(rules=SHOWN, body=body), "S01")


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("name: Sam,", "name: Sam of Sleep,", (4, 18)),
        ("reply_to: hello@", "reply_to: good.sleep@", (5, 15)),
        ("  small:", "  sleep:", (2, 3)),
    ],
)
def test_names_on_an_envelope_show_too(before: str, after: str, place: tuple[int, int]) -> None:
    """Sender, answer address and the id in List-Id are read in the schedule."""
    source = source_of(rules=SHOWN)
    source = type(source)(source.schedule_text.replace(before, after), source.letters)
    assert [("schedules.yaml", *place, "S01")] == [(one.file, one.line, one.column, one.code) for one in problems_of(source)]


@pytest.mark.parametrize(
    ("words", "count"),
    [("Stop NOW please.", 1), ("The NICE guide on ME/CFS.", 0), ("Well! Done!", 1), ("Well done!", 0), ("A TV.", 0)],
)
def test_no_letter_shouts(words: str, count: int) -> None:
    """Capitals of three letters and a second exclamation mark are too loud; allowed words and short ones are not."""
    rules = "shout: {exclamations_max: 1, capitals: [ME/CFS, NICE]}"
    body = BODY.replace("That is plenty", f"{words} That is plenty")
    assert count == len(found(source_of(rules=rules, body=body), "R-SHOUT"))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("As in week 4.", 1),
        ("See Letter 3.", 1),
        ("Letter {{ number }} of {{ lessons_total }}.", 0),
        ("Between weeks 2 and 7.", 0),
    ],
)
def test_a_typed_number_is_found_and_a_derived_one_is_not(words: str, count: int) -> None:
    """Only what stands in the file as a number is false for somebody."""
    pattern = PATTERNS["R-WEEK"].model_dump_json()
    body = BODY.replace("That is plenty", f"{words} That is plenty")
    hits = found(source_of(rules=f"written: [{pattern}]", body=body), "R-WEEK")
    assert count == len(hits)


# Copies --------------------------------------------------------------------------------------------------------------

OTHER = "It is, they say, a truth that nobody here would ever dream of leaving out of a book."


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("a truth that nobody here would ever dream of it", 1),
        ("a TRUTH, that nobody here would (ever) dream of it", 1),
        ("a truth that nobody here would ever wish for it", 0),
    ],
)
def test_eight_words_in_a_row_are_a_copy(words: str, count: int) -> None:
    """Commas and capitals hide nothing, and seven words are free."""
    shingles = "\n".join(digest for _, digest in shingles_of(OTHER))
    body = BODY.replace("That is plenty", f"It is {words}. That is plenty")
    source = source_of(rules="copy_of: [other.shingles]", body=body, files={"other.shingles": shingles})
    hits = found(source, "R-COPY")
    assert count == len(hits)
    assert all(line_of(words[:7], body=body) == (line, column) for line, column, _ in hits)


def test_shingles_do_not_hold_the_text() -> None:
    """A file of shingles has twelve digits a line and no word."""
    assert all(len(digest) == 12 and set(digest) <= set("0123456789abcdef") for _, digest in shingles_of(OTHER))
    assert len(BOOK.shingles) > 700


@given(st.lists(st.sampled_from(["small", "things", "stay", "and", "grow", "in", "shade"]), min_size=8, max_size=30))
def test_a_copy_is_found_wherever_it_is_cut(words: list[str]) -> None:
    """Whatever stands before and after, a run of eight words has the same hash."""
    alone = {digest for _, digest in shingles_of(" ".join(words))}
    inside = {digest for _, digest in shingles_of(f"Well, {', '.join(words).upper()}. So!")}
    assert alone <= inside


def test_patterns_keep_capitals_when_asked() -> None:
    """A pattern about capitals tells small letters from capitals."""
    pattern = Pattern(id="S03", pattern=r"\b[A-Z]{3,}\b", case_sensitive=True, why="no", hit=("YOUR",), miss=("your",))
    assert not any(pattern.finds("your"))


@pytest.mark.parametrize("words", ["guaran\u00adteed", "guar\u200banteed", "\u2060guaranteed"])
def test_what_is_not_seen_hides_nothing(words: str) -> None:
    """Soft hyphens and spaces of no width, which word processors put in, keep no phrase from being found."""
    body = BODY.replace("That is plenty", f"It is {words}. That is plenty")
    problems = problems_of(source_of(rules=RULES, body=body))
    assert ["B01"] == [one.code for one in problems if one.code == "B01"]
