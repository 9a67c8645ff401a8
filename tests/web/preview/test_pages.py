"""The pages of the preview: what they show, whom they answer, and that they change nothing."""

from __future__ import annotations

import re
from html import unescape

import pytest
import urllib3

from drip.core.reader import SAMPLES, Reader
from drip.web.preview import choice
from drip.web.preview.bench import Bench, signature
from drip.web.preview.choice import PANES, USUAL
from drip.web.preview.pages import make_preview
from drip.web.preview.snapshot import Files
from drip.web.serve import serving
from tests.web.preview.conftest import COURSE, LETTER, Desk, Preview

AT = f"/letters/{COURSE}/{LETTER}"
ALL = ",".join(PANES)


def test_the_list_has_every_letter_in_order_and_how_it_stands(preview: Preview) -> None:
    """Phases with numbers, what comes when she asks, what comes afterwards, the service letters; drafts and faults are said."""
    preview.edit("minutes: 5", "minutes: 5\ndraft: true")
    preview.edit("title: ", "titel: ", preview.files.emails / "unload" / "wind-down.md")
    page = preview.page("/")
    found = re.findall(r'href="/letters/roadmap/([a-z0-9-]+)"', page)
    project = preview.bench.readable.project
    assert project is not None
    assert [*project.schedule.courses[COURSE].letter_ids, "address-change", "confirm", "my-link"] == found
    row = page[page.index(f'href="{AT}"') :].partition("</li>")[0]
    assert ["draft", "not reviewed"] == re.findall(r'class="mark">([^<]*)<', row)
    assert "5 min" in row
    broken = page[page.index('href="/letters/roadmap/wind-down"') :].partition("</li>")[0]
    assert "2 faults" in broken


def test_a_course_that_asks_for_no_reviews_is_not_told_of_any(preview: Preview) -> None:
    """Where nobody is to review letters, no letter is marked as not reviewed."""
    preview.edit("title: The Roadmap", "title: The Roadmap\n    reviews: none", preview.files.schedule)
    preview.edit("must_be_reviewed: true", "must_be_reviewed: false", preview.files.schedule)
    assert "not reviewed" not in preview.page("/")
    assert "not reviewed" not in preview.page()


def test_a_letter_has_its_figures_and_every_pane(preview: Preview) -> None:
    """Both looks in both widths, the lock screen, the text, the file with line numbers and the mailed HTML."""
    page = preview.page(f"{AT}?panes={ALL}")
    for words in ("Letter 6 of 16", "5 minutes of practice", "words of your own", "words in all", "KB; Gmail cuts at 102"):
        assert words in page
    frames = re.findall(r'<iframe id="([a-z-]+)"[^>]* src="([^"]*)"', page)
    assert ["wide", "wide-dark", "phone", "phone-dark"] == [pane for pane, _ in frames]
    light, dark, *_ = (preview.page(unescape(source)) for _, source in frames)
    assert light != dark
    rendered = preview.sight().rendered
    assert rendered is not None
    assert rendered.html in unescape(page)
    assert rendered.text in unescape(page)
    assert f"{len(rendered.html.encode()) / 1024:.1f} KB" in page
    assert preview.letter.read_text(encoding="utf-8").count("\n") == len(re.findall(r'<li id="line-\d+"', page))


def test_the_lock_screen_shows_sender_subject_preheader_and_first_line(preview: Preview) -> None:
    """Cut as a phone cuts, with the rest told beside it."""
    preview.edit("five quiet minutes", "five quiet minutes, or fewer, as you like")
    page = unescape(preview.page(f"{AT}?panes=lock"))
    assert '<p class="sender">Sam from the Roadmap</p>' in page
    assert '<p class="subject">Letter 6: five quiet minutes, or fewer,…</p>' in page
    assert "cut off: “as you like”" in page
    assert '<p class="pre">Try three ways to settle, and keep the one you like.</p>' in page
    assert "where a program shows the text part: “Try three ways" in page


@pytest.mark.parametrize("reader", SAMPLES, ids=lambda reader: reader.key)
def test_each_sample_reader_reads_each_length(preview: Preview, reader: object) -> None:
    """Whoever reads, the page stands, says who it is, and shows hers, the full and the short letter."""
    sample = next(one for one in SAMPLES if one is reader)
    short = {}
    for length, _ in choice.LENGTHS:
        page = preview.page(f"{AT}?reader={sample.key}&length={length}&panes=raw")
        assert f'value="{sample.key}" selected' in page
        short[length] = "This is the short letter." in page
    assert {"": sample.short, "full": False, "short": True} == short


def test_what_is_special_about_a_reader_shows(preview: Preview) -> None:
    """A pause that ended is welcomed, a helpline stands there and is said to be made up, a hard name stays harmless."""
    assert "Welcome back" in preview.page(f"{AT}?reader=back&panes=text")
    lines = preview.page(f"{AT}?reader=helpline&panes=text")
    assert "A listening service" in lines
    assert "made up" in lines
    hard = preview.page(f"/frames/{COURSE}/{LETTER}/light?reader=long")
    assert "<b>Söhne" not in hard
    assert "{{ name }}" in hard
    assert "Hello,\n" in preview.page(f"{AT}?reader=nameless&panes=text")


def test_a_choice_that_is_not_known_is_the_usual_one(preview: Preview) -> None:
    """Whatever stands in the address, a page comes; nothing of it is repeated that was not chosen from a list."""
    page = preview.page(f"{AT}?reader=%3Cscript%3E&length=9&panes=x,y&z=%00")
    assert "script%3E" not in page
    assert "<script>" not in page
    assert 'value="weekly" selected' in page
    assert [*USUAL] == re.findall(r'id="open-([a-z-]+)" class="on"', preview.page(AT))


def test_a_pane_is_turned_by_a_plain_link(preview: Preview) -> None:
    """Each pane opens and closes by an address of its own, so it works without a script; the reader stays chosen."""
    page = preview.page(f"{AT}?reader=slow&panes=wide")
    links = dict(re.findall(r'href="([^"]*)" id="open-([a-z-]+)"', page))
    (text,) = [unescape(href) for href, pane in links.items() if pane == "text"]
    assert f"{AT}?reader=slow&panes=wide,text" == text
    assert "h-text" in preview.page(text)
    (wide,) = [unescape(href) for href, pane in links.items() if pane == "wide"]
    assert "<iframe" not in preview.page(wide)


def test_a_fault_stands_where_it_is(preview: Preview) -> None:
    """File, line and column, code, hint, the line with a caret, and the marked line in the file; the letter greyed."""
    preview.page()
    preview.edit("minutes: 5", "minutes: soon")
    page = unescape(preview.page(f"{AT}?panes=wide,source"))
    place = f"{preview.letter}:5:10"
    assert place in page
    assert "<code>L104</code>" in page
    assert "write digits only" in page
    assert '>minutes: soon\n<span aria-hidden="true">         ^</span></pre>' in page
    assert '<li id="line-5" class="error"><code>minutes: <mark>soon</mark></code><p><strong>Fault L104</strong>' in page
    assert "The letter as it is saved now cannot be shown." in page
    assert 'class="pane wide stale"' in page
    assert "as it was at" in page
    assert "<h1>Three ways to settle</h1>" in page


def test_a_letter_that_never_could_be_shown_says_so(files: Files) -> None:
    """Broken from the start, there is a fault and no letter, and no page breaks."""
    (files.emails / "unload" / f"{LETTER}.md").write_text("no front matter", encoding="utf-8")
    bench = Bench(files)
    with serving(make_preview(bench)) as url, urllib3.PoolManager(retries=False, timeout=20) as pool:
        preview = Preview(bench, files, url, pool)
        page = preview.page(f"{AT}?panes={ALL}")
        assert "There is nothing to show yet." in page
        assert "<code>L101</code>" in page
        assert "<iframe" not in page
        assert 404 == preview.ask(f"/frames/{COURSE}/{LETTER}/light").status


def test_a_broken_schedule_and_layout_are_told_with_every_letter(preview: Preview) -> None:
    """What keeps all letters from being shown stands on the page of each."""
    preview.page()
    preview.edit("{{ title }}", "{{ titel }}", preview.files.emails / "_base" / "letter.html")
    assert "_base/letter.html:" in preview.page()
    preview.edit("{{ titel }}", "{{ title }}", preview.files.emails / "_base" / "letter.html")
    preview.edit("phases:", "phases: [", preview.files.schedule)
    page = preview.page()
    assert "<code>Y101</code>" in page
    assert "schedules.yaml:" in page
    assert "cannot be shown" in page
    assert "schedules.yaml:" in preview.page("/")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_pressed(preview: Preview, method: str) -> None:
    """There is no way to change anything: all other methods are refused."""
    for path in ("/", AT, f"/frames/{COURSE}/{LETTER}/light", "/pressed/leave", "/stamp"):
        assert 405 == preview.ask(path, method).status


def test_looking_changes_nothing(preview: Preview) -> None:
    """Every page by GET and HEAD, and every file is as it was, no file is new, and the stamp has not moved."""
    before, stamp = signature(preview.files), preview.bench.stamp
    for path in (
        "/",
        AT,
        f"{AT}?panes={ALL}",
        f"/frames/{COURSE}/{LETTER}/dark",
        "/pressed/pause",
        "/stamp",
        "/static/preview.js",
    ):
        got, asked = preview.ask(path), preview.ask(path, "HEAD")
        assert (200, 200, b"") == (got.status, asked.status, asked.data)
    assert (before, stamp) == (signature(preview.files), preview.bench.stamp)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2fpyproject.toml",
        "/static/%2e%2e/web.css",
        f"/letters/{COURSE}/..%2f..%2fschedules",
        f"/letters/{COURSE}/..",
        f"/letters/../{LETTER}",
        f"/frames/{COURSE}/%2e%2e%2f_base%2fletter/light",
        f"/frames/{COURSE}/{LETTER}/..%2flight",
        "/letters/__class__/settle",
        "/pressed/..%2fstamp",
        "//etc/passwd",
        "/emails/unload/settle.md",
    ],
)
def test_no_path_leads_out(preview: Preview, path: str) -> None:
    """Names are looked up, never opened: whatever is written, there is no such page, and no file's words come back."""
    answer = preview.ask(path)
    assert 404 == answer.status
    assert b"root:" not in answer.data
    assert b"evidence_line" not in answer.data


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "", "[::1]"]
)
def test_only_the_names_of_this_machine_are_answered(preview: Preview, host: str) -> None:
    """A name that somebody else points here (DNS rebinding) is refused on every path, and so is another port's."""
    for path in ("/", AT, "/stamp", "/static/preview.js", f"/frames/{COURSE}/{LETTER}/light"):
        answer = preview.ask(path, Host=host)
        assert answer.status in {400, 403}
        assert b"settle" not in answer.data
    port = preview.url.rpartition(":")[2]
    assert 200 == preview.ask("/", Host=f"localhost:{port}").status


def test_pages_of_other_sites_may_not_load_it(preview: Preview) -> None:
    """What another site's page asks for is refused; a link that somebody follows is not."""
    load = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
    frame = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert [403, 403, 200] == [preview.ask(AT, **headers).status for headers in (load, frame, followed)]


def test_nothing_is_loaded_from_elsewhere_and_no_script_is_inline(preview: Preview) -> None:
    """A strict policy on every page, a stricter one on the letter in its frame, no cookie, and nothing that points elsewhere."""
    for path in ("/", f"{AT}?panes={ALL}", "/pressed/pause", "/nothing"):
        answer = preview.ask(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        page = re.sub(r"<pre.*?</pre>", "", answer.data.decode(), flags=re.DOTALL)
        assert [] == re.findall(r'(?:src|href)="(?:https?:)?//', page)
        assert [] == re.findall(r"<script(?![^>]* src=)|\son[a-z]+=|\sstyle=", page)
        assert "Set-Cookie" not in answer.headers
        assert ("no-store", "no-referrer") == (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"])
    caged = preview.ask(f"/frames/{COURSE}/{LETTER}/light").headers["Content-Security-Policy"]
    assert "default-src 'none'" in caged
    assert "script" not in caged


def test_a_pressed_link_says_what_it_would_have_been(preview: Preview) -> None:
    """Every link of a letter leads to a page that does nothing and says what the real one is for."""
    letter = preview.page(f"/frames/{COURSE}/{LETTER}/light")
    ways = set(re.findall(r'href="(/pressed/[a-z]+)"', letter))
    assert "/pressed/leave" in ways
    for way in ways:
        assert "Nothing has happened" in preview.page(way)
    assert 404 == preview.ask("/pressed/nowhere").status


def test_a_fault_in_the_program_is_a_page_that_stays_up(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Where drip itself breaks, the page says so, the log names its kind and place and no word more, and pages go on."""
    broken = Reader("hers", "The subscriber you named", name="Ada", send_at="no time")
    with serving(make_preview(desk.bench, {COURSE: broken})) as url, urllib3.PoolManager(retries=False, timeout=20) as pool:
        preview = Preview(desk.bench, desk.files, url, pool)
        assert "A fault in drip." in preview.page(status=500)
        assert "Three ways to settle" in preview.page(f"{AT}?reader=weekly")
    said = "".join(capsys.readouterr())
    assert "page-broke" in said
    assert "ValueError" in said
    assert "Ada" not in said
    assert "no time" not in said
