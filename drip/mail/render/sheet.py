"""The review sheet: every letter in full, each claim beside how sure it says it is and what it rests on, to be printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from drip.core.editorial.proof import EVIDENCE as EVIDENCE_PART
from drip.core.editorial.proof import HARD_DAY
from drip.core.review import Review, claims_in, only_reviewed, review_of
from drip.core.wording import day_in_words
from drip.mail.render.book import EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from drip.core.editorial.proof import Proof
    from drip.core.letter import LessonFront
    from drip.core.project import Project
    from drip.core.schedule import Course
    from drip.mail.render.book import LetterBook


_NO_REFERENCE = dict.fromkeys(("cite", "how_verified", "doi", "url"), "")


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph of the letter on the sheet: `heading`, `paragraph`, `item`, `step`, or the name of a fixed `block`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One letter on the sheet, in words that are ready to be printed."""

    id: str
    title: str
    subject: str
    path: str
    where: str
    minutes: int | None
    movement: bool
    objective: str
    standing: str
    wording: str
    only_reviewed: bool
    is_valid: bool
    pieces: tuple[Piece, ...]
    claims: tuple[str, ...]
    evidence: str
    refs: tuple[str, ...]
    references: tuple[Mapping[str, str], ...]


def review_sheet(project: Project, course_id: str, book: LetterBook, *, today: date) -> str:
    """Return the sheet of a course as one HTML page that loads nothing; raises RenderFault for a broken letter."""
    course = project.schedule.courses[course_id]
    letters = list(_letters(project, course, book, today))
    environment = Environment(
        loader=PackageLoader("drip.mail.render", "sheets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("review.html").render(
        course=course.title,
        made_on=f"{day_in_words(today)} {today.year}",
        letters=letters,
        waiting=sum(not letter.is_valid for letter in letters),
        labels=list(EVIDENCE.values()),
        blocks=list(_blocks(project, course, book)),
    )


def _letters(project: Project, course: Course, book: LetterBook, today: date) -> Iterator[Sheet]:
    for letter_id in course.letter_ids:
        front = project.letters[letter_id].lesson
        if front is None:
            continue
        proof = book.proof(letter_id)
        wording = project.wording(letter_id)
        found = review_of(front, wording, today)
        yield Sheet(
            id=letter_id,
            title=proof.title,
            subject=proof.subject,
            path=proof.path,
            where=_where(course, letter_id),
            minutes=front.minutes,
            movement=front.movement,
            objective=front.objective,
            standing=_standing(front, found),
            wording=wording,
            only_reviewed=only_reviewed(course, letter_id, front),
            is_valid=found is Review.VALID,
            pieces=tuple(_pieces(proof)),
            claims=tuple(claims_in(proof.passages)),
            evidence=EVIDENCE[front.evidence.value] if front.evidence else "none",
            refs=front.refs,
            references=tuple({**_NO_REFERENCE, **project.references[ref], "id": ref} for ref in front.refs),
        )


def _where(course: Course, letter_id: str) -> str:
    """Return where in the course a letter stands."""
    place = course.phase_numbers.get(letter_id)
    if place is None:
        return "When somebody asks for it" if any(kit.id == letter_id for kit in course.on_demand) else "After the course"
    number = course.numbers.get(letter_id)
    phase = f"Phase {place}, {course.phases[place - 1].title}"
    return f"{phase}; letter {number}" if number else phase


def _standing(front: LessonFront, found: Review) -> str:
    """Return how the review of a letter stands."""
    if front.reviewed is None:
        return "None yet."
    by = f"{front.reviewed.by}, {front.reviewed.on} to {front.reviewed.until}."
    if found is Review.OTHER:
        return f"{by} It is of another wording than this one."
    return by if found is Review.VALID else f"{by} It does not hold today."


def _pieces(proof: Proof) -> Iterator[Piece]:
    """Yield the letter's own words in their order, fixed blocks only by name."""
    named, number = "", 0
    for passage in proof.passages:
        is_block = passage.part not in {"", HARD_DAY, EVIDENCE_PART}
        number = number + 1 if passage.ordered else 0
        if is_block and passage.part != named:
            yield Piece("block", passage.part)
        elif passage.part == HARD_DAY and passage.kind != "heading":
            yield Piece("paragraph", f"On a hard day: {passage.text}")
        elif not is_block and not (passage.part and passage.kind == "heading"):
            yield Piece("step", f"{number}. {passage.text}") if passage.ordered else Piece(passage.kind, passage.text)
        named = passage.part if is_block else ""


def _blocks(project: Project, course: Course, book: LetterBook) -> Iterator[dict[str, str]]:
    """Yield each fixed block with the letters that it stands in."""
    where: dict[str, list[str]] = {}
    for letter_id in course.letter_ids:
        front = project.letters[letter_id].lesson
        for name in front.blocks if front else ():
            where.setdefault(name, []).append(book.title(letter_id))
    for path in sorted(project.files):
        name = path.removeprefix("_base/blocks/").removesuffix(".md")
        if path.startswith("_base/blocks/"):
            yield {"name": name, "html": book.block(name), "where": "; ".join(where.get(name, ["the foot of every letter"]))}
