"""What keeps a reader safe: blocks, evidence, references, review, and where a link to a paid program may stand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date

from drip.core.editorial.desk import Desk
from drip.core.editorial.markup import seen_text, tree_of
from drip.core.editorial.proof import Link, Passage
from drip.core.editorial.rulebook import Rulebook
from drip.core.editorial.rules import Demand, compiled
from drip.core.letter import LessonFront
from drip.core.problem import Problem, quoted
from drip.core.reading import grade_of, sentences_in, words_in
from drip.core.review import wording_of

_DIGEST_DIGITS = 16


def findings(desk: Desk) -> Iterator[Problem]:
    """Yield what a letter of the course lacks, or carries in the wrong place."""
    yield from _links(desk)
    yield from _apply_link(desk)
    if desk.front is not None:
        yield from _blocks(desk, desk.front)
        yield from _evidence(desk, desk.front)
        yield from _references(desk, desk.front)
        yield from _review(desk, desk.front)


# Blocks --------------------------------------------------------------------------------------------------------------


def digest_of(text: str) -> str:
    """Return the digits by which a rule file knows the exact words of a block; blank lines at its ends do not count."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:_DIGEST_DIGITS]


def changed_blocks(book: Rulebook, files: Mapping[str, str], emails: str) -> Iterator[Problem]:
    """Yield a finding for each fixed block whose words are not those that the rule file knows."""
    if book.rules.blocks is None:
        return
    for name, known in book.rules.blocks.wording.items():
        path = f"_base/blocks/{name}.md"
        if path in files and digest_of(files[path]) != known:
            text = f"the words of {name} are not the approved ones ({known}, now {digest_of(files[path])})"
            hint = f"restore them; or, once a clinician has agreed, write the new digits in {book.file}"
            yield Problem(f"{emails}/{path}", 1, 1, "R-BLK", text, hint)


def missing_from_foot(desk: Desk, files: Mapping[str, str], emails: str) -> Iterator[Problem]:
    """Yield a finding for each block that every letter carries at its foot, and this one does not."""
    root = tree_of(desk.proof.html)
    parts = {"html": seen_text(root), "txt": desk.proof.text}
    for part, words in parts.items():
        said, file = " ".join(words.split()), f"{emails}/_base/letter.{part}"
        for name in desk.rules.blocks.footer if desk.rules.blocks else ():
            if " ".join(files.get(f"_base/blocks/{name}.md", "").split()) not in said:
                hint = "let the layout show `footer_blocks`"
                yield Problem(file, 1, 1, "R-BLK", f"the foot of a letter lacks {name}", hint)
        for line in desk.proof.foot_words:
            if " ".join(line.split()) not in said:
                yield Problem(file, 1, 1, "R-BLK", f"the foot of a letter lacks the line {quoted(line)}", "show it in the layout")
    targets = {node.attributes.get("href", "") for node in root.walk() if node.tag == "a"}
    for link in desk.proof.foot_links:
        for part, there in (("html", link in targets), ("txt", link in desk.proof.text)):
            if not there:
                text, hint = f"the foot of a letter lacks the link to {quoted(link[:60])}", "let the layout show `footer_links`"
                yield Problem(f"{emails}/_base/letter.{part}", 1, 1, "R-BLK", text, hint)


def _blocks(desk: Desk, front: LessonFront) -> Iterator[Problem]:
    rule = desk.rules.blocks
    if rule is None:
        return
    placed = {passage.part for passage in desk.proof.passages}
    for demand in rule.demands:
        if demand.with_program and not desk.proof.program_url:
            yield from _without_program(desk, demand)
            continue
        if desk.proof.letter not in demand.letters:
            continue
        if demand.block in placed:
            yield from _misplaced(desk, demand)
        elif demand.block not in front.blocks:  # What is listed and not placed is L206.
            hint = f'write {{{{ block("{demand.block}") }}}} {_where(demand)}, and list it in `blocks`'
            yield desk.at_front(("blocks",), "R-BLK", f"this letter must carry the block {demand.block}", hint)
    demanded = {demand.block for demand in rule.demands if desk.proof.letter in demand.letters}
    for name in rule.movement if front.movement else ():
        if name not in placed and name not in front.blocks and name not in demanded:
            hint = f'write {{{{ block("{name}") }}}} under Take care, and list it in `blocks`'
            yield desk.at_front(("movement",), "R-BLK", f"a practice that moves the body must carry the block {name}", hint)


def _without_program(desk: Desk, demand: Demand) -> Iterator[Problem]:
    for passage in [passage for passage in desk.proof.passages if passage.part == demand.block][:1]:
        text = f"{demand.block} speaks of a paid program, and the course names none"
        yield desk.at(passage, "R-BLK", text, "place it between {% if course.program %} and {% endif %}")


def _misplaced(desk: Desk, demand: Demand) -> Iterator[Problem]:
    passage = next(passage for passage in desk.proof.passages if passage.part == demand.block)
    before = desk.proof.passages[: desk.proof.passages.index(passage)]
    late = [other for other in before if other.section or other.kind == "heading"]
    if demand.first and late:
        yield desk.at(passage, "R-BLK", f"{demand.block} stands after a heading", "place it before everything else")
    elif demand.under and passage.section != demand.under:
        text = f"{demand.block} stands under {quoted(passage.section) if passage.section else 'no heading'}"
        yield desk.at(passage, "R-BLK", text, f"place it {_where(demand)}")


def _where(demand: Demand) -> str:
    return "before the first heading" if demand.first else f"under {demand.under}" if demand.under else "in the letter"


# Evidence ------------------------------------------------------------------------------------------------------------


def _evidence(desk: Desk, front: LessonFront) -> Iterator[Problem]:
    rule = desk.rules.evidence
    if rule is None:
        return
    line, path = front.evidence_line, ("evidence_line",)
    sentences = sentences_in(line)
    count, grade = len(words_in(line)), grade_of(sentences)
    if not rule.words_min <= count <= rule.words_max:
        text = f"the line on evidence has {count} words; {rule.words_min} to {rule.words_max} are asked"
        yield desk.at_front(path, "R-EVID", text, "say what was tried, with whom, and how far it goes")
    if grade > rule.grade_max:
        text = f"the line on evidence has the reading grade {grade:.1f}; at most {rule.grade_max:g} is easy enough"
        yield desk.at_front(path, "R-EVID", text, "use shorter sentences and plainer words")
    for sentence in sentences:
        words = len(words_in(sentence))
        if words > rule.sentence_max:
            text = f"this sentence has {words} words; at most {rule.sentence_max} are easy to follow"
            yield desk.at_front(path, "R-EVID", text, "cut it in two", phrase=sentence)
    if not compiled(rf"\b(?:{'|'.join(map(re.escape, rule.limiting))})\b").search(line):
        hint = f"use one of: {', '.join(rule.limiting)}"
        yield desk.at_front(path, "R-EVID", "the line on evidence names no limit", hint)
    if not any(passage.part == "evidence" for passage in desk.proof.passages):
        yield desk.at_front(path, "R-EVID", "the line on evidence is not in the letter", "write {{ evidence }} under its heading")


def _references(desk: Desk, front: LessonFront) -> Iterator[Problem]:
    rule = desk.rules.evidence
    if rule is None or front.refs:
        return
    claims = [
        (passage, match[0])
        for passage in desk.proof.prose
        for claim in rule.claims
        for match in compiled(claim).finditer(passage.text)
    ]
    for passage, words in claims:
        hint = "name the study in `refs`"
        yield desk.at(passage, "R-REF", f"{quoted(words)} rests on something, and no reference is named", hint, phrase=words)
    if not claims:
        yield desk.at_front(("refs",), "R-REF", "no reference is named", "name at least one id of references.yaml")


def _review(desk: Desk, front: LessonFront) -> Iterator[Problem]:
    most, reviewed = desk.rules.review_months_max, front.reviewed
    if most is None:
        return
    if reviewed is None:
        if not front.draft:
            hint = "a clinician reads it; then `reviewed: {by: ..., on: ..., until: ...}`"
            yield desk.at_front((), "R-REV", "no clinician has checked this letter", hint, severity="warning")
        return
    values = desk.manuscript.letter.front.values
    wording = wording_of(values if isinstance(values, Mapping) else {}, desk.manuscript.letter.body)
    if reviewed.of != wording:
        text = f"the review is of another wording ({reviewed.of or 'none named'}), now it is {wording}"
        yield desk.at_front(("reviewed",), "R-REV", text, f"have it read again; then write `of: {wording}`", severity="warning")
    if reviewed.on > desk.today:
        text = f"the review is dated {reviewed.on}, which is still to come"
        yield desk.at_front(("reviewed", "on"), "R-REV", text, "write the day on which it was read")
    if reviewed.until < desk.today:
        text = f"the review held until {reviewed.until}"
        yield desk.at_front(("reviewed", "until"), "R-REV", text, "have it read again")
    if reviewed.until > _months_after(reviewed.on, most):
        text = f"the review is said to hold until {reviewed.until}; at most {most} months after {reviewed.on} are trusted"
        yield desk.at_front(("reviewed", "until"), "R-REV", text, f"write {_months_after(reviewed.on, most)} or earlier")


def _months_after(day: date, months: int) -> date:
    """Return the date *months* later, the last of the month where it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    for number in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    return date(year, month + 1, 28)


# Links ---------------------------------------------------------------------------------------------------------------


def _body_links(desk: Desk) -> list[tuple[Passage, Link]]:
    return [(passage, link) for passage in desk.proof.passages for link in passage.links]


def _links(desk: Desk) -> Iterator[Problem]:
    rule = desk.rules.links
    if rule is None:
        return
    links = _body_links(desk)
    if len(links) > rule.most:
        passage, link = links[rule.most]
        text = f"the body has {len(links)} links; more than {rule.most} tire hands and eyes"
        yield desk.at(passage, "R-LINK", text, "keep those she needs", phrase=link.text)
    for passage, link in links:
        bare = link.text.strip().strip(".").lower()
        if bare in rule.vague or not words_in(bare) or "://" in bare:
            text = f"the link {quoted(link.text)} does not say where it goes"
            yield desk.at(passage, "R-LINK", text, "name what opens, such as [Your page](...)", phrase=link.text)


def _apply_link(desk: Desk) -> Iterator[Problem]:
    rule, url = desk.rules.apply, desk.proof.program_url
    if rule is None or not url:
        return
    links = [(passage, link) for passage, link in _body_links(desk) if link.target.startswith(url)]
    if links and desk.proof.letter not in rule.letters:
        for passage, link in links:
            text = f"a link to the paid program; only {' and '.join(rule.letters)} may carry one"
            yield desk.at(passage, "R-CTA", text, "take it out", phrase=link.text)
        return
    for passage, link in links[1:]:
        yield desk.at(passage, "R-CTA", "a second link to the paid program", "keep one", phrase=link.text)
    for passage, link in links[:1]:
        yield from _its_neighbours(desk, passage, link)


def _its_neighbours(desk: Desk, passage: Passage, link: Link) -> Iterator[Problem]:
    """Yield what is wrong with the place of the one link to the paid program."""
    rule, passages = desk.rules.apply, desk.proof.passages
    if rule is None:
        return
    if not passage.section:
        text = "a link to the paid program stands above the first heading"
        yield desk.at(passage, "R-CTA", text, "move it down", phrase=link.text)
    if rule.beside and not any(other.part == rule.beside and other.section == passage.section for other in passages):
        text = f"{rule.beside} does not stand beside the link to the paid program"
        yield desk.at(passage, "R-CTA", text, f'write {{{{ block("{rule.beside}") }}}} after it', phrase=link.text)
    place = passages.index(passage)
    for other in passages[max(0, place - 1) : place + 2]:
        if other.part in rule.never_beside:
            text = f"the link to the paid program stands beside {other.part}"
            yield desk.at(passage, "R-CTA", text, "put something between them", phrase=link.text)
