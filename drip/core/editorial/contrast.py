"""How well text stands out from its ground, in light and in dark, computed as a mail program would paint it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from drip.core.editorial.markup import Declared, Node, Rule, declarations_in, matches, rules_in, weight_of

CONTRAST_MIN = 4.5

_HEX = re.compile(r"#([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})", re.IGNORECASE)
_FUNCTION = re.compile(r"rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*(?:,\s*([\d.]+)(%?)\s*)?\)", re.IGNORECASE)
_NAMES = {
    "aqua": "#00ffff", "black": "#000000", "blue": "#0000ff", "fuchsia": "#ff00ff", "gray": "#808080", "green": "#008000",
    "grey": "#808080", "lime": "#00ff00", "maroon": "#800000", "navy": "#000080", "olive": "#808000", "orange": "#ffa500",
    "purple": "#800080", "red": "#ff0000", "silver": "#c0c0c0", "teal": "#008080", "white": "#ffffff", "yellow": "#ffff00",
}  # fmt: skip
_COLOR = re.compile(rf"{_HEX.pattern}|rgba?\([^)]*\)|\b(?:{'|'.join(_NAMES)}|transparent)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour: red, green and blue from 0 to 255, how much of it covers, and how it is *written*."""

    red: float
    green: float
    blue: float
    cover: float
    written: str

    def over(self, ground: Paint) -> Paint:
        """Return what shows of this colour on *ground*."""
        if self.cover >= 1:
            return self
        rest = 1 - self.cover
        return Paint(
            self.red * self.cover + ground.red * rest,
            self.green * self.cover + ground.green * rest,
            self.blue * self.cover + ground.blue * rest,
            1,
            self.written if self.cover else ground.written,
        )

    @property
    def light(self) -> float:
        """The relative luminance, as WCAG counts it."""
        parts = [part / 255 for part in (self.red, self.green, self.blue)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


_WHITE = Paint(255, 255, 255, 1, "#ffffff")
_BLACK = Paint(0, 0, 0, 1, "#000000")
_LINK = Paint(0, 0, 238, 1, "#0000ee")


@dataclass(frozen=True, slots=True)
class Faint:
    """Text that is hard to see: the *scheme*, some of its *words*, its colour and its ground as written, and the ratio."""

    scheme: str
    color: str
    ground: str
    ratio: float
    words: str


def paint_of(value: str) -> Paint | None:
    """Return the colour that *value* names, None where it names none that is known here."""
    text = value.strip().lower()
    if text == "transparent":
        return Paint(0, 0, 0, 0, value)
    if match := _HEX.fullmatch(_NAMES.get(text, text)):
        digits = match[1] if len(match[1]) > 4 else "".join(digit * 2 for digit in match[1])
        parts = [int(digits[start : start + 2], 16) for start in range(0, len(digits), 2)]
        return Paint(parts[0], parts[1], parts[2], parts[3] / 255 if len(parts) > 3 else 1, value.strip())
    if match := _FUNCTION.fullmatch(text):
        cover = float(match[4]) / (100 if match[5] else 1) if match[4] else 1
        return Paint(float(match[1]), float(match[2]), float(match[3]), min(1, cover), value.strip())
    return None


def ratio_of(text: Paint, ground: Paint) -> float:
    """Return the contrast of *text* on *ground*, from 1 to 21."""
    lighter, darker = sorted((text.over(ground).light, ground.light), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def faint_text(root: Node) -> Iterator[Faint]:
    """Yield each pair of colours with too little contrast between text and ground, once, in light and in dark."""
    rules = [rule for style in root.walk() if style.tag == "style" for rule in rules_in("".join(map(str, style.children)))]
    colored = [rule for rule in rules if {"color", "background", "background-color"} & set(rule.declarations)]
    told: set[tuple[str, str, str]] = set()
    for scheme in ("light", "dark"):
        if scheme == "dark" and not any(_is_dark(rule) for rule in rules):
            return
        chosen = [rule for rule in colored if not rule.media or (scheme == "dark" and _is_dark(rule))]
        for faint in _walk(root, _Painter(scheme, chosen), _BLACK, _WHITE):
            key = (scheme, faint.color, faint.ground)
            if key not in told:
                told.add(key)
                yield faint


def _is_dark(rule: Rule) -> bool:
    return "prefers-color-scheme: dark" in rule.media or "prefers-color-scheme:dark" in rule.media


class _Painter:
    """The colours of elements in one scheme."""

    def __init__(self, scheme: str, rules: Sequence[Rule]) -> None:
        self.scheme = scheme
        self._rules = sorted(rules, key=lambda rule: weight_of(rule.selector))

    def of(self, node: Node) -> tuple[Paint | None, Paint | None]:
        """Return the own colour and ground of *node*, None where it has none of its own."""
        color: Paint | None = _LINK if node.tag == "a" and "href" in node.attributes else None
        ground = paint_of(node.attributes.get("bgcolor", ""))
        meant = [rule.declarations for rule in self._rules if matches(node, rule.selector)]
        layers = [_only(declared, important=False) for declared in meant]
        layers.append(declarations_in(node.attributes.get("style", "")))
        for layer in (*layers, *(_only(declared, important=True) for declared in meant)):
            if "color" in layer:
                color = _painted(layer["color"].value, color)
            for name in ("background", "background-color"):
                if name in layer:
                    ground = _painted(layer[name].value, ground)
        return color, ground


def _only(declared: Mapping[str, Declared], *, important: bool) -> dict[str, Declared]:
    return {name: one for name, one in declared.items() if one.important is important}


def _painted(value: str, before: Paint | None) -> Paint | None:
    """Return the first colour in *value*; what is not understood leaves things as they were."""
    if value.strip().lower() in {"inherit", "unset"}:
        return None
    match = _COLOR.search(value)
    return (paint_of(match[0]) or before) if match else before


def _walk(node: Node, painter: _Painter, color: Paint, ground: Paint) -> Iterator[Faint]:
    if node.hides:
        return
    own_color, own_ground = painter.of(node)
    color = own_color or color
    ground = own_ground.over(ground) if own_ground else ground
    words = node.own_text
    if words:
        ratio = ratio_of(color, ground)
        if ratio < CONTRAST_MIN:
            yield Faint(painter.scheme, color.written, ground.written, ratio, words)
    for child in node.children:
        if isinstance(child, Node):
            yield from _walk(child, painter, color, ground)
