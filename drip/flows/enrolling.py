"""Enrolling: from an address to a running course, by a confirmed wish and never twice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from drip.core.address import address_key, clean_name, normal_address
from drip.core.country import country_hint, country_names
from drip.core.delivery import AT_HER_WISH
from drip.core.enrollment import Enrollment, Stage
from drip.core.timeword import zone_hint, zone_names
from drip.errors import UsageError
from drip.store import askings, beginnings, chores, endings, enrollments, stamps, subscribers, versions
from drip.store.askings import Asking

if TYPE_CHECKING:
    from datetime import datetime

    from drip.clock import Now
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.session import Connection, Database


class Enrolled(StrEnum):
    """What became of a wish to enroll somebody."""

    BEGUN = "begun"
    ASKED = "asked"
    ALREADY = "already"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is known of somebody who wants a course.

    An empty *timezone* means the course's, an empty *country* that she did not say.
    """

    address: str
    name: str = ""
    timezone: str = ""
    country: str = ""
    course: str = ""
    weekday: int | None = None
    send_at: str | None = None
    pace: int = 1
    short: bool = False
    source: str = "operator"
    network_address: str = ""


@dataclass(frozen=True, slots=True)
class Enrolling:
    """What became of it, and a sentence for the operator."""

    result: Enrolled
    enrollment_id: int | None
    say: str


def enroll(database: Database, library: Library, wish: Wish, *, suppression_key: bytes, confirmed: bool) -> Enrolling:
    """Enroll somebody: begin her course when her consent is proven (*confirmed*), else ask her by a letter.

    Raises UsageError for an address, zone or course that cannot be, with a sentence that says what is wrong.
    """
    address = _address(wish.address)
    key = address_key(address, suppression_key)
    with database.write() as connection:
        now = stamps.now_in(connection)
        state = versions.running_as(connection, wish.course)
        course_id, course = state.id, library.course(state.version_id, state.id)
        if wish.timezone and wish.timezone not in zone_names():
            msg = f"there is no time zone {wish.timezone!r}; {zone_hint(wish.timezone)}"
            raise UsageError(msg)
        if wish.country and wish.country not in country_names():
            msg = f"there is no country {wish.country!r}; {country_hint(wish.country)}"
            raise UsageError(msg)
        reason = subscribers.suppressed(connection, [key], course_id).get(key)
        if reason is not None and not (reason in AT_HER_WISH and not confirmed):
            say = (
                "this person left; only she can come back: add her without --confirmed and she is asked by a letter"
                if reason in AT_HER_WISH
                else f"this address must not be mailed: {reason}"
            )
            return Enrolling(Enrolled.REFUSED, None, say)
        subscriber_id = _subscriber(connection, address, key, wish, now, confirmed=confirmed)
        person = _enrollment(connection, subscriber_id, course_id, course, wish, now)
        if person.state == Stage.ACTIVE:
            return Enrolling(Enrolled.ALREADY, person.id, "this person is on the course already")
        if not confirmed:
            subscribers.note_consent(
                connection,
                subscriber_id,
                course_id,
                "asked",
                now=now.machine,
                source=wish.source,
                network_address=wish.network_address,
                version_id=course.version_id,
            )
            beginnings.ask(connection, person, course, now, _form(connection, person, wish, now))
            return Enrolling(Enrolled.ASKED, person.id, "a letter asks this person to confirm")
        subscribers.note_consent(
            connection,
            subscriber_id,
            course_id,
            "agreed",
            now=now.machine,
            source=wish.source,
            version_id=course.version_id,
        )
        beginnings.begin(connection, person, course, now)
    return Enrolling(Enrolled.BEGUN, person.id, "the course begins now")


def confirm(
    database: Database,
    library: Library,
    public_id: str,
    *,
    source: str,
    network_address: str = "",
    wording: str = "",
    form: str = "",
    made: datetime | None = None,
    answers: str = "",
) -> bool:
    """Begin the course of somebody who pressed the button in her confirmation letter; return whether it runs now.

    Pressing twice is harmless. Somebody who left or finished begins a new run only by the letter of a new request, since
    mail programs keep old links and leaving is final: *made* is when the link was made, None for a link of this moment.
    *answers* is the form that her letter answers: of somebody who has never confirmed, exactly that is what she confirms.
    *wording* is what stood beside the button and *form* the address of its page: they are the proof.
    """
    with database.write() as connection:
        now = stamps.now_in(connection)
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            return False
        person = enrollments.locked(connection, found.id)
        subscriber = subscribers.find(connection, person.subscriber_id)
        if subscriber is None or subscriber.address is None:
            return False
        if person.state == Stage.ACTIVE:
            return True
        if person.state in {Stage.FINISHED, Stage.LEFT} and not _asked_anew(connection, person, made or now.machine):
            return False
        if endings.barred(connection, subscriber.address_key, person.course):
            return False
        if endings.lift(connection, subscriber.address_key, person.course):
            # The provider keeps lists of its own; on one of them her letters would be dropped.
            chores.ask(
                connection,
                chores.CLEAR,
                address=subscriber.address,
                address_key=subscriber.address_key,
                subscriber_id=subscriber.id,
                reason="came back",
                now=now.machine,
            )
        course = library.course(versions.running(connection)[person.course].version_id, person.course)
        person = beginnings.as_typed(connection, person, course, answers)
        subscribers.note_consent(
            connection,
            person.subscriber_id,
            person.course,
            "agreed",
            now=now.machine,
            source=source,
            wording=wording,
            form=form,
            network_address=network_address,
            version_id=course.version_id,
        )
        beginnings.begin(connection, person, course, now)
    return True


def wording_for(database: Database, library: Library, public_id: str, answers: str = "") -> str:
    """Return the consent to be confirmed: the words of the form, else those she was asked with, else the course's."""
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
        if person is None:
            return ""
        form = askings.find(connection, person.id, answers) if answers else None
        asked = (form.wording if form else "") or beginnings.asked_wording(connection, person)
        course = library.course(versions.running(connection)[person.course].version_id, person.course)
    sign_up = course.course.sign_up
    return asked or (sign_up.consent if sign_up else "")


def _form(connection: Connection, person: Enrollment, wish: Wish, now: Now) -> str:
    """Return the id of what the operator typed of somebody who never confirmed, so that no later form changes it."""
    if person.confirmed_at is not None:
        return ""
    asking = Asking(clean_name(wish.name), wish.timezone, wish.country, wish.weekday, wish.pace)
    return askings.keep(connection, person.id, asking, now=now.machine)


def _asked_anew(connection: Connection, person: Enrollment, made: datetime) -> bool:
    """Whether a link made at *made* belongs to a request that came after she last said yes or no."""
    asked, decided = beginnings.asked_last(connection, person), beginnings.decided_last(connection, person)
    # A link knows its second only.
    return asked is not None and (decided is None or asked > decided) and made >= asked.replace(microsecond=0)


def _address(text: str) -> str:
    try:
        return normal_address(text)
    except ValueError as fault:
        raise UsageError(str(fault)) from fault


def _subscriber(connection: Connection, address: str, key: str, wish: Wish, now: Now, *, confirmed: bool) -> int:
    """Return the id of the subscriber at *address*; what a stranger typed does not rename somebody who gets letters."""
    known = subscribers.find_by_key(connection, key)
    if known and not confirmed and any(one.state == Stage.ACTIVE for one in enrollments.find_for(connection, known.id)):
        return known.id
    return subscribers.add(
        connection,
        address=address,
        address_key=key,
        name=clean_name(wish.name),
        timezone=wish.timezone or None,
        now=now.machine,
    )


def _enrollment(  # noqa: PLR0917 - the facts of an enrollment
    connection: Connection, subscriber_id: int, course_id: str, course: LiveCourse, wish: Wish, now: Now
) -> Enrollment:
    settings: dict[str, Any] = {
        "zone": wish.timezone or course.course.timezone,
        "weekday": wish.weekday,
        "send_at": wish.send_at,
        "pace": wish.pace,
        "short": wish.short,
        "version_id": course.version_id,
        # Whoever comes back and says nothing of it lives where she lived.
        **({"country": wish.country} if wish.country else {}),
    }
    known = enrollments.find_for(connection, subscriber_id, course_id)
    if known:
        person = enrollments.locked(connection, known[0].id)
        if person.state != Stage.ACTIVE:
            enrollments.change(connection, person.id, settings)
            person = person._replace(**settings)
        return person
    return beginnings.pending(connection, subscriber_id, course_id, settings, now=now.machine)
