"""Importing while the same people sign up, bounce and leave: nobody is on the course twice, and nobody who must not be."""

from __future__ import annotations

import threading
from collections.abc import Callable

import sqlalchemy as sa

from drip.core.address import address_key
from drip.core.newcomer import Terms
from drip.core.recipe import listed_columns, people_columns
from drip.files.sheet import Sheet
from drip.flows import enrolling, suppressing
from drip.flows.importing import Importer
from drip.store import subscribers
from drip.store.tables import enrollments, suppressions
from drip.store.tables import subscribers as people
from tests.engine import Engine

PEOPLE = 400
ADDRESSES = [f"p{number}@example.net" for number in range(PEOPLE)]


def sheet_of(addresses: list[str]) -> Sheet:
    """Return a file of addresses."""
    return Sheet("people.csv", "\n".join(["email", *addresses]).encode())


def bring_in(engine: Engine, addresses: list[str]) -> int:
    """Import people and return how many came in."""
    sheet = sheet_of(addresses)
    importer = Importer(
        engine.database,
        engine.library,
        sheet,
        people_columns(sheet.columns),
        Terms("a form", confirmed=True),
        course="",
        suppression_key=engine.deployment.suppression_key,
        dry_run=False,
    )
    return importer.run(refused=lambda *_: None, done=lambda _: None).entered


def suppress(engine: Engine, addresses: list[str]) -> None:
    """Enter addresses into the register, page by page."""
    sheet = sheet_of(addresses)
    suppressing.bring_in(
        engine.database,
        engine.library,
        suppressing.from_sheet(sheet, listed_columns(sheet.columns), reason="bounced", now=engine.now().machine),
        suppressing.Report("people.csv", dry_run=False),
        course="",
        suppression_key=engine.deployment.suppression_key,
        refused=lambda _: None,
        done=lambda _: None,
        wait_seconds=1.0,
    )


def at_once(*stories: Callable[[], object]) -> None:
    """Let stories run at the same time, and raise what any of them raised."""
    raised: list[BaseException] = []

    def told(story: Callable[[], object]) -> None:
        try:
            story()
        except BaseException as trouble:  # noqa: BLE001 - raised again below
            raised.append(trouble)

    threads = [threading.Thread(target=told, args=[story]) for story in stories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if raised:
        raise raised[0]


def test_two_imports_sign_ups_and_bounces_at_once(engine: Engine) -> None:
    """Each person has one run; whoever bounced meanwhile is on no course and comes in no more; the books agree."""
    bounced, signed_up = ADDRESSES[::4], ADDRESSES[1::8]

    def sign_up() -> None:
        for address in signed_up:
            wish = enrolling.Wish(address)
            enrolling.enroll(
                engine.database, engine.library, wish, suppression_key=engine.deployment.suppression_key, confirmed=True
            )

    def bounce() -> None:
        for start in range(0, len(bounced), 10):
            suppress(engine, bounced[start : start + 10])

    at_once(
        lambda: bring_in(engine, ADDRESSES),
        lambda: bring_in(engine, ADDRESSES[::-1]),
        sign_up,
        bounce,
    )
    with engine.database.read() as connection:
        runs = connection.execute(sa.select(sa.func.count()).select_from(enrollments)).scalar_one()
        distinct = connection.execute(sa.select(sa.func.count(sa.distinct(enrollments.c.subscriber_id)))).scalar_one()
        barred = connection.execute(
            sa.select(sa.func.count())
            .select_from(enrollments.join(people, people.c.id == enrollments.c.subscriber_id))
            .join(suppressions, suppressions.c.address_key == people.c.address_key)
            .where(enrollments.c.state == "active")
        ).scalar_one()
    assert runs == distinct
    assert 0 == barred
    assert PEOPLE - len(bounced) <= runs <= PEOPLE
    assert 0 == bring_in(engine, ADDRESSES)
    assert [] == engine.audit()


def test_somebody_known_from_another_course_keeps_her_name(engine: Engine) -> None:
    """What a file says of her does not rename her."""
    key = address_key("p0@example.net", engine.deployment.suppression_key)
    with engine.database.write() as connection:
        now = engine.now().machine
        subscribers.add(connection, address="p0@example.net", address_key=key, name="Ada", timezone="Asia/Tokyo", now=now)
    assert 1 == bring_in(engine, ["P0@example.net"])
    with engine.database.read() as connection:
        found = subscribers.find_by_key(connection, key)
    assert found is not None
    assert ("Ada", "Asia/Tokyo", "p0@example.net") == (found.name, found.timezone, found.address)
