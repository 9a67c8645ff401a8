"""People to write to: enrolled in bulk, all in one zone, so that their next letter falls due at one instant."""

from __future__ import annotations

import random
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from drip.core.address import address_key
from drip.core.enrollment import Stage, begun
from drip.store import enrollments, stamps, versions
from drip.store.tables import enrollments as enrollment_rows
from drip.store.tables import subscribers as subscriber_rows

if TYPE_CHECKING:
    from typing import Any

    from drip.wiring import Deployment

NAMES = ("Ana", "Björk", "Chidi", "", "Dörte", "Emily & Jo", "Fatima", "", "Grzegorz", "Hu")
HOSTS = ("example.net", "example.com", "mail.example.org")
CHUNK = 5_000
ZONE = "Europe/London"
LATER = timedelta(days=7)


def enroll(deployment: Deployment, people: int, *, seed: int = 1) -> None:
    """Store *people* active subscribers of the first course, whose first letter is due now.

    The rows are those that `drip subscribers add --confirmed` writes, without its two hundred look-ups a second.
    """
    chance = random.Random(seed)
    for start in range(0, people, CHUNK):
        with deployment.database.write() as connection:
            now = stamps.now_in(connection)
            state = next(iter(versions.running(connection).values()))
            live = deployment.library.course(state.version_id, state.id)
            numbers = range(start + 1, min(start + CHUNK, people) + 1)
            connection.execute(
                subscriber_rows.insert(),
                [
                    {
                        "id": number,
                        "address": address,
                        "address_key": address_key(address, deployment.suppression_key),
                        "name": chance.choice(NAMES),
                        "timezone": ZONE,
                        "created_at": now.machine,
                    }
                    for number in numbers
                    for address in [f"person.{number:06d}@{chance.choice(HOSTS)}"]
                ],
            )
            facts: dict[str, Any] = {
                "course": state.id,
                "state": Stage.ASKED.value,
                "zone": ZONE,
                "version_id": state.version_id,
                "created_at": now.machine,
            }
            first = enrollments.add(connection, {"id": start + 1, "subscriber_id": start + 1, **facts})
            sample = enrollments.find(connection, first)
            if sample is None:
                raise LookupError(first)
            changes = begun(sample, live.course, now=now.calendar)
            enrollments.change(connection, first, changes)
            connection.execute(
                enrollment_rows.insert(),
                [
                    {"id": number, "subscriber_id": number, "public_id": secrets.token_urlsafe(12), **facts, **changes}
                    for number in numbers[1:]
                ],
            )
