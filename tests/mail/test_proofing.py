"""A proof holds the words of a letter in their order, and says which of them are whose."""

from __future__ import annotations

import pytest

from drip.core.editorial.proof import Link, Passage
from drip.core.reading import grade_of, sentences_in, words_in
from tests.mail.test_render_letters import real_book


def test_the_body_is_taken_apart() -> None:
    """Headings, paragraphs and items stand in their order; blocks, evidence and hard day are told apart."""
    passages = real_book().proof("welcome").passages
    assert Passage("heading", "In one line", "In one line") == passages[0]
    headings = [passage.text for passage in passages if passage.kind == "heading" and not passage.part]
    assert ["In one line", "This week's practice", "You can stop here", "The idea", "How sure are we?", "Take care"] == headings
    parts = list(dict.fromkeys(passage.part for passage in passages))
    assert ["", "hard-day", "evidence", "FX-CARE", "FX-CRISIS"] == parts
    steps = [passage for passage in passages if passage.ordered]
    assert [1, 1] == [passage.list for passage in steps]
    assert "weekday" in steps[0].text
    assert [Link(steps[0].text, steps[0].links[0].target)] == list(steps[0].links)


def test_the_label_of_the_evidence_is_not_the_authors() -> None:
    """The line is, and only that is measured."""
    (line,) = (passage for passage in real_book().proof("completion").passages if passage.part == "evidence")
    assert "This course has not been tested, and neither has finishing it." == line.text


def test_values_of_the_sample_reader_are_plain_words() -> None:
    """No mark is left round them, and her tokens are as long as real ones."""
    proof = real_book().proof("welcome")
    assert "Tuesday 3 March." in proof.passages[1].text
    assert not any(mark in proof.text + proof.html + str(proof.passages) for mark in ("x7drip", "\ue000", "\ue001"))
    assert max(map(len, proof.html.split("/"))) > 60


def test_a_letter_that_speaks_of_a_program_has_two_proofs() -> None:
    """One as the course is, one as if it named a program; other letters and those of drip itself have one."""
    proofs = real_book().proofs()
    assert ["", "https://program.example.org/apply"] == [one.program_url for one in proofs if one.letter == "completion"]
    assert 1 == sum(one.letter == "settle" for one in proofs)
    assert {"confirm", "my-link", "address-change"} <= {one.letter for one in proofs}


def test_a_whole_letter_measures_what_its_sample_measured() -> None:
    """The sample of this letter had 367 words and grade 2.6 by another counter; the letter is near both."""
    prose = real_book().proof("sleep-anchor").prose
    sentences = [sentence for passage in prose for sentence in sentences_in(passage.text)]
    assert grade_of(sentences) == pytest.approx(2.6, abs=1.5)
    assert sum(len(words_in(sentence)) for sentence in sentences) == pytest.approx(367, abs=25)
