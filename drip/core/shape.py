"""Values of the wrong shape, told in plain sentences with their place and a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from drip.core.problem import Problem, did_you_mean, quoted
from drip.core.source import Document, Path

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ID_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
"""What the ids of courses, phases and lessons look like; they are also names of files."""

_ID_HINT = "use small letters, digits and single hyphens, such as sleep-anchor"


@dataclass(frozen=True, slots=True)
class Codes:
    """The problem codes of one kind of file, one for each kind of fault in shape."""

    unknown: str
    missing: str
    wrong: str
    pattern: str
    bound: str
    clock_time: str = ""
    duration: str = ""
    weekdays: str = ""
    choice: str = ""
    regular_expression: str = ""
    growth: str = ""


_KINDS = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "model_type": "must be a group of keys",
    "model_attributes_type": "must be a group of keys",
    "dict_type": "must be a group of keys",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
_REMEDIES = {
    "string_type": "put it in quotes",
    "bool_type": "write true or false, without quotes",
    "int_type": "write digits only, without quotes",
    "model_type": "write `key: value` lines, indented below it",
    "model_attributes_type": "write `key: value` lines, indented below it",
    "dict_type": "write `key: value` lines, indented below it",
    "tuple_type": "begin each entry with `- `, or put them in [ ]",
    "list_type": "begin each entry with `- `, or put them in [ ]",
}


def shape_problems(trouble: ValidationError, document: Document, model: type[BaseModel], codes: Codes) -> list[Problem]:
    """Return one problem for each error of *trouble*, which came of reading *document* as *model*."""
    return [_problem(error, document, model, codes) for error in trouble.errors(include_url=False)]


def _problem(error: ErrorDetails, document: Document, model: type[BaseModel], codes: Codes) -> Problem:
    path = tuple(error["loc"])
    if path and path[-1] == "[key]" and error["type"] == "enum":
        choices = _choices(error)
        hint = did_you_mean(path[-2], choices, otherwise=f"known here: {', '.join(choices)}")
        return document.problem(
            codes.unknown, path[:-1], f"{quoted(path[-2])} is not a key that is known here", hint, at_key=True
        )
    if path and path[-1] == "[key]":
        text = f"{quoted(path[-2])} cannot be an id"
        return document.problem(codes.pattern, path[:-1], text, _ID_HINT, at_key=True)
    name = _name(path)
    match error["type"]:
        case "missing":
            return document.problem(codes.missing, path[:-1], f"{name} is missing", _example(model, path), at_key=True)
        case "extra_forbidden" | "invalid_key":
            known = _keys_at(model, path[:-1])
            hint = did_you_mean(path[-1], known, otherwise=f"known here: {', '.join(known)}")
            return document.problem(codes.unknown, path, f"{quoted(path[-1])} is not a key that is known here", hint, at_key=True)
    return _value_problem(error, document, model, codes)


def _choices(error: ErrorDetails) -> list[str]:
    """Return the words that an error of choice would have accepted."""
    return str(error["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")


def _value_problem(error: ErrorDetails, document: Document, model: type[BaseModel], codes: Codes) -> Problem:
    """Return the problem of a value that stands where it may but is not what it must be."""
    path, kind, value = tuple(error["loc"]), error["type"], error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    name = _name(path)
    match kind:
        case "clock_time" | "duration" | "weekdays" | "calendar_date" | "regular_expression" | "growth":
            code = getattr(codes, kind, "") or codes.wrong
            return document.problem(code, path, f"{name}: {context['text']}", str(context["hint"]))
        case "enum" | "literal_error":
            choices = _choices(error)
            hint = did_you_mean(value, choices, otherwise=f"write one of {', '.join(choices)}")
            return document.problem(codes.choice, path, f"{name}: {quoted(value)} is not one of the words for it", hint)
        case "string_pattern_mismatch":
            hint = _ID_HINT if context["pattern"] == ID_PATTERN else _example(model, path)
            return document.problem(codes.pattern, path, f"{name}: {quoted(value)} is not written as it must be", hint)
        case "string_too_short":
            return document.problem(codes.bound, path, f"{name} is empty", _example(model, path) or "write some words")
        case "string_too_long":
            text = f"{name} is {len(str(value))} characters long; at most {context['max_length']} fit"
            return document.problem(codes.bound, path, text, "shorten it")
        case "greater_than_equal":
            return document.problem(codes.bound, path, f"{name} must be at least {context['ge']}", "write a larger number")
        case "less_than_equal":
            return document.problem(codes.bound, path, f"{name} must be at most {context['le']}", "write a smaller number")
    if value is None:
        return document.problem(
            codes.wrong, path, f"{name} has no value", _example(model, path) or "write one, or remove the line"
        )
    sentence = _KINDS.get(kind, error["msg"])
    return document.problem(codes.wrong, path, f"{name}: {quoted(value)} {sentence}", _REMEDIES.get(kind, ""))


def _name(path: Path) -> str:
    """Return what an operator calls the value at *path*: its key, or its place in a list."""
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"entry {path[-1] + 1} of {_name(path[:-1])}"
    return path[-1]


def _example(model: type[BaseModel], path: Path) -> str:
    """Return how the value at *path* is written, as far as its field has an example."""
    holder = _type_at(model, path[:-1])
    if not path or not (isinstance(holder, type) and issubclass(holder, BaseModel)):
        return ""
    for name, field in holder.model_fields.items():
        if path[-1] == (field.alias or name) and field.examples:
            return f"such as `{path[-1]}: {_flow(field.examples[0])}`"
    return ""


def _flow(value: object) -> str:
    """Return *value* as YAML on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_flow(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(inner) for inner in value)}]"
    return str(value)


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that the model at *path* knows, as a file writes them."""
    holder = _type_at(model, path)
    if isinstance(holder, type) and issubclass(holder, BaseModel):
        return [field.alias or name for name, field in holder.model_fields.items()]
    return []


def _type_at(model: type[BaseModel], path: Path) -> Any:  # noqa: ANN401 - a type, or a form of typing
    """Return the type of the value at *path* below *model*."""
    here: Any = model
    for step in path:
        here = _bare(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            fields = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
            here = fields.get(str(step))
        elif get_origin(here) is dict:
            here = get_args(here)[1]
        elif get_origin(here) in (tuple, list):
            here = get_args(here)[0]
        else:
            return None
    return _bare(here)


def _bare(here: Any) -> Any:  # noqa: ANN401 - as above
    """Return *here* without the None it may also be."""
    if get_origin(here) in (Union, UnionType):
        here = next(kind for kind in get_args(here) if kind is not type(None))
    return here
