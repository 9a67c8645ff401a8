"""The HTML of a letter as a tree, and the little of CSS that mail programs read: enough to see what a reader would see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_COMPOUND = re.compile(r"(?P<tag>\*|[a-z][\w-]*)?(?P<rest>(?:[.#][\w-]+|\[[^\]]*\]|:[\w-]+(?:\([^)]*\))?)*)", re.IGNORECASE)
_DETAIL = re.compile(r"[.#][\w-]+|\[[^\]]*\]|:[\w-]+(?:\([^)]*\))?")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


DRAWN = "stations"
"""The class of what the layout draws in HTML and says in words in the text part: the map."""


@dataclass(slots=True, eq=False)
class Node:
    """An element: its tag and attributes in small letters, and what it holds, texts and elements in their order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)
    parent: Node | None = None
    classes: frozenset[str] = frozenset()

    def walk(self) -> Iterator[Node]:
        """Yield this element and all below it, in their order."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    @property
    def own_text(self) -> str:
        """The text that stands in this very element, on one line."""
        return " ".join(" ".join(child for child in self.children if isinstance(child, str)).split())

    @property
    def text(self) -> str:
        """All text below this element, on one line."""
        return " ".join("".join(self.pieces()).split())

    def pieces(self) -> Iterator[str]:
        """Yield the texts below this element as they are, a space for each line break."""
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from (" ",) if child.tag == "br" else child.pieces()

    @property
    def hides(self) -> bool:
        """Whether this element keeps itself and all below it from the reader."""
        if self.tag in {"head", "style", "script", "title", "template"} or "hidden" in self.attributes:
            return True
        return bool(_HIDDEN.search(self.attributes.get("style", "")))

    def seen(self) -> Iterator[Node]:
        """Yield this element and those below it that a reader sees, in their order."""
        if not self.hides:
            yield self
            for child in self.children:
                if isinstance(child, Node):
                    yield from child.seen()

    def is_in(self, name: str) -> bool:
        """Return whether this element stands in one of the class *name*."""
        return name in self.classes or (self.parent is not None and self.parent.is_in(name))


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("#document")
        self._here = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        node = Node(tag, values, [], self._here, frozenset(values.get("class", "").split()))
        self._here.children.append(node)
        if tag not in _VOID:
            self._here = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        node: Node | None = self._here
        while node is not None and node.tag != tag:
            node = node.parent
        if node is not None and node.parent is not None:
            self._here = node.parent

    def handle_data(self, data: str) -> None:
        self._here.children.append(data)

    def parse_html_declaration(self, i: int) -> int:
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            # The parser of Python 3.11 does not bear a marked section without a name (`<![:`); to HTML it is a comment.
            return self.parse_bogus_comment(i)


def tree_of(html: str) -> Node:
    """Return the tree of *html*; whatever is written, there is one."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root


# Styles --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declared:
    """The value of a property as it is written, and whether it is `!important`."""

    value: str
    important: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Declarations for one selector; *media* is the condition around it, '' where there is none."""

    selector: str
    declarations: Mapping[str, Declared]
    media: str = ""


def declarations_in(style: str) -> dict[str, Declared]:
    """Return the declarations of a style attribute or of the inside of a rule; the last of a property wins."""
    found: dict[str, Declared] = {}
    for piece in _COMMENT.sub("", style).split(";"):
        name, colon, value = piece.partition(":")
        if colon:
            plain = re.sub(r"\s*!\s*important\s*$", "", value.strip(), flags=re.IGNORECASE)
            found[name.strip().lower()] = Declared(plain, plain != value.strip())
    return found


def rules_in(css: str, media: str = "") -> Iterator[Rule]:
    """Yield the rules of a style sheet, those inside `@media` with its condition."""
    css, position = _COMMENT.sub("", css), 0
    while (opening := css.find("{", position)) >= 0:
        closing, depth = opening + 1, 1
        while closing < len(css) and depth:
            depth += {"{": 1, "}": -1}.get(css[closing], 0)
            closing += 1
        head, inside = css[position:opening].rpartition(";")[2].strip(), css[opening + 1 : closing - 1]
        if head.startswith("@media"):
            yield from rules_in(inside, " ".join(head.removeprefix("@media").split()).lower())
        elif not head.startswith("@"):
            declared = declarations_in(inside)
            for selector in head.split(","):
                yield Rule(" ".join(selector.replace(">", " > ").split()), declared, media)
        position = closing


@cache
def steps_of(selector: str) -> tuple[str, ...]:
    """Return the compounds and combinators of *selector*, the last one first."""
    return tuple(reversed(selector.split()))


@cache
def _details_of(compound: str) -> tuple[str, tuple[str, ...]] | None:
    match = _COMPOUND.fullmatch(compound)
    return ((match["tag"] or "*").lower(), tuple(_DETAIL.findall(match["rest"]))) if match else None


def matches(node: Node, selector: str) -> bool:
    """Return whether *selector* means *node*; what mail programs do not know (`:hover`, `+`) means nothing."""
    return _matches(node, steps_of(selector))


def _matches(node: Node, steps: tuple[str, ...]) -> bool:
    if not steps or not _is(node, steps[0]):
        return False
    if len(steps) == 1:
        return True
    if steps[1] == ">":
        return node.parent is not None and _matches(node.parent, steps[2:])
    above = node.parent
    while above is not None:
        if _matches(above, steps[1:]):
            return True
        above = above.parent
    return False


def _is(node: Node, compound: str) -> bool:
    found = _details_of(compound)
    if found is None or found[0] not in {"*", node.tag}:
        return False
    return all(_has(node, detail) for detail in found[1])


def _has(node: Node, detail: str) -> bool:
    if detail[0] == ".":
        return detail[1:] in node.classes
    if detail[0] == "#":
        return node.attributes.get("id") == detail[1:]
    if detail[0] == "[":
        name, equals, value = detail[1:-1].partition("=")
        return name in node.attributes and (not equals or node.attributes[name] == value.strip("\"'"))
    return detail == ":root" and node.tag == "html"


def weight_of(selector: str) -> tuple[int, int, int]:
    """Return how specific *selector* is: ids, then classes and attributes, then tags."""
    ids = classes = tags = 0
    for compound in steps_of(selector):
        tag, details = _details_of(compound) or ("*", ())
        tags += tag not in {"*", ">"}
        ids += sum(detail[0] == "#" for detail in details)
        classes += sum(detail[0] != "#" for detail in details)
    return ids, classes, tags


def seen_text(node: Node) -> str:
    """Return what a reader sees of *node*, with a space wherever a block ends."""
    if node.hides or DRAWN in node.classes:
        return " "
    inner = "".join(child if isinstance(child, str) else seen_text(child) for child in node.children)
    return inner if node.tag in {"a", "b", "em", "i", "span", "strong", "code"} else f" {inner} "
