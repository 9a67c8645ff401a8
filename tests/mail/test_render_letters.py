"""Every letter in `emails/`: both lengths and both ways of rendering. How it looks and arrives is in `tests/proof`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from drip.core.schedule import Schedule
from drip.mail.render import LetterBook, NeedsPerson, Person

ROOT = Path(__file__).parents[2]
EMAILS = ROOT / "emails"
PEOPLE = {
    "plain": Person("Ana", "Tuesday", "Tuesday 3 March", "Tuesday 30 June", "page.to_ken-1", "leave.to_ken", "service"),
    "nameless": Person("", "Wednesday", "", "", "a", "b", "c"),
    "hostile": Person(
        "[Win](http://evil) **b** `c` <script>x</script> \"q\" 'q' & &amp; {{ 7*7 }} مريم 👩‍🦽 a\u0301 x7dripNameH7x "
        + "z" * 200,
        "<b>*Tuesday*</b>",
        "# 3\r\nMarch",
        "{% if %}\u202e\ue000",
        "page.to_ken-1",
        "leave.to_ken",
        "service",
    ),
}
SYSTEM = ("confirm", "my-link", "address-change")


@cache
def real_book() -> LetterBook:
    """The letters as they are on the disk."""
    files: dict[str, str] = {}
    front: dict[str, dict[str, object]] = {}
    for path in sorted(EMAILS.rglob("*")):
        if path.suffix in {".md", ".html", ".txt"}:
            name, text = path.relative_to(EMAILS).as_posix(), path.read_text("utf-8")
            if match := re.match(r"---\n(.*?\n)---\n", text, re.DOTALL):
                front[name] = yaml.safe_load(match[1])
                text = "\n" * match[0].count("\n") + text[match.end() :]
            files[name] = text
    course = next(iter(real_schedule().courses.values()))
    references = yaml.safe_load((EMAILS / "references.yaml").read_text("utf-8"))
    return LetterBook(files, course, "https://letters.example.org", front=front, references=references)


@cache
def real_schedule() -> Schedule:
    """The schedule as it is on the disk."""
    return Schedule.model_validate(yaml.safe_load((ROOT / "schedules.yaml").read_text("utf-8")))


LETTERS = [*next(iter(real_schedule().courses.values())).letter_ids, *SYSTEM]


def written(letter: str) -> LetterBook:
    """The book, or a skip while the letter has no file."""
    if not list(EMAILS.glob(f"*/{letter}.md")):
        pytest.skip(f"{letter} is not written yet")
    return real_book()


def test_no_letter_has_a_fault() -> None:
    """Every letter renders in both lengths, for a batch and for one person."""
    assert [] == real_book().faults()


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("letter", LETTERS)
def test_a_batch_and_one_person_get_the_same_bytes(letter: str, full: bool, who: str) -> None:  # noqa: FBT001
    """Subject, HTML and text rendered once and filled in are what the person would get by herself."""
    letters, person = written(letter), PEOPLE[who]
    alone = letters.render(letter, full=full, after_pause=True, person=person)
    assert "x7drip" not in alone.subject + alone.html + alone.text
    try:
        many = letters.render(letter, full=full, after_pause=True)
    except NeedsPerson:
        return
    values = letters.substitutions(many.tags, person)
    filled = [many.subject, many.html, many.text]
    for tag, value in values.items():
        filled = [part.replace(tag, value) for part in filled]
    assert filled == [alone.subject, alone.html, alone.text]


@pytest.mark.parametrize("letter", LETTERS)
def test_each_letter_is_small_quiet_and_well_set(letter: str) -> None:
    """No letter is over 60 kB, loads anything, sets a text line beyond 72 columns, or opens with more than its preheader."""
    rendered = written(letter).render(letter, person=PEOPLE["plain"])
    assert len(rendered.html.encode()) < 60_000
    assert 1 == rendered.html.count("prefers-color-scheme")
    assert not re.search(r"<(img|link|script|iframe)|\ssrc=|url\(|@import|animation|transition", rendered.html)
    assert [] == [line for line in rendered.text.split("\n") if len(line) > 72 and "://" not in line]
    assert rendered.text.startswith(rendered.preheader)
    assert ("Unsubscribe" in rendered.text) is (letter not in SYSTEM)


@pytest.mark.parametrize("letter", LETTERS)
def test_the_first_120_characters_name_no_illness(letter: str) -> None:
    """What a lock screen may show of the text part is the preheader and neutral words, never the title."""
    text = written(letter).render(letter, person=PEOPLE["nameless"]).text[:120]
    assert not re.search(r"fibro|pain|symptom|fatigue|illness|clinic|sleep|flare|breath|sensation|alarm", text, re.IGNORECASE)
