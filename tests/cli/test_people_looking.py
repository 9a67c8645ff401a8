"""`drip subscribers show|list|export` as an operator meets them: masked addresses, no names, dates as she is shown them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from drip.flows import exporting, finding
from tests.cli.conftest import Run
from tests.engine import Engine


def test_show_says_where_she_is_and_what_comes(engine: Engine, run: Run) -> None:
    """Her place, the date of her next letter and her settings; the address masked, the name not at all."""
    engine.join("ada", country="GB")
    engine.work()
    engine.choose("ada", weekday="thu", send_at="10:30", pace="2", length="short", zone="Europe/Paris")
    code, out, err = run("subscribers", "show", "ADA@Example.net")
    person = engine.person("ada")
    assert person.next_letter_on is not None
    assert (0, "") == (code, err)
    assert out.startswith("a…@example.net\n\nCourse     small, enrollment 1: active\n")
    assert "Place      hello\n" in out
    assert f"Next       breathe on Thursday {person.next_letter_on.day} " in out
    assert "Settings   Thursday at 10:30, Europe/Paris, every 2 weeks, short letters\n" in out
    assert "Chose      country GB\n" in out
    assert "ada@" not in out.casefold()
    assert "Ada" not in out


def test_show_as_json_has_a_format(engine: Engine, run: Run) -> None:
    """A program reads the same facts; in an open pause there is no date."""
    engine.join("ada")
    engine.work()
    engine.pause("ada", None)
    code, out, _ = run("subscribers", "show", "ada@example.net", "--json")
    found = json.loads(out)
    (course,) = found["courses"]
    assert (0, 1, "a…@example.net") == (code, found["format"], found["address"])
    assert ("small", "active", "hello", "breathe", None, "open") == tuple(
        course[name] for name in ("course", "state", "place", "next", "next_on", "paused")
    )
    assert {"zone": "Europe/London", "days": ["tue"], "send_at": "09:00", "every_weeks": 1, "length": "full"}.items() <= course[
        "settings"
    ].items()
    assert "ada@" not in out.casefold()


def test_show_of_whoever_left_says_why_nothing_comes(engine: Engine, run: Run) -> None:
    """Her state, since when, and what the register says."""
    engine.join("ada")
    engine.work()
    engine.leave("ada")
    out = run("subscribers", "show", "ada@example.net")[1]
    assert "enrollment 1: left, since " in out
    assert "Register   her address must not be mailed: left\n" in out
    assert "Next       nothing\n" in out


@pytest.mark.parametrize("command", [("show",), ("export",), ("pause",), ("resume",), ("leave",)])
def test_nobody_and_no_address_have_their_exit_codes(engine: Engine, run: Run, command: tuple[str, ...]) -> None:
    """1 for nobody, also once she was forgotten; 2 for what is no address, which is not repeated; 1 for another course."""
    engine.join("ada")
    code, out, err = run("subscribers", *command, "zoe@example.net")
    assert (1, "") == (code, out)
    assert "there is nobody by this address" in err
    code, out, err = run("subscribers", *command, "zoe@@example.net")
    assert (2, "") == (code, out)
    assert "zoe" not in err
    if command != ("export",):
        code, _, err = run("subscribers", *command, "ada@example.net", "--course", "other")
        assert (1, "drip: this person is on no course called 'other'\n") == (code, err)
    engine.erase("ada")
    code, out, err = run("subscribers", *command, "ada@example.net")
    assert (1, "") == (code, out)
    assert "erased since" in err


def test_list_shows_masked_addresses_only(engine: Engine, run: Run) -> None:
    """A line for each enrollment, chosen by state; no address and no name stands there."""
    engine.join("ada", "bea", "cyd")
    engine.work()
    engine.leave("bea")
    code, out, err = run("subscribers", "list")
    assert (0, "") == (code, err)
    assert ["1", "2", "3"] == [line.split()[0] for line in out.splitlines()]
    assert "c…@example.net" in out
    assert not {"ada@", "bea@", "cyd@", "Ada", "Bea", "Cyd"} & {word for word in out.split() if "…" not in word}
    assert "@example.net" not in out.replace("…@example.net", "")
    out = run("subscribers", "list", "--state", "left", "--course", "small")[1]
    assert ["2"] == [line.split()[0] for line in out.splitlines()]
    assert (0, "", "nobody\n") == run("subscribers", "list", "--state", "asked")
    assert 2 == run("subscribers", "list", "--state", "gone")[0]
    assert 1 == run("subscribers", "list", "--course", "other")[0]


def test_list_goes_on_where_it_stopped(engine: Engine, run: Run) -> None:
    """A limit says how to go on, for people on stderr and for programs in the document."""
    engine.join("ada", "bea", "cyd")
    code, out, err = run("subscribers", "list", "--limit", "2")
    assert (0, 2, "there may be more: --after 2\n") == (code, len(out.splitlines()), err)
    out, err = run("subscribers", "list", "--limit", "2", "--after", "2")[1:]
    assert (1, "") == (len(out.splitlines()), err)
    found = json.loads(run("subscribers", "list", "--limit", "2", "--json")[1])
    assert (1, 2, [1, 2]) == (found["format"], found["after"], [one["enrollment"] for one in found["people"]])
    assert {"a…@example.net", "b…@example.net"} == {one["address"] for one in found["people"]}
    found = json.loads(run("subscribers", "list", "--json")[1])
    assert (None, 3) == (found["after"], len(found["people"]))
    assert {"format": 1, "people": [], "after": None} == json.loads(run("subscribers", "list", "--state", "left", "--json")[1])


def test_list_reads_a_page_at_a_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is lost or doubled where pages meet, and no more is read than is asked for."""
    names = [f"p{number}" for number in range(7)]
    engine.join(*names)
    monkeypatch.setattr(finding, "PAGE", 3)
    ids = [one.id for one in finding.people(engine.database)]
    assert sorted(set(ids)) == ids
    assert 7 == len(ids)
    assert ids[:5] == [one.id for one in finding.people(engine.database, limit=5)]
    assert ids[6:] == [one.id for one in finding.people(engine.database, after=ids[5])]
    one_by_one = finding.people(engine.database)
    next(one_by_one)
    engine.join("later")
    assert 7 == len(list(one_by_one))


def test_export_is_what_her_own_page_gives(engine: Engine, run: Run, tmp_path: Path) -> None:
    """The same rows; in a file that only its owner may read, and that nothing is written over."""
    engine.join("ada")
    engine.work()
    code, out, err = run("subscribers", "export", "ada@example.net")
    found = json.loads(out)
    assert (0, "") == (code, err)
    held = {one.title: list(one.rows) for one in exporting.everything(engine.database, engine.person("ada").public_id)}
    assert json.loads(json.dumps(held)) == {name: rows for name, rows in found.items() if name not in {"format", "made"}}
    assert "ada@example.net" in out
    file = tmp_path / "hers.json"
    code, out, err = run("subscribers", "export", "ada@example.net", str(file))
    assert (0, "") == (code, out)
    assert "give it to her, and delete it" in err
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert found.keys() == json.loads(file.read_text("utf-8")).keys()
    before = file.read_bytes()
    code, _, err = run("subscribers", "export", "ada@example.net", str(file))
    assert (1, True) == (code, "is there already" in err)
    assert before == file.read_bytes()
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "elsewhere.json")
    assert 1 == run("subscribers", "export", "ada@example.net", str(link))[0]
    assert not (tmp_path / "elsewhere.json").exists()
    assert 2 == run("subscribers", "export", "ada@example.net", str(tmp_path / "no" / "folder.json"))[0]
