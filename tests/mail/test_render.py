"""Letters of a small course: what the renderer adds, what it refuses, and that both parts say the same."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drip.core.review import wording_of
from drip.core.schedule import Course
from drip.errors import RenderFault
from drip.mail.render import LetterBook, NeedsPerson, Person, Rendered
from drip.mail.render.person import VALUE_MAX, clean

BASE = Path(__file__).parents[2] / "emails" / "_base"
LAYOUTS = {f"_base/{path.name}": path.read_text("utf-8") for path in BASE.glob("*.*")}
BLOCKS = {
    "_base/blocks/FX-CARE.md": "### When to get care\n\nGo at once for *this*.\n\nGo soon for that.\n",
    "_base/blocks/FX-DISC.md": "This course is for learning.\n",
    "_base/blocks/FX-CARE-SHORT.md": "New symptoms need a check-up.\n",
    "_base/blocks/FX-CRISIS-SHORT.md": "In crisis? Call your local emergency number.\n",
}
REFERENCES = {"R1": {"short": "Somebody, A Journal, 2014", "cite": "Somebody A. Long."}}
ANA = Person("Ana", "Tuesday", "Tuesday 3 March", "Tuesday 30 June", "page.to_ken-1", "leave.token", "service.token")
FRONT: dict[str, object] = {
    "title": "A fixed point",
    "subject": "Letter {{ number }}: a fixed point",
    "preheader": "Choose one time.",
    "minutes": 5,
    "evidence": "few_or_small_trials",
    "evidence_line": "It has been tried in *small* studies.",
    "refs": ["R1"],
    "hard_day": "Only look at the window.",
}
BODY = """## In one line

Choose one time, and stay near it.

## This week's practice

**One time.** About {{ minutes }} minutes a day.

1. Choose a time, see [your day]({{ links.settings }}).
2. Stay close to it, so that this step is long enough to need a second line of its own in the text part.

{{ hard_day }}

## You can stop here

That is plenty. The next letter comes on {{ next_date }}.

## The idea

Some words about the idea, for {{ name }}.

## How sure are we?

{{ evidence }}

## Take care

Please read this.

{{ block("FX-CARE") }}
"""
HOSTILE = (
    "[Win](http://evil)",
    "**bold** __x__ `code` ~~s~~",
    "<script>alert(1)</script>",
    'O\'Brien "the" <b>&amp; &',
    "{{ 7*7 }}{% if x %}",
    "مريم",
    "👩‍🦽 Zoë",
    "a\u0301\u0323\u0308",
    "x" * 200,
    "x7dripNameH7x",
    "x7x7dripdrip x7dripGreetingT7x",
    "two\r\nlines\nBcc: me",
    "\u202eevil",
    "# head\n- list\n1. one",
    "\\*",
    "![img](http://evil/x.png) <http://evil>",
    "a\u00a0b\u2028c\x00d\x85e",
    "\ue000\ue001",
    "  ",
    "",
)


def course(**changes: object) -> Course:
    """A course of two phases with three letters, one of them unnumbered."""
    values: dict[str, Any] = {
        "title": "The Path",
        "from": {"name": "Sam", "email": "sam@example.org"},
        "reply_to": "hello@example.org",
        "postal_address": "1 Example Street",
        "timezone": "Europe/London",
        "phases": [
            {
                "id": "one",
                "title": "First things",
                "lessons": [{"id": "start", "wait": "0 days", "numbered": False}, {"id": "fixed", "wait": "1 week"}],
            },
            {"id": "two", "title": "Then the rest", "lessons": [{"id": "last", "wait": "1 week"}]},
        ],
        "on_demand": [{"id": "kit"}],
    }
    return Course.model_validate(values | changes)


def book(body: str = BODY, *, of: Course | None = None, files: dict[str, str] | None = None, **front: object) -> LetterBook:
    """A book in which the letter `fixed` has this body and front matter."""
    letters = {"one/fixed.md": body, "one/start.md": "Welcome.", "two/last.md": "Bye.", "extra/kit.md": "{{ block('FX-CARE') }}"}
    letters |= {"_system/confirm.md": "Was it you?\n\n[Yes]({{ links.confirm }})\n"}
    plain: dict[str, object] = {"title": "Hello & welcome", "subject": "Hello", "preheader": "Hello there."}
    fronts = {path: dict(plain) for path in letters} | {"one/fixed.md": FRONT | front}
    return LetterBook(
        {**LAYOUTS, **BLOCKS, **letters, **(files or {})},
        of or course(),
        "https://letters.example.org",
        front=fronts,
        references=REFERENCES,
    )


def replaced(rendered: Rendered, values: dict[str, str]) -> tuple[str, str, str]:
    """Do what a provider does: replace each tag, verbatim."""
    parts = []
    for part in (rendered.subject, rendered.html, rendered.text):
        for tag, value in values.items():
            part = part.replace(tag, value)  # noqa: PLW2901
        parts.append(part)
    return parts[0], parts[1], parts[2]


def fault_in(body: str, **front: object) -> RenderFault:
    """The one fault of a letter with this body."""
    (fault,) = book(body, of=None, files=None, **front).faults()
    return fault


class _Words(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def words_in_html(html: str) -> list[str]:
    """The words that a reader of the HTML part sees."""
    return _Words(re.sub(r"<(style|title)\b.*?</\1>", "", html, flags=re.DOTALL)).words


@given(name=st.text(max_size=60), next_date=st.text(max_size=20))
@example(name="x7dri", next_date="pNameT7x")
def test_a_batch_with_substitutions_is_byte_for_byte_what_one_person_gets(name: str, next_date: str) -> None:
    """Whatever her name is, a letter rendered for many and filled in equals the letter rendered for her."""
    person = Person(name, "Dienstag", next_date, "", "a-b_c.d", "e")
    letter = BOOK_WITH_NAMES.render("fixed")
    assert replaced(letter, BOOK_WITH_NAMES.substitutions(letter.tags, person)) == replaced(
        BOOK_WITH_NAMES.render("fixed", person=person), {}
    )


BOOK_WITH_NAMES = book(
    BODY
    + "\n**{{ name }}**, {{ next_date }}\n\n- {{ name }}\n\n> [for {{ name }}]({{ links.page }}), *{{ weekday }}*\n\n"
    + "{{ name }}\n",
    title="For {{ name }}",
    subject="{{ name }}: letter {{ number }}",
    preheader="{{ name }}, this is for you.",
    hard_day="{{ name }}, rest.",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("full", [True, False])
def test_hostile_names_are_only_words(name: str, full: bool) -> None:  # noqa: FBT001
    """A name can add no link, no element, no line and no tag, in a batch or alone."""
    person = Person(name, "Tuesday", name, name, "a", "b")
    letter = BOOK_WITH_NAMES.render("fixed", full=full)
    filled = replaced(letter, BOOK_WITH_NAMES.substitutions(letter.tags, person))
    assert filled == replaced(BOOK_WITH_NAMES.render("fixed", full=full, person=person), {})
    subject, html, text = filled
    plain = BOOK_WITH_NAMES.render("fixed", full=full, person=ANA)
    assert [tag for tag, _ in _Words(plain.html).tags] == [tag for tag, _ in _Words(html).tags]
    assert "x7drip" not in subject + html + text
    assert "\n" not in subject
    assert len(plain.text.split("\n")) == len(text.split("\n"))


@given(st.text())
@example("x7" * 5 + "drip" * 5)
def test_cleaned_values_are_one_line_without_marks(value: str) -> None:
    """A cleaned value has no line break, no mark, no more than its length, and cleaning it again changes nothing."""
    cleaned = clean(value)
    assert "x7drip" not in cleaned
    assert [cleaned] == (cleaned.splitlines() or [""])
    assert len(cleaned) <= VALUE_MAX
    assert not re.search("[\ue000\ue001\r\n\0]", cleaned)
    assert cleaned == clean(cleaned)


def test_the_greeting_is_one_value_before_the_first_heading() -> None:
    """Every length of letter greets her by name before its title, and greets politely without one."""
    for full in (True, False):
        letter = book().render("fixed", full=full)
        assert letter.html.index("x7dripGreetingH7x") < letter.html.index("<h1")
        assert "Hello Ana," in book().render("fixed", full=full, person=ANA).text
        assert "\n\nHello,\n\n" in book().render("fixed", full=full, person=Person("", "", "", "", "a", "b")).text


def test_only_tags_in_the_letter_are_substituted() -> None:
    """Substitutions name the tags that the rendered letter holds, and nothing of the person besides."""
    letters = book()
    letter = letters.render("last")
    assert {"x7dripGreetingH7x", "x7dripGreetingT7x", "x7dripMyToken7x", "x7dripLeaveToken7x"} == letter.tags
    assert letter.tags == set(letters.substitutions(letter.tags, ANA))
    assert frozenset() == letters.render("last", person=ANA).tags


@pytest.mark.parametrize(
    "snippet",
    [
        "{% if name %}x{% endif %}",
        "{{ 'x' if name else 'y' }}",
        "{{ name|upper }}",
        "{{ name|length }}",
        "{{ name|string }}",
        "{{ name ~ '!' }}",
        "{{ 'x' + name }}",
        "{{ name + 'x' }}",
        "{{ '%s'|replace('%s', name) }}",
        "{{ '%s' % name }}",
        "{{ '{}'.format(name) }}",
        "{{ name == 'Ana' }}",
        "{{ name < 'B' }}",
        "{{ name in ['Ana'] }}",
        "{{ 'A' in name }}",
        "{{ {'Ana': 1}[name] }}",
        "{% for letter in name %}x{% endfor %}",
        "{{ name[0] }}",
        "{{ name.upper() }}",
        "{{ [name]|join(', ') }}",
        "{{ [name]|first|trim }}",
        "{% if name is string %}x{% endif %}",
        "{% if not next_date %}x{% endif %}",
        "{{ name|default('x', true) }}",
    ],
)
def test_a_letter_that_decides_by_a_person_needs_her(snippet: str) -> None:
    """Truth, comparison, length, iteration, hashing, formatting and filters of a value cannot be done for a batch."""
    letters = book(f"{snippet}\n")
    with pytest.raises(NeedsPerson):
        letters.render("fixed")


def test_a_letter_that_needs_a_person_is_rendered_for_her() -> None:
    """With `person=` a letter may ask whether she has a name, and `faults` does not mind."""
    letters = book("{% if name %}Dear {{ name|upper }}{% else %}Dear reader{% endif %}\n")
    assert [] == letters.faults()
    assert "Dear ANA" in letters.render("fixed", person=ANA).text
    assert "Dear reader" in letters.render("fixed", person=Person("", "", "", "", "a", "b")).text


@pytest.mark.parametrize(
    ("snippet", "line", "words"),
    [
        ("{{ nmae }}", 9, "'nmae' is undefined"),
        ("{{ 1 / 0 }}", 9, "division by zero"),
        ("{% if x", 9, "unexpected"),
        ("{{ block('FX-NONE') }}", 9, "no block FX-NONE"),
        ("{{ title|shout }}", 9, "shout"),
        ("{{ ''.__class__.__mro__ }}", 9, "unsafe"),
        ("{{ block.__globals__ }}", 9, "unsafe"),
        ("{{ cycler }}", 9, "undefined"),
        ("{{ phases.append(1) }}", 9, "append"),
        ("{{ links.update({}) }}", 9, "unsafe"),
        ("{{ 9 ** 9 }}", 9, "Pow"),
        ("{% include '_base/letter.html' %}", 9, "Include"),
        ("{{ 'a ' * 300000 }}", 9, "more than 100000 characters"),
        ("{{ 9 * ('a' * 90000) }}", 9, "more than 100000 characters"),
        ("{{ '%999999999d' % 1 }}", 9, "with ~"),
        ("{{ '%*d' % (999999999, 1) }}", 9, "with ~"),
        ("{% for one in 'a' * 999 %}{% for two in 'a' * 999 %}x{% endfor %}{% endfor %}", 1, "is no letter"),
        ("{% macro m() %}{% endmacro %}", 9, "Macro"),
        ("{% filter upper %}{{ name }}{% endfilter %}", 9, "FilterBlock"),
        ("{% set x %}{{ name }}{% endset %}", 9, "AssignBlock"),
        ("{{ phases }}", 9, "cannot be printed"),
        ("{{ course.program }}", 9, "nothing to print"),
        ("x7dripName7x", 9, "cannot hold"),
        ("![x](http://evil/x.png)", 9, "no images"),
        ("[x](https://example.org/?{{ name }})", 9, "address"),
        ("`{{ name }}`", 9, "code"),
        ("{{ name }}{{ weekday }}", 9, "side by side"),
        ("text {{ hard_day }} text", 9, "line of their own"),
        ("## {{ evidence }}", 9, "line of their own"),
    ],
)
def test_a_fault_names_the_file_and_its_own_line(snippet: str, line: int, words: str) -> None:
    """Front matter replaced by newlines keeps the lines of the file, so that an author finds the fault."""
    fault = fault_in("\n" * 6 + f"First.\n\n{snippet}\n")
    assert ("one/fixed.md", line) == (fault.file, fault.line)
    assert words in fault.text


def test_a_fault_in_the_front_matter_names_its_field() -> None:
    """A broken subject is told from a broken preheader."""
    assert "subject: 'wek' is undefined" == fault_in("x", subject="Letter {{ wek }}").text
    assert "the front matter has no preheader" == fault_in("x", preheader="").text
    assert "refs: there is no reference R9" == fault_in("x", refs=["R9"]).text
    assert "evidence: there is no label maybe" == fault_in("x", evidence="maybe").text


def test_faults_are_found_all_at_once() -> None:
    """One broken letter does not hide another, and the layout's fault is told once."""
    files = {"two/last.md": "\n{{ oops }}", "_base/letter.txt": LAYOUTS["_base/letter.txt"] + "\n{{ layout_oops }}"}
    found = [(fault.file, fault.text) for fault in book("{{ broken }}", files=files).faults()]
    assert ("one/fixed.md", "'broken' is undefined") in found
    assert ("two/last.md", "'oops' is undefined") in found
    assert 1 == sum(file == "_base/letter.txt" for file, _ in found)


def test_an_unknown_letter_is_a_fault() -> None:
    """A letter without a file cannot be rendered, and says so."""
    with pytest.raises(RenderFault, match="there is no letter"):
        book().render("nothing")


@pytest.mark.parametrize("full", [True, False])
def test_both_parts_say_the_same(full: bool) -> None:  # noqa: FBT001
    """Every word of the HTML, those on the map included, is in the text in the same order, and every text block in the HTML."""
    letter = book().render("fixed", full=full, after_pause=True, person=ANA)
    said = words_in_html(letter.html)
    rest = iter([bare(word) for word in letter.text.split()])
    assert [] == [word for word in said if bare(word) and bare(word) not in rest]
    html = " ".join(filter(None, map(bare, said)))
    on_the_map = re.compile(r"^\d+\. .*\(.*\)$", re.MULTILINE)
    assert [] == [line for line in on_the_map.findall(letter.text) if " ".join(map(bare, line.split())) not in html]
    text = on_the_map.sub("", letter.text)
    blocks = [re.sub(r"^(\d+\.|-) |^-{24}$", "", block) for block in re.split(r"\n\s*\n", text) if "://" not in block]
    assert [] == [block for block in blocks if " ".join(filter(None, map(bare, block.split()))) not in html]


def bare(word: str) -> str:
    """The word without the punctuation at its end, in which a link in a sentence and a link on its own line differ."""
    return word.strip("():.,-\u200c\xa0").lower()


def test_the_text_part_is_well_set() -> None:
    """Text lines keep to 72 columns, steps are numbered, a link stands alone after its purpose, and headings are words."""
    text = book().render("fixed", person=ANA).text
    assert [] == [line for line in text.split("\n") if len(line) > 72 and "://" not in line]
    assert text.startswith("Choose one time.\n\nLetter 1 of 2.")
    assert "\n\nThis week's practice\n\n" in text
    assert "1. Choose a time, see your day.\n\n   Your day:\n   https://letters.example.org/my/page.to_ken-1/settings\n" in text
    assert "\n2. Stay close to it, so that this step is long enough to need a second\n   line of its own" in text
    assert "\nOn a hard day\n\nOnly look at the window.\n" in text
    assert "\nFew or small trials. It has been tried in small studies.\n" in text
    assert "\nWhen to get care\n\nGo at once for this.\n" in text
    assert "\nPhase 1 of 2: First things. Letter 1 of 2. Next: Hello & welcome.\n" in text
    assert "\nSource\n\n- Somebody, A Journal, 2014\n" in text
    assert "\nUnsubscribe:\nhttps://letters.example.org/leave/leave.token\n" in text
    assert not re.search(r"\n{4,}|[ \t]\n|\r", text)


def test_lines_do_not_depend_on_the_person() -> None:
    """A long name makes a long line, never another line."""
    body = "{{ name }} " + "word " * 60 + "{{ next_date }} " + "word " * 40
    lines = {len(book(body).render("fixed", person=Person(name, "", name, "", "a", "b")).text.split("\n")) for name in HOSTILE}
    assert 1 == len(lines)


def test_the_short_letter_has_its_practice_and_its_safety_lines() -> None:
    """The short letter is what stands before *You can stop here*, *Take care*, one way to the rest, and the footer."""
    text = book().render("fixed", full=False, person=ANA).text
    present = ["In one line", "On a hard day", "Take care", "When to get care", "Read the rest on your page", "for learning"]
    present += ["New symptoms", "In crisis?", "Unsubscribe", "No clinician has checked"]
    assert [] == [words for words in present if words not in text]
    absent = ("You can stop here", "The idea", "How sure are we?", "On the map", "Source")
    assert [] == [words for words in absent if words in text]


def test_after_a_pause_two_kind_lines_say_where_she_was() -> None:
    """The first letter after a pause welcomes her back and names the letter before it, above the title."""
    letters = book(title="Here")
    text = letters.render("fixed", after_pause=True).text
    assert "Welcome back. Nothing was missed" in text
    assert "The last letter was “Hello & welcome”." in text
    assert text.index("Welcome back") < text.index("\nHere\n")
    assert "Welcome back" not in letters.render("fixed").text


def test_the_map_is_drawn_and_said() -> None:
    """The map shows each phase by name with a word for where she is, and the line below says it plainly."""
    html = book().render("fixed").html
    drawn = " ".join(words_in_html(html[html.index("On the map") :]))
    assert "1 First things You are here" in drawn
    assert "2 Then the rest Still to come" in drawn
    assert "Phase 1 of 2: First things. Letter 1 of 2. Next: Hello & welcome." in drawn
    assert "This is the last letter on the map." in " ".join(book().render("last").text.split())
    assert "On the map" not in book().render("kit").html


def test_a_reviewed_letter_says_nothing_of_review() -> None:
    """Only a letter whose very words were reviewed does not say that no clinician has checked it yet."""
    line = "No clinician has checked this letter yet."
    review = {"by": "Dr A", "on": "2026-01-01", "of": wording_of(FRONT, BODY)}
    assert line in book().render("fixed").html
    assert line not in book(reviewed=review).render("fixed").html
    assert line not in book(reviewed=review).render("fixed").text
    assert line in book(f"{BODY}\n\nOne more word.", reviewed=review).render("fixed").text


def test_a_letter_that_breaks_for_the_nameless_is_found() -> None:
    """Whoever gave no name has a letter too: what breaks for her is a fault, before she is the one who finds it."""
    assert (
        "name" in fault_in("## In one line\n\nDear {{ name[0] }}.").text or fault_in("Dear {{ name[0] }}.").file == "one/fixed.md"
    )


def test_system_letters_are_neutral() -> None:
    """A confirmation greets nobody by name, has no map, no lesson footer and no way to leave, and says who wrote it."""
    letter = book().render("confirm")
    assert frozenset({"x7dripServiceToken7x"}) == letter.tags
    assert "Sam, 1 Example Street" in letter.text
    assert "Hello,\n" in letter.text
    assert [] == [word for word in ("Unsubscribe", "Pause", "learning", "map", "clinician") if word in letter.text]
    files = {"_system/confirm.md": "{{ name }}"}
    assert ["'name' is undefined"] == [fault.text for fault in book(files=files).faults()]


def test_another_course_needs_no_blocks() -> None:
    """A course without the safety blocks, without phases beyond one and with a right-to-left language renders too."""
    other = course(language="ar", phases=[{"id": "a", "title": "A", "lessons": [{"id": "fixed", "wait": "0 days"}]}])
    letters = LetterBook(
        {**LAYOUTS, "fixed.md": "Words."}, other, "https://x.example/", front={"fixed.md": {**FRONT, "refs": []}}, references={}
    )
    html = letters.render("fixed").html
    assert '<html lang="ar" dir="rtl"' in html
    assert "https://x.example/my/x7dripMyToken7x/pause" in html


def test_the_program_is_named_only_where_there_is_one() -> None:
    """`course.program` is None without a program, and its address survives Markdown."""
    body = "{% if course.program %}[{{ course.program.name }}]({{ course.program.url }}){% endif %}\n"
    assert "example.org/p" not in book(body).render("fixed").html
    program = course(program={"name": "A *Program*", "url": "https://example.org/p_(x)?a=1&b=2"})
    assert 'href="https://example.org/p_(x)?a=1&amp;b=2"' in book(body, of=program).render("fixed").html
    assert "A *Program*:\nhttps://example.org/p_(x)?a=1&b=2\n" in book(body, of=program).render("fixed").text


def test_the_html_is_accessible_and_still() -> None:
    """Language, headings, layout tables and colours are as §4 of the brief asks, and nothing is loaded or moves."""
    html = book().render("fixed").html
    tags = _Words(html).tags
    names = [tag for tag, _ in tags]
    for attributes in (tags[0][1], tags[names.index("body") + 1][1]):
        assert ("en", "ltr") == (attributes["lang"], attributes["dir"])
    assert 1 == names.count("h1")
    assert ["h1", "h2", "h2", "h3", "h2"] == [name for name in names if re.fullmatch("h[1-6]", name)][:5]
    assert [] == [attrs for tag, attrs in tags if tag == "table" and attrs.get("role") != "presentation"]
    assert 1 == html.count("prefers-color-scheme")
    assert 1 == names.count("style")
    assert '<meta name="color-scheme" content="light dark">' in html
    assert '<meta name="supported-color-schemes" content="light dark">' in html
    kept = html[html.index("<style") : html.index("</style>")]
    assert len(kept.encode()) < 16_384
    assert not re.search(r"rgba?\(|hsl|url\(|@import|@font-face|animation|transition|@keyframes", html)
    assert not {"img", "link", "script", "video", "iframe", "form"} & set(names)
    assert [] == [attrs for tag, attrs in tags if "src" in attrs or "background" in attrs or (tag != "a" and "href" in attrs)]
    assert len(html.encode()) < 60_000


def test_the_preheader_opens_both_parts_and_the_body_does_not_leak_after_it() -> None:
    """The first words of either part are the preheader; in HTML blank space follows, so that lists show nothing else."""
    letter = book().render("fixed", person=ANA)
    assert letter.text.startswith("Choose one time.\n")
    shown = re.sub(r"<[^>]*>", "", letter.html[letter.html.index("<body") :]).strip()
    assert shown.startswith("Choose one time.\u200c&nbsp;")
    assert not re.search(r"[a-z]", shown.removeprefix("Choose one time.").replace("&nbsp;", "")[:100])


def test_tokens_must_fit_in_a_link() -> None:
    """A missing or odd token is refused loudly rather than mailed as a dead link."""
    letters = book()
    for token in ("", "a b", "a/b", "ü"):
        person = Person("", "", "", "", token, "b")
        with pytest.raises(ValueError, match="none that fits"):
            letters.substitutions(letters.render("fixed").tags, person)
        with pytest.raises(ValueError, match="none that fits"):
            letters.render("fixed", person=person)


def test_substitutions_are_cheap() -> None:
    """Values for one person take microseconds, since a request asks five hundred times."""
    letters = book()
    tags = letters.render("fixed").tags
    started = time.perf_counter()
    for _ in range(500):
        letters.substitutions(tags, ANA)
    assert time.perf_counter() - started < 0.05


def test_a_letter_is_rendered_once_for_a_batch() -> None:
    """Asking again for the same letter and length gives the same object."""
    letters = book()
    assert letters.render("fixed") is letters.render("fixed")
    assert letters.render("fixed") is not letters.render("fixed", full=False)


def test_a_base_url_must_be_an_address() -> None:
    """A base address that Markdown or HTML could trip over is refused at once."""
    with pytest.raises(ValueError, match="link to"):
        LetterBook({}, course(), "javascript:alert(1)", front={}, references={})
