"""`drip subscribers add` as an operator meets it."""

from __future__ import annotations

import json

from drip.core.address import NAME_MAX
from drip.core.delivery import Refused
from drip.store import subscribers
from tests.cli.conftest import Run
from tests.engine import Engine


def name_of(engine: Engine, who: str) -> str:
    """Return what a subscriber is called."""
    with engine.database.read() as connection:
        found = subscribers.find(connection, engine.person(who).subscriber_id)
    assert found is not None
    return found.name


def test_a_proven_consent_begins_the_course_at_once(engine: Engine, run: Run) -> None:
    """With --confirmed the welcome letter is due now, in her zone and with her name."""
    code, out, err = run("subscribers", "add", "ada@Example.NET", "--confirmed", "--name", "Ada", "--timezone", "Asia/Tokyo")
    assert (0, "the course begins now\n", "") == (code, out, err)
    assert ("active", "Asia/Tokyo", "hello") == (
        engine.person("ada").state,
        engine.person("ada").zone,
        engine.person("ada").next_lesson,
    )
    assert "Ada" == name_of(engine, "ada")


def test_without_a_proof_she_is_asked(engine: Engine, run: Run) -> None:
    """Without --confirmed one letter asks, nothing else comes, and the zone is the course's."""
    code, out, _ = run("subscribers", "add", "ada@example.net")
    assert (0, "a letter asks this person to confirm\n") == (code, out)
    assert ("asked", "Europe/London") == (engine.person("ada").state, engine.person("ada").zone)
    engine.work()
    assert {"confirm": "submitted"} == engine.states("ada")


def test_her_country_is_two_capitals(engine: Engine, run: Run) -> None:
    """It is kept as it was given, also when she is added again without; anything else exits with 2 and a remedy."""
    code, _, err = run("subscribers", "add", "ada@example.net", "--country", "UK")
    assert 2 == code
    assert "there is no country 'UK'; did you mean GB?" in err
    assert 0 == run("subscribers", "add", "ada@example.net", "--country", "GB")[0]
    assert "GB" == engine.person("ada").country
    assert 0 == run("subscribers", "add", "ada@example.net", "--confirmed")[0]
    assert ("active", "GB") == (engine.person("ada").state, engine.person("ada").country)


def test_json_has_a_format(engine: Engine, run: Run) -> None:
    """The document says what became of it, by a word that is stable, and which enrollment it is."""
    code, out, err = run("subscribers", "add", "ada@example.net", "--confirmed", "--json")
    answer = json.loads(out)
    assert (0, "") == (code, err)
    assert {"format": 1, "result": "begun", "enrollment": engine.person("ada").id, "say": "the course begins now"} == answer


def test_a_bad_address_is_not_repeated(engine: Engine, run: Run) -> None:
    """What is no address exits with 2, and the message does not say it again: it may end up in a log."""
    for address in ("nobody", "two@@example.net", "a@b@example.net", "ada@example.net\nBcc: eve@example.net", " "):
        code, out, err = run("subscribers", "add", address, "--confirmed")
        assert (2, "") == (code, out)
        assert "this is not an email address" in err
        assert "eve@" not in err


def test_a_bad_zone_is_named(engine: Engine, run: Run) -> None:
    """An unknown zone exits with 2, shows how one is written, and enrolls nobody."""
    code, out, err = run("subscribers", "add", "ada@example.net", "--timezone", "Europe/Lodnon")
    assert (2, "") == (code, out)
    assert "there is no time zone 'Europe/Lodnon'; did you mean Europe/London?" in err
    with engine.database.read() as connection:
        assert subscribers.find(connection, 1) is None


def test_an_unknown_course_is_named(engine: Engine, run: Run) -> None:
    """The message says which courses there are."""
    code, out, err = run("subscribers", "add", "ada@example.net", "--course", "large")
    assert (1, "") == (code, out)
    assert "there is no course 'large'; running are: small" in err


def test_twice_is_once(engine: Engine, run: Run) -> None:
    """Who is on the course stays where she is, however the address is written, and gets no second letter."""
    run("subscribers", "add", "ada@example.net", "--confirmed")
    engine.work()
    for spelling in ("ada@example.net", "ADA@example.net"):
        code, out, _ = run("subscribers", "add", spelling, "--confirmed")
        assert (0, "this person is on the course already\n") == (code, out)
    engine.work()
    assert ["hello"] == engine.subjects("ada")


def test_asking_twice_makes_one_letter(engine: Engine, run: Run) -> None:
    """While a letter that asks is on its way, a second wish adds none."""
    for _ in range(2):
        assert 0 == run("subscribers", "add", "ada@example.net")[0]
    engine.work()
    assert 1 == len(engine.deliveries("ada"))


def test_who_left_can_only_come_back_herself(engine: Engine, run: Run) -> None:
    """An operator cannot enroll her, but can have her asked; the message says so."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    code, out, err = run("subscribers", "add", "ada@example.net", "--confirmed")
    assert (1, "") == (code, out)
    assert "only she can come back: add her without --confirmed" in err
    assert "left" == engine.person("ada").state
    assert 0 == run("subscribers", "add", "ada@example.net")[0]
    engine.work()
    assert {"hello": "submitted", "confirm": "submitted"} == engine.states("ada")


def test_a_suppressed_address_is_never_asked(engine: Engine, run: Run) -> None:
    """An address that bounced is refused with its reason, with and without a proof, and gets no letter."""
    engine.mailer.script.append(Refused("no such mailbox", position=0, bad_address=True))
    engine.join("ada")
    engine.work()
    for more in ([], ["--confirmed"]):
        code, out, err = run("subscribers", "add", "ada@example.net", *more)
        assert (1, "") == (code, out)
        assert "this address must not be mailed" in err
    code, out, _ = run("subscribers", "add", "ada@example.net", "--json")
    assert (1, "refused") == (code, json.loads(out)["result"])


def test_a_hostile_name_stays_one_plain_line(engine: Engine, run: Run) -> None:
    """Line ends, markup, template words and writing directions in a name come to nothing but letters."""
    hostile = "Ada\r\nBcc: eve@example.net \u202e{{ 7*7 }} <script>[x](http://evil.example)" + "a" * 200
    assert 0 == run("subscribers", "add", "ada@example.net", "--confirmed", "--name", hostile)[0]
    name = name_of(engine, "ada")
    assert len(name) <= NAME_MAX
    assert not {"\r", "\n", "\u202e"} & set(name)
    engine.work()
    assert {"hello": "submitted"} == engine.states("ada")
    assert "49" not in engine.mailer.requests[0].message.html


def test_no_database_yet_is_a_remedy(run: Run, nowhere: None) -> None:
    """Before the first start the message says what to do, exits with 3, and makes no file."""
    code, out, err = run("subscribers", "add", "ada@example.net")
    assert (3, "") == (code, out)
    assert "there is no database yet" in err
    assert "drip up" in err
