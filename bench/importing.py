"""Importing people from a file, beside bare INSERTs of the very rows that it makes."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drip import config
from drip.core.newcomer import Terms
from drip.core.recipe import people_columns
from drip.files.sheet import read_sheet
from drip.flows.importing import PAGE, Importer
from drip.wiring import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TABLES = ("subscribers", "enrollments", "consents", "omissions")
"""What an import writes, in the order of the references between them."""

ZONES = ("Europe/London", "Europe/Berlin", "America/New_York", "Australia/Sydney", "")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "")
NAMES = ("Ana", "Björk", "Chidi", "", "Dörte", "Emily & Jo", "Fatima")


def run(make: Callable[[], str], state: Path, people: int) -> dict[str, Any]:
    """Return how fast so many lines come in, in all and beside bare INSERTs of the same rows into a database of its own."""
    state.mkdir()
    deployments = [_prepared(make(), state / name) for name in ("imported", "bare")]
    imported, bare = deployments
    live = imported.library.course(1, next(iter(imported.edition().project.schedule.courses)))
    file = state / "people.csv"
    _write(file, people, [lesson.id for lesson in live.course.sequence[:-1]])
    begun = time.perf_counter()
    sheet = read_sheet(file)
    importer = Importer(
        imported.database,
        imported.library,
        sheet,
        people_columns(sheet.columns),
        Terms("the bench"),
        course="",
        suppression_key=imported.suppression_key,
        dry_run=False,
    )
    report = importer.run(refused=lambda _refusal, _row: None, done=lambda _lines: None)
    seconds = time.perf_counter() - begun
    bare_seconds, rows = _bare(imported, bare)
    for deployment in deployments:
        deployment.database.dispose()
    return {
        "lines": report.lines,
        "entered": report.entered,
        "seconds": round(seconds, 2),
        "lines_per_second": round(report.lines / seconds),
        "rows": rows,
        "bare_insert_seconds": round(bare_seconds, 2),
        "ratio": round(bare_seconds / seconds, 3),
        "seconds_for_100000_lines": round(seconds / report.lines * 100_000, 1),
    }


def _prepared(url: str, state: Path) -> Deployment:
    deployment = Deployment(config.load({"DRIP_STATE": str(state), "DRIP_DATABASE_URL": url}))
    deployment.prepare()
    return deployment


def _write(file: Path, people: int, lessons: Sequence[str]) -> None:
    """Write a file of people in the middle of a course, as another tool would export it."""
    chance = random.Random(1)
    with file.open("w", encoding="utf-8") as lines:
        lines.write("email,name,timezone,weekday,last_lesson,consented_at\n")
        for number in range(people):
            facts = (chance.choice(NAMES), chance.choice(ZONES), chance.choice(DAYS), chance.choice(lessons))
            lines.write(f"person.{number:07d}@example.net,{','.join(facts)},2025-0{number % 9 + 1}-11 10:00:00\n")


def _bare(source: Deployment, target: Deployment) -> tuple[float, int]:
    """Copy the rows of an import with the driver alone, as many in a transaction; return the seconds of writing and the rows."""
    with source.database.engine.connect() as taken, target.database.engine.connect() as given:
        reader, writer = taken.connection.driver_connection, given.connection.driver_connection
        if reader is None or writer is None:
            raise OSError("the databases are closed")
        place = "?" if isinstance(writer, sqlite3.Connection) else "%s"
        seconds, count = 0.0, 0
        for page in _pages(reader, place):
            begun = time.perf_counter()
            cursor = writer.cursor()
            if isinstance(writer, sqlite3.Connection):
                cursor.execute("BEGIN IMMEDIATE")
            for statement, rows in page:
                cursor.executemany(statement, rows)
                count += len(rows)
            writer.commit()
            seconds += time.perf_counter() - begun
    return seconds, count


def _pages(reader: Any, place: str) -> list[list[tuple[str, list[Any]]]]:  # noqa: ANN401 - either driver's connection
    """Return the statements and rows of each page, ready in memory."""
    found: list[list[tuple[str, list[Any]]]] = []
    cursor = reader.cursor()
    for table in TABLES:
        key = "enrollment_id" if table == "omissions" else "id"
        cursor.execute(f"SELECT * FROM {table} ORDER BY {key}")  # noqa: S608 - the names are above
        names = [column[0] for column in cursor.description]
        marks = ", ".join([place] * len(names))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - as above
        where = names.index(key)
        for row in cursor.fetchall():
            number = (int(row[where]) - 1) // PAGE
            while len(found) <= number:
                found.append([])
            if not found[number] or found[number][-1][0] != statement:
                found[number].append((statement, []))
            found[number][-1][1].append(row)
    reader.rollback()
    return found
