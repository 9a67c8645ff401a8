"""What mail programs break, for a course with rules or without: size, styles, colours, contrast, loading, moving, parity."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drip.core.editorial.contrast import CONTRAST_MIN, faint_text
from drip.core.editorial.markup import DRAWN, Node, seen_text, tree_of
from drip.core.editorial.proof import Manuscript, Proof
from drip.core.problem import Problem, Severity, quoted
from drip.core.reading import words_in

SIZE_WARNING = 80_000
SIZE_MAX = 100_000
STYLE_MAX = 16_000
PARITY = (0.95, 1.10)
PARITY_WORDS_MIN = 40

_FETCHED = frozenset({"link", "script", "iframe", "object", "embed", "video", "audio", "source", "track", "frame", "base"})
_SOURCES = ("src", "srcset", "background", "poster", "data", "ping", "xlink:href")
_DRAWN_FROM = frozenset({"image", "use", "feimage"})
"""Elements of a drawing (SVG) that show what their `href` names."""
_OWN = re.compile(r"(?:cid:|data:|#|$)")
_CSS_FETCH = re.compile(r"url\([^)]*\)|@import[^;]*|@font-face|(?:image-set|(?<![\w-])src)\([^)]*\)", re.IGNORECASE)
_OUTLOOK = re.compile(r"<!--\[if[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL | re.IGNORECASE)
"""What only Outlook reads; to everybody else it is a comment."""
_TRACKED = re.compile(r"[?&;](?:utm_\w+|mc_[ce]id|fbclid|gclid|mkt_tok|_hs\w+)=|[?&=/]https?(?::|%3a)(?:/|%2f)", re.IGNORECASE)
_CSS_MOTION = re.compile(
    r"@(?:-\w+-)?keyframes[^{]*|(?<![\w-])(?:-\w+-)?(?:animation|transition)(?:-[\w-]+)?\s*:[^;}]*", re.IGNORECASE
)
_MOVING = frozenset({"marquee", "blink", "video", "animate", "animatemotion", "animatetransform", "set"})
_FORMS = frozenset({"form", "input", "select", "textarea"})
_MODERN = re.compile(
    r"(?:rgb|hsl)a?\(\s*[\d.]+(?:deg|%)?\s+[^)]*\)|\b(?:oklch|oklab|lab|lch|hwb|color|color-mix|light-dark)\([^)]*\)|var\([^)]*\)"
    r"|(?<=[:\s])#(?:[0-9a-f]{8}|[0-9a-f]{4})\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S+://\S+")
_LEAVES = ("h1", "h2", "h3", "h4", "p", "li")


@dataclass(frozen=True, slots=True)
class _Found:
    """A fault in the HTML of a letter, and the *written* words by which its place is looked for."""

    code: str
    text: str
    hint: str
    written: str
    dark: bool = False


def findings(proof: Proof, manuscript: Manuscript, raw: Mapping[str, str], emails: str) -> Iterator[Problem]:
    """Yield what any mail program breaks in a letter, or what is not the same in both of its parts.

    *raw* maps paths below the folder *emails* to texts; what the layout is to blame for has its place there.
    """
    root = tree_of(proof.html)
    yield from _size(proof, manuscript)
    roots = [root, *(tree_of(inside) for inside in _OUTLOOK.findall(proof.html))]
    for each in roots:
        for found in (*_styles(each), *_elements(each)):
            yield _placed(found, manuscript, raw, emails)
    for found in _contrast(root):
        yield _placed(found, manuscript, raw, emails)
    yield from _parity(root, proof, manuscript, emails)


def _size(proof: Proof, manuscript: Manuscript) -> Iterator[Problem]:
    size = len(proof.html.encode())
    if size > SIZE_WARNING:
        severity: Severity = "error" if size > SIZE_MAX else "warning"
        limit = SIZE_MAX if size > SIZE_MAX else SIZE_WARNING
        text = f"the HTML part has {size} bytes; over {limit}, and a mail program soon cuts its end off"
        yield manuscript.problem("M-SIZE", manuscript.in_body(), text, "shorten the letter or the layout", severity=severity)


def _styles(root: Node) -> Iterator[_Found]:
    """Yield what style blocks and style attributes hold that is dropped, fetched or moved."""
    sheets = []
    for node in root.walk():
        if node.tag == "style":
            sheets.append(css := "".join(map(str, node.children)))
            if (size := len(css.encode())) > STYLE_MAX:
                text = f"a style block has {size} bytes; over {STYLE_MAX} it is dropped whole"
                yield _Found("M-STYLE", text, "inline what can be, and cut the rest", css.strip().split("\n")[0])
        elif style := node.attributes.get("style"):
            sheets.append(style)
    for css in dict.fromkeys(sheets):
        for match in _MODERN.finditer(css):
            text = f"{quoted(match[0])} is a colour that some mail programs drop"
            yield _Found("M-COLOR", text, "write #1f5357, or rgba(0, 0, 0, .5) with commas", match[0])
        for match in _CSS_FETCH.finditer(css):
            yield _Found("R-TRACK", f"{quoted(match[0])} loads something", "letters load nothing; take it out", match[0])
        for match in _CSS_MOTION.finditer(css):
            yield _Found("R-STILL", f"{quoted(match[0].strip())} moves", "letters stand still; take it out", match[0].strip())


def _elements(root: Node) -> Iterator[_Found]:
    """Yield elements that load, move, score or say nothing in words."""
    for node in root.walk():
        sources = (*_SOURCES, "href") if node.tag in _DRAWN_FROM else _SOURCES
        remote = [name for name in sources if name in node.attributes and not _OWN.match(node.attributes[name])]
        leads_away = node.tag == "meta" and node.attributes.get("http-equiv", "").lower() == "refresh"
        if node.tag in _FETCHED or remote or leads_away:
            source = node.attributes[remote[0]] if remote else node.tag
            text = f"<{node.tag}> loads {quoted(source)}" if remote else f"<{node.tag}> loads something"
            yield _Found("R-TRACK", text, "letters load nothing; take it out", source if remote else f"<{node.tag}")
        target = node.attributes.get("href", "")
        if _TRACKED.search(target):
            text = f"the link to {quoted(target)} tells who follows it, or passes through somebody else"
            yield _Found("R-TRACK", text, "link to the page itself", target)
        moving = [value for value in node.attributes.values() if re.search(r"\.gif\b", value, re.IGNORECASE)]
        if node.tag in _MOVING or moving:
            yield _Found(
                "R-STILL", f"{quoted(moving[0] if moving else node.tag)} moves", "letters stand still", (moving or [node.tag])[0]
            )
        if node.tag in _FORMS:
            yield _Found(
                "R-SCORE", f"<{node.tag}> asks for something to be filled in", "take it out; nothing is counted", f"<{node.tag}"
            )
        if node.tag == "img" and "alt" not in node.attributes:
            text = "an image has no alt text, so it says nothing to whoever does not see it"
            yield _Found("M-ALT", text, 'add alt="...", or alt="" where it only decorates', "<img")


def _contrast(root: Node) -> Iterator[_Found]:
    for faint in faint_text(root):
        text = (
            f"in {faint.scheme}, {faint.color} on {faint.ground} stands out {faint.ratio:.2f}:1; "
            f"at least {CONTRAST_MIN}:1 can be read"
        )
        hint = f"choose colours further apart; see {quoted(faint.words[:40])}"
        yield _Found("M-CONTRAST", text, hint, faint.color, faint.scheme == "dark")


def _placed(found: _Found, manuscript: Manuscript, raw: Mapping[str, str], emails: str) -> Problem:
    """Return the problem of *found* where its words are written: in the letter, or else in the layout."""
    own = manuscript.raw.find(found.written)
    if own >= 0 and not found.dark:
        return manuscript.problem(found.code, _place_in(manuscript.raw, own), found.text, found.hint)
    for path in sorted(raw):
        if path.startswith("_base/") and path.endswith((".html", ".css")):
            begin = max(0, raw[path].find("prefers-color-scheme: dark")) if found.dark else 0
            offset = raw[path].find(found.written, begin)
            if offset >= 0:
                return Problem(f"{emails}/{path}", *_place_in(raw[path], offset), found.code, found.text, found.hint)
    return Problem(f"{emails}/_base/letter.html", 1, 1, found.code, found.text, found.hint)


def _place_in(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


# Both parts ----------------------------------------------------------------------------------------------------------


def _parity(root: Node, proof: Proof, manuscript: Manuscript, emails: str) -> Iterator[Problem]:
    """Yield what the text part lacks of the HTML part, and how much longer or shorter it is."""
    body = next((node for node in root.walk() if node.tag == "body"), root)
    shown = [node for node in body.seen() if not node.is_in(DRAWN)]
    said = _plain(_ADDRESS.sub(" ", proof.text))
    for node in shown:
        words = _plain(node.text) if node.tag in _LEAVES and not _has_leaves(node) else ""
        if words and f" {words} " not in f" {said} ":
            kind = {"li": "step or item", "p": "paragraph"}.get(node.tag, "heading")
            yield _lacking(f"the {kind} {quoted(node.text)}", node.text, proof, manuscript, emails)
        target = node.attributes.get("href", "")
        # Where the words are the whole way (a domain, a number to call), the same words lead there in the text part.
        if node.tag == "a" and target and not _is_said(node, target, proof.text):
            yield _lacking(f"the link to {quoted(target)}", node.text, proof, manuscript, emails)
    html_words = len(words_in(seen_text(body)))
    opening = len(words_in(proof.preheader)) if _plain(proof.text).startswith(_plain(proof.preheader)) else 0
    text_words = len(words_in(_ADDRESS.sub(" ", proof.text))) - opening
    ratio = text_words / html_words if html_words >= PARITY_WORDS_MIN else 1.0
    if not PARITY[0] <= ratio <= PARITY[1]:
        text = (
            f"the text part has {text_words} words to {html_words} of the HTML part, a ratio of {ratio:.2f}; "
            f"{PARITY[0]:.2f} to {PARITY[1]:.2f} is of equal worth"
        )
        yield manuscript.problem("R-TEXT", manuscript.in_body(), text, "say the same in both layouts")


def _is_said(node: Node, target: str, text: str) -> bool:
    words = node.text.strip()
    return target.removeprefix("mailto:") in text or (
        words in text and (target == f"https://{words}" or target.startswith("tel:"))
    )


def _lacking(what: str, words: str, proof: Proof, manuscript: Manuscript, emails: str) -> Problem:
    text, hint = f"the text part lacks {what}", "say it in both layouts"
    own = [passage for passage in proof.passages if _plain(words) and _plain(words) in _plain(passage.text)]
    if own:
        return manuscript.problem("R-TEXT", manuscript.of_passage(own[0]), text, hint)
    layout = "system.txt" if proof.path.startswith("_system/") else "letter.txt"
    return Problem(f"{emails}/_base/{layout}", 1, 1, "R-TEXT", text, hint)


def _has_leaves(node: Node) -> bool:
    return any(inner.tag in _LEAVES for inner in node.walk() if inner is not node)


def _plain(text: str) -> str:
    return " ".join(words_in(text)).casefold()
