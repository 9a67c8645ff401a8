"""What mail programs break, in a course without rules of its own: each is hit by a layout that goes wrong."""

from __future__ import annotations

import pytest

from tests.editor import BODY, SCHEDULE, base, found, line_of, problems_of, source_of

PLAIN = SCHEDULE.replace("    editorial: rules.yaml\n", "")
STYLE, HTML, TEXT = "_base/style.html", "_base/letter.html", "_base/letter.txt"
P = "p { margin: 0 0 18px 0;"
KEPT = ":root { color-scheme: light dark; }"
MAP = '<p class="where">'

HITS = {
    "a big letter": ("M-SIZE", HTML, "</h1>", f"</h1><!-- {'x' * 82_000} -->", "over 80000"),
    "a huge letter": ("M-SIZE", HTML, "</h1>", f"</h1><!-- {'x' * 101_000} -->", "over 100000"),
    "a big style block": ("M-STYLE", STYLE, KEPT, KEPT + " .x { margin: 0 }" * 1000, "over 16000"),
    "spaces in rgb": ("M-COLOR", STYLE, P, f"{P} border-color: rgb(0 0 0 / .5);", "rgb(0 0 0 / .5)"),
    "hsl": ("M-COLOR", STYLE, KEPT, f"{KEPT} .x {{ color: hsl(120deg 75% 25%) }}", "hsl(120deg 75% 25%)"),
    "oklch": ("M-COLOR", STYLE, P, f"{P} color: oklch(40% 0.1 200);", "oklch"),
    "eight digits": ("M-COLOR", STYLE, P, f"{P} border-color: #11223344;", "#11223344"),
    "a variable": ("M-COLOR", STYLE, P, f"{P} color: var(--ink);", "var(--ink)"),
    "an image without words": ("M-ALT", HTML, "</h1>", '</h1><img src="cid:a">', "alt"),
    "faint text": ("M-CONTRAST", STYLE, P, f"{P} color: #aaaaaa;", "in light"),
    "faint text at night": ("M-CONTRAST", STYLE, "color: #a5cbc6 !important", "color: #333333 !important", "in dark"),
    "a remote image": ("R-TRACK", HTML, "</h1>", '</h1><img alt="" src="https://x.example/o.png">', "loads"),
    "a background": ("R-TRACK", STYLE, P, f"{P} background: url(https://x.example/a);", "url("),
    "an import": ("R-TRACK", STYLE, KEPT, f"@import 'https://x.example/a.css'; {KEPT}", "@import"),
    "a font": ("R-TRACK", STYLE, KEPT, f"@font-face {{ font-family: a }} {KEPT}", "@font-face"),
    "a style sheet elsewhere": ("R-TRACK", HTML, "</head>", '<link rel="icon" href="/a"></head>', "<link>"),
    "a set of images": ("R-TRACK", STYLE, P, f"{P} background: image-set('https://x.example/a.png' 1x);", "image-set("),
    "a drawing from elsewhere": ("R-TRACK", HTML, MAP, f'<svg><image href="https://x.example/a.png"/></svg>{MAP}', "<image>"),
    "a part of a drawing": ("R-TRACK", HTML, MAP, f'<svg><use xlink:href="https://x.example/a.svg#b"/></svg>{MAP}', "<use>"),
    "a link that reports": ("R-TRACK", HTML, MAP, f'<a href="https://x.example/" ping="https://y.example/">A</a>{MAP}', "y.exam"),
    "a page that turns": (
        "R-TRACK",
        HTML,
        "</head>",
        '<meta http-equiv="refresh" content="1; url=https://x.example"></head>',
        "<meta>",
    ),
    "what Outlook loads": (
        "R-TRACK",
        HTML,
        MAP,
        f'<!--[if mso]><v:fill type="frame" src="https://x.example/a.png"/><![endif]-->{MAP}',
        "<v:fill>",
    ),
    "a drawing that moves": ("R-STILL", HTML, MAP, f'<svg><circle><animate attributeName="r"/></circle></svg>{MAP}', "moves"),
    "a campaign": ("R-TRACK", HTML, MAP, f'<a href="https://x.example/?utm_source=a">A</a>{MAP}', "tells who"),
    "a redirector": ("R-TRACK", HTML, MAP, f'<a href="https://x.example/?u=https://y.example">A</a>{MAP}', "somebody else"),
    "a moving picture": ("R-STILL", HTML, "</h1>", '</h1><img alt="" src="cid:a.gif">', ".gif"),
    "a transition": ("R-STILL", STYLE, P, f"{P} transition: all 1s;", "transition"),
    "an animation": ("R-STILL", STYLE, KEPT, f"{KEPT} @keyframes a {{ }}", "@keyframes"),
    "a marquee": ("R-STILL", HTML, "</h1>", "</h1><marquee>A</marquee>", "marquee"),
    "a form": ("R-SCORE", HTML, "</h1>", "</h1><form><input></form>", "<form>"),
    "a heading in one part": ("R-TEXT", TEXT, "Source\n", "", "'Source'"),
    "a block in one part": ("R-TEXT", TEXT, "{{ block.text }}", "", "This course is for learning"),
    "a link in one part": ("R-TEXT", TEXT, "{{ url }}", "", "the link to"),
    "a body in one part": ("R-TEXT", TEXT, "{{ section.text }}", "", "Do it after breakfast"),
    "a longer part": ("R-TEXT", TEXT, "{{ greeting }}", "{{ greeting }} " + "and so on " * 20, "a ratio of"),
}


@pytest.mark.parametrize("what", HITS)
def test_a_layout_that_goes_wrong_is_found(what: str) -> None:
    """Each fault has its id, its words, and a line that exists in the file it names."""
    code, path, before, after, words = HITS[what]
    text = base()[path]
    assert before in text
    files = {path: text.replace(before, after, 1)}
    source = source_of(rules=None, files=files, schedule=PLAIN)
    hits = [one for one in problems_of(source) if one.code == code]
    assert any(words in one.text for one in hits)
    for one in hits:
        lines = source.letters[one.file.removeprefix("emails/")].split("\n")
        assert 1 <= one.line <= len(lines)
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1


def test_a_plain_layout_is_not_told() -> None:
    """The layout that comes with drip has none of these faults, and a course needs no rules to be told so."""
    assert [] == problems_of(source_of(rules=None, schedule=PLAIN))


def test_a_fault_of_the_layout_is_told_once_and_there() -> None:
    """However many letters there are, a colour has one line in the style file."""
    text = base()[STYLE]
    files = {STYLE: text.replace(P, f"{P} color: #aaaaaa;", 1)}
    hits = [one for one in problems_of(source_of(rules=None, files=files, schedule=PLAIN)) if "#aaaaaa on #faf8f3" in one.text]
    line = files[STYLE][: files[STYLE].index("#aaaaaa")].count("\n") + 1
    assert [(f"emails/{STYLE}", line)] == [(one.file, one.line) for one in hits]


def test_a_tracked_link_in_a_letter_is_found_in_the_letter() -> None:
    """The place is the address as it stands in the body."""
    body = BODY.replace("That is plenty", "[Your bus](https://x.example/a?utm_source=b). That is plenty")
    hits = found(source_of(rules=None, body=body, schedule=PLAIN), "R-TRACK")
    assert [line_of("https://x.example", body=body)] == [(line, column) for line, column, _ in hits]


def test_our_own_tokens_and_the_data_of_a_picture_are_fine() -> None:
    """What travels inside the mail loads nothing."""
    files = {HTML: base()[HTML].replace("</h1>", '</h1><img alt="" src="data:image/png;base64,AA=="><img alt="" src="cid:a">')}
    codes = {one.code for one in problems_of(source_of(rules=None, files=files, schedule=PLAIN))}
    assert set() == codes
