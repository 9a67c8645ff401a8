"""Too many complaints hold everything by themselves, say so, and stay held until an operator releases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from drip.flows import holding, listening, reporting, requesting
from drip.store import complaints, tallies, versions
from drip.store.tables import events
from tests.engine import Engine
from tests.flows.test_explaining import explain
from tests.flows.test_listening import hear, report

NAMES = tuple(f"p{number}" for number in range(6))


def had_a_letter(engine: Engine, *names: str) -> list[str]:
    """Let people join and get their first letter, and return its ids."""
    engine.join(*names)
    engine.work()
    return [engine.deliveries(name)[-1].public_id for name in names]


def held(engine: Engine) -> str:
    """Return why the course is held; '' when it is not."""
    with engine.database.read() as connection:
        return versions.running(connection)["small"].held_reason


def more_letters(engine: Engine, count: int, days_ago: int = 0) -> None:
    """Let many more letters have gone on a day."""
    now = engine.now()
    now = type(now)(now.machine - timedelta(days=days_ago), now.calendar - timedelta(days=days_ago))
    with engine.database.write() as connection:
        tallies.add(connection, "small", count, owner="others", now=now)


def test_three_of_a_few_hold_everything_and_say_so(engine: Engine) -> None:
    """The reason has the figures; status and why show it; the log has one line; nobody's letter goes."""
    letters = had_a_letter(engine, *NAMES)
    with capture_logs() as logs:
        hear(engine, *(report(one, "spamreport") for one in letters[:2]))
        assert "" == held(engine)
        hear(engine, report(letters[2], "spamreport"))
        hear(engine, report(letters[3], "spamreport"))
    assert held(engine).startswith("readers reported 3 of the 6 letters of ")
    assert [(3, 6, "error")] == [
        (line["complaints"], line["letters"], line["log_level"]) for line in logs if line["event"] == "held-for-complaints"
    ]
    assert held(engine) == reporting.status(engine.database, door=engine.door)["courses"][0]["held"]
    (rule,) = [one for one in explain(engine, "p5").rules if one.name == "hold"]
    assert ("waits", f"the course is held ({held(engine)}); drip release goes on") == (rule.verdict, rule.words)
    engine.go_on(days=14)
    engine.let_it_try_again()
    engine.work()
    assert 1 == len(engine.subjects("p5"))
    engine.assert_sound()


def test_after_a_release_the_old_ones_hold_nothing(engine: Engine) -> None:
    """Copies of the same reports, and two new ones, leave it open; a third new one holds it again."""
    letters = had_a_letter(engine, *NAMES)
    hear(engine, *(report(one, "spamreport") for one in letters[:3]))
    assert held(engine)
    holding.release(engine.database, "small")
    hear(engine, *(report(one, "spamreport", 1_800_000_009) for one in letters[:3]))
    assert "" == held(engine)
    hear(engine, *(report(one, "spamreport") for one in letters[3:5]))
    assert "" == held(engine)
    hear(engine, report(letters[5], "spamreport"))
    assert held(engine).startswith("readers reported 3 of the 6 letters")


def test_copies_count_once(engine: Engine) -> None:
    """One person's report in five copies, each with a second and an event id of its own, is one complaint."""
    letters = had_a_letter(engine, *NAMES)
    hear(engine, *(report(letters[0], "spamreport", 1_800_000_000 + second) for second in range(5)))
    assert "" == held(engine)


def test_one_reader_counts_once_for_all_her_letters_of_a_day(engine: Engine) -> None:
    """She asked for copies until there were enough and reported each: that is one person, and alone she holds nobody."""
    letters = had_a_letter(engine, *NAMES)
    for number in range(3):
        requesting.copy(engine.database, engine.library, engine.person("p0").public_id, letter="hello", nonce=f"nonce-{number}xx")
        engine.work()
    hers = [one.public_id for one in engine.deliveries("p0")]
    assert 4 == len(hers)
    hear(engine, *(report(one, "spamreport") for one in hers), {**report(None, "spamreport"), "email": "p0@example.net"})
    assert "" == held(engine)
    hear(engine, *(report(one, "spamreport") for one in letters[1:3]))
    assert held(engine).startswith("readers reported 3 of the 9 letters")


def test_a_share_is_what_counts_where_many_letters_went(engine: Engine) -> None:
    """Three of three thousand are one in a thousand and hold nothing; the fourth does."""
    letters = had_a_letter(engine, *NAMES)
    more_letters(engine, 3_000 - len(NAMES))
    hear(engine, *(report(one, "spamreport") for one in letters[:3]))
    assert "" == held(engine)
    hear(engine, report(letters[3], "spamreport"))
    assert "4 of the 3,000 letters" in held(engine)


def test_the_day_of_the_letter_is_what_counts(engine: Engine) -> None:
    """Reports that come late are held against the many letters of their own day, not against the few of a quiet one."""
    letters = had_a_letter(engine, *NAMES)
    with engine.database.write() as connection:
        yesterday = engine.now().machine - timedelta(days=1)
        table = sa.table("deliveries", sa.column("state_at", sa.DateTime(timezone=True)))
        stamp = yesterday.replace(tzinfo=None) if connection.dialect.name == "sqlite" else yesterday
        connection.execute(table.update().values(state_at=stamp))
    more_letters(engine, 5_000, days_ago=1)
    hear(engine, *(report(one, "spamreport") for one in letters[:5]))
    assert "" == held(engine)
    hear(engine, report(letters[5], "spamreport"))
    assert "6 of the 5,000 letters" in held(engine)


def test_what_is_not_ours_counts_for_nothing(engine: Engine) -> None:
    """Reports of letters and addresses that another tool on the same account wrote to hold nobody."""
    had_a_letter(engine, *NAMES)
    foreign = [report(f"{number}-feedface", "spamreport") for number in range(900, 910)]
    strangers = [{**report(None, "spamreport"), "email": f"stranger{number}@example.net"} for number in range(10)]
    hear(engine, *foreign, *strangers)
    assert "" == held(engine)
    with engine.database.read() as connection:
        assert None is complaints.too_many(connection, engine.now().machine)


def test_whoever_is_named_by_address_alone_counts(engine: Engine) -> None:
    """Late reports may lack our id: the address stands in, once for each person."""
    had_a_letter(engine, *NAMES)
    named = [{**report(None, "spamreport", 1_800_000_000 + second), "email": "p0@example.net"} for second in range(3)]
    hear(engine, *named)
    assert "" == held(engine)
    hear(engine, *({**report(None, "spamreport"), "email": f"{name}@example.net"} for name in NAMES[1:3]))
    assert "3 of the 6 letters" in held(engine)


def test_what_an_operator_held_keeps_its_reason(engine: Engine) -> None:
    """Complaints that come meanwhile write nothing over it, and its release settles them."""
    letters = had_a_letter(engine, *NAMES)
    holding.hold(engine.database, None, "a look")
    hear(engine, *(report(one, "spamreport") for one in letters[:4]))
    assert "a look" == held(engine)
    holding.release(engine.database, None)
    hear(engine, report(letters[4], "spamreport"))
    assert "" == held(engine)


@pytest.mark.parametrize("listeners", [2, 4])
def test_listeners_at_once_see_each_others_complaints(engine: Engine, listeners: int) -> None:
    """However the reports fall to them, together they hold; none of them waits for another for ever."""
    letters = had_a_letter(engine, *NAMES)
    troubles: list[object] = []
    barrier = threading.Barrier(listeners)

    def listen() -> None:
        barrier.wait()
        try:
            for one in letters[:3]:
                hear(engine, report(one, "spamreport"))
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            troubles.append(trouble)

    threads = [threading.Thread(target=listen) for _ in range(listeners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while listening.work(engine.database, engine.library):
        pass
    assert [] == troubles
    assert "3 of the 6 letters" in held(engine)
    engine.assert_sound()


def test_complaints_are_found_by_their_index(engine: Engine) -> None:
    """Among a million reports the few that say spam are not looked for one by one."""
    query = sa.select(events.c.delivery).where(sa.text("outcome = 'complained'"), events.c.received_at > engine.now().machine)
    with engine.database.read() as connection:
        if connection.dialect.name == "sqlite":
            plan = " ".join(row[3] for row in connection.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled(connection, query)}")))
        else:
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            plan = " ".join(row[0] for row in connection.execute(sa.text(f"EXPLAIN {compiled(connection, query)}")))
    assert "ix_events_complaints" in plan


def compiled(connection: sa.Connection, query: sa.Select[tuple[str]]) -> str:
    """Return a query with its values in it."""
    return str(query.compile(connection, compile_kwargs={"literal_binds": True}))
