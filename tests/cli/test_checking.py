"""`drip check` and `drip schema` as an operator meets them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from itertools import takewhile
from pathlib import Path

import pytest

from drip import clock
from drip.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where the operator stands: beside schedules.yaml."""
    monkeypatch.chdir(ROOT)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of one command."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, said.out, said.err


def test_a_sound_course_ends_with_its_calendar(capsys: pytest.CaptureFixture[str]) -> None:
    """Both paces stand side by side with number, id and weekday."""
    code, out, err = run(capsys, "check", "--join", "2026-03-01")
    assert code == 0
    assert "warning" in err
    assert "who joins on Sun  1 Mar 2026 in Europe/London" in out
    (row,) = (line.split() for line in out.splitlines() if " sleep-anchor " in line)
    assert row[:3] == ["4", "sleep-anchor", "Tue"]
    assert len(row) == 10
    assert all(len(line) <= 80 for line in out.splitlines() if "warning" not in line)


def test_the_calendar_is_in_the_zone_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Nine o'clock in Tokyo is midnight in UTC."""
    code, out, _ = run(capsys, "check", "--json", "--join", "2026-03-01", "--zone", "Asia/Tokyo")
    answer = json.loads(out)
    (calendar,) = answer["calendars"]
    assert (code, answer["format"], answer["ok"], answer["errors"]) == (0, 1, True, 0)
    assert calendar["zone"] == "Asia/Tokyo"
    assert calendar["joined"] == "2026-03-01T03:00:00+00:00"
    sleep = next(entry for entry in calendar["every_week"] if entry["lesson"] == "sleep-anchor")
    assert sleep["number"] == 4
    assert sleep["due_at"].endswith("T00:00:00+00:00")
    assert [entry["lesson"] for entry in calendar["every_week"]] == [entry["lesson"] for entry in calendar["every_two_weeks"]]


def test_who_joins_joins_today(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --join the calendar begins on the day the clock shows."""
    before = clock.read().calendar
    answer = json.loads(run(capsys, "check", "--json")[1])
    assert before.isoformat() <= answer["calendars"][0]["joined"] <= clock.read().calendar.isoformat()


def test_faults_leave_the_calendar_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken schedule exits with 1 and shows every fault but no dates."""
    schedule = tmp_path / "plan.yaml"
    schedule.write_text(
        (ROOT / "schedules.yaml").read_text().replace("wait: 3 days", "wait: 3 dyas", 1).replace("timezone: E", "timezone: X")
    )
    code, out, err = run(capsys, "check", "--schedule", str(schedule))
    assert code == 1
    assert "who joins" not in out
    assert f"{schedule}:" in out
    assert " S105 " in out
    assert " S203 " in out
    assert err.startswith("2 errors and")
    code, out, _ = run(capsys, "check", "--json", "--schedule", str(schedule))
    answer = json.loads(out)
    assert (code, answer["ok"], answer["errors"], answer["calendars"]) == (1, False, 2, [])
    assert {"file", "line", "column", "code", "severity", "text", "hint"} == set(answer["problems"][0])


def test_errors_stand_last_and_the_json_keeps_its_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees errors nearest to the prompt; a machine gets everything by file and line."""
    emails = tmp_path / "emails"
    shutil.copytree(ROOT / "emails", emails)
    welcome = emails / "orient/welcome.md"
    welcome.write_text(welcome.read_text().replace("That is all for today", "Results are guaranteed"))
    code, out, err = run(capsys, "check", "--emails", str(emails))
    lines = [line for line in out.splitlines() if line]
    assert code == 1
    assert f"{welcome}:33:13: B01 " in lines[-1]
    assert f"{welcome}:33" not in "".join(lines[:-1])
    assert all(line.endswith(("(warning)", "warnings)")) or line.startswith("  ") for line in lines[:-1])
    assert err.startswith("1 error and ")
    answer = json.loads(run(capsys, "check", "--json", "--emails", str(emails))[1])
    places = [(each["file"], each["line"], each["column"]) for each in answer["problems"]]
    assert places == sorted(places)


def test_what_many_letters_are_warned_of_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """One line tells it and the next names the files; another warning stands by itself, and the JSON has each place."""
    _, out, err = run(capsys, "check")
    lines = out.splitlines()
    problems = json.loads(run(capsys, "check", "--json")[1])["problems"]
    unread = [problem["file"] for problem in problems if problem["code"] == "R-REV"]
    (told,) = (number for number, line in enumerate(lines) if "R-REV" in line)
    assert lines[told].endswith(f"({len(unread)} warnings)")
    assert sorted(unread) == " ".join(takewhile(lambda line: line.startswith("  "), lines[told + 1 :])).split()
    assert [2, len(problems)] == [sum(line.endswith("  (warning)") for line in lines), int(err.split()[0])]


def test_drafts_are_judged_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What waits in a draft is one warning, and `--drafts` shows it all and fails by it."""
    emails = tmp_path / "emails"
    shutil.copytree(ROOT / "emails", emails)
    welcome = emails / "orient/welcome.md"
    text = welcome.read_text().replace("That is all for today", "Results are guaranteed, and you failed")
    welcome.write_text(text.replace("refs:", "draft: true\nrefs:"))
    code, out, _ = run(capsys, "check", "--emails", str(emails))
    assert code == 0
    (line,) = (line for line in out.splitlines() if "orient/welcome.md:" in line)
    assert "L207 draft; 2 editorial findings wait  run drip check --drafts" in line
    code, out, _ = run(capsys, "check", "--drafts", "--emails", str(emails))
    assert code == 1
    assert {"B01", "B10"} <= {line.split()[1] for line in out.splitlines() if "orient/welcome.md" in line}


def test_the_check_of_the_course_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    """Rendering and reading every letter takes seconds of work, not minutes, whatever else the machine does."""
    before = time.process_time()
    run(capsys, "check", "--json")
    assert time.process_time() - before < 10


def test_shingles_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nine words give two hashes, in order; a file that is not there is said to be so."""
    text = tmp_path / "text.txt"
    text.write_text("One two three, four five six; seven eight nine.")
    code, out, _ = run(capsys, "shingles", str(text))
    assert code == 0
    assert [12, 12] == [len(line) for line in out.splitlines()]
    assert out.splitlines() == sorted(out.splitlines())
    assert run(capsys, "shingles", str(tmp_path / "none"))[0] == 1


def test_a_template_fault_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check renders every letter, so a name that does not exist is found at its line."""
    emails = tmp_path / "emails"
    shutil.copytree(ROOT / "emails", emails)
    letter = emails / "orient/welcome.md"
    lines = letter.read_text().split("\n")
    line = next(number for number, words in enumerate(lines, start=1) if "{{ lessons_total }}" in words)
    letter.write_text("\n".join(lines).replace("{{ lessons_total }}", "{{ lesson_totals }}"))
    code, out, _ = run(capsys, "check", "--emails", str(emails))
    assert code == 1
    assert f"{letter}:{line}:1: L210 " in out


def test_missing_files_are_problems_not_tracebacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two names that lead nowhere give two lines."""
    code, out, _ = run(capsys, "check", "--schedule", str(tmp_path / "a.yaml"), "--emails", str(tmp_path / "b"))
    assert code == 1
    assert [" F101 " in line for line in out.splitlines()] == [True, True]


@pytest.mark.parametrize(
    "arguments", [["chekc"], ["check", "--join", "soon"], ["check", "--zone", "Europe/Lodnon"], ["check", "--nope"]]
)
def test_a_command_that_is_not_understood_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Usage is said on stderr, and stdout stays empty for whoever reads data from it."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err


def test_no_colour_when_asked() -> None:
    """NO_COLOR wins over a terminal that would show colours."""
    command = [sys.executable, "-c", "from drip.cli import main; main()", "check"]
    forced = {**os.environ, "FORCE_COLOR": "1"}
    forced.pop("NO_COLOR", None)
    coloured = subprocess.run(command, cwd=ROOT, env=forced, capture_output=True, text=True, check=True).stdout
    plain = subprocess.run(command, cwd=ROOT, env={**forced, "NO_COLOR": "1"}, capture_output=True, text=True, check=True).stdout
    assert "\x1b[33m" in coloured
    assert "\x1b[33m" not in plain


def test_help_is_instant() -> None:
    """Help imports no worker, no database, no models and no YAML."""
    script = "import sys; from drip.cli import drip; drip.main(['--help'], standalone_mode=False); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "check" in said
    assert not {"celery", "sqlalchemy", "pydantic", "yaml", "rich", "jinja2"} & set(said.split())


@pytest.mark.parametrize("command", ["schema", "keys"])
def test_a_reader_that_has_read_enough_meets_no_trace(command: str) -> None:
    """Behind a pipe that is closed early, as by `head`, a command ends quietly, whether it had said much or little."""
    script = f"from drip.cli import main; main(['{command}'])"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (b"", 1) == (process.stderr.read(), process.wait())


def test_every_command_is_where_it_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command shows its help."""
    for name in COMMANDS:
        code, out, _ = run(capsys, name, "--help")
        assert code == 0
        assert f"drip {name}" in out


def test_the_schema_is_printed_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed passes the check, and anything else fails it with the command that mends it."""
    code, out, _ = run(capsys, "schema")
    assert code == 0
    assert out == (ROOT / "schedules.schema.json").read_text()
    stale = tmp_path / "stale.json"
    stale.write_text("{}")
    assert run(capsys, "schema", "--check")[0] == 0
    code, out, err = run(capsys, "schema", "--check", "--file", str(stale))
    assert (code, out) == (1, "")
    assert "drip schema >" in err
    assert run(capsys, "schema", "--check", "--file", str(tmp_path / "none"))[0] == 1
