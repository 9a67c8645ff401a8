"""Proofs: letters as a sample reader gets them, with their bodies taken apart for the editor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from markdown_it.tree import SyntaxTreeNode

from drip.core.editorial.proof import EVIDENCE, HARD_DAY, Link, Passage
from drip.mail.render.markdown import Section
from drip.mail.render.person import Person
from drip.mail.render.plain import words_in_nodes
from drip.mail.render.ways import WAY

READER = Person(
    "Ana",
    "Tuesday",
    "Tuesday 3 March",
    "Tuesday 30 June",
    "m." + "Qk3xT8vLw2Zr5NpY" * 4,
    "l." + "Qk3xT8vLw2Zr5NpY" * 4,
    "s." + "Qk3xT8vLw2Zr5NpY" * 4,
)
"""The sample reader; her tokens are as long as real ones, so that sizes are."""


def passages_of(sections: Sequence[Section], finish: Callable[[str], str]) -> tuple[Passage, ...]:
    """Return the headings, paragraphs and list items of *sections* in their order, each text passed through *finish*."""
    walk = _Walk()
    passages: list[Passage] = []
    for section in sections:
        heading = section.heading_text.replace("’", "'")  # Both are one heading to the rules.
        if heading:
            passages.append(Passage("heading", heading, heading))
        passages += walk.through(SyntaxTreeNode(section.tokens).children if section.tokens else (), heading)
    return tuple(_finished(passage, finish) for passage in passages)


def _finished(passage: Passage, finish: Callable[[str], str]) -> Passage:
    links = tuple(Link(finish(link.text), finish(link.target)) for link in passage.links)
    return replace(passage, text=finish(passage.text), section=finish(passage.section), links=links)


class _Walk:
    """One way through the tokens of a letter; it numbers the lists."""

    def __init__(self) -> None:
        self._lists = 0

    def through(self, nodes: Iterable[SyntaxTreeNode], section: str, part: str = "") -> Iterator[Passage]:
        """Yield the passages of *nodes*."""
        for node in nodes:
            match node.type:
                case "part":
                    yield from self.through(node.children, section, _part_named(str(node.attrs.get("class", ""))))
                case "heading" | "paragraph":
                    yield from _passage(node, "heading" if node.type == "heading" else "paragraph", section, part)
                case "ordered_list" | "bullet_list":
                    self._lists += 1
                    number, ordered = self._lists, node.type == "ordered_list"
                    for item in node.children:
                        yield _item(item, section, part, number, ordered=ordered)
                case _:
                    yield from self.through(node.children, section, part)


def _part_named(look: str) -> str:
    return look.removeprefix("block ").upper() if look.startswith("block ") else look


def _passage(node: SyntaxTreeNode, kind: str, section: str, part: str) -> Iterator[Passage]:
    inline = node.children[0].children if node.children else []
    if part == EVIDENCE:  # The label is ours, the line is the author's.
        label = next((place for place, piece in enumerate(inline) if piece.type == "strong"), -1)
        inline = inline[label + 1 :]
    text = _one_line(words_in_nodes(inline))
    if text and not (part == HARD_DAY and kind == "heading"):
        yield Passage("heading" if kind == "heading" else "paragraph", section, text, part, tuple(_links(node)))


def _item(node: SyntaxTreeNode, section: str, part: str, number: int, *, ordered: bool) -> Passage:
    inlines = [child for child in node.walk() if child.type == "inline"]
    text = _one_line(" ".join(words_in_nodes(inline.children) for inline in inlines))
    return Passage("item", section, text, part, tuple(_links(node)), number, ordered)


def _links(node: SyntaxTreeNode) -> Iterator[Link]:
    for child in node.walk():
        # A domain in fixed words is no choice of the author, nor a link more to tire of.
        if child.type == "link" and child.info != WAY:
            yield Link(_one_line(words_in_nodes(child.children)), str(child.attrs["href"]))


def _one_line(text: str) -> str:
    return " ".join(text.split())
