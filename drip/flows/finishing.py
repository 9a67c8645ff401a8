"""What somebody who has had every letter may choose: that her page is kept, and the late letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from drip.core.enrollment import Stage
from drip.core.sequel import ADDED_LATER, Sequel, sequel_of
from drip.errors import NotFound
from drip.store import deliveries, endings, enrollments, stamps, subscribers, versions

if TYPE_CHECKING:
    from drip.core.enrollment import Enrollment
    from drip.core.progress import LiveCourse
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

log = structlog.get_logger("drip.finish")


def keep(database: Database, public_id: str) -> bool:
    """Keep the page of somebody who finished until she says otherwise; False for anybody else. Twice is harmless."""
    with database.write() as connection:
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            raise NotFound
        person = enrollments.locked(connection, found.id)
        if person.state != Stage.FINISHED:
            return False
        enrollments.change(connection, person.id, {"keep": True})
    return True


def offered(database: Database, library: Library, public_id: str) -> Sequel | None:
    """Return the late letters that she may ask for, and when the first would come; None when there are none for her."""
    with database.read() as connection:
        person = enrollments.find_by_public_id(connection, public_id)
        return None if person is None else _sequel(connection, library, person)[0]


def go_on(database: Database, library: Library, public_id: str, *, wording: str, source: str, form: str) -> bool:
    """Begin the late letters for somebody who finished and agreed to *wording*; False when there are none for her.

    They are a consent of their own. Pressing twice finds her on the way already.
    """
    with database.write() as connection:
        found = enrollments.find_by_public_id(connection, public_id)
        if found is None:
            raise NotFound
        person = enrollments.locked(connection, found.id)
        sequel, live = _sequel(connection, library, person)
        if sequel is None:
            return False
        now = stamps.now_in(connection)
        subscribers.note_consent(
            connection,
            person.subscriber_id,
            person.course,
            "agreed",
            now=now.machine,
            source=source,
            wording=wording,
            form=form,
            version_id=live.version_id,
        )
        enrollments.note_omissions(connection, person._replace(version_id=live.version_id), sequel.passed, ADDED_LATER)
        enrollments.change(connection, person.id, sequel.changes)
    log.info("goes-on", enrollment=person.id)
    return True


def _sequel(connection: Connection, library: Library, person: Enrollment) -> tuple[Sequel | None, LiveCourse]:
    """Return what may follow for somebody whose address may be mailed, and her course as it is live."""
    state = versions.running(connection)[person.course]
    live = library.course(state.version_id, person.course)
    had = frozenset(deliveries.history(connection, person.subscriber_id, person.course, person.occasion()))
    if endings.listed(connection, person):
        return None, live
    return sequel_of(person, live, had, now=stamps.now_in(connection).calendar), live
