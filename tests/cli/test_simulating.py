"""`drip simulate` as an operator meets it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from drip.cli.chart import lines
from drip.core.simulation import Happening, Steps
from drip.flows import simulating
from tests.cli.conftest import Run
from tests.core.test_simulation import JOINED, LIVE, traveller
from tests.course import SCHEDULE, write_course
from tests.engine import Engine

FROM = ("--from", "2027-02-01", "--people", "60", "--weeks", "6")


@pytest.fixture
def course(nowhere: None, tmp_path: Path) -> Path:
    """The small course as files, in the folder where the command stands."""
    write_course(Path.cwd())
    return Path.cwd()


def test_the_same_seed_gives_the_same_bytes(course: Path, run: Run) -> None:
    """Twice the same command is twice the same output, as chart and as JSON; another seed is another population."""
    asked = (*FROM, "--pauses", "20%", "--leaves", "0.1", "--bounces", "5%", "--outage", "3@2027-02-15")
    for more in ((), ("--json",)):
        first = run("simulate", *asked, *more)
        assert 0 == first[0]
        assert first == run("simulate", *asked, *more)
        assert first[1] != run("simulate", *asked, *more, "--seed", "2")[1]


def test_the_json_tells_what_was_asked(course: Path, run: Run) -> None:
    """One document with a format, the seed, what was asked for, the sums, and the invariants that were looked at."""
    code, out, _ = run("simulate", *FROM, "--outage", "2", "--json")
    found = json.loads(out)
    assert (0, 1, "1", 60) == (code, found["format"], found["seed"], found["people"])
    assert ("small", "files", "made", "2027-02-01") == tuple(
        found["asked"][key] for key in ("course", "through", "people", "from")
    )
    assert found["letters"] == sum(found["days"].values()) == sum(found["hours"])
    assert [("2027-03-01T00:00:00+00:00", "2027-03-03T00:00:00+00:00")] == [
        (one["begins"], one["ends"]) for one in found["outages"]
    ]
    assert {"2027-03-01", "2027-03-02"}.isdisjoint(found["days"])
    assert 0 == found["broken_in_all"]


@pytest.mark.parametrize("width", [40, 80, 132])
def test_the_chart_fits_the_terminal(course: Path, run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """No line of weeks or hours is wider than the terminal, and it is all plain characters."""
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = run("simulate", *FROM)
    chart = out.split("\n\n")[1:3]
    assert max(len(line) for part in chart for line in part.splitlines()) <= width
    assert "#" in out
    assert out.isascii()


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--pauses", "lots"), "write 0.1 or 10%"),
        (("--leaves", "1.5"), "write 0.1 or 10%"),
        (("--outage", "0"), "as 3@2026-12-24"),
        (("--outage", "3@soon"), "as 3@2026-12-24"),
        (("--outage", "3@"), "as 3@2026-12-24"),
        (("--people", "0"), "1<=x<="),
        (("--from", "tomorrow"), "%Y-%m-%d"),
        (("--living", "--people", "5"), "leave --people out"),
    ],
)
def test_what_is_not_understood_is_named_with_the_remedy(course: Path, run: Run, options: tuple[str, ...], remedy: str) -> None:
    """Exit code 2, the option by its name, what to write instead, and no output."""
    code, out, err = run("simulate", *options)
    assert (2, "") == (code, out)
    assert remedy in err
    assert options[0] in err


def test_a_course_that_is_not_there_is_named(course: Path, run: Run) -> None:
    """The ids that there are stand in the message."""
    assert (1, "", "drip: there is no course 'large'; there is small\n") == run("simulate", "--course", "large")


def test_files_with_faults_are_not_walked_through(course: Path, run: Run) -> None:
    """The fault is told with its place, as by check, and nothing else is printed."""
    Path("schedules.yaml").write_text(SCHEDULE.replace("wait: 1 week", "wait: soon", 1), encoding="utf-8")
    code, out, err = run("simulate")
    assert (1, "") == (code, out)
    assert "schedules.yaml:" in err


def test_a_rate_is_honoured_and_its_lateness_told(course: Path, run: Run) -> None:
    """With three letters an hour the last one is late, the chart says by how much, and no hour has more."""
    slow = SCHEDULE.replace("    phases:", "    sending: {per_hour: 3}\n    phases:", 1)
    Path("schedules.yaml").write_text(slow, encoding="utf-8")
    found = json.loads(run("simulate", *FROM, "--json")[1])
    assert (3, 0) == (found["per_hour"], found["broken_in_all"])
    assert found["late"]["most_minutes"] >= 60
    assert "the latest" in run("simulate", *FROM)[1]


def test_what_does_not_fit_into_its_day_is_a_hazard(course: Path, run: Run) -> None:
    """Exit code 1, the hazard by the name that a plan gives it, and day by day how late the last letter was."""
    slow = SCHEDULE.replace("    phases:", "    sending: {per_hour: 1, grow: 1.1x daily}\n    phases:", 1)
    Path("schedules.yaml").write_text(slow, encoding="utf-8")
    code, out, _ = run("simulate", *FROM, "--people", "500", "--json")
    found = json.loads(out)
    assert (1, 0, "1.1x daily") == (code, found["broken_in_all"], found["grows"])
    (hazard,) = found["hazards"]
    assert "over-capacity" == hazard["name"]
    assert hazard["count"] == sum(day["over"] for day in found["late"]["days"].values())
    assert found["late"]["most_minutes"] == max(day["most_minutes"] for day in found["late"]["days"].values())
    assert found["late"]["letters"] == sum(day["letters"] for day in found["late"]["days"].values())
    assert list(found["limits"].values()) == sorted(found["limits"].values())
    assert 1 == next(iter(found["limits"].values())) < list(found["limits"].values())[-1]
    code, chart, _ = run("simulate", *FROM, "--people", "500")
    assert 1 == code
    assert f"HAZARD         over-capacity: {hazard['count']} letters do not fit" in chart
    assert "Rate           1 letters an hour, 1.1x daily: " in chart
    assert " not on that day" in chart


def test_what_fits_into_its_day_is_no_hazard(course: Path, run: Run) -> None:
    """Letters that are late by some hours and leave on their day are told, and end with 0."""
    slow = SCHEDULE.replace("    phases:", "    sending: {per_hour: 8}\n    phases:", 1)
    Path("schedules.yaml").write_text(slow, encoding="utf-8")
    code, out, _ = run("simulate", *FROM, "--json")
    found = json.loads(out)
    assert (0, [], 0) == (code, found["hazards"], found["waiting"])
    assert 0 < found["late"]["letters"]


def test_the_living_go_on_from_where_they_stand(engine: Engine, run: Run) -> None:
    """The people of the installation, through the version that is live and through the files, by their numbers."""
    engine.join("ada", "bo")
    engine.work()
    for more, through in (((), "files"), (("--live",), "live")):
        code, out, _ = run("simulate", "--living", "--json", *more)
        found = json.loads(out)
        assert (0, 2, 8, through) == (code, found["people"], found["letters"], found["asked"]["through"])
        assert 2 == found["finished"]["people"]


def test_made_people_go_through_the_live_version(engine: Engine, run: Run) -> None:
    """With --live the files may say what they like."""
    Path(engine.deployment.settings.schedule).write_text("courses: {}\n", encoding="utf-8")
    assert "60 people through small (live)" in run("simulate", *FROM, "--live")[1]


def test_a_broken_invariant_is_a_line_that_finds_the_letter_again() -> None:
    """The rule, the seed, the person's number, the lesson and the instant; more than are told are counted."""
    people = [traveller(number) for number in range(1, simulating.TOLD_MAX + 3)]
    steps = Steps(left=lambda **_: {})
    leave = Happening(JOINED + timedelta(days=10), "leave")
    for person in people:
        person.happenings = (*person.happenings, leave)
    run = simulating.simulate(LIVE, people, begins=JOINED, ends=JOINED + timedelta(days=90), steps=steps)
    asked = {"course": "course", "through": "files", "from": "2027-03-09"}
    found = simulating.told(run, LIVE, outages=[], asked=asked, seed="s")
    said = list(lines(found, 80))
    where = "seed s, person 1, b, 2027-03-23T09:00:00+00:00"
    assert [f"BROKEN  after-leaving  {where}: she left"] == [line for line in said if "person 1," in line]
    assert ("BROKEN  and 2 more than these", simulating.TOLD_MAX + 2) == (said[-1], found["broken_in_all"])
