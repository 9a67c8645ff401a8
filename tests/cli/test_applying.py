"""`drip plan`, `apply`, `versions` and `rollback` as an operator meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.course import SCHEDULE, lesson
from tests.engine import Engine


def write(engine: Engine, words: str) -> None:
    """Give the letter `breathe` other words."""
    file = Path(engine.deployment.settings.emails) / "one/breathe.md"
    file.write_text(lesson("breathe", words), encoding="utf-8")


def digest_in(text: str) -> str:
    """Return the digest that `drip plan` printed for the next command."""
    found = re.search(r"apply ([0-9a-f]{12})", text)
    assert found is not None, text
    return found[1]


def test_a_change_of_wording_is_two_lines_and_a_digest(engine: Engine, run: Run) -> None:
    """The plan names the base, who is on the course, and the letter; the command to apply it can be copied."""
    engine.join("ada")
    engine.work()
    write(engine, "New words.")
    code, out, err = run("plan")
    assert 0 == code
    assert [
        "Live is version 1. 1 person is on the course; nobody's next letter moves.",
        "  breathe                      another wording",
    ] == (out.splitlines())
    code, out, _ = run("apply", digest_in(err))
    assert (0, "version 2 is live: letters not yet on their way take it\n") == (code, out)
    assert 2 == json.loads(run("versions", "--json")[1])["versions"][0]["version"]


def test_nothing_to_apply_is_no_version(engine: Engine, run: Run) -> None:
    """Files that say what is live say so and make nothing."""
    assert "The files say what is live." in run("plan")[1]
    code, _, err = run("apply")
    assert (0, "version 1 says the same already; nothing to apply\n") == (code, err)
    assert 1 == len(json.loads(run("versions", "--json")[1])["versions"])


def test_a_script_must_name_what_it_looked_at(engine: Engine, run: Run) -> None:
    """Without a terminal and a digest nothing happens, and neither does it with the digest of another plan."""
    write(engine, "New words.")
    code, _, err = run("apply")
    assert 2 == code
    assert "drip apply " in err
    digest = digest_in(run("plan")[2])
    write(engine, "Other words.")
    code, _, err = run("apply", digest)
    assert 1 == code
    assert "the plan is another one now" in err


def test_a_broken_file_is_told_with_its_line(engine: Engine, run: Run) -> None:
    """The faults are those of `drip check`; nothing is changed."""
    file = Path(engine.deployment.settings.emails) / "one/breathe.md"
    file.write_text(lesson("breathe", "{{ nothing }}"), encoding="utf-8")
    code, out, err = run("plan")
    assert (1, "") == (code, out)
    assert re.search(r"breathe\.md:\d+:\d+: L210", err)


def test_an_edit_of_dates_shows_whom_it_moves(engine: Engine, run: Run) -> None:
    """Totals for everybody, one line a person with --people, and the same in the JSON; applied, the next tick moves them."""
    engine.join("ada", "bea")
    engine.work()
    Path(engine.deployment.settings.schedule).write_text(SCHEDULE.replace("wait: 3 days", "wait: 3 weeks"), encoding="utf-8")
    code, out, err = run("plan")
    assert 0 == code
    assert "2 people are on the course: 2 get their next letter later." in out
    assert "small.breathe                3 days → 21 days" in out
    people = run("plan", "--people")[1]
    assert 2 == people.count("  later  breathe")
    found = json.loads(run("plan", "--json")[1])
    assert {"later": 2} == found["effects"]
    assert "later" == found["people_turned"][0]["effect"]
    before = engine.person("ada").next_letter_on
    assert 0 == run("apply", digest_in(err))[0]
    engine.work()
    after = engine.person("ada").next_letter_on
    assert before is not None
    assert after is not None
    assert after > before


def test_a_hazard_names_how_many_it_meets(engine: Engine, run: Run) -> None:
    """The count stands beside the name; without its acceptance nothing happens."""
    engine.join("ada")
    engine.work()
    schedule = Path(engine.deployment.settings.schedule)
    schedule.write_text(SCHEDULE.replace("          - {id: walk, wait: 1 week}\n", ""), encoding="utf-8")
    code, out, err = run("plan")
    assert 1 == code
    assert "HAZARD  removed-unread  1: people lose a lesson that was still before them" in out
    assert "--accept removed-unread=1" in err
    digest = digest_in(err)
    code, _, err = run("apply", digest)
    assert 1 == code
    assert "removed-unread is not accepted" in err
    who = ("--by", "Sam", "--reason", "it was wrong")
    code, _, err = run("apply", digest, "--accept", "removed-unread=0", *who)
    assert (1, "drip: removed-unread is more than the plan showed (1 now, 0 accepted); look at drip plan again\n") == (code, err)
    code, _, err = run("apply", digest, "--accept", "removed-unread", *who)
    assert (2, True) == (code, "by the plan of now: --accept removed-unread=1" in err)
    assert 2 == run("apply", digest, "--accept", "removed-unread=some", *who)[0]
    assert 0 == run("apply", digest, "--accept", "removed-unread=1", *who)[0]


def test_the_load_by_day_stands_beside_what_it_is(engine: Engine, run: Run) -> None:
    """Each day of the coming weeks has a line with a bar, and all days are in the JSON; every letter ahead is counted."""
    engine.join("ada", "bea")
    engine.work()
    Path(engine.deployment.settings.schedule).write_text(SCHEDULE.replace("wait: 3 days", "wait: 2 weeks"), encoding="utf-8")
    lines = run("plan")[1].splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("Letters a day"))
    assert re.match(r"Letters a day +now +then", lines[head])
    rows = [line.split() for line in lines[head + 1 :]]
    assert [("Tue", "2", "0"), *[("Tue", "2", "2")] * 3] == [(row[0], *row[2:4]) for row in rows[:-1]]
    assert [{"."}, {"#"}, {"#"}, {"#"}] == [{*row[4]} for row in rows[:-1]]
    assert ["later", "0", "2"] == rows[-1][:3]
    load = json.loads(run("plan", "--json")[1])["load"]
    assert [8, 8] == [sum(day[side] for day in load) for side in ("before", "after")]
    assert load == sorted(load, key=lambda day: day["day"])


def test_how_late_the_last_letter_is_stands_below_the_load(engine: Engine, run: Run) -> None:
    """A rate that is too small for a day is a hazard with its count, also where nothing else changes."""
    engine.join(*(f"p{number}" for number in range(30)))
    engine.work()
    schedule = Path(engine.deployment.settings.schedule)
    schedule.write_text(SCHEDULE.replace("    phases:", "    sending: {per_hour: 1}\n    phases:"), encoding="utf-8")
    code, out, err = run("plan")
    assert 1 == code
    assert re.search(r"HAZARD  over-capacity  \d+: letters leave on a later day than theirs, at the rate of small", out)
    assert re.search(r"At the rate of small the latest letter is one of \d{4}-\d\d-\d\d, \d+ days?", out)
    assert "nobody's next letter moves" in out
    lag = json.loads(run("plan", "--json")[1])["lags"][0]
    assert ("small", 0) == (lag["course"], lag["over_before"])
    assert lag["over"] > 0
    assert lag["late_hours"] > 24
    accept = re.findall(r"--accept (\S+)", err)
    run("apply", digest_in(err), "--accept", accept[0], "--by", "Sam", "--reason", "a new domain")
    schedule.write_text(schedule.read_text(encoding="utf-8").replace("wait: 3 days", "wait: 4 days"), encoding="utf-8")
    assert "over-capacity" not in run("plan")[1]


def test_what_need_not_be_accepted_is_offered_beside(engine: Engine, run: Run) -> None:
    """Reopening the finished has its own line; the digest alone applies the edit and leaves them as they are."""
    engine.join("ada")
    engine.run_to_the_end()
    schedule = Path(engine.deployment.settings.schedule)
    more = "          - {id: goodbye, wait: 1 week, numbered: false}\n"
    schedule.write_text(SCHEDULE.replace(more, f"{more}          - {{id: farewell, wait: 1 week}}\n"), encoding="utf-8")
    emails = Path(engine.deployment.settings.emails)
    (emails / "two/farewell.md").write_text(lesson("farewell"), encoding="utf-8")
    code, out, err = run("plan", "--people")
    assert 1 == code
    assert "HAZARD  reopen-finished  1: people who finished get letters again if you accept this" in out
    assert "  reopens  - no date → farewell " in out
    assert "To bring about reopen-finished as well: --accept reopen-finished=1 --by NAME --reason WHY" in err
    assert 0 == run("apply", digest_in(err))[0]
    engine.work()
    assert "finished" == engine.person("ada").state


def test_the_json_of_a_plan_is_one_document(engine: Engine, run: Run) -> None:
    """With nobody turned, with one and with two: what is written person by person is a list like any other."""
    write(engine, "New words.")
    assert [] == json.loads(run("plan", "--json")[1])["people_turned"]
    Path(engine.deployment.settings.schedule).write_text(SCHEDULE.replace("wait: 3 days", "wait: 3 weeks"), encoding="utf-8")
    for count, name in enumerate(("ada", "bea"), start=1):
        engine.join(name)
        engine.work()
        assert list(range(1, count + 1)) == [one["enrollment"] for one in json.loads(run("plan", "--json")[1])["people_turned"]]


def test_rollback_is_a_plan_like_any_other(engine: Engine, run: Run) -> None:
    """An earlier version goes live again as a new one; the files stay as they are."""
    write(engine, "New words.")
    run("apply", digest_in(run("plan")[2]))
    assert 1 == run("rollback", "1", "000000000000")[0]
    code, out, err = run("rollback", "1")
    assert 2 == code
    assert "another wording" in out
    digest = re.search(r"drip rollback 1 ([0-9a-f]{12})", err)
    assert digest is not None
    assert (1, "version 2 says the same already; nothing to apply\n") == run("apply", digest[1])[::2]
    assert (0, "version 3 is live: letters not yet on their way take it\n") == run("rollback", "1", digest[1])[:2]
    listed = run("versions")[1].splitlines()
    assert listed[0].startswith("   3  live")
    assert listed[0].endswith("back to version 1")
    assert "            1 letter in other words" == listed[1]
    assert 1 == run("rollback", "9")[0]


def test_a_rollback_keeps_the_reason(engine: Engine, run: Run) -> None:
    """Whoever says why reads it in the list, beside where it went back to; once there, nothing is left to roll back."""
    write(engine, "New words.")
    run("apply", digest_in(run("plan")[2]))
    digest = re.search(r"drip rollback 1 ([0-9a-f]{12})", run("rollback", "1")[2])
    assert digest is not None
    assert 0 == run("rollback", "1", digest[1], "--reason", "too early")[0]
    assert run("versions")[1].splitlines()[0].endswith("back to version 1: too early")
    assert (0, "version 3 says the same already; nothing to roll back\n") == run("rollback", "1")[::2]


def test_a_version_shows_how_it_differs(engine: Engine, run: Run) -> None:
    """Against the one before it, or against another; the lines of each file that differs, and the same in the JSON."""
    write(engine, "New words.")
    run("apply", digest_in(run("plan")[2]))
    code, out, _ = run("versions", "2")
    assert (0, "Version 2, against version 1: 1 letter in other words") == (code, out.splitlines()[0])
    assert {"--- emails/one/breathe.md (version 1)", "-Small steps.", "+New words."} <= set(out.splitlines())
    assert out == run("versions", "2", "1")[1]
    found = json.loads(run("versions", "1", "2", "--json")[1])
    assert (1, 1, 2, "wording") == (found["format"], found["older"], found["newer"], found["changes"][0]["kind"])
    assert "+New words." in found["diffs"][0]["lines"]
    assert (1, "", "drip: there is no version 7; drip versions lists them\n") == run("versions", "7")


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_the_json_has_a_format(engine: Engine, run: Run, command: str) -> None:
    """What a script reads says which format it is in."""
    write(engine, "New words.")
    planned = json.loads(run("plan", "--json")[1])
    document = planned if command == "plan" else json.loads(run("apply", planned["digest"], "--json")[1])
    assert 1 == document["format"]
