"""What is held about a person, told to her: in chapters, in plain words, with dates as she reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from drip.core.country import country_name
from drip.core.holding import ABOUT
from drip.core.wording import WEEKDAY_NAMES, day_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

CHAPTERS: dict[str, tuple[str, ...]] = {
    "Who you are to us": ("subscribers", "address_changes", "wishes", "askings"),
    "Your course and your settings": ("enrollments",),
    "Your letters": ("deliveries", "omissions"),
    "What you said yes and no to": ("consents",),
    "What the mail provider told us": ("events",),
    "Whether mail may go to your address": ("suppressions", "chores"),
}
"""Every table, by the chapter that tells of it."""

FIRST: dict[str, tuple[str, ...]] = {
    "enrollments": (
        "course",
        "state",
        "paused",
        "next_lesson",
        "next_letter_on",
        "place",
        "last_letter_on",
        "weekday",
        "send_at",
        "zone",
        "country",
        "pace",
        "short",
    ),
}
"""What stands first in a chapter, where the rest is how dates are worked out."""

_SEVERE = {
    "left": "you left",
    "erased": "you were erased",
    "hard-bounce": "mail to it came back for good",
    "complaint": "a letter was reported as spam",
    "provider-unsubscribe": "you told the mail provider to stop",
    "invalid-address": "the mail provider says that there is no such address",
}
_OUTCOME = {
    "processed": "taken by the mail provider",
    "deferred": "put off for a while",
    "delivered": "reached your mailbox",
    "bounced": "came back",
    "blocked": "turned away for now",
    "dropped": "not passed on",
    "complained": "reported as spam",
    "unsubscribed": "answered by a press to unsubscribe",
}
_YOU = {
    "she began again at a later phase": "you began again at a later phase",
    "she had it before she came here": "you had it before you came here",
    "she was imported, and nobody imported gets a welcome": "you came from elsewhere, where you had been welcomed",
    "it was added after her last letter": "it was added after your last letter",
    "an edit put it before her place": "it was put before your place in the course",
}

WORDS: dict[str, dict[str, dict[str, str]]] = {
    "consents": {
        "action": {
            "asked": "Asked for the letters",
            "agreed": "Yes",
            "withdrawn": "Stop",
            "moved": "Move to another address",
        },
    },
    "enrollments": {
        "state": {
            "asked": "asked, and not confirmed yet",
            "active": "on the course",
            "finished": "all letters had",
            "left": "left",
            "ended": "ended",
        },
        "paused": {"weeks": "for some weeks", "open": "until you say"},
        "pace": {"1": "one", "2": "two"},
        "ended_why": {**_SEVERE, "finished": "you had all the letters"},
    },
    "omissions": {"reason": _YOU},
    "deliveries": {
        "kind": {
            "lesson": "a letter of the course",
            "asked": "asked for by you",
            "service": "about your page or your address",
            "confirmation": "the letter that asks you to confirm",
        },
        "state": {
            "pending": "waits to go",
            "claimed": "is being made ready",
            "submitting": "is being handed over",
            "submitted": "handed to the mail provider",
            "withheld": "kept back for good",
            "failed": "refused for good",
            "uncertain": "may have gone, which nobody knows for sure",
        },
        "reason": {
            "paused": "you paused",
            "held": "letters rested for everybody",
            "left": "you left",
            "suppressed": "no mail may go to your address",
            "no-consent": "you had not confirmed",
            "erased": "you were erased",
            "removed": "it was taken out of the course",
            "superseded": "another letter took its place",
            "window-closed": "it was too late in your day",
            "rate": "many letters were waiting to go in that hour",
            "min-gap": "it was too close to the letter before",
            "not-yet": "it was too early",
            "invalid-address": "the mail provider says that there is no such address",
            "refused": "the mail provider refused it",
            "broken-letter": "the letter was broken",
            "ends-workers": "the letter was broken",
            "not-ready": "the letter was not ready",
            "reported": "the mail provider says so",
            "settled": "whoever sends your letters says so",
        },
        "outcome": _OUTCOME,
    },
    "suppressions": {"reason": _SEVERE},
    "events": {
        "kind": {"bounce": "came back", "spamreport": "reported as spam", "unsubscribe": "asked to stop", "open": "opened"},
        "outcome": _OUTCOME,
        "suppress": _SEVERE,
    },
    "wishes": {
        "kind": {
            "sign-up": "the letters",
            "my-page": "the link to your page",
            "fresh": "a fresh link to confirm",
            "enough": "one more than are answered in a day",
        },
    },
    "chores": {
        "kind": {"erase": "to erase your address", "clear": "to write to you again, since you came back"},
        "reason": {
            "moved": "you moved to another address",
            "erased": "you were erased",
            "undone": "you came back",
            "came back": "you came back",
            "moved to": "you moved to this address",
        },
    },
}
"""The plain words for what a column holds, by table and column; what is not here is told as it stands."""

LETTER_COLUMNS = frozenset(
    {("enrollments", "place"), ("enrollments", "next_lesson"), ("deliveries", "letter"), ("omissions", "letter")}
)

_HEADLINE: dict[str, tuple[str, str]] = {
    "deliveries": ("letter", "went_on"),
    "omissions": ("letter", "reason"),
    "consents": ("action", "at"),
    "events": ("kind", "at"),
    "suppressions": ("reason", "at"),
    "chores": ("kind", "asked_at"),
    "wishes": ("kind", "at"),
    "askings": ("name", "at"),
    "address_changes": ("", "asked_at"),
}
"""By what a row is called and what stands beside it; a table that is not here has one row, which is told at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: what it is called and what stands beside that ('' where there is one row alone), and its facts.

    *more* are the facts that nobody needs at a first look.
    """

    title: str
    note: str
    facts: tuple[tuple[str, str], ...]
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """What belongs together, with a title."""

    title: str
    entries: tuple[Entry, ...]


def chapters(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], *, zone: ZoneInfo, letter: Callable[[str], str], course: Callable[[str], str]
) -> list[Chapter]:
    """Return the *rows* of every table as chapters; *letter* and *course* give the title of an id. Empty values are left out."""

    def said(table: str, column: str, value: object) -> str:
        if (table, column) in LETTER_COLUMNS and value:
            return letter(str(value))
        return course(str(value)) if column == "course" and value else in_words(table, column, value, zone=zone)

    found = []
    for title, tables in CHAPTERS.items():
        entries = [_entry(table, row, said) for table in tables for row in rows.get(table, ())]
        if entries:
            found.append(Chapter(title, tuple(entries)))
    return found


def _entry(table: str, row: Mapping[str, Any], said: Callable[[str, str, object], str]) -> Entry:
    labels = ABOUT[table]
    told = {column: said(table, column, row[column]) for column in labels if column in row}
    first = FIRST.get(table, tuple(labels))
    order = [*first, *(column for column in labels if column not in first)]
    facts = [(column in first, labels[column], told[column]) for column in order if told.get(column)]
    headline, beside = _HEADLINE.get(table, ("", ""))
    title = told.get(headline, "") or (labels[next(iter(labels))] if beside else "")
    note = told.get(beside, "") or (told.get("state", "") if table == "deliveries" else "")
    return Entry(
        _capital(title),
        note,
        tuple((label, words) for early, label, words in facts if early),
        tuple((label, words) for early, label, words in facts if not early),
    )


def in_words(table: str, column: str, value: object, *, zone: ZoneInfo) -> str:
    """Return a value of a column in plain words, with dates and times as they are in *zone*; '' when it is empty."""
    if value is None or value is False or value == "":
        return ""
    if value is True:
        return "yes"
    if isinstance(value, datetime):
        here = value.astimezone(zone)
        return f"{_day(here.date())}, {here:%H:%M}"
    if isinstance(value, date):
        return _day(value)
    if column == "weekday" and isinstance(value, int):
        return WEEKDAY_NAMES[value]
    text = str(value)
    if column == "country":
        return country_name(text)
    if column == "occasion":
        return _occasion(text)
    return WORDS.get(table, {}).get(column, {}).get(text, text)


def _occasion(occasion: str) -> str:
    """Return why there is a copy: its round of the course, or what was asked."""
    what, _, rest = occasion.partition(":")
    match what:
        case "run":
            return f"round {rest} through the course"
        case "again":
            return "you asked to have it once more"
        case "page":
            return "you asked for a link to your page"
        case "change":
            return "you asked to move to another address"
        case _:
            try:
                return f"asked for on {_day(date.fromisoformat(occasion))}"
            except ValueError:
                return "somebody asked for the letters"


def _day(day: date) -> str:
    return f"{day_in_words(day)} {day.year}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
