"""Which column of a file says what: the names that drip knows itself, and those of other tools' exports."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from drip.core.newcomer import COLUMNS
from drip.core.problem import did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LISTED_COLUMNS = ("email", "reason", "status", "at")
"""What a list of addresses that must not be mailed may say; `at` is since when."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The columns of one tool: for each of ours its own, the first that says something wins."""

    people: Mapping[str, tuple[str, ...]]
    listed: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Columns that only a file of people who must not be mailed has, and what each says of all of them."""


RECIPES: dict[str, Recipe] = {
    "kit": Recipe(
        people={
            "email": ("email", "email_address"),
            "name": ("first_name",),
            "status": ("status", "state"),
            "consented_at": ("created_at", "subscribed_at"),
        },
        listed={"email": ("email", "email_address"), "status": ("status", "state")},
    ),
    "mailchimp": Recipe(
        people={
            "email": ("email_address",),
            "name": ("first_name",),
            "timezone": ("timezone",),
            "country": ("cc",),
            # With double opt-in she confirmed after she signed up; with single opt-in there is this one instant.
            "consented_at": ("confirm_time", "optin_time"),
        },
        listed={"email": ("email_address",), "at": ("unsub_time", "clean_time", "last_changed")},
        reasons={"unsub_time": "left", "clean_time": "bounced"},
    ),
    "listmonk": Recipe(
        people={
            "email": ("email",),
            "name": ("name",),
            "status": ("status",),
            "consented_at": ("created_at",),
            "timezone": ("attributes.timezone",),
            "country": ("attributes.country",),
        },
        listed={"email": ("email",), "status": ("status",), "at": ("updated_at",)},
    ),
}
"""The exports of other tools as they are; whatever a file has under our own names is read as well."""


LIKE = 0.65
"""How like a name must be to be taken for a slip: *zone* is like *timezone*, *tags* is not like *status*."""


class Source(NamedTuple):
    """A column of the file by its place, and within it the *key* of a JSON object, where it holds one."""

    place: int
    key: str = ""


class LeftAlone(NamedTuple):
    """A column of the file that nothing is read from, and the *field* that it seems to hold, '' when none is like it."""

    column: str
    field: str = ""


class Columns:
    """Where a file says what, for the fields that are wanted of it."""

    def __init__(self, header: Sequence[str], wanted: Iterable[str]) -> None:
        """Find the columns that bear our own names."""
        self._places = {_plain(name): place for place, name in reversed(list(enumerate(header))) if name}
        self._header = header
        self._wanted = tuple(wanted)
        self.found: dict[str, tuple[Source, ...]] = {}
        for name in self._wanted:
            self._add(name, (name,))

    def follow(self, recipe: Mapping[str, tuple[str, ...]]) -> None:
        """Read the columns of a recipe before our own."""
        for name, columns in recipe.items():
            self._add(name, columns)

    def map(self, said: str) -> str:
        """Read `COLUMN=FIELD` before anything else; return what is wrong with it, '' when nothing is."""
        column, _, name = (part.strip() for part in said.rpartition("="))
        if not column or not name:
            return f"{quoted(said)} does not say COLUMN=FIELD"
        if name not in self._wanted:
            known = ", ".join(self._wanted)
            return f"there is no field {quoted(name)}; {did_you_mean(name, self._wanted, otherwise=f'there are {known}')}"
        if not self._add(name, (column,)):
            known = ", ".join(one for one in self._header if one)
            return f"the file has no column {quoted(column)}; {did_you_mean(column, self._header, otherwise=f'it has {known}')}"
        return ""

    def _add(self, name: str, columns: Iterable[str]) -> bool:
        sources = [found for column in columns if (found := self._source(column)) is not None]
        self.found[name] = (*sources, *(one for one in self.found.get(name, ()) if one not in sources))
        return bool(sources)

    def _source(self, column: str) -> Source | None:
        place = self._places.get(_plain(column))
        if place is not None:
            return Source(place)
        outer, _, key = column.partition(".")
        place = self._places.get(_plain(outer))
        return Source(place, key) if place is not None and key else None

    @property
    def unused(self) -> list[str]:
        """The columns that nothing is read from."""
        used = {source.place for sources in self.found.values() for source in sources}
        return [name for place, name in enumerate(self._header) if place not in used and name]

    @property
    def left_alone(self) -> list[LeftAlone]:
        """The columns that nothing is read from, each with the field that it seems to hold, if that one is still empty."""
        empty = [name for name in self._wanted if not self.found[name]]
        return [LeftAlone(column, _field_like(column, empty)) for column in self.unused]

    def says(self, reasons: Mapping[str, str]) -> str:
        """Return the reason that a column of this file stands for; '' when none does."""
        return next((reason for column, reason in reasons.items() if column in self._places), "")

    def missing(self) -> str:
        """Return what is wrong when no column holds the addresses, '' when one does."""
        if self.found["email"]:
            return ""
        known = ", ".join(one for one in self._header if one)
        return f"no column is called email; the file has {known}; name it with --map COLUMN=email, or use --recipe"

    def cells(self, row: Sequence[str]) -> dict[str, str]:
        """Return what a row says under our names; a row that is too short says nothing there."""
        found: dict[str, str] = {}
        for name, sources in self.found.items():
            for source in sources:
                text = _cell(row, source)
                if text:
                    found[name] = text
                    break
        return found

    def unreadable(self, row: Sequence[str]) -> str:
        """Return the name of the first column whose JSON object cannot be read in this row; '' when all can."""
        places = sorted({source.place for sources in self.found.values() for source in sources if source.key})
        return next((self._header[place] for place in places if place < len(row) and _object(row[place]) is None), "")


def people_columns(header: Sequence[str]) -> Columns:
    """Return the columns of a file of people."""
    return Columns(header, COLUMNS)


def listed_columns(header: Sequence[str]) -> Columns:
    """Return the columns of a list of addresses that must not be mailed."""
    return Columns(header, LISTED_COLUMNS)


def _plain(name: str) -> str:
    """Return a name of a column as tools and people may write it alike: `Email Address`, `email_address`."""
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def _field_like(column: str, fields: Sequence[str]) -> str:
    """Return which of some fields a column seems to hold: what other tools call so, else the nearest name; '' for none."""
    plain = _plain(column)
    elsewhere = [name for recipe in RECIPES.values() for name, columns in recipe.people.items() if plain in columns]
    near = difflib.get_close_matches(plain[:80], fields, n=1, cutoff=LIKE)
    return next((name for name in [*elsewhere, *near] if name in fields), "")


def _cell(row: Sequence[str], source: Source) -> str:
    if source.place >= len(row):
        return ""
    text = row[source.place].strip()
    if not source.key or not text:
        return text
    value = (_object(text) or {}).get(source.key)
    return value.strip() if isinstance(value, str) else ""


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a cell holds, an empty one where it holds nothing; None when it cannot be read."""
    if text.strip() in {"", "null"}:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
