"""The letters of one course, ready to be rendered: for a batch, or for one person."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import css_inline

from drip.core.editorial.proof import Proof
from drip.core.helpline import words_most
from drip.core.reference import Reference, cited, refs_of
from drip.core.review import UNREVIEWED, asks_for_reviews, wording_of
from drip.core.schedule import Course, Helpline, Program
from drip.errors import RenderFault
from drip.mail.render import facts, markdown, person
from drip.mail.render.links import footer_links, letter_links, service_links
from drip.mail.render.markdown import Part, Section
from drip.mail.render.person import ForMany, ForOne, NeedsPerson, Person, Rendered, Voice
from drip.mail.render.pieces import helpline_part, listed, said
from drip.mail.render.plain import words_of
from drip.mail.render.proofing import READER, passages_of
from drip.mail.render.templates import LetterTrouble, Templates, Trusted, escape_markdown

EVIDENCE = {
    "guideline": "Guideline recommends",
    "several_trials": "Several trials",
    "few_or_small_trials": "Few or small trials",
    "observational": "Observational only",
    "mixed": "Mixed",
    "experience": "Experience or consensus only",
}
CRISIS_BLOCK, FOOTER_CRISIS_BLOCK = "FX-CRISIS", "FX-CRISIS-SHORT"
"""The fixed words for whoever cannot stay safe; the helplines of her country stand before them."""
FOOTER_BLOCKS = ("FX-DISC", "FX-CARE-SHORT", FOOTER_CRISIS_BLOCK)
WORDS_A_MINUTE = 200

_RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~-]+)*")
_GAP = re.compile(r"\n{4,}")
_SAMPLE_PROGRAM = Program(name="The Sample Program", url="https://program.example.org/apply")
_NOBODY = Person("", "Tuesday", "", "", "page.token", "leave.token", "service.token")
"""Somebody who gave no name, and for whom no date is known: a letter must not break for her."""
_SAMPLE = Person("Ana", "Tuesday", "Tuesday 3 March", "Tuesday 30 June", "page.token", "leave.token", "service.token")


@dataclass(frozen=True, slots=True)
class _Request:
    """One letter to render: which, how long, and to whom it speaks."""

    letter: str
    file: str
    front: Mapping[str, object]
    full: bool
    after_pause: bool
    voice: Voice
    helplines: tuple[Helpline, ...] = ()

    @property
    def system(self) -> bool:
        return self.file.startswith("_system/")


class LetterBook:
    """Renders the letters of one *course*.

    *files* maps paths relative to `emails/` to texts: letters (their front matter replaced by as many newlines), fixed
    blocks and layouts. *front* maps the same paths to parsed front matter, *references* ids to their lines. A fault
    names files by these paths. Nothing is parsed before it is needed, and each template is compiled once.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        course: Course,
        base_url: str,
        *,
        front: Mapping[str, Mapping[str, object]],
        references: Mapping[str, Mapping[str, str]],
    ) -> None:
        base_url = base_url.rstrip("/")
        if _BASE_URL.fullmatch(base_url) is None:
            raise ValueError(f"{base_url!r} is not an address that letters can link to")
        self._files = files
        self._base_url = base_url
        self._course = course
        self._front = front
        self._references = references
        self._templates = Templates(files)
        self._letters = {
            path.rpartition("/")[2].removesuffix(".md"): path
            for path in sorted(files, reverse=True)
            if path.endswith(".md") and not path.startswith("_base/") and not path.endswith("README.md")
        }
        self._course_values: dict[str, object] = {
            "course": facts.course_facts(course),
            "phases": facts.phase_facts(course),
            "lessons_total": len(course.numbers),
        }
        self._links = letter_links(base_url)
        self._service_links = service_links(base_url)
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
        self._batches: dict[tuple[str, bool, bool, tuple[Helpline, ...]], Rendered] = {}
        self._blocks: dict[str, Part] = {}
        self._titles: dict[str, str] = {}

    def render(
        self,
        letter: str,
        *,
        full: bool = True,
        after_pause: bool = False,
        helplines: tuple[Helpline, ...] = (),
        person: Person | None = None,
    ) -> Rendered:
        """Return *letter* for a whole batch, or for one *person*; *helplines* of one country stand before its crisis blocks.

        Raises RenderFault when the letter is broken, and NeedsPerson when it decides something by a value of the
        person and *person* is not given.
        """

        def rendered(voice: Voice) -> Rendered:
            return self._rendered(self._request(letter, full=full, after_pause=after_pause, voice=voice, helplines=helplines))

        if person is not None:
            return rendered(ForOne(person))
        key = (letter, full, after_pause, helplines)
        if key not in self._batches:
            self._batches[key] = rendered(ForMany())
        return self._batches[key]

    def substitutions(self, rendered_tags: Iterable[str], of_person: Person) -> dict[str, str]:
        """Return what replaces each of *rendered_tags* for a person; those for HTML are escaped already."""
        return person.substitutions(rendered_tags, of_person)

    def title(self, letter: str) -> str:
        """Return the title of *letter*, its id while it is not written; raises RenderFault when it is broken."""
        return self._title_of(letter) or letter

    def references(self) -> tuple[Reference, ...]:
        """Return every reference that a letter of the course cites, with its letters in their order."""
        fronts = ((letter, self._front.get(self._letters.get(letter, ""), {})) for letter in self._course.letter_ids)
        return cited(self._references, fronts)

    def block(self, name: str) -> str:
        """Return a fixed block as HTML, '' when there is none by this name."""
        found = self._block(name)
        return Section("block", None, list(found.tokens)).html if found else ""

    def proof(self, letter: str) -> Proof:
        """Return *letter* as a sample reader gets it, for the editor; raises RenderFault when it is broken."""
        request = self._request(letter, full=True, after_pause=False, voice=ForOne(READER))
        rendered = self._rendered(request)
        values = self._values(request)
        values["title"] = title = self._front_text(request.file, request.front, "title", values)
        program = self._course.program
        passages = passages_of(self._sections(request, values), request.voice.finish_text)
        crises = 0 if request.system else 1 + any(passage.part == CRISIS_BLOCK for passage in passages)
        return Proof(
            letter,
            request.file,
            title,
            rendered.subject,
            rendered.preheader,
            rendered.html,
            rendered.text,
            passages,
            program.url if program else "",
            crises * words_most(self._course),
            *self._foot(request),
        )

    def _foot(self, request: _Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the lines and the links that stand at the foot of a letter, as its sample reader gets them."""
        if request.system:
            return (), ()
        lines = [self._course.postal_address] + ([] if self._is_reviewed(request) else [UNREVIEWED])
        links = [request.voice.finish_text(str(url)) for url in footer_links(self._links).values()]
        return tuple(lines), tuple(links)

    def proofs(self) -> list[Proof]:
        """Return a proof of every letter that can be rendered, the letters of drip itself included.

        Where the course names no paid program, a letter that asks for one is shown a second time as if it did, so that
        no words are left unread.
        """
        found: list[Proof] = []
        letters = [letter for letter in self._course.letter_ids if letter in self._letters]
        letters += sorted(letter for letter, path in self._letters.items() if path.startswith("_system/"))
        with_program: LetterBook | None = None
        if self._course.program is None:
            course = self._course.model_copy(update={"program": _SAMPLE_PROGRAM})
            with_program = LetterBook(self._files, course, self._base_url, front=self._front, references=self._references)
        for letter in letters:
            asks = "course.program" in self._files[self._letters[letter]]
            for book in (self, with_program if asks else None):
                if book is not None:
                    with contextlib.suppress(RenderFault):
                        found.append(book.proof(letter))
        return found

    def faults(self) -> list[RenderFault]:
        """Return every fault found by rendering all letters of the course and the system letters, in both lengths.

        A lesson without a file is no fault here: whoever reads the schedule against the files says so.
        """
        found: dict[tuple[str, int, str], RenderFault] = {}
        system = sorted(letter for letter, path in self._letters.items() if path.startswith("_system/"))
        for letter in (*self._course.letter_ids, *system):
            if letter not in self._letters:
                continue
            for full in (True, False):
                for voice in (ForMany(), ForOne(_SAMPLE), ForOne(_NOBODY)):
                    try:
                        lines = self._course.helplines
                        self._rendered(self._request(letter, full=full, after_pause=True, voice=voice, helplines=lines))
                    except NeedsPerson:
                        continue
                    except RenderFault as fault:
                        found.setdefault((fault.file, fault.line, fault.text), fault)
        return [found[place] for place in sorted(found)]

    def _request(
        self, letter: str, *, full: bool, after_pause: bool, voice: Voice, helplines: tuple[Helpline, ...] = ()
    ) -> _Request:
        file = self._letters.get(letter)
        if file is None:
            raise RenderFault(f"{letter}.md", 1, "there is no letter by this name")
        return _Request(letter, file, self._front.get(file, {}), full, after_pause, voice, helplines)

    def _rendered(self, request: _Request) -> Rendered:
        values = self._values(request)
        values["title"] = title = self._front_text(request.file, request.front, "title", values)
        subject = self._front_text(request.file, request.front, "subject", values)
        preheader = self._front_text(request.file, request.front, "preheader", values)
        sections = self._sections(request, values)
        layout = {
            **self._frame(request),
            "subject": subject,
            "preheader": preheader,
            "title": title,
            "standfirst": self._standfirst(request, sections),
            "sections": sections,
        }
        name = "_base/system" if request.system else "_base/letter"
        html = self._templates.layout(f"{name}.html", layout)
        text = self._templates.layout(f"{name}.txt", layout)
        try:
            html = self._inliner.inline(html)
        except css_inline.InlineError as trouble:
            raise RenderFault(f"{name}.html", 1, f"the styles cannot be inlined: {trouble}") from trouble
        html = request.voice.finish_html(html)
        text = request.voice.finish_text(_tidied(text))
        subject, preheader = request.voice.finish_text(subject), request.voice.finish_text(preheader)
        return Rendered(subject, preheader, html, text, person.tags_in(subject, preheader, html, text))

    def _values(self, request: _Request) -> dict[str, object]:
        values = dict(self._course_values)
        if "minutes" in request.front:
            values["minutes"] = request.front["minutes"]
        if request.system:
            # These echo nothing that was typed: whoever asked may not be the one who reads.
            return values | {"links": self._service_links}
        place = self._course.phase_numbers.get(request.letter)
        following = facts.neighbour(self._course, request.letter, 1)
        values |= {
            "number": self._course.numbers.get(request.letter),
            "phase": facts.phase_facts(self._course)[place - 1] if place else None,
            "next": facts.LetterFacts(self._title_of(following), self._course.numbers.get(following)) if following else None,
            "links": self._links,
            "name": request.voice.value("Name"),
            "weekday": request.voice.value("Weekday"),
            "next_date": request.voice.value("NextDate"),
            "forget_date": request.voice.value("ForgetDate"),
        }
        return values

    def _front_text(self, file: str, front: Mapping[str, object], field: str, values: Mapping[str, object]) -> str:
        if not front.get(field):
            raise RenderFault(file, 1, f"the front matter has no {field}")
        return self._templates.field(file, field, str(front[field]), values)

    def _title_of(self, letter: str) -> str | None:
        """Return the title of another letter, None while it is not written."""
        file = self._letters.get(letter)
        if file is None:
            return None
        if letter not in self._titles:
            values = {**self._course_values, "number": self._course.numbers.get(letter)}
            self._titles[letter] = self._front_text(file, self._front.get(file, {}), "title", values)
        return self._titles[letter]

    def _sections(self, request: _Request, values: dict[str, object]) -> list[Section]:
        file, front, parts = request.file, request.front, list[Part]()

        def placed(part: Part) -> Trusted:
            parts.append(part)
            return Trusted(markdown.part_mark(len(parts) - 1))

        def block(name: str) -> Trusted:
            found = self._block(name)
            if found is None:
                raise LetterTrouble(f"there is no block {name}")
            if name == CRISIS_BLOCK and request.helplines:
                return Trusted(f"{placed(helpline_part(request.helplines))} {placed(found)}")
            return placed(found)

        values["block"] = block
        if front.get("hard_day"):
            words = self._templates.field(file, "hard_day", str(front["hard_day"]), values, markdown=True)
            values["hard_day"] = placed(markdown.part_of("hard-day", f"### On a hard day\n\n{words}"))
        if front.get("evidence"):
            words = self._templates.field(file, "evidence_line", str(front.get("evidence_line", "")), values, markdown=True)
            label = EVIDENCE.get(str(front["evidence"]))
            if label is None:
                raise RenderFault(file, 1, f"evidence: there is no label {front['evidence']}")
            values["evidence"] = placed(markdown.part_of("evidence", f"**{label}.** {words}"))
        body = self._templates.body(file, values)
        sections = markdown.sections_of(body, parts, file=file, source=self._files[file])
        return sections if request.full or request.system else self._shortened(request.letter, sections)

    def _shortened(self, letter: str, sections: Sequence[Section]) -> list[Section]:
        """Return what stands before *You can stop here*, the way to the rest, and *Take care*."""
        stop = next((place for place, section in enumerate(sections) if section.kind == "stop"), None)
        if stop is None:
            return list(sections)
        rest = said("rest", f"This is the short letter.\n\n[Read the rest on your page]({self._links['page']}/letters/{letter})")
        return [*sections[:stop], rest, *(section for section in sections[stop:] if section.kind == "care")]

    def _block(self, name: str) -> Part | None:
        path = f"_base/blocks/{name}.md"
        if path not in self._files:
            return None
        if name not in self._blocks:
            look = "block " + name.lower().replace("_", "-")
            self._blocks[name] = markdown.part_with_ways(look, self._files[path])
        return self._blocks[name]

    def _standfirst(self, request: _Request, sections: Sequence[Section]) -> str:
        """Return the line at the top that says which letter this is and how long it takes, '' for those asked for."""
        if request.letter not in self._course.lessons:
            return ""
        words = sum(len(words_of(section.heading_text)) + len(words_of(section.text)) for section in sections)
        minutes = max(1, round(words / WORDS_A_MINUTE))
        number = self._course.numbers.get(request.letter)
        which = f"Letter {number} of {len(self._course.numbers)}. " if number else ""
        length = f"About {minutes} minute{'' if minutes == 1 else 's'} to read."
        return f"{which}{length} It can wait for a quieter hour."

    def _frame(self, request: _Request) -> dict[str, object]:
        """Return what stands round the body of a letter."""
        course, letter = self._course, request.letter
        frame: dict[str, object] = {
            "language": course.language,
            "direction": "rtl" if course.language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr",
            "sender": course.sender.name,
            "postal_address": course.postal_address,
            "greeting": "Hello," if request.system else request.voice.greeting(),
        }
        if request.system:
            return frame
        on_map = request.full and letter in course.places
        following = facts.neighbour(course, letter, 1)
        ids = refs_of(request.front) if request.full else ()
        return frame | {
            "back": self._welcome_back(letter) if request.after_pause and letter in course.lessons else None,
            "stations": facts.stations(course, letter) if on_map else [],
            "where": facts.where_in_words(course, letter, self._title_of(following) if following else None) if on_map else "",
            "sources": listed(markdown.references_of(ids, self._references, request.file)),
            "unreviewed": "" if self._is_reviewed(request) else UNREVIEWED,
            "footer_blocks": list(self._footer_blocks(request)),
            "footer_links": list(footer_links(self._links).items()),
        }

    def _footer_blocks(self, request: _Request) -> Iterator[Section]:
        for name in FOOTER_BLOCKS:
            if name == FOOTER_CRISIS_BLOCK and request.helplines:
                yield Section("helpline", None, list(helpline_part(request.helplines).tokens))
            if found := self._block(name):
                yield Section("block", None, list(found.tokens))

    def _is_reviewed(self, request: _Request) -> bool:
        """Return whether a clinician has checked these very words, or the course asks nobody to."""
        if not asks_for_reviews(self._course):
            return True
        reviewed = request.front.get("reviewed")
        return isinstance(reviewed, Mapping) and reviewed.get("of") == wording_of(request.front, self._files[request.file])

    def _welcome_back(self, letter: str) -> Section:
        lines = "Welcome back. Nothing was missed."
        before = facts.neighbour(self._course, letter, -1)
        title = self._title_of(before) if before else None
        if title:
            lines += f"\n\nThe last letter was “{escape_markdown(title)}”."
        return said("back", lines)


def _tidied(text: str) -> str:
    lines = "\n".join(line.rstrip(" ") for line in text.split("\n"))
    return _GAP.sub("\n\n\n", lines).strip("\n") + "\n"
