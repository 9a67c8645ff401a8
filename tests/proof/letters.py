"""Every letter of the repository as people get it: full and short, after a pause, with a paid program, and the system's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from functools import cache
from pathlib import Path

from drip import clock
from drip.core.delivery import Kind
from drip.core.progress import LiveCourse
from drip.core.project import Project, project_of
from drip.core.schedule import Program
from drip.core.token import CONFIRM, Tokens
from drip.files import parse_source, read_project
from drip.mail.envelope import Addressee, Envelopes, Rendering
from drip.mail.render import LetterBook, NeedsPerson, Person
from drip.mail.smtp import letter_of, put_in

ROOT = Path(__file__).parents[2]
BASE_URL = "https://letters.example.org"
SYSTEM = {"confirm": Kind.CONFIRMATION, "my-link": Kind.SERVICE, "address-change": Kind.SERVICE}

PERSON = Addressee(
    address="zoe@example.net",
    delivery="8412-k3vq9tz1xw4m",
    enrollment="f0c2b7e19d4a4b0e8a3d5c6b7f8e9a01",
    name="Zoë-Marguerite Þórsdóttir",
    weekday="Wednesday",
    next_date="Wednesday 30 September",
    forget_date="Wednesday 30 December",
)
"""A person whose name is long and not ASCII, with the longest of dates."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as one person gets it: its parts, and the *mail* that the SMTP door writes."""

    name: str
    id: str
    html: str
    text: str
    mail: EmailMessage

    def __str__(self) -> str:
        return self.name


class Shelf:
    """The letters of the repository's course in the form that `Envelopes` asks for, with something *changed* in it."""

    def __init__(self, files: Mapping[str, str] | None = None, **changed: object) -> None:
        """Take the course with fields *changed*, and with some of its *files* in another wording."""
        project = repository()
        self.id, course = next(iter(project.schedule.courses.items()))
        course = course.model_copy(update=changed)
        files = {**project.files, **(files or {})}
        self._course = LiveCourse(1, course, {})
        self._book = LetterBook(files, course, BASE_URL, front=project.front, references=project.references)

    def course(self, version_id: int = 1, course_id: str = "") -> LiveCourse:
        """Return the one course there is."""
        return self._course

    def book(self, version_id: int = 1, course_id: str = "") -> LetterBook:
        """Return its letters."""
        return self._book

    def why_not_real(self, version_id: int, course_id: str, letter: str, today: date) -> str:
        """Return why a letter may not go to a real provider: nothing leaves this machine."""
        return ""

    def wording(self, version_id: int, course_id: str, letter: str) -> str:
        """Return what tells one wording from another: there is one."""
        return letter


@cache
def repository() -> Project:
    """Return `schedules.yaml` and `emails/`."""
    project, problems = project_of(parse_source(read_project(ROOT / "schedules.yaml", ROOT / "emails")))
    assert project is not None, problems
    return project


@cache
def every_letter() -> Mapping[str, Letter]:
    """Return all letters by name; what looks the same to the byte is there once."""
    found: dict[str, Letter] = {}
    seen: set[str] = set()
    now = clock.machine_now()
    plain, paid = Shelf(), Shelf(program=Program(name="The Example Program", url="https://example.org/program"))
    course = plain.course().course
    every = [(plain, full, pause) for full in (True, False) for pause in (False, True)]
    for shelf, full, after_pause in [*every, (paid, True, False), (paid, False, False)]:
        for letter in (*course.letter_ids, *SYSTEM):
            kind = SYSTEM.get(letter, Kind.LESSON if letter in course.lessons else Kind.ASKED)
            endings = ((" short", not full), (" after a pause", after_pause), (" with a program", shelf is paid))
            name = letter + "".join(ending for ending, so in endings if so)
            made = _letter(shelf, name, Rendering(1, shelf.id, letter, full, after_pause), kind, number=len(found), now=now)
            if made.html not in seen:
                seen.add(made.html)
                found[name] = made
    return found


def sample_letter(language: str = "en") -> str:
    """Return the HTML of a letter with everything that Markdown can put into one, and more of it than it should hold."""
    path = next(path for path in repository().files if path.endswith("/sleep-anchor.md"))
    book = Shelf({path: repository().files[path] + EVERYTHING}, language=language).book()
    return book.render("sleep-anchor", after_pause=True, person=Person("Ana", "", "", "", "page", "leave")).html


EVERYTHING = """
## A heading with *emphasis* that is long enough to need two lines on a phone

A word that does not fit: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft.

> Somebody said this. [A link in a quotation](https://example.org/quotation) is a link.

- One
    - One below it, with `code`
    - Two below it
- Two

    A second paragraph.

---

### A smaller heading

    code on a line of its own that is far too long for a telephone and goes on and on and on and on

[A link that stands alone and has many more words than a button should, so that it must break](https://example.org/long)

<https://example.org/an-address-without-a-single-place-to-break-it/abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz>
"""


def _letter(shelf: Shelf, name: str, rendering: Rendering, kind: Kind, *, number: int, now: datetime) -> Letter:
    """Return a letter by the way that the engine takes: rendered for many where that can be, and put into a mail."""
    tokens = Tokens(["a-key-that-signs-links"])
    envelopes = Envelopes(
        shelf,
        tokens,
        BASE_URL,
        service_token=lambda letter, enrollment, _occasion, _key: tokens.sign_dated(CONFIRM, enrollment, now=now),
    )
    person = PERSON._replace(delivery=f"{8000 + number}-k3vq9tz1xw4m")
    try:
        message = envelopes.message(rendering, kind, [person], one_by_one=False)
    except NeedsPerson:
        message = envelopes.message(rendering, kind, [person], one_by_one=True)
    (recipient,) = message.recipients
    return Letter(
        name,
        rendering.letter,
        put_in(message.html, recipient.substitutions),
        put_in(message.text, recipient.substitutions),
        letter_of(message, recipient, date=now),
    )
