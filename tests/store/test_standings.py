"""Where everybody stands, read in pages: the same as one by one, and without touching anybody's letters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench import halfway
from drip.store import deliveries, enrollments, standings
from drip.store.standings import OWN, Standings, moment, moved_since
from tests.conftest import Prepare
from tests.engine import Engine, engine_on


@pytest.fixture
def crowd(prepare: Prepare) -> Iterator[Engine]:
    """Three hundred people half-way, some of them finished."""
    with engine_on(prepare()) as engine:
        halfway.fill(engine.deployment, 300)
        yield engine


def test_everybody_is_read_once_and_as_she_is(crowd: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a row says of a person is what her enrollment and her letters say; pages leave nobody out."""
    monkeypatch.setattr(standings, "PAGE", 37)
    with crowd.database.read() as connection:
        read = Standings(connection, "small", finished=True)
        rows = [row for page in read.pages() for row in page]
        assert list(range(1, 301)) == [row[0] for row in rows]
        people = enrollments.find_many(connection, list(range(1, 301)))
        assert {"active", "finished"} == {person.state for person in people.values()}
        for row in rows:
            found, person = read.of(row), people[row[0]]
            assert set(deliveries.history(connection, person.subscriber_id, "small", "run:1")) == set(found.had)
            assert all(getattr(person, name) == getattr(found.facts, name) for name in standings._FACTS)
        active = Standings(connection, "small", finished=False)
        assert {"active"} == {active.of(row).facts.state for page in active.pages() for row in page}
        assert [7, 9] == [row[0] for row in read.some([9, 7, 9_999])]


def test_people_who_are_alike_have_the_same_row_but_for_their_ids(crowd: Engine) -> None:
    """Three hundred are of fewer kinds: that is what makes a million quick."""
    with crowd.database.read() as connection:
        rows = [row for page in Standings(connection, "small", finished=True).pages() for row in page]
    assert len({row[OWN:] for row in rows}) < len(rows) == 300


def test_the_index_alone_says_what_people_had(crowd: Engine) -> None:
    """SQLite looks at no row of a letter for it."""
    if not crowd.database.is_sqlite:
        pytest.skip("PostgreSQL decides by its own figures")
    with crowd.database.read() as connection:
        query = Standings(connection, "small", finished=False)._query
        compiled = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
    looks = [row[3] for row in plan if row[3].startswith("SEARCH deliveries")]
    assert [True, False] == ["COVERING INDEX" in look and "subscriber_id=? AND course=?" in look for look in looks]


def test_who_moved_on_is_found(crowd: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who joined, whose letter was opened, whose came to its result, and who left or came back; nobody else."""
    monkeypatch.setattr(standings, "SLACK", 0)

    def since(before: standings.Moment) -> list[int]:
        with crowd.database.read() as connection:
            return moved_since(connection, "small", before)

    def here() -> standings.Moment:
        with crowd.database.read() as connection:
            return moment(connection)

    start = here()
    assert [] == since(start)
    crowd.join("ada")
    ada = crowd.person("ada").id
    assert [ada] == since(start)
    joined = here()
    report = crowd.tick()
    assert [ada] == since(joined)
    opened = here()
    assert [] == since(opened)
    crowd.send(report)
    assert [ada] == since(opened)
    done = here()
    crowd.leave("ada")
    assert [ada] == since(done)
