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
    assert "--accept removed-unread" in err
    digest = digest_in(err)
    code, _, err = run("apply", digest)
    assert 1 == code
    assert "removed-unread is not accepted" in err
    assert 0 == run("apply", digest, "--accept", "removed-unread", "--by", "Sam", "--reason", "it was wrong")[0]


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
