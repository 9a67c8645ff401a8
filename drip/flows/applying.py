"""Applying: what the files would change for everybody, and then making them the version that everybody gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from drip.core.change import changes_between
from drip.core.impact import COUNTED, REOPEN, Facts, Impact, deaf, load_of
from drip.core.plan import Answer, Edition, PersonTurn, Plan, accepted_of, hazards_of, redated, refusals_of, summed, weighed
from drip.core.progress import LiveCourse, first_ids
from drip.errors import DripError, UsageError
from drip.store import deliveries, reopenings, reports, stamps, standings, versions, warmups
from drip.store.standings import Standings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, datetime

    from drip.mail.library import Library
    from drip.store.session import Connection, Database

    EditionOf = Callable[[versions.Version], Edition]
    """Reads a stored version as the files were read."""


class Refused(DripError):
    """These files cannot go live as they are; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Accepting:
    """Who applies, which hazards are accepted by name, each for how many people at most (None: any), and why."""

    names: frozenset[str] = frozenset()
    by: str = ""
    reason: str = ""
    most: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, words: Iterable[str], *, by: str, reason: str) -> Accepting:
        """Return what is accepted by *words*: each the name of a hazard, or `name=count` for so many people at most.

        Raises UsageError for a count that is no number.
        """
        most: dict[str, int] = {}
        names = set()
        for word in words:
            name, given, count = word.partition("=")
            names.add(name)
            if given and not (count.isascii() and count.isdigit()):
                raise UsageError(f"{word!r} has no count; write {name}, or {name}=12 for twelve people at most")
            if given:
                most[name] = int(count)
        return cls(frozenset(names), by, reason, most)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A plan with what it was worked out from: the live version, the impact on each course, and when that was read."""

    plan: Plan
    version: versions.Version | None
    old: Edition | None
    impacts: Mapping[str, Impact]
    moment: standings.Moment


def plan(
    database: Database,
    library: Library,
    new: Edition,
    edition_of: EditionOf,
    *,
    real: bool,
    today: date,
    heard: Callable[[PersonTurn], None] = deaf,
) -> Plan:
    """Return what applying *new* would do now, to everybody on the course; nothing is changed.

    *heard* is told of each person for whom something changes, as they are read.
    """
    with database.read() as connection:
        return _read(connection, library, new, edition_of, real=real, today=today, heard=heard).plan


def nothing(point: str) -> None:
    """Hear of a point of an apply and do nothing."""


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
    at: Callable[[str], None] = nothing,
) -> int:
    """Make *new* the version that everybody gets, as *planned*, and return its number.

    Everything is worked out again before the lock is taken; under it only who moved on since is counted anew, so that
    nobody else waits for a walk through everybody. Raises Refused when the files cannot go live, when another version went
    live since the plan, when a hazard is new, grew, or was not accepted by name, or when nobody answers for one. *at*
    hears named points, for tests.
    """
    with database.read() as connection:
        reading = _read(connection, library, new, edition_of, real=real, today=today, heard=deaf)
    _refuse(reading.plan, planned, accepting)
    at("read")
    with database.write() as connection:
        stamps.lock(connection)
        at("locked")
        found = _caught_up(connection, library, reading)
        _refuse(found, planned, accepting)
        version, old = reading.version, reading.old
        known = () if version is None else version.accepted
        names = accepting.names
        courses = redated(old, new)
        number = versions.publish(
            connection,
            schedule_text=new.schedule_text,
            letters=new.files,
            course_ids=new.project.schedule.courses,
            first_ids={name: dict(live.firsts) for name, live in _live(version, new).items()},
            now=now,
            applied_by=accepting.by,
            note=note or accepting.reason,
            accepted=accepted_of(new, known, names, by=accepting.by, reason=accepting.reason),
            answers=[Answer(one.name, one.count, accepting.by, accepting.reason) for one in found.hazards if one.name in names],
            redated=courses,
        )
        added = [name for name in courses if reading.impacts[name].adds]
        if REOPEN in names:
            reopenings.begin(connection, added, number, stamps.now_in(connection))
        else:
            # An earlier version was accepted to reopen people for its lessons, not for these.
            reopenings.call_off(connection, added, stamps.now_in(connection))
        at("published")
    at("live")
    return number


def _read(
    connection: Connection,
    library: Library,
    new: Edition,
    edition_of: EditionOf,
    *,
    real: bool,
    today: date,
    heard: Callable[[PersonTurn], None],
) -> _Reading:
    moment = standings.moment(connection)
    version = _newest(connection)
    old = None if version is None else edition_of(version)
    known = () if version is None else version.accepted
    lives = {} if version is None or old is None else _lives(version, old, new)
    hazards = hazards_of(old, new, known, real=real, today=today)
    effects: Counter[str] = Counter()
    impacts = {name: _impact(connection, library, name, *lives[name], heard=heard) for name in weighed(old, new)}
    lags = []
    for name, impact in impacts.items():
        lag = impact.lag(name, warmups.find(connection, name))
        lags += [] if lag is None else [lag]
        hazards += impact.hazards(_letters(new), {} if old is None else _letters(old), lag)
        effects += impact.effects
    made = Plan(
        base=None if version is None else version.id,
        source=versions.digest_of(new.schedule_text, new.files),
        changes=changes_between(old, new, lives),
        hazards=summed(hazards),
        refusals=tuple(refusals_of(old, new, real=real, today=today)),
        people=sum(stages.get("active", 0) for stages in reports.stages(connection).values()),
        effects=tuple(sorted(effects.items())),
        turns=tuple(turn for impact in impacts.values() for turn in impact.turns),
        load=load_of(impacts.values()),
        lags=tuple(lags),
    )
    return _Reading(made, version, old, impacts, moment)


def _caught_up(connection: Connection, library: Library, reading: _Reading) -> Plan:
    """Return the plan as of now, with who moved on since it was read counted anew; raises Refused after another version."""
    newest = versions.newest(connection)
    if (None if newest is None else newest[0]) != reading.plan.base:
        raise Refused(_went_live(newest))
    hazards = [hazard for hazard in reading.plan.hazards if hazard.name not in COUNTED]
    for name, impact in reading.impacts.items():
        ids = standings.moved_since(connection, name, reading.moment)
        people = _People(connection, library, name, impact)
        moved: dict[int, Facts | None] = dict.fromkeys(ids)
        for start in range(0, len(ids), standings.PAGE):
            moved |= people.exactly(people.standings.some(ids[start : start + standings.PAGE]))
        impact.correct(moved)
        hazards += [hazard for hazard in impact.counted() if hazard.count]
    return replace(reading.plan, hazards=summed(hazards))


def _went_live(newest: tuple[int, str] | None) -> str:
    return f"version {newest[0] if newest else 0} went live since the plan; look at drip plan again"


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


def _impact(
    connection: Connection,
    library: Library,
    course: str,
    old: LiveCourse,
    new: LiveCourse,
    *,
    heard: Callable[[PersonTurn], None],
) -> Impact:
    """Return what the turn to *new* does to everybody on the course, page by page."""
    impact = Impact(old, new, stamps.now_in(connection).calendar, heard=heard)
    people = _People(connection, library, course, impact)
    unsure: set[object] = set()
    for rows in people.standings.pages():
        later = []
        for row in rows:
            key = row[standings.OWN :]
            if impact.add(row[0], key):
                continue
            facts = None if key in unsure else people.told(row)
            if facts is None:
                unsure.add(key)
                later.append(row)
            else:
                impact.learn(key, facts)
                impact.add(row[0], key)
        for enrollment, facts in people.exactly(later).items():
            exact = (facts.person.likeness(), tuple(facts.history), facts.opened)
            if not impact.add(enrollment, exact):
                impact.learn(exact, facts)
                impact.add(enrollment, exact)
    impact.sum_up()
    return impact


class _People:
    """Makes the facts about people of what was read of them."""

    def __init__(self, connection: Connection, library: Library, course: str, impact: Impact) -> None:
        self.standings = Standings(connection, course, finished=impact.adds)
        self._connection = connection
        self._library = library
        self._course = course
        self._impact = impact

    def told(self, row: Sequence[Any]) -> Facts | None:
        """Return the facts about everybody with such a row; None where they depend on the order of their letters."""
        standing = self.standings.of(row)
        person, had = standing.facts, standing.had
        since = self._library.course(person.version_id, self._course)
        if not self._impact.is_told(person, since, had):
            return None
        place = since.first_id(person.place or "")
        history = (*sorted(had - {place}), place) if had else ()
        return Facts(person, since, history, standing.opened)

    def exactly(self, rows: Sequence[Sequence[Any]]) -> dict[int, Facts]:
        """Return the facts about these people, by their letters in order."""
        histories = deliveries.histories(self._connection, [row[1] for row in rows], self._course) if rows else {}
        found = {}
        for row in rows:
            standing = self.standings.of(row)
            since = self._library.course(standing.facts.version_id, self._course)
            history = tuple(histories.get((row[1], standing.facts.occasion()), ()))
            found[row[0]] = Facts(standing.facts, since, history, standing.opened)
        return found


def _refuse(found: Plan, planned: Plan, accepting: Accepting) -> None:
    """Raise Refused, with every reason, unless *found* is what was planned and all of its hazards are accepted."""
    reasons = list(found.refusals)
    if found.base != planned.base:
        reasons.append(f"version {found.base} went live since the plan; look at drip plan again")
    elif found.source != planned.source:
        reasons.append("the files are not those of the plan; look at drip plan again")
    counts = {hazard.name: hazard.count for hazard in planned.hazards}
    for hazard in found.hazards:
        accepted = hazard.name in accepting.names
        most = min(counts.get(hazard.name, 0), accepting.most.get(hazard.name, hazard.count))
        if hazard.count > most and (accepted or hazard.needed):
            reasons.append(
                f"{hazard.name} is more than the plan showed ({hazard.count:,} now, {most:,} accepted); look at drip plan again"
            )
        elif hazard.needed and not accepted:
            reasons.append(f"{hazard.name} is not accepted: {hazard.text}")
    unknown = sorted(accepting.names - {hazard.name for hazard in planned.hazards})
    reasons += [f"{name} is no hazard of this plan; take --accept {name} away" for name in unknown]
    answered = accepting.by.strip() and accepting.reason.strip()
    if not answered and (accepting.names or any(hazard.needed for hazard in found.hazards)):
        reasons.append("say who accepts this and why, with --by and --reason")
    if reasons:
        raise Refused("\n".join(reasons))
