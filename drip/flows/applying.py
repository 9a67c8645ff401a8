"""Applying: what the files would change for everybody, and then making them the version that everybody gets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.change import changes_between
from drip.core.impact import Impact
from drip.core.plan import Edition, Hazard, PersonTurn, Plan, accepted_of, hazards_of, redated, refusals_of
from drip.core.progress import LiveCourse, first_ids
from drip.errors import DripError
from drip.store import deliveries, enrollments, reports, stamps, versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from drip.core.review import Acceptance
    from drip.mail.library import Library
    from drip.store.session import Connection, Database

    EditionOf = Callable[[versions.Version], Edition]
    """Reads a stored version as the files were read."""


PAGE = 5_000


class Refused(DripError):
    """These files cannot go live as they are; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Accepting:
    """Who applies, which hazards are accepted by name, and why."""

    names: frozenset[str] = frozenset()
    by: str = ""
    reason: str = ""


def plan(database: Database, library: Library, new: Edition, edition_of: EditionOf, *, real: bool, today: date) -> Plan:
    """Return what applying *new* would do now, to everybody on the course; nothing is changed."""
    with database.read() as connection:
        return _plan(connection, library, new, edition_of, real=real, today=today)[0]


def apply(
    database: Database,
    library: Library,
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

    Everything is worked out again under a lock: people who merely moved on are no surprise. Raises Refused when the files
    cannot go live, when another version went live since the plan, when a hazard is new, grew, or was not accepted by name,
    or when nobody answers for one.
    """
    with database.write() as connection:
        stamps.lock(connection)
        found, known = _plan(connection, library, new, edition_of, real=real, today=today)
        _refuse(found, planned, accepting)
        newest = _newest(connection)
        return versions.publish(
            connection,
            schedule_text=new.schedule_text,
            letters=new.files,
            course_ids=new.project.schedule.courses,
            first_ids={name: dict(live.firsts) for name, live in _live(newest, new).items()},
            now=now,
            applied_by=accepting.by,
            note=note or accepting.reason,
            accepted=accepted_of(new, known, accepting.names, by=accepting.by, reason=accepting.reason),
            redated=redated(None if newest is None else edition_of(newest), new),
        )


def _plan(
    connection: Connection, library: Library, new: Edition, edition_of: EditionOf, *, real: bool, today: date
) -> tuple[Plan, tuple[Acceptance, ...]]:
    version = _newest(connection)
    old = None if version is None else edition_of(version)
    known = () if version is None else version.accepted
    lives = {} if version is None or old is None else _lives(version, old, new)
    changes = changes_between(old, new, lives)
    hazards = hazards_of(old, new, known, real=real, today=today)
    effects: Counter[str] = Counter()
    turns: list[PersonTurn] = []
    if version is not None and old is not None:
        for name in redated(old, new):
            impact = _impact(connection, library, name, *lives[name])
            hazards += impact.hazards(_letters(new), _letters(old))
            effects += impact.effects
            turns += impact.turns
    made = Plan(
        base=None if version is None else version.id,
        source=versions.digest_of(new.schedule_text, new.files),
        changes=changes,
        hazards=tuple(_summed(hazards)),
        refusals=tuple(refusals_of(old, new, real=real, today=today)),
        people=sum(stages.get("active", 0) for stages in reports.stages(connection).values()),
        effects=tuple(sorted(effects.items())),
        turns=tuple(turns),
    )
    return made, known


def _summed(hazards: list[Hazard]) -> list[Hazard]:
    """Return hazards by name, those of several courses added up."""
    found: dict[str, Hazard] = {}
    for hazard in hazards:
        known = found.get(hazard.name)
        found[hazard.name] = hazard if known is None else Hazard(hazard.name, known.count + hazard.count, hazard.text)
    return sorted(found.values())


def _newest(connection: Connection) -> versions.Version | None:
    newest = versions.newest(connection)
    return None if newest is None else versions.find(connection, newest[0])


def _live(version: versions.Version | None, new: Edition) -> dict[str, LiveCourse]:
    """Return the courses of *new* as they would live after *version*, with the renames so far and those of these files."""
    known = {} if version is None else version.first_ids
    number = 1 if version is None else version.id + 1
    return {
        name: LiveCourse(number, course, first_ids(course, known.get(name, {})))
        for name, course in new.project.schedule.courses.items()
    }


def _lives(version: versions.Version, old: Edition, new: Edition) -> dict[str, tuple[LiveCourse, LiveCourse]]:
    """Return each course that is in both, as it lives now and as it would."""
    before = {
        name: LiveCourse(version.id, course, version.first_ids.get(name, {}))
        for name, course in old.project.schedule.courses.items()
    }
    return {name: (before[name], live) for name, live in _live(version, new).items() if name in before}


def _letters(edition: Edition) -> dict[str, str]:
    """Return the texts of the letters by lesson id."""
    return {letter_id: edition.files[letter.path] for letter_id, letter in edition.project.letters.items()}


def _impact(connection: Connection, library: Library, course: str, old: LiveCourse, new: LiveCourse) -> Impact:
    """Return what the turn to *new* does to everybody on the course, page by page."""
    impact, after = Impact(old, new, stamps.now_in(connection).calendar), 0
    while people := enrollments.active(connection, course, after, PAGE):
        after = people[-1].id
        histories = deliveries.histories(connection, [person.subscriber_id for person in people], course)
        opened = deliveries.find_many(connection, [person.open_delivery for person in people if person.open_delivery is not None])
        for person in people:
            delivery = opened.get(person.open_delivery or 0)
            since = library.course(person.version_id, course)
            history = histories.get((person.subscriber_id, person.occasion()), [])
            impact.add(person, since, history, None if delivery is None else delivery.letter)
    return impact


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
    unknown = sorted(accepting.names - {hazard.name for hazard in planned.hazards})
    reasons += [f"{name} is no hazard of this plan; take --accept {name} away" for name in unknown]
    if found.hazards and not (accepting.by.strip() and accepting.reason.strip()):
        reasons.append("say who accepts this and why, with --by and --reason")
    if reasons:
        raise Refused("\n".join(reasons))
