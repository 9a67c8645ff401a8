"""Applying: what the files would change for everybody, and then making them the version that everybody gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.plan import Edition, Plan, accepted_of, changes_between, hazards_of, refusals_of
from drip.core.progress import first_ids
from drip.errors import DripError
from drip.store import reports, stamps, versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from drip.core.review import Acceptance
    from drip.store.session import Connection, Database

    EditionOf = Callable[[versions.Version], Edition]
    """Reads a stored version as the files were read."""


class Refused(DripError):
    """These files cannot go live as they are; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Accepting:
    """Who applies, which hazards are accepted by name, and why."""

    names: frozenset[str] = frozenset()
    by: str = ""
    reason: str = ""


def plan(database: Database, new: Edition, edition_of: EditionOf, *, real: bool, today: date) -> Plan:
    """Return what applying *new* would do now; nothing is changed."""
    with database.read() as connection:
        return _plan(connection, new, edition_of, real=real, today=today)[0]


def apply(
    database: Database,
    new: Edition,
    edition_of: EditionOf,
    *,
    planned: Plan,
    accepting: Accepting,
    real: bool,
    today: date,
    now: datetime,
    note: str = "",
) -> int:
    """Make *new* the version that everybody gets, as *planned*, and return its number.

    Everything is worked out again under a lock. Raises Refused when the files cannot go live, when another version went
    live since the plan, when a hazard is new, grew, or was not accepted by name, or when nobody answers for one.
    """
    with database.write() as connection:
        stamps.lock(connection)
        found, known = _plan(connection, new, edition_of, real=real, today=today)
        _refuse(found, planned, accepting)
        return versions.publish(
            connection,
            schedule_text=new.schedule_text,
            letters=new.files,
            course_ids=new.project.schedule.courses,
            first_ids=_first_ids(connection, new),
            now=now,
            applied_by=accepting.by,
            note=note,
            accepted=accepted_of(new, known, accepting.names, by=accepting.by, reason=accepting.reason),
        )


def _plan(
    connection: Connection, new: Edition, edition_of: EditionOf, *, real: bool, today: date
) -> tuple[Plan, tuple[Acceptance, ...]]:
    newest = versions.newest(connection)
    version = None if newest is None else versions.find(connection, newest[0])
    old = None if version is None else edition_of(version)
    known = () if version is None else version.accepted
    active = sum(stages.get("active", 0) for stages in reports.stages(connection).values())
    made = Plan(
        base=None if version is None else version.id,
        source=versions.digest_of(new.schedule_text, new.files),
        changes=tuple(changes_between(old, new)),
        hazards=tuple(hazards_of(new, known, real=real, today=today)),
        refusals=tuple(refusals_of(old, new, real=real, today=today)),
        people=active,
    )
    return made, known


def _refuse(found: Plan, planned: Plan, accepting: Accepting) -> None:
    """Raise Refused, with every reason, unless *found* is what was planned and all of its hazards are accepted."""
    reasons = list(found.refusals)
    if found.base != planned.base:
        reasons.append(f"version {found.base} went live since the plan; look at drip plan again")
    elif found.source != planned.source:
        reasons.append("the files are not those of the plan; look at drip plan again")
    counts = {hazard.name: hazard.count for hazard in planned.hazards}
    for hazard in found.hazards:
        if hazard.count > counts.get(hazard.name, 0):
            reasons.append(f"{hazard.name} is more than the plan showed; look at drip plan again")
        elif hazard.name not in accepting.names:
            reasons.append(f"{hazard.name} is not accepted: {hazard.text}")
    unknown = sorted(accepting.names - {hazard.name for hazard in found.hazards})
    reasons += [f"{name} is no hazard of this plan; take --accept {name} away" for name in unknown]
    if found.hazards and not (accepting.by.strip() and accepting.reason.strip()):
        reasons.append("say who accepts this and why, with --by and --reason")
    if reasons:
        raise Refused("\n".join(reasons))


def _first_ids(connection: Connection, new: Edition) -> dict[str, dict[str, str]]:
    """Return for each course the renames so far: those of the version before, and what these files add."""
    newest = versions.newest(connection)
    version = None if newest is None else versions.find(connection, newest[0])
    known = {} if version is None else version.first_ids
    return {name: first_ids(course, known.get(name, {})) for name, course in new.project.schedule.courses.items()}


def history(database: Database) -> list[dict[str, object]]:
    """Return what is known of each version without its texts, the newest first."""
    with database.read() as connection:
        live = {state.version_id for state in versions.running(connection).values()}
        return [
            {
                "version": row.id,
                "live": row.id in live,
                "applied_at": row.applied_at.isoformat(),
                "by": row.applied_by,
                "note": row.note,
            }
            for row in versions.listed(connection)
        ]
