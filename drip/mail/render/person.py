"""The values of one person: how they are cleaned, which tags stand for them, and what replaces a tag.

A letter passes through Jinja, Markdown, the layout and the inliner with *neutral* marks in it. Rendered for many, the
mark is a tag of letters and digits (`x7dripName7x`), which nothing on the way can touch; at the end it becomes the tag
for HTML (`x7dripNameH7x`) or for text (`x7dripNameT7x`). Rendered for one, the mark is her value between two
private-use characters, so that line breaks cannot depend on how long it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Protocol

from drip.core.address import ENCODED

OPEN, CLOSE = "x7drip", "7x"
BEFORE, AFTER = "\ue000", "\ue001"
VALUE_MAX = 200

VALUES = ("Greeting", "Name", "Weekday", "NextDate", "ForgetDate")
TOKENS = ("MyToken", "LeaveToken", "ServiceToken")

MARK = re.compile(rf"{OPEN}(?:{'|'.join(VALUES)}){CLOSE}|{BEFORE}[^{AFTER}]*{AFTER}")
"""A value of the person on its way through, in either form."""

_VALUE_TAG = re.compile(rf"{OPEN}({'|'.join(VALUES)}){CLOSE}")
_TOKEN_TAG = re.compile(rf"{OPEN}({'|'.join(TOKENS)}){CLOSE}")
_ANY_TAG = re.compile(rf"{OPEN}[A-Za-z]+{CLOSE}")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]+")
_PLAIN = re.compile(r"[A-Za-z0-9,.'’-]+(?: [A-Za-z0-9,.'’-]+)*")
# Controls, surrogates, private use and non-characters have no place in a letter; overrides of the writing direction
# would turn the rest of the line round.
_UNFIT = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff\ufff9-\uffff"
    r"\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]"
)


class NeedsPerson(Exception):
    """The letter decides something by a value of the person, so it is rendered one by one with `person=`."""


class Person(NamedTuple):
    """The values of one person, in her language; each may be '' but the tokens that her letter links with.

    *my_token* opens her pages, *leave_token* is for leaving, *service_token* for confirming or a change of address.
    """

    name: str
    weekday: str
    next_date: str
    forget_date: str
    my_token: str
    leave_token: str
    service_token: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter ready to hand over, and the *tags* left in it that substitutions must replace."""

    subject: str
    preheader: str
    html: str
    text: str
    tags: frozenset[str]


def clean(value: str) -> str:
    """Return *value* on one line, without controls and without what could be taken for a tag or an encoded word."""
    if len(value) <= VALUE_MAX and OPEN not in value and (not value or _PLAIN.fullmatch(value)):
        return value
    value = " ".join(_UNFIT.sub("", value).split())[:VALUE_MAX].rstrip()
    while OPEN in value or ENCODED in value:  # Taking one out may put another together.
        value = value.replace(OPEN, "").replace(ENCODED, "=")
    return " ".join(value.split())


def escape_html(value: str) -> str:
    """Return *value* as the inliner writes text: only the ampersand and the angle brackets are escaped."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _greeting(person: Person) -> str:
    name = clean(person.name)
    return f"Hello {name}," if name else "Hello,"


def _token(value: str, what: str) -> str:
    if _TOKEN.fullmatch(value) is None or OPEN in value:
        raise ValueError(f"the letter links with a {what}, and this person has none that fits in a link")
    return value


_VALUE_OF: dict[str, Callable[[Person], str]] = {
    "Greeting": _greeting,
    "Name": lambda person: clean(person.name),
    "Weekday": lambda person: clean(person.weekday),
    "NextDate": lambda person: clean(person.next_date),
    "ForgetDate": lambda person: clean(person.forget_date),
}
_TOKEN_OF: dict[str, Callable[[Person], str]] = {
    "MyToken": lambda person: _token(person.my_token, "token for her page"),
    "LeaveToken": lambda person: _token(person.leave_token, "token for leaving"),
    "ServiceToken": lambda person: _token(person.service_token, "token for this service letter"),
}


def _escaped(value_of: Callable[[Person], str]) -> Callable[[Person], str]:
    return lambda person: escape_html(value_of(person))


_REPLACEMENT: dict[str, Callable[[Person], str]] = {
    **{f"{OPEN}{field}H{CLOSE}": _escaped(value_of) for field, value_of in _VALUE_OF.items()},
    **{f"{OPEN}{field}T{CLOSE}": value_of for field, value_of in _VALUE_OF.items()},
    **{f"{OPEN}{field}{CLOSE}": value_of for field, value_of in _TOKEN_OF.items()},
}


def substitutions(tags: Iterable[str], person: Person) -> dict[str, str]:
    """Return what replaces each of *tags* for *person*; those for HTML are escaped already."""
    return {tag: _REPLACEMENT[tag](person) for tag in tags}


def tag_of(field: str) -> str:
    """Return the neutral tag that stands for a value or token of the person."""
    return f"{OPEN}{field}{CLOSE}"


def tags_in(*texts: str) -> frozenset[str]:
    """Return every tag in *texts*."""
    return frozenset(tag for text in texts for tag in _ANY_TAG.findall(text))


def _refuse(placeholder: Placeholder, *_: object, **__: object) -> NoReturn:
    raise NeedsPerson(f"the letter decides by a value of the person ({placeholder.field})")


_refused: Any = _refuse


class Placeholder:
    """A value of the person that can be printed where it stands, and nothing else."""

    __slots__ = ("field",)

    def __init__(self, field: str) -> None:
        self.field = field

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # What the language and Jinja feel for is simply not there.
            raise AttributeError(name)
        _refuse(self)

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __hash__ = _refused
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refused
    __str__ = __repr__ = __format__ = __int__ = __float__ = __index__ = __bytes__ = _refused
    __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __rmod__ = __sub__ = __rsub__ = _refused
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __neg__ = __pos__ = _refused


class Personal(str):
    """A cleaned value of the person; while it is printed unchanged, lines do not depend on its length."""

    __slots__ = ()


class Voice(Protocol):
    """To whom a letter speaks: what it finds as her values, and how its parts are finished."""

    def value(self, field: str) -> Placeholder | Personal:
        """Return what a template finds as this value."""
        ...

    def greeting(self) -> str:
        """Return the greeting as it travels through the layout."""
        ...

    def finish_html(self, html: str) -> str:
        """Return *html* with no neutral mark left."""
        ...

    def finish_text(self, text: str) -> str:
        """Return *text* with no neutral mark left."""
        ...


class ForMany:
    """Speaks to a whole batch: tags stand where values of the person belong."""

    def value(self, field: str) -> Placeholder:
        """Return a placeholder, which can be printed only."""
        return Placeholder(field)

    def greeting(self) -> str:
        """Return the tag of the greeting."""
        return tag_of("Greeting")

    def finish_html(self, html: str) -> str:
        """Return *html* with the tags whose values are escaped for HTML."""
        return _VALUE_TAG.sub(rf"{OPEN}\g<1>H{CLOSE}", html)

    def finish_text(self, text: str) -> str:
        """Return *text* with the tags whose values are plain."""
        return _VALUE_TAG.sub(rf"{OPEN}\g<1>T{CLOSE}", text)


class ForOne:
    """Speaks to one person."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def value(self, field: str) -> Personal:
        """Return her value, cleaned."""
        return Personal(_VALUE_OF[field](self._person))

    def greeting(self) -> str:
        """Return her greeting between the marks."""
        return f"{BEFORE}{_greeting(self._person)}{AFTER}"

    def finish_html(self, html: str) -> str:
        """Return *html* without the marks and with her tokens in the links."""
        return self.finish_text(html)

    def finish_text(self, text: str) -> str:
        """Return *text* without the marks and with her tokens in the links."""
        unmarked = text.replace(BEFORE, "").replace(AFTER, "")
        return _TOKEN_TAG.sub(lambda found: _TOKEN_OF[found[1]](self._person), unmarked)
