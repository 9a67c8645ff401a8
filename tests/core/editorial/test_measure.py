"""Measured rules: each is missed by the plain letter and hit by one that goes a step too far."""

from __future__ import annotations

import pytest

from tests.editor import BODY, FRONT, found, line_of, problems_of, source_of

LONG = "This sentence goes on and on, " + "and on and on " * 6 + "until nobody knows how it began."
STEPS = "1. Choose one thing.\n2. Do it after breakfast.\n"

HITS = {
    "too few words": ("R-WORDS", "kinds: {lesson: {words_min: 90, words_max: 200}}", "", "", "90 to 200"),
    "too many words": ("R-WORDS", "kinds: {lesson: {words_min: 1, words_max: 20}}", "", "", "1 to 20"),
    "too many words in all": ("R-WORDS", "reading: {whole_words_max: 50}", "", "", "at most 50"),
    "too hard": (
        "R-FK",
        "reading: {grade_max: 8}",
        "A small thing that stays put is easier to keep than a large one.",
        "Psychophysiological dysregulation necessitates individualised multidisciplinary rehabilitation. " * 4,
        "at most 8",
    ),
    "a long sentence": ("R-SENT", "reading: {sentence_max: 25}", "That is plenty for one week.", LONG, "at most 25"),
    "long sentences": ("R-SENT", "reading: {sentence_mean_max: 3}", "", "", "at most 3"),
    "many sentences": (
        "R-PARA",
        "reading: {paragraph_sentences_max: 5}",
        "That is plenty",
        "Yes. " * 5 + "That is plenty",
        "6 sentences",
    ),
    "a long paragraph": ("R-PARA", "reading: {paragraph_words_max: 20}", "That is plenty for one week.", LONG, "at most 20"),
    "a long list": ("R-LIST", "reading: {list_items_max: 6}", STEPS, "1. Rest.\n" * 7, "7 items"),
    "a long item": ("R-LIST", "reading: {item_words_max: 30}", "Do it after breakfast.", LONG, "at most 30"),
    "many steps": ("R-ONE", "", STEPS, "1. Rest a while.\n" * 5, "5 steps"),
    "no steps": ("R-ONE", "", STEPS, "Rest.\n", "no numbered steps"),
    "two practices": ("R-ONE", "", STEPS, f"{STEPS}\nOr this:\n\n{STEPS}", "2 numbered lists"),
    "a long practice": ("R-ONE", "", "minutes: 5", "minutes: 11", "11 minutes"),
    "a long hard day": ("R-ONE", "", "Think of it once.", "Think " + "of it " * 13, "27 words"),
    "no hard day": ("R-ONE", "", "hard_day: Think of it once.\n", "", "no version"),
    "a hard day left out": ("R-ONE", "", "{{ hard_day }}\n", "", "not in the letter"),
    "a foreign heading": (
        "R-HEAD",
        "headings: [In one line]",
        "Ask a clinician",
        "## My thoughts\n\nAsk a clinician",
        "none of the fixed",
    ),
    "must": (
        "R-MUST",
        "must: {words: [must, have to], most: 3, free: [Take care]}",
        "That is plenty",
        "You must, must, have to and MUST rest. That is plenty",
        "4 times",
    ),
    "standing": ("R-ALT", "", "Do it after breakfast.", "Stand by the window.", "standing"),
}
PRACTICE = (
    "practice: {heading: This week's practice, minutes_max: 10, steps_max: 4, hard_day_words_max: 25,"
    " needs: {standing: '\\bstand\\b'}}"
)


@pytest.mark.parametrize("what", HITS)
def test_a_letter_that_goes_too_far_is_told_what_it_measures(what: str) -> None:
    """The finding has the rule's id, what was measured, the limit, and a line inside the file."""
    code, rules, before, after, words = HITS[what]
    rules = rules or PRACTICE
    assert not before or before in FRONT + BODY
    front, body = (text.replace(before, after) if before else text for text in (FRONT, BODY))
    if not after and before.startswith("hard_day"):
        body = BODY.replace("{{ hard_day }}\n", "")
    hits = found(source_of(rules=rules, front=front, body=body), code)
    assert any(words in text for _, _, text in hits)
    assert all(1 < line <= front.count("\n") + body.count("\n") + 3 for line, _, _ in hits)


@pytest.mark.parametrize(
    "rules",
    [
        "kinds: {lesson: {words_min: 40, words_max: 200}}",
        "reading: {grade_max: 8, grade_min: 0, sentence_mean_max: 14, sentence_max: 25, whole_words_max: 620}",
        "reading: {paragraph_sentences_max: 5, paragraph_words_max: 65, list_items_max: 6, item_words_max: 30}",
        PRACTICE,
        "headings: [In one line, This week's practice, You can stop here, The idea, How sure are we?, Take care]",
        "headline: {subject_max: 50, preheader_max: 90}",
        "must: {words: [must], most: 0}",
    ],
)
def test_a_plain_letter_keeps_to_each_rule(rules: str) -> None:
    """What is within its limits is not told."""
    assert [] == problems_of(source_of(rules=rules))


def test_the_offending_sentence_is_the_place() -> None:
    """A long sentence in the middle of a paragraph is found where it begins, in the line of the file."""
    body = BODY.replace("That is plenty for one week.", f"That is plenty.\nRest now. {LONG}")
    ((line, column, _),) = found(source_of(rules="reading: {sentence_max: 25}", body=body), "R-SENT")
    assert line_of("This sentence goes on", body=body) == (line, column)


def test_words_of_the_front_matter_have_their_place_there() -> None:
    """A long sentence about evidence is found in the front matter, on the line of a folded value."""
    front = FRONT.replace("Nobody has tested this, so we cannot say how far it helps.", f">-\n  Nobody knows.\n  {LONG}")
    ((line, column, _),) = found(source_of(rules="reading: {sentence_max: 25}", front=front), "R-SENT")
    assert line_of("This sentence goes on", front=front) == (line, column)


def test_a_text_that_is_too_easy_is_a_warning() -> None:
    """A grade below the lowest is no error: it only begins to sound like a school primer."""
    (problem,) = problems_of(source_of(rules="reading: {grade_min: 9}"))[:1]
    assert ("R-FK", "warning") == (problem.code, problem.severity)


def test_a_subject_is_measured_once_it_is_filled_in() -> None:
    """The letter's own title can make a subject too long that is short as it is written; what is long as written is L105."""
    front = FRONT.replace(
        "subject: One small thing", 'subject: "{{ title }} and {{ course.title }} and {{ phases[0].title }} today, and again"'
    )
    front = front.replace("{{ title }} and", "One small thing and")
    rules = "headline: {subject_max: 50, preheader_max: 90}"
    ((line, _, text),) = found(source_of(rules=rules, front=front), "R-SUBJ")
    assert 3 == line
    assert "at most 50" in text


def test_a_need_with_a_named_alternative_is_met() -> None:
    """Naming what else will do answers the warning."""
    body = BODY.replace("Do it after breakfast.", "Stand by the window.")
    front = f"{FRONT}alternatives: {{standing: sit by it}}\n"
    assert [] == problems_of(source_of(rules=PRACTICE, front=front, body=body))


def test_a_curly_apostrophe_is_an_apostrophe() -> None:
    """The heading of the practice is found with either."""
    rules = f"{PRACTICE}\nheadings: [In one line, This week's practice, You can stop here, The idea, How sure are we?, Take care]"
    assert [] == problems_of(source_of(rules=rules, body=BODY.replace("week's", "week’s")))


def test_a_missing_heading_is_told_once() -> None:
    """Whether the letter is finished or a draft that is judged like one."""
    rules = "headings: [In one line, This week's practice, You can stop here, The idea, How sure are we?, Take care]"
    body = BODY.replace("## The idea\n\n", "")
    finished = [problem.code for problem in problems_of(source_of(rules=rules, body=body))]
    draft = problems_of(source_of(rules=rules, front=f"{FRONT}draft: true\n", body=body), drafts=True)
    assert ["R-HEAD"] == finished
    assert ["L207", "R-HEAD"] == sorted(problem.code for problem in draft)


def test_swapped_headings_of_a_draft_are_found_where_they_stand() -> None:
    """The heading that comes too late is the place."""
    rules = "headings: [In one line, This week's practice, You can stop here, The idea, How sure are we?, Take care]"
    front = f"{FRONT}draft: true\n"
    body = BODY.replace("## The idea", "## X").replace("## Take care", "## The idea").replace("## X", "## Take care")
    problems = problems_of(source_of(rules=rules, front=front, body=body), drafts=True)
    hits = [(one.line, one.column) for one in problems if one.code == "R-HEAD"]
    assert [line_of("How sure are we?", front=front, body=body), line_of("The idea", front=front, body=body)] == hits


def test_what_every_front_matter_must_say_is_named() -> None:
    """Each field that the rules ask for and the letter leaves out, with an example; without the rule nothing is asked."""
    front = "".join(line for line in FRONT.splitlines(keepends=True) if not line.startswith("objective:"))
    found = problems_of(source_of(rules="front: [minutes, objective, evidence]", front=front))
    assert [("R-FRONT", "objective is missing")] == [(one.code, one.text) for one in found]
    assert found[0].hint.startswith("add `objective: ")
    assert [] == problems_of(source_of(rules="must: {words: [must], most: 3}", front=front))


KIT = "\nkinds: {kit: {letters: [first], words_min: 1, words_max: 400, practice: One thing for now}}"


@pytest.mark.parametrize(("kinds", "heading"), [(KIT, "One thing for now"), ("", "This week's practice")])
def test_the_practice_of_a_kind_has_a_heading_of_its_own(kinds: str, heading: str) -> None:
    """A letter of that kind has its steps under that heading and under no other, and every other letter as before."""
    headings = "headings: [In one line, This week's practice, You can stop here, The idea, How sure are we?, Take care]"
    told = {
        words: [
            problem.code
            for problem in problems_of(
                source_of(rules=f"{PRACTICE}\n{headings}{kinds}", body=BODY.replace("This week's practice", words))
            )
        ]
        for words in ("One thing for now", "This week's practice")
    }
    assert [] == told.pop(heading)
    [codes] = told.values()
    assert {"R-HEAD", "R-ONE"} <= set(codes)
