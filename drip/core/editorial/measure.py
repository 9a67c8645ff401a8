"""What can be measured: length, reading grade, sentences, paragraphs, lists, headings, the one practice, subjects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from drip.core.editorial.desk import Desk
from drip.core.editorial.markup import seen_text, tree_of
from drip.core.editorial.proof import HARD_DAY, Passage
from drip.core.editorial.rules import Practice, compiled
from drip.core.letter import PREHEADER_MAX, SUBJECT_MAX, LessonFront
from drip.core.problem import Problem, quoted
from drip.core.reading import grade_of, sentences_in, words_in

_ADDRESS = re.compile(r"\S*://\S*|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:org|com|net|example)(?:/\S*)?", re.IGNORECASE)
FRONT_EXAMPLES = {
    "minutes": "5",
    "objective": "The reader sets one get-up time.",
    "evidence": "experience",
    "hard_day": "Do half of it, lying down.",
}
"""What each field of the front matter that rules can ask for may look like."""

_CAPITALS = re.compile(r"(?<![\w/&])[A-Z][A-Z'’]*[A-Z]{2,}(?:/[A-Z]+)*(?![\w])")


def findings(desk: Desk) -> Iterator[Problem]:
    """Yield what a letter measures beyond a limit."""
    yield from _words(desk)
    yield from _grade(desk)
    yield from _sentences(desk)
    yield from _paragraphs(desk)
    yield from _lists(desk)
    yield from _front(desk)
    yield from _headings(desk)
    yield from _practice(desk)
    yield from _headline(desk)
    yield from _must(desk)


def sentences_of(desk: Desk) -> list[tuple[Passage, str]]:
    """Return the sentences of the body with their passages, addresses left out; an item of a list ends one."""
    return [(passage, sentence) for passage in desk.proof.prose for sentence in sentences_in(_ADDRESS.sub("", passage.text))]


def _words(desk: Desk) -> Iterator[Problem]:
    found = desk.rules.kind_of(desk.proof.letter)
    count = sum(len(words_in(_ADDRESS.sub("", passage.text))) for passage in desk.proof.prose)
    if found:
        name, kind = found
        bounds = f"a {name} letter has {kind.words_min} to {kind.words_max}"
        if count < kind.words_min:
            yield desk.at_body("R-WORDS", f"the body has {count} words; {bounds}", "say a little more")
        elif count > kind.words_max:
            yield desk.at_body("R-WORDS", f"the body has {count} words; {bounds}", "cut what she can do without")
    most = desk.rules.reading.whole_words_max
    whole = len(words_in(_ADDRESS.sub("", seen_text(tree_of(desk.proof.html)))))
    if most is not None and whole > most:
        text = f"the whole mail has {whole} words with blocks and foot; at most {most} may stand there"
        yield desk.at_body("R-WORDS", text, "cut what she can do without")
    elif most is not None and whole + desk.proof.helpline_words > most:
        text = f"the whole mail has {whole} words, and {whole + desk.proof.helpline_words} with a helpline; at most {most} fit"
        yield desk.at_body("R-WORDS", text, "cut a few words, so that the helpline has room", severity="warning")


def _grade(desk: Desk) -> Iterator[Problem]:
    sentences = sentences_of(desk)
    if not sentences:
        return
    limits, grade = desk.rules.reading, grade_of([sentence for _, sentence in sentences])
    if limits.grade_max is not None and grade > limits.grade_max:
        passage, hardest = max(sentences, key=lambda pair: grade_of([pair[1]]))
        text = f"the reading grade is {grade:.1f}; at most {limits.grade_max:g} is easy enough"
        yield desk.at(passage, "R-FK", text, "begin with this sentence: shorter, with plainer words", phrase=hardest)
    elif limits.grade_min is not None and grade < limits.grade_min:
        text = f"the reading grade is {grade:.1f}; under {limits.grade_min:g} it sounds like a school primer"
        yield desk.at_body("R-FK", text, "join some of the short sentences", severity="warning")


def _sentences(desk: Desk) -> Iterator[Problem]:
    sentences, limits = sentences_of(desk), desk.rules.reading
    if not sentences:
        return
    mean = sum(len(words_in(sentence)) for _, sentence in sentences) / len(sentences)
    if limits.sentence_mean_max is not None and mean > limits.sentence_mean_max:
        text = f"a sentence has {mean:.1f} words on the mean; at most {limits.sentence_mean_max} are easy to follow"
        yield desk.at_body("R-SENT", text, "cut the longest ones in two")
    for passage, sentence in sentences:
        count = len(words_in(sentence))
        if limits.sentence_max is not None and count > limits.sentence_max:
            text = f"this sentence has {count} words; at most {limits.sentence_max} are easy to follow"
            yield desk.at(passage, "R-SENT", text, "cut it in two", phrase=sentence)


def _paragraphs(desk: Desk) -> Iterator[Problem]:
    limits = desk.rules.reading
    for passage in desk.proof.prose:
        if passage.kind != "paragraph":
            continue
        sentences, words = len(sentences_in(passage.text)), len(words_in(passage.text))
        if limits.paragraph_sentences_max is not None and sentences > limits.paragraph_sentences_max:
            text = f"this paragraph has {sentences} sentences; at most {limits.paragraph_sentences_max} stand together"
            yield desk.at(passage, "R-PARA", text, "begin a new paragraph")
        if limits.paragraph_words_max is not None and words > limits.paragraph_words_max:
            text = f"this paragraph has {words} words; at most {limits.paragraph_words_max} stand together"
            yield desk.at(passage, "R-PARA", text, "begin a new paragraph")


def _lists(desk: Desk) -> Iterator[Problem]:
    limits = desk.rules.reading
    items = [passage for passage in desk.proof.prose if passage.list]
    for _, group in groupby(items, key=lambda passage: passage.list):
        together = list(group)
        if limits.list_items_max is not None and len(together) > limits.list_items_max:
            text = f"this list has {len(together)} items; more than {limits.list_items_max} are hard to hold"
            yield desk.at(together[0], "R-LIST", text, "cut some, or make two lists", severity="warning")
        for passage in together:
            count = len(words_in(passage.text))
            if limits.item_words_max is not None and count > limits.item_words_max:
                text = f"this item has {count} words; at most {limits.item_words_max} read like one"
                yield desk.at(passage, "R-LIST", text, "shorten it", severity="warning")


def _headings(desk: Desk) -> Iterator[Problem]:
    """Yield headings that are unknown, missing or misplaced."""
    order = desk.rules.headings_of(desk.proof.letter)
    if not order or desk.front is None:
        return
    hint = f"the headings are: {', '.join(order)}"
    own = [passage for passage in desk.proof.passages if passage.kind == "heading" and passage.text == passage.section]
    reached, present = -1, set[str]()
    for passage in own:
        words = passage.text.replace("’", "'")
        if words not in order:
            yield desk.at(passage, "R-HEAD", f"{quoted(passage.text)} is none of the fixed headings", hint)
            continue
        place = order.index(words)
        if place <= reached:
            yield desk.at(passage, "R-HEAD", f"the heading {words!r} stands after {order[reached]!r}", hint)
        reached = max(reached, place)
        present.add(words)
    for words in order:
        if words not in present:
            yield desk.at_body("R-HEAD", f"the heading {words!r} is missing", f"add a line `## {words}`")


def _front(desk: Desk) -> Iterator[Problem]:
    """Yield what the rules ask of every front matter and this one does not say."""
    for field in desk.rules.front if desk.front is not None else ():
        if not getattr(desk.front, field):
            yield desk.at_front((), "R-FRONT", f"{field} is missing", f"add `{field}: {FRONT_EXAMPLES[field]}`")


def _practice(desk: Desk) -> Iterator[Problem]:
    limits, front = desk.rules.practice, desk.front
    if limits is None or front is None:
        return
    if front.minutes is not None and front.minutes > limits.minutes_max:
        text = f"the practice takes {front.minutes} minutes; at most {limits.minutes_max} fit a hard week"
        yield desk.at_front(("minutes",), "R-ONE", text, "make it smaller")
    heading = desk.rules.practice_heading(desk.proof.letter)
    steps = [passage for passage in desk.proof.prose if passage.section == heading and passage.ordered]
    lists = sorted({passage.list for passage in steps})
    if len(lists) != 1:
        text = (
            "the practice has no numbered steps"
            if not lists
            else f"there are {len(lists)} numbered lists; a letter has one practice"
        )
        yield desk.at_body("R-ONE", text, "write one numbered list", phrase=heading)
    elif len(steps) > limits.steps_max:
        text = f"the practice has {len(steps)} steps; at most {limits.steps_max} can be held in mind"
        yield desk.at(steps[limits.steps_max], "R-ONE", text, "cut or join some")
    yield from _hard_day(desk, limits, front)
    yield from _needs(desk, limits, front, steps)


def _hard_day(desk: Desk, limits: Practice, front: LessonFront) -> Iterator[Problem]:
    count = len(words_in(front.hard_day or ""))
    if not count:
        yield desk.at_front(("minutes",), "R-ONE", "there is no version for a hard day", "add `hard_day: ...`")
    elif count > limits.hard_day_words_max:
        text = f"the version for a hard day has {count} words; at most {limits.hard_day_words_max} can be read on one"
        yield desk.at_front(("hard_day",), "R-ONE", text, "shorten it")
    elif not any(passage.part == HARD_DAY for passage in desk.proof.passages):
        text = "the version for a hard day is not in the letter"
        yield desk.at_front(("hard_day",), "R-ONE", text, "write {{ hard_day }} below the steps")


def _needs(desk: Desk, limits: Practice, front: LessonFront, steps: Sequence[Passage]) -> Iterator[Problem]:
    """Yield a warning for each need that the steps seem to have and that the front matter names no alternative for."""
    for need, pattern in limits.needs.items():
        if need in front.alternatives:
            continue
        for passage in steps:
            if match := compiled(pattern).search(passage.text):
                text = f"this step seems to need {need} ({quoted(match[0])}), and no alternative is named"
                hint = f"add `alternatives: {{{need}: ...}}` with what else will do"
                yield desk.at(passage, "R-ALT", text, hint, phrase=match[0], severity="warning")
                break


def _headline(desk: Desk) -> Iterator[Problem]:
    limits = desk.rules.headline
    if limits is None:
        return
    for field, words, most, told in (
        ("subject", desk.proof.subject, limits.subject_max, SUBJECT_MAX),
        ("preheader", desk.proof.preheader, limits.preheader_max, PREHEADER_MAX),
    ):
        # What is too long as it is written is L105.
        if len(words) > most and (most < told or len(words) > told):
            text = f"{field} is {len(words)} characters long once it is filled in; at most {most} show in a mailbox"
            yield desk.at_front((field,), "R-SUBJ", text, "shorten it")


def _must(desk: Desk) -> Iterator[Problem]:
    rule = desk.rules.must
    if rule is None:
        return
    pattern = compiled(rf"\b(?:{'|'.join(map(re.escape, rule.words))})\b")
    found = [
        (passage, match[0])
        for passage in desk.proof.prose
        if passage.section not in rule.free
        for match in pattern.finditer(passage.text)
    ]
    if len(found) > rule.most:
        passage, words = found[rule.most]
        said = ", ".join(sorted({one.lower() for _, one in found}))
        text = f"{len(found)} times this letter says what must be ({said}); at most {rule.most} are easy to bear"
        yield desk.at(passage, "R-MUST", text, "say what may help instead", phrase=words, severity="warning")


def capitals_in(text: str) -> list[re.Match[str]]:
    """Return every word of three or more letters that stands in capitals."""
    return list(_CAPITALS.finditer(text))
