"""The text part: the same Markdown tokens as the HTML, set as plain lines.

Headings stand in words between blank lines, steps are numbered, and each link has a line of its own after its purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from drip.mail.render.person import MARK
from drip.mail.render.ways import WAY

COLUMNS = 72
_VALUE_COLUMNS = 16
"""How wide a value of the person counts, whatever it is, so that lines never depend on whose letter it is."""

_WORD = re.compile(rf"(?:{MARK.pattern}|[^ \n])+")
_RULE = "-" * 24


def words_of(text: str) -> list[str]:
    """Return the words of *text*; a value of the person belongs to one word even when it has spaces."""
    return _WORD.findall(text)


def wrap(text: str, columns: int = COLUMNS) -> str:
    """Return *text* in lines of at most *columns*; line breaks in it stay."""
    return "\n".join(_wrapped(line, columns) for line in text.split("\n"))


def _wrapped(text: str, columns: int) -> str:
    lines: list[str] = []
    line: list[str] = []
    width = 0
    for word in words_of(text):
        needed = len(MARK.sub("x" * _VALUE_COLUMNS, word))
        if line and width + 1 + needed > columns:
            lines.append(" ".join(line))
            line, width = [], 0
        width += needed + (1 if line else 0)
        line.append(word)
    return "\n".join([*lines, " ".join(line)])


def text_of(tokens: Sequence[Token]) -> str:
    """Return *tokens* as plain text: blocks with a blank line between them."""
    return "\n\n".join(_blocks(SyntaxTreeNode(tokens).children, COLUMNS)) if tokens else ""


def inline_text(token: Token) -> str:
    """Return the words of one inline token on one line."""
    return " ".join(words_in_nodes(SyntaxTreeNode([token]).children).split("\n"))


def _blocks(children: Iterable[SyntaxTreeNode], columns: int) -> list[str]:
    return [block for child in children for block in _block(child, columns)]


def _block(node: SyntaxTreeNode, columns: int) -> list[str]:
    match node.type:
        case "paragraph":
            return _paragraph(node, columns)
        case "heading":
            return [wrap(words_in_nodes(node.children), columns)]
        case "ordered_list":
            start = int(node.attrs.get("start", 1))
            return [_item(f"{number}. ", child, columns) for number, child in enumerate(node.children, start=start)]
        case "bullet_list":
            return ["\n".join(_item("- ", child, columns) for child in node.children)]
        case "blockquote":
            return [_indented("\n\n".join(_blocks(node.children, columns - 2)), "  ")]
        case "code_block" | "fence":
            return [node.content.rstrip("\n")]
        case "hr":
            return [_RULE]
        case _:
            return _blocks(node.children, columns)


def _item(label: str, node: SyntaxTreeNode, columns: int) -> str:
    content = "\n\n".join(_blocks(node.children, columns - len(label)))
    return label + _indented(content, " " * len(label))[len(label) :]


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}".rstrip(" ") for line in text.split("\n"))


def _paragraph(node: SyntaxTreeNode, columns: int) -> list[str]:
    pieces = node.children[0].children if node.children else []
    links = [piece for child in pieces for piece in child.walk() if piece.type == "link" and piece.info != WAY]
    lines = [_link(link, columns) for link in links]
    if len(pieces) == 1 and pieces[0].type == "link":
        return lines
    return [wrap(words_in_nodes(pieces), columns), *lines]


def _link(node: SyntaxTreeNode, columns: int) -> str:
    purpose, target = words_in_nodes(node.children), str(node.attrs["href"])
    if purpose in {target, target.removeprefix("mailto:")}:
        return purpose
    return f"{wrap(purpose[:1].upper() + purpose[1:] + ':', columns)}\n{target}"


def words_in_nodes(children: Iterable[SyntaxTreeNode]) -> str:
    """Return the words of inline nodes, a hard break as a newline."""
    parts = []
    for child in children:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case _:
                parts.append(words_in_nodes(child.children))
    return "".join(parts)
