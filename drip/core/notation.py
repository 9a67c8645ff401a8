"""How single values stand in files: durations, clock times, weekdays, dates, ids; each refused in words with a remedy."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from drip.core.shape import ID_PATTERN
from drip.core.timeword import WEEKDAYS, clock_time_of, date_of, days_of, growth_of, weekdays_of

WRITTEN = {"written": True}
_DAY_WORDS = {"type": "string", "enum": list(WEEKDAYS)}


def _refusal(kind: str, trouble: ValueError) -> PydanticCustomError:
    text, _, hint = str(trouble).rpartition("; ")
    return PydanticCustomError(kind, "{text}", {"text": text, "hint": hint})


def _is_written(info: ValidationInfo) -> bool:
    """Return whether a value comes from a file, where a bare number is a slip, and not from code."""
    return bool(info.context) and info.context == WRITTEN


def _days_in(value: object, info: ValidationInfo) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and not _is_written(info):
        return value
    try:
        return days_of(value)
    except ValueError as trouble:
        raise _refusal("duration", trouble) from trouble


def _time_in(value: object) -> time:
    try:
        return clock_time_of(value)
    except ValueError as trouble:
        raise _refusal("clock_time", trouble) from trouble


def _weekdays_in(value: object) -> tuple[str, ...]:
    try:
        return weekdays_of(value)
    except ValueError as trouble:
        raise _refusal("weekdays", trouble) from trouble


def _date_in(value: object) -> date:
    try:
        return date_of(value)
    except ValueError as trouble:
        raise _refusal("calendar_date", trouble) from trouble


def _growth_in(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    try:
        return growth_of(value)
    except ValueError as trouble:
        raise _refusal("growth", trouble) from trouble


Day = Annotated[date, BeforeValidator(_date_in), WithJsonSchema({"type": "string", "format": "date"})]
Days = Annotated[
    int,
    BeforeValidator(_days_in),
    Field(ge=0),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3} (day|days|week|weeks)$", "examples": ["3 days", "1 week"]}),
]
ClockTime = Annotated[
    time,
    BeforeValidator(_time_in),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "examples": ["09:00"]}),
]
Weekdays = Annotated[
    tuple[str, ...],
    BeforeValidator(_weekdays_in),
    WithJsonSchema({"anyOf": [{"const": "any"}, {"type": "array", "items": _DAY_WORDS, "minItems": 1}], "examples": [["tue"]]}),
]
Growth = Annotated[
    Decimal,
    BeforeValidator(_growth_in),
    WithJsonSchema({"type": "string", "pattern": r"^([1-9](\.\d{1,3})?|10(\.0{1,3})?)x daily$"}),
]
Identifier = Annotated[str, Field(pattern=ID_PATTERN, max_length=60, examples=["sleep-anchor"])]
Switch = Annotated[bool, Strict()]
Count = Annotated[int, Strict()]


class Value(BaseModel):
    """A frozen value that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)
