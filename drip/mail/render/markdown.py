"""Markdown becomes sections: one stream of tokens, cut at its second-level headings, from which both parts are set."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from drip.errors import RenderFault
from drip.mail.render.person import CLOSE, MARK, OPEN
from drip.mail.render.plain import inline_text, text_of
from drip.mail.render.ways import with_ways

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
_HTML = RendererHTML()
_PART = re.compile(rf"{OPEN}Part(\d+){CLOSE}")
_VALUE_IN_TARGET = re.compile(rf"\]\([^)\n]*(?:{MARK.pattern})|^ {{0,3}}\[[^\]\n]+\]:.*(?:{MARK.pattern})", re.MULTILINE)

KINDS = {
    "in one line": "line",
    "this week's practice": "practice",
    "one thing for now": "practice",
    "you can stop here": "stop",
    "the idea": "idea",
    "how sure are we?": "sure",
    "take care": "care",
}
"""What a section is for, by its heading; others are `plain`, and what stands before the first is the `intro`."""

BOXES = frozenset({"block", "hard-day", "helpline"})
"""The looks of parts that have a ground or a frame."""


@dataclass(frozen=True, slots=True)
class Part:
    """A fixed piece of a letter (a safety block, the hard-day version), set apart in HTML by the class *look*."""

    look: str
    tokens: tuple[Token, ...]


@dataclass(slots=True)
class Section:
    """A heading (none for the intro) and what follows it up to the next."""

    kind: str
    heading: Token | None = None
    tokens: list[Token] = field(default_factory=list)

    @property
    def heading_text(self) -> str:
        """The heading in words."""
        return inline_text(self.heading) if self.heading else ""

    @property
    def heading_html(self) -> str:
        """The heading as HTML."""
        return _HTML.renderInline(self.heading.children or [], _MARKDOWN.options, {}) if self.heading else ""

    @property
    def html(self) -> str:
        """What follows the heading, as HTML."""
        return _HTML.render(self.tokens, _MARKDOWN.options, {})

    @property
    def text(self) -> str:
        """What follows the heading, as plain text."""
        return text_of(self.tokens)


def part_mark(number: int) -> str:
    """Return the mark that stands, on a line of its own, for part *number*."""
    return f"{OPEN}Part{number}{CLOSE}"


def tokens_of(markdown: str) -> list[Token]:
    """Return the tokens of *markdown*; a link that stands alone is a big target: a button, or in a list a tall line."""
    tokens = _MARKDOWN.parse(markdown)
    for opening, inline in pairwise(tokens):
        children = inline.children or []
        if opening.type != "paragraph_open" or not _is_one_link(children):
            continue
        if opening.hidden:  # In a tight list the tags of a paragraph are not written.
            children[0].attrSet("class", "tall")
        else:
            opening.attrSet("class", "action")
    return tokens


def _is_one_link(children: Sequence[Token]) -> bool:
    return (
        len(children) > 1
        and children[0].type == "link_open"
        and [child.type for child in children].index("link_close") == (len(children) - 1)
    )


def part_of(look: str, markdown: str) -> Part:
    """Return a part that shows *markdown*."""
    return Part(look, tuple(tokens_of(markdown)))


def part_with_ways(look: str, markdown: str, numbers: Mapping[str, str] | None = None) -> Part:
    """Return a part that shows *markdown*, and leads to the domains and the telephone *numbers* that it names."""
    return Part(look, tuple(with_ways(tokens_of(markdown), numbers)))


def sections_of(markdown: str, parts: Sequence[Part], *, file: str, source: str) -> list[Section]:
    """Return the sections of a letter with its parts in place.

    *file* and *source* are for the fault that names a line.
    """
    if found := _VALUE_IN_TARGET.search(markdown):
        raise RenderFault(file, markdown[: found.start()].count("\n") + 1, _IN_ATTRIBUTE)
    sections = [Section("intro")]
    tokens = tokens_of(markdown)
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.type == "heading_open" and token.tag == "h2" and token.level == 0:
            heading = tokens[position + 1]
            _refuse_misuse(heading, file, source)
            sections.append(Section(_kind_of(heading), heading))
            position += 3
        elif placed := _parts_at(tokens, position, parts):
            for piece in (piece for part in placed for piece in part.tokens):
                _refuse_misuse(piece, file, source)
            sections[-1].tokens.extend(_placed(placed, first_level=len(sections) == 1))
            position += 3
        else:
            _refuse_misuse(token, file, source)
            sections[-1].tokens.append(token)
            position += 1
    return [section for section in sections if section.heading or section.tokens]


def _kind_of(heading: Token) -> str:
    return KINDS.get(inline_text(heading).replace("’", "'").strip().lower(), "plain")


def _parts_at(tokens: Sequence[Token], position: int, parts: Sequence[Part]) -> list[Part]:
    """Return the parts that a paragraph consists of, none when it is anything else."""
    if tokens[position].type != "paragraph_open":
        return []
    marks = tokens[position + 1].content.split()
    found = [_PART.fullmatch(mark) for mark in marks]
    return [parts[int(match[1])] for match in found if match] if all(found) else []


def _placed(parts: Sequence[Part], *, first_level: bool) -> list[Token]:
    placed: list[Token] = []
    for part in parts:
        around = _around(part.look)
        placed.extend(opening for opening, _ in around)
        # Before the first heading a block's own heading moves up, so that no level is skipped after the title.
        placed.extend(_with_tag(token, "h2") if first_level and token.tag == "h3" else token for token in part.tokens)
        placed.extend(closing for _, closing in reversed(around))
    return placed


def _around(look: str) -> list[tuple[Token, Token]]:
    """Return the tags around a part, outermost first; a box is a cell, since Outlook for Windows knows padding there alone."""
    box = look.partition(" ")[0]
    around = [_tags("part", "div", ("class", look))]
    if box in BOXES:
        blank = [(attribute, "0") for attribute in ("cellpadding", "cellspacing", "border")]
        around.append(_tags("frame", "table", ("role", "presentation"), ("class", "frame"), ("width", "100%"), *blank))
        around += [_tags("row", "tr"), _tags("cell", "td", ("class", f"{box}-box"))]
    return around


def _tags(name: str, tag: str, *attributes: tuple[str, str]) -> tuple[Token, Token]:
    return Token(f"{name}_open", tag, 1, attrs=dict(attributes), block=True), Token(f"{name}_close", tag, -1, block=True)


def _with_tag(token: Token, tag: str) -> Token:
    changed = copy.copy(token)
    changed.tag = tag
    return changed


_IN_ATTRIBUTE = "a value of the person cannot stand in a link's address; only our own links carry one"


def _refuse_misuse(token: Token, file: str, source: str) -> None:
    for piece in (token, *(token.children or ())):
        trouble = _trouble_in(piece)
        if trouble:
            line = token.map[0] + 1 if token.map else 1
            raise RenderFault(file, min(line, source.count("\n") + 1), trouble)


def _trouble_in(piece: Token) -> str:
    if piece.type == "image":
        return "letters have no images"
    if piece.type in {"code_inline", "code_block", "fence"} and MARK.search(piece.content):
        return "a value of the person cannot stand in code"
    if not piece.children and _PART.search(piece.content):
        return "block(…), hard_day and evidence stand on a line of their own, with a blank line before and after"
    if any(MARK.search(unquote(str(value))) for value in piece.attrs.values()):
        return _IN_ATTRIBUTE
    return ""


def references_of(ids: Sequence[object], references: Mapping[str, Mapping[str, str]], file: str) -> list[str]:
    """Return the line that a reader sees for each reference."""
    lines = []
    for reference in map(str, ids):
        if reference not in references:
            raise RenderFault(file, 1, f"refs: there is no reference {reference}")
        line = references[reference].get("short") or references[reference].get("cite")
        lines.append(str(line or reference))
    return lines
