"""From rendered letters to requests: each person's values, links and headers around one text for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from drip.core.delivery import Kind
from drip.core.token import LEAVE, MY
from drip.mail.message import Message, Recipient
from drip.mail.render import Person

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drip.core.schedule import Course
    from drip.core.token import Tokens
    from drip.mail.library import Library
    from drip.mail.render import Rendered

ServiceToken: TypeAlias = "Callable[[str, str, str, str], str]"
"""Makes the dated token of a service letter from its id, the enrollment's public id, the occasion and the keyed address."""

FIELDS = {"weekday": "Weekday", "next_date": "NextDate", "forget_date": "ForgetDate"}
"""The person's values that cost something to work out, and what their tags hold."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """Which text: a letter of a course in a version, in full or short, with the words after a pause or without.

    The helplines of *country* stand in it, '' for none.
    """

    version_id: int
    course: str
    letter: str
    full: bool
    after_pause: bool
    country: str = ""


class Addressee(NamedTuple):
    """One person of a request; *delivery* and *enrollment* are opaque ids, *occasion* says why this copy is written.

    *address_key* is the keyed hash of the address that this copy goes to.
    """

    address: str
    delivery: str
    enrollment: str
    name: str
    weekday: str
    next_date: str
    forget_date: str
    occasion: str = ""
    address_key: str = ""


class Envelopes:
    """Makes requests from renderings."""

    def __init__(self, library: Library, tokens: Tokens, base_url: str, *, service_token: ServiceToken) -> None:
        """Keep what links need; *service_token* makes the dated token of a service letter."""
        self._library = library
        self._tokens = tokens
        self._base_url = base_url.rstrip("/")
        self._service_token = service_token

    def render(self, rendering: Rendering, person: Person | None = None) -> Rendered:
        """Return the text for all, or for one *person*; raises RenderFault, and NeedsPerson when it needs one."""
        course = self._library.course(rendering.version_id, rendering.course)
        letter = course.current_id(rendering.letter) or rendering.letter
        book = self._library.book(rendering.version_id, rendering.course)
        lines = course.course.helplines_in(rendering.country)
        return book.render(letter, full=rendering.full, after_pause=rendering.after_pause, helplines=lines, person=person)

    def fields(self, rendering: Rendering, *, one_by_one: bool) -> frozenset[str]:
        """Return which of `FIELDS` the letter prints; all of them when it is rendered one by one."""
        if one_by_one:
            return frozenset(FIELDS)
        tags = self.render(rendering).tags
        return frozenset(field for field, part in FIELDS.items() if any(part in tag for tag in tags))

    def message(self, rendering: Rendering, kind: Kind, addressees: Sequence[Addressee], *, one_by_one: bool) -> Message:
        """Return the request that hands a letter over to *addressees* (exactly one when rendered one by one)."""
        course = self._library.course(rendering.version_id, rendering.course).course
        book = self._library.book(rendering.version_id, rendering.course)
        people = [self._person(rendering.letter, kind, addressee) for addressee in addressees]
        rendered = self.render(rendering, people[0] if one_by_one else None)
        recipients = tuple(
            Recipient(
                address=addressee.address,
                delivery=addressee.delivery,
                substitutions=book.substitutions(rendered.tags, person),
                headers=self._headers(kind, person),
            )
            for addressee, person in zip(addressees, people, strict=True)
        )
        return Message(
            sender_name=course.sender.name,
            sender_email=course.sender.email,
            reply_to=course.reply_to,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            recipients=recipients,
            headers={} if kind in {Kind.SERVICE, Kind.CONFIRMATION} else {"List-Id": list_id(rendering.course, course)},
        )

    def _person(self, letter: str, kind: Kind, addressee: Addressee) -> Person:
        asked = (letter, addressee.enrollment, addressee.occasion, addressee.address_key)
        service = self._service_token(*asked) if kind in {Kind.SERVICE, Kind.CONFIRMATION} else ""
        return Person(
            name=addressee.name,
            weekday=addressee.weekday,
            next_date=addressee.next_date,
            forget_date=addressee.forget_date,
            my_token=self._tokens.sign(MY, addressee.enrollment),
            leave_token=self._tokens.sign(LEAVE, addressee.enrollment),
            service_token=service,
        )

    def _headers(self, kind: Kind, person: Person) -> dict[str, str]:
        """Return the headers of one person: one-click leaving by RFC 8058, but not in service letters."""
        if kind in {Kind.SERVICE, Kind.CONFIRMATION}:
            return {}
        return {
            "List-Unsubscribe": f"<{self._base_url}/leave/{person.leave_token}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }


def list_id(course_id: str, course: Course) -> str:
    """Return the List-Id of a course (RFC 2919): its id and the sender's domain, nothing that tells what it is about."""
    return f"<{course_id}.{course.sender.email.rpartition('@')[2]}>"
