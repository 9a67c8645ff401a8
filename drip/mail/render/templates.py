"""Jinja for letters: a small, sandboxed part of the language, every value escaped, every fault with its file and line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from drip.errors import RenderFault
from drip.mail.render.person import AFTER, BEFORE, MARK, OPEN, NeedsPerson, Personal, Placeholder, tag_of
from drip.mail.render.plain import wrap

if TYPE_CHECKING:
    from types import TracebackType

    from jinja2.runtime import Context

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_WIDE = re.compile(r"%[^a-zA-Z%]*(?:\d{4}|\*)")
_SIDE_BY_SIDE = re.compile(rf"(?:{MARK.pattern})(?:{MARK.pattern})")
_FILTERS = (
    "capitalize", "count", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "map", "max", "min",
    "reject", "rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort", "string", "sum", "title", "trim",
    "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
# What captures printed text (macros, filter and set blocks, includes) would get hold of the tags in it; powers can hang.
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign,
    nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Call, nodes.Keyword,
    nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Concat,
    nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair,
)  # fmt: skip


TEXT_MAX = 100_000
"""How many characters a text may have: as HTML it would be longer still than mail programs show."""


class Trusted(str):
    """Our own text in a letter (a link, the mark of a fixed block), which is printed as it is."""

    __slots__ = ()


class LetterTrouble(Exception):
    """Something in a letter that its author can mend; the message says what."""


def escape_markdown(value: str) -> str:
    """Return *value* on one line and so that Markdown shows exactly its characters."""
    return _PUNCTUATION.sub(r"\\\1", value.replace("\r", " ").replace("\n", " "))


def _as_is(value: str) -> str:
    return value


def _printer(escape: Callable[[str], str]) -> Callable[[object], object]:
    def print_value(value: object) -> object:
        if isinstance(value, Trusted | Undefined):  # An undefined name raises when it is made a string.
            return value
        if isinstance(value, Placeholder):
            return tag_of(value.field)
        if isinstance(value, Personal):
            return f"{BEFORE}{escape(value)}{AFTER}"
        if isinstance(value, str):
            return escape(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return escape(str(value))
        if value is None:
            raise LetterTrouble("there is nothing to print here; ask with {% if … %} first")
        raise LetterTrouble(f"a value of type {type(value).__name__} cannot be printed")

    return print_value


def _is_string(value: object) -> bool:
    if isinstance(value, Placeholder):
        bool(value)  # Raises: the answer would differ between a batch and one person.
    return isinstance(value, str)


class _LetterEnvironment(ImmutableSandboxedEnvironment):
    """The language of letters: no macros, no includes, no randomness, and nothing that grows without bound."""

    intercepted_binops = frozenset({"*", "%"})

    def __init__(self, escape: Callable[[str], str]) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, finalize=_printer(escape), keep_trailing_newline=True)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in _FILTERS}
        self.tests["string"] = _is_string

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja's shape
        """Return what *operator* makes of two values; a text times a number, or filled by `%`, must not fill the memory."""
        sized = [len(value) for value in (left, right) if isinstance(value, str | list | tuple)]
        times = [value for value in (left, right) if isinstance(value, int)]
        if operator == "%" and isinstance(left, str) and _WIDE.search(left):
            raise LetterTrouble("letters put texts together with ~, not with % and a width")
        if sized and times and sized[0] * times[0] > TEXT_MAX:
            raise LetterTrouble(f"this makes more than {TEXT_MAX} characters")
        return super().call_binop(context, operator, left, right)


class _Files(BaseLoader):
    """Layouts by their path, so that a fault names the file."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return the text of the layout *template*."""
        del environment
        if template not in self._files:
            raise TemplateNotFound(template)
        return self._files[template], template, lambda: True


class Templates:
    """Compiles the templates of one set of letters, each once."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._compiled: dict[tuple[str, str, bool], Template] = {}
        self._markdown = _LetterEnvironment(escape_markdown)
        self._plain = _LetterEnvironment(_as_is)
        self._layouts = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            autoescape=lambda name: bool(name and name.endswith(".html")),
            loader=_Files(files),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._layouts.filters["wrap"] = wrap

    def body(self, file: str, values: Mapping[str, object]) -> str:
        """Return the Markdown of the letter *file*."""
        return self._run(self._letter(file, "", self._files[file], markdown=True), file, "", values)

    def field(self, file: str, field: str, source: str, values: Mapping[str, object], *, markdown: bool = False) -> str:
        """Return the text of one *field* of the front matter of *file*, on one line unless it is Markdown."""
        text = self._run(self._letter(file, field, source, markdown=markdown), file, field, values)
        return text if markdown else " ".join(text.split())

    def layout(self, file: str, values: Mapping[str, object]) -> str:
        """Return the layout *file* filled with *values*."""
        try:
            return self._layouts.get_template(file).render(values)
        except TemplateNotFound as missing:
            raise RenderFault(str(missing.name or file), 1, "there is no such layout") from missing
        except Exception as trouble:
            raise self._fault(trouble, file, "") from trouble

    def _letter(self, file: str, field: str, source: str, *, markdown: bool) -> Template:
        key = (file, field, markdown)
        if key not in self._compiled:
            environment = self._markdown if markdown else self._plain
            for number, line in enumerate(source.splitlines(), start=1):
                if OPEN in line or BEFORE in line or AFTER in line:
                    raise RenderFault(file, number, f"a letter cannot hold the characters {OPEN!r}: they mark values")
            try:
                tree = environment.parse(source, file, file)
                _refuse_other_nodes(tree, file)
                code = environment.compile(tree, file, file)
            except TemplateSyntaxError as trouble:
                raise self._fault(trouble, file, field) from trouble
            self._compiled[key] = Template.from_code(environment, code, environment.make_globals(None))
        return self._compiled[key]

    def _run(self, template: Template, file: str, field: str, values: Mapping[str, object]) -> str:
        try:
            text = template.render(values)
        except (NeedsPerson, RenderFault):
            raise
        except Exception as trouble:
            raise self._fault(trouble, file, field) from trouble
        if len(text) > TEXT_MAX:
            raise RenderFault(file, 1, f"this has {len(text)} characters when it is filled; more than {TEXT_MAX} is no letter")
        if found := _SIDE_BY_SIDE.search(text):  # Together they could read like a tag.
            line = 1 if field else text[: found.start()].count("\n") + 1
            raise RenderFault(file, line, "two values of the person stand side by side; put something between them")
        return text

    def _fault(self, trouble: Exception, file: str, field: str) -> RenderFault:
        if isinstance(trouble, TemplateSyntaxError):
            place = (trouble.filename or file, trouble.lineno)
        else:
            place = self._place(trouble.__traceback__) or (file, 1)
        text = str(trouble) or type(trouble).__name__
        if field:  # The front matter comes as values; its lines are not known here.
            return RenderFault(file, 1, f"{field}: {text}")
        return RenderFault(*place, text)

    def _place(self, trail: TracebackType | None) -> tuple[str, int] | None:
        """Return the innermost template line of a traceback: Jinja has put the templates' own lines into it."""
        found = None
        for frame, line in traceback.walk_tb(trail):
            if frame.f_code.co_filename in self._files:
                found = (frame.f_code.co_filename, line)
        return found


def _refuse_other_nodes(tree: nodes.Template, file: str) -> None:
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.For) and node.recursive):
            raise RenderFault(file, node.lineno, f"letters cannot use {type(node).__name__} of the template language")
        stack.extend(node.iter_child_nodes())
