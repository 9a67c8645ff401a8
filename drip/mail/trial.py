"""A letter for an operator's own mailbox: it reads as it would, says that it is a test, and its links open nothing."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from drip.core.delivery import ADDRESS_CHANGE, CONFIRM_LETTER, MY_LINK
from drip.mail.envelope import list_id
from drip.mail.message import Message, Recipient
from drip.mail.render import Person

if TYPE_CHECKING:
    from drip.core.schedule import Course
    from drip.mail.render import LetterBook

DEAD = "a-test-letter"
"""Stands where a link has its token: no key ever signs it, so it opens nobody's page and ends nobody's course."""

SYSTEM_LETTERS = (CONFIRM_LETTER, MY_LINK, ADDRESS_CHANGE)
"""Letters that belong to no course, and to any."""

MARK = "[test]"
SAYS = "This is a test letter. Its links lead nowhere, and it counts for nobody."

_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)


def sample(name: str, *, weekday: str, next_date: str, forget_date: str) -> Person:
    """Return somebody whose every link is dead."""
    return Person(name, weekday, next_date, forget_date, my_token=DEAD, leave_token=DEAD, service_token=DEAD)


def message_of(
    book: LetterBook,
    course_id: str,
    course: Course,
    letter: str,
    person: Person,
    *,
    address: str,
    base_url: str,
    full: bool,
    country: str,
) -> Message:
    """Return the request that hands a test of *letter* to *address*; raises RenderFault when the letter is broken.

    The headers are those of a real letter, so that what mailboxes make of them can be seen.
    """
    rendered = book.render(letter, full=full, helplines=course.helplines_in(country), person=person)
    headers = {}
    if letter not in SYSTEM_LETTERS:
        headers = {
            "List-Id": list_id(course_id, course),
            "List-Unsubscribe": f"<{base_url.rstrip('/')}/leave/{DEAD}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    note = f'<p style="margin:0;padding:8px;border:1px solid">{SAYS}</p>'
    begun = _BODY.search(rendered.html)
    at = begun.end() if begun else 0
    return Message(
        sender_name=course.sender.name,
        sender_email=course.sender.email,
        reply_to=course.reply_to,
        subject=f"{MARK} {rendered.subject}",
        text=f"{SAYS}\n\n{rendered.text}",
        html=f"{rendered.html[:at]}{note}{rendered.html[at:]}",
        # No delivery has such an id: a report about it is about no letter of the books.
        recipients=(Recipient(address, f"test-{secrets.token_hex(8)}", headers=headers),),
    )
