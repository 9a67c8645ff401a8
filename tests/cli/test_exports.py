"""The exports of other tools, as they come: first who must not be mailed, then the people."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from drip.errors import NotFound
from drip.store.tables import consents, subscribers, suppressions
from tests.cli.conftest import Run
from tests.engine import Engine

EXPORTS = Path(__file__).parent / "exports"
TOOLS = {
    "kit": (["kit"], "kit", {"left", "hard-bounce"}),
    "mailchimp": (["mailchimp_unsubscribed", "mailchimp_cleaned"], "mailchimp_subscribed", {"left", "hard-bounce"}),
    "listmonk": (["listmonk"], "listmonk", {"left", "provider-unsubscribe"}),
}
"""By tool: the files of who must not be mailed, the file of people, and the reasons that come of it."""


def export(name: str) -> str:
    """Return the path of an export."""
    return str(EXPORTS / f"{name}.csv")


@pytest.mark.parametrize("tool", TOOLS)
def test_an_export_as_it_comes(engine: Engine, run: Run, tool: str) -> None:
    """Ada and Eve go on, with the instant they agreed; Bob left and Cyd bounced elsewhere, and stay out here."""
    lists, people, reasons = TOOLS[tool]
    for one in lists:
        code, out, err = run("suppressions", "import", export(one), "--recipe", tool, "--json")
        assert 1 >= code, err
    with engine.database.read() as connection:
        held = connection.execute(sa.select(suppressions.c.reason)).scalars().all()
    assert (2, reasons) == (len(held), set(held))
    code, out, err = run("subscribers", "import", export(people), "--recipe", tool, "--consent-source", "the old list", "--json")
    assert "drip suppressions import FILE" not in err
    answer = json.loads(out)
    assert 2 == answer["entered"], err
    assert (answer["lines"] - 2, answer["lines"] > 2) == (answer["refused"], code == 1)
    for who, day in (("ada", date(2024, 3, 5)), ("eve", date(2024, 3, 9))):
        person = engine.person(who)
        assert "active" == person.state
        with engine.database.read() as connection:
            agreed = connection.execute(
                sa.select(consents.c.at).where(consents.c.subscriber_id == person.subscriber_id)
            ).scalar_one()
        assert day == agreed.date()
    for who in ("bob", "cyd", "dan"):
        with pytest.raises(NotFound):
            engine.person(who)
    with engine.database.read() as connection:
        assert ["Ada"] == connection.execute(sa.select(subscribers.c.name).where(subscribers.c.name.in_(["Ada"]))).scalars().all()


@pytest.mark.parametrize("tool", ["mailchimp", "listmonk"])
def test_zone_and_country_come_along(engine: Engine, run: Run, tool: str) -> None:
    """Where the tool knows them; whoever has none gets the course's zone."""
    run("subscribers", "import", export(TOOLS[tool][1]), "--recipe", tool, "--consent-source", "the old list")
    assert ("Europe/Berlin", "DE") == (engine.person("ada").zone, engine.person("ada").country)
    assert ("Europe/London", "") == (engine.person("eve").zone, engine.person("eve").country)


@pytest.mark.parametrize("attributes", ['{"timezone": "Europe/Berlin"', "[1]", "{timezone: Europe/Berlin}", "[" * 5000])
def test_attributes_that_cannot_be_read_are_a_refused_line(engine: Engine, run: Run, tmp_path: Path, attributes: str) -> None:
    """Nobody's zone is lost without a word: the line is named with its column, and everybody else comes in."""
    lines = Path(export("listmonk")).read_text().splitlines()
    broken = next(line for line in lines if "ada@" in line)
    place = lines[0].split(",").index("attributes")
    cells = next(csv.reader([broken]))
    cells[place] = attributes
    file = tmp_path / "list.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(cells if line == broken else next(csv.reader([line])) for line in lines)
    _, out, err = run("subscribers", "import", str(file), "--recipe", "listmonk", "--consent-source", "the old list", "--json")
    assert 1 == json.loads(out)["refused_by_reason"]["shape"]
    assert "line 2, attributes: this is no JSON object" in " ".join(err.split())
    assert "active" == engine.person("eve").state
    with pytest.raises(NotFound):
        engine.person("ada")


def test_who_never_confirmed_there_can_be_asked_here(engine: Engine, run: Run) -> None:
    """Kit calls them inactive: they come in with --ask only."""
    code, out, _ = run(
        "subscribers", "import", export("kit"), "--recipe", "kit", "--consent-source", "the old list", "--ask", "--json"
    )
    assert (1, 3) == (code, json.loads(out)["asked"])
    assert "asked" == engine.person("dan").state
