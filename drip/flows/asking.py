"""Asking: what becomes of the forms that strangers filled in, once somebody looks up who they are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from drip.core.address import address_key, clean_name
from drip.core.delivery import AT_HER_WISH, CONFIRM_LETTER, MY_LINK
from drip.core.enrollment import Stage
from drip.core.token import form_in, owner_of
from drip.errors import DripError
from drip.store import askings, beginnings, enrollments, stamps, subscribers, versions, wishes
from drip.store.askings import Asking
from drip.store.wishes import ENOUGH, FRESH, MY_PAGE, SIGN_UP, Wish

if TYPE_CHECKING:
    from drip.clock import Now
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

PAGE = 500
A_DAY = timedelta(days=1)
LETTERS_A_DAY_MAX = 3
"""How many letters of one kind forms may bring to one person in a day, whatever the counts of the pages have forgotten."""

log = structlog.get_logger("drip.asking")


def store(database: Database, wish: Wish) -> None:
    """Keep what somebody typed, and look up nobody: the answer is then the same for all, in words and in time."""
    with database.write() as connection:
        wishes.add(connection, wish)


def work(database: Database, library: Library, *, suppression_key: bytes) -> int:
    """Work off a page of stored forms and return how many; each once, whoever else works and whatever is killed.

    A form that cannot be worked off stays and keeps no other from its turn.
    """
    with database.read() as connection:
        ids = wishes.waiting(connection, PAGE)
    return sum(_worked(database, library, wish_id, suppression_key) for wish_id in ids)


def _worked(database: Database, library: Library, wish_id: int, suppression_key: bytes) -> int:
    """Work off one form in one transaction; return how many that was."""
    try:
        with database.write() as connection:
            wish = wishes.take(connection, wish_id)
            if wish is None:
                return 0
            _Answering(connection, library, wish, stamps.now_in(connection), suppression_key).answer()
    except Exception as trouble:  # noqa: BLE001 - whatever it is, the others have their turn
        # Never the message: it may hold what was typed.
        log.error("wish-broke", wish=wish_id, error=type(trouble).__name__)  # noqa: TRY400 - nor the trace
        return 0
    return 1


class _Answering:
    """One form, and the person it is about."""

    def __init__(self, connection: Connection, library: Library, wish: Wish, now: Now, suppression_key: bytes) -> None:
        self._connection = connection
        self._library = library
        self._wish = wish
        self._now = now
        self._suppression_key = suppression_key

    def answer(self) -> None:
        """Open the letter that this person gets; often there is none."""
        if self._wish.kind == ENOUGH:
            return
        if self._wish.kind == FRESH:
            self._answer_old_link()
            return
        key = address_key(self._wish.address, self._suppression_key)
        if self._wish.kind == SIGN_UP:
            self._answer_sign_up(key)
        else:
            known = subscribers.find_by_key(self._connection, key)
            for person in enrollments.find_for(self._connection, known.id) if known else []:
                self._write_to(enrollments.locked(self._connection, person.id), key)

    def _answer_old_link(self) -> None:
        """Ask once more whoever was mailed the link that has grown old."""
        found = enrollments.find_by_public_id(self._connection, owner_of(self._wish.address))
        subscriber = subscribers.find(self._connection, found.subscriber_id) if found else None
        if found is not None and subscriber is not None and subscriber.address is not None:
            person = enrollments.locked(self._connection, found.id)
            self._write_to(person, subscriber.address_key, again=True)

    def _answer_sign_up(self, key: str) -> None:
        course = self._course(self._wish.course)
        if course is None or self._is_barred(key, self._wish.course):
            return
        self._write_to(self._person(key, course), key, again=True)

    def _person(self, key: str, course: LiveCourse) -> Enrollment:
        """Return the locked enrollment that a sign-up is about; for somebody new it is made.

        Of somebody known it changes nothing: what was typed waits beside the letter that answers it.
        """
        connection, wish = self._connection, self._wish
        settings: dict[str, Any] = {
            "zone": wish.timezone or course.course.timezone,
            "country": wish.country,
            "weekday": wish.weekday,
            "pace": wish.pace,
            "version_id": course.version_id,
        }
        subscriber = subscribers.find_by_key(connection, key)
        if subscriber is not None:
            # Only then is it certain that she does not confirm at this moment.
            subscribers.lock(connection, subscriber.id)
            subscriber_id = subscriber.id
        else:
            # Two workers with two wishes of somebody new meet at this row: the second waits here and finds her.
            subscriber_id = subscribers.add(
                connection,
                address=wish.address,
                address_key=key,
                name=clean_name(wish.name),
                timezone=wish.timezone or None,
                now=self._now.machine,
            )
        known = enrollments.find_for(connection, subscriber_id, wish.course)
        if not known:
            return beginnings.pending(connection, subscriber_id, wish.course, settings, now=self._now.machine)
        person = enrollments.locked(connection, known[0].id)
        if person.state == Stage.ASKED:
            enrollments.change(connection, person.id, {"version_id": course.version_id})
            person = person._replace(version_id=course.version_id)
        return person

    def _write_to(self, person: Enrollment, key: str, *, again: bool = False) -> None:
        """Mail a person the link to her page, or the letter that asks; *again* asks those whose letters have ended too."""
        course = self._course(person.course)
        if course is None or self._is_barred(key, person.course):
            return
        asks = person.state == Stage.ASKED or (again and person.state != Stage.ACTIVE)
        letter = CONFIRM_LETTER if asks else MY_LINK
        since = self._now.machine - A_DAY
        if beginnings.opened_since(self._connection, person, letter, since) >= LETTERS_A_DAY_MAX:
            return
        if not asks:
            beginnings.show_the_way(self._connection, person, course, self._now)
        elif beginnings.ask(self._connection, person, course, self._now, self._form(person)):
            self._note_asked(person, course)

    def _form(self, person: Enrollment) -> str:
        """Return the id of what a letter to a person confirms: a sign-up as it was typed, an old link what it confirmed.

        Somebody who has ever confirmed is asked again as she is.
        """
        wish = self._wish
        if person.confirmed_at is not None:
            return ""
        if wish.kind == FRESH:
            return form_in(wish.address)
        if wish.kind == MY_PAGE:
            # Whoever asks for a link types nothing of herself: no form that came meanwhile, of whomever, decides for her.
            return ""
        asking = Asking(clean_name(wish.name), wish.timezone, wish.country, wish.weekday, wish.pace, wish.wording)
        return askings.keep(self._connection, person.id, asking, now=wish.at)

    def _note_asked(self, person: Enrollment, course: LiveCourse) -> None:
        """Keep what she was asked with: a link for a page, or an old one, brings no words of its own."""
        wish = self._wish
        wording = wish.wording or beginnings.asked_wording(self._connection, person)
        subscribers.note_consent(
            self._connection,
            person.subscriber_id,
            person.course,
            "asked",
            now=wish.at,
            source=wish.source,
            wording=wording,
            form=wish.form,
            network_address=wish.network_address,
            version_id=course.version_id,
        )

    def _is_barred(self, key: str, course_id: str) -> bool:
        reason = subscribers.suppressed(self._connection, [key], course_id).get(key)
        return reason is not None and reason not in AT_HER_WISH

    def _course(self, course_id: str) -> LiveCourse | None:
        """Return a course as it is live; None once it is gone."""
        state = versions.running(self._connection).get(course_id)
        try:
            return None if state is None else self._library.course(state.version_id, course_id)
        except DripError:
            return None
