"""Comparing: what each version changed against the one before it, and how any two of them differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.core.change import Change, Comparison, changes_between, diffs_between, file_changes
from drip.core.progress import LiveCourse
from drip.errors import NotFound, ProblemsFound
from drip.store import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drip.core.plan import Edition
    from drip.store.session import Database

    EditionOf = Callable[[versions.Version], Edition]
    """Reads a stored version as the files were read."""


def compare(database: Database, older: int | None, newer: int, edition_of: EditionOf) -> Comparison:
    """Return what version *newer* changed against *older*, with the diffs of their files; raises NotFound.

    With *older* None it is the version before *newer*; of the first version everything is new.
    """
    if older is None:
        older = _before(database, newer)
    after = _found(database, newer)
    before = None if older is None else _found(database, older)
    names = ("" if older is None else f"version {older}", f"version {newer}")
    texts = ("", {}) if before is None else (before.schedule_text, before.letters)
    diffs = diffs_between(texts, (after.schedule_text, after.letters), names)
    return Comparison(older, newer, _changes(before, after, edition_of), diffs)


def history(database: Database, edition_of: EditionOf) -> Iterator[dict[str, object]]:
    """Yield what is known of each version without its texts, the newest first, with its changes in one line."""
    with database.read() as connection:
        live = {state.version_id for state in versions.running(connection).values()}
        listed = versions.listed(connection)
    after: versions.Version | None = None
    for place, row in enumerate(listed):
        after = after or _found(database, row.id)
        before = _found(database, listed[place + 1].id) if place + 1 < len(listed) else None
        yield {
            "version": row.id,
            "live": row.id in live,
            "applied_at": row.applied_at.isoformat(),
            "by": row.applied_by,
            "note": row.note,
            "changes": Comparison(None, row.id, _changes(before, after, edition_of), ()).line,
        }
        after = before


def _before(database: Database, number: int) -> int | None:
    with database.read() as connection:
        return max((row.id for row in versions.listed(connection) if row.id < number), default=None)


def _found(database: Database, number: int) -> versions.Version:
    with database.read() as connection:
        found = versions.find(connection, number)
    if found is None:
        raise NotFound(f"there is no version {number}; drip versions lists them")
    return found


def _changes(before: versions.Version | None, after: versions.Version, edition_of: EditionOf) -> tuple[Change, ...]:
    """Return the changes from one version to the other; of one that today's rules refuse, what its files tell."""
    try:
        old, new = None if before is None else edition_of(before), edition_of(after)
    except ProblemsFound:
        texts = {} if before is None else before.letters
        changed = before is not None and before.schedule_text != after.schedule_text
        schedule = [Change("file", "schedules.yaml", "another wording")] if changed else []
        return (*schedule, *file_changes(texts, after.letters, {}))
    sides = [
        {}
        if version is None or edition is None
        else {
            name: LiveCourse(version.id, course, version.first_ids.get(name, {}))
            for name, course in edition.project.schedule.courses.items()
        }
        for version, edition in ((before, old), (after, new))
    ]
    return changes_between(old, new, {name: (sides[0][name], live) for name, live in sides[1].items() if name in sides[0]})
