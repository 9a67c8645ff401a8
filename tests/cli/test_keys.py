"""`drip keys` and `drip keys rotate`: a new key signs, and no old link dies."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from drip import config
from drip.core.token import LEAVE, Tokens
from tests.cli.conftest import Run

OLD = "the-first-key-of-all-links"
SUPPRESSION = "the-key-of-all-suppressions"


def test_fresh_keys_as_json(run: Run, nowhere: None) -> None:
    """The same two names, and nothing is stored."""
    code, out, _ = run("keys", "--json")
    found = json.loads(out)
    assert (0, 1) == (code, found["format"])
    assert {"format", "DRIP_SECRET_KEYS", "DRIP_SUPPRESSION_KEY"} == set(found)
    assert not Path("var").exists()


def test_a_file_of_keys_is_written_anew(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new key is the last, which signs; old links live; the file is its owner's alone, and nothing lies beside it."""
    file = Path("secret")
    file.write_text(f"{OLD}\n")
    file.chmod(0o644)
    link = Tokens([OLD]).sign(LEAVE, "ada")
    monkeypatch.setenv("DRIP_SECRET_KEYS_FILE", str(file))
    code, out, err = run("keys", "rotate")
    assert (0, "") == (code, out)
    first, fresh = file.read_text().strip().split(",")
    assert OLD == first
    assert fresh not in err
    assert "the pages first, on every host, and then the workers" in err
    assert "DRIP_SUPPRESSION_KEY stays as it is" in err
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert [file] == list(Path().iterdir())
    after = Tokens(config.read().secret_keys)
    assert "ada" == after.read(LEAVE, link)
    assert None is Tokens([OLD]).read(LEAVE, after.sign(LEAVE, "ada"))
    assert 0 == run("keys", "rotate")[0]
    assert (OLD, fresh) == config.read().secret_keys[:2]


def test_a_group_that_was_let_in_still_reads(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that reads its keys by its group must start again."""
    file = Path("secret")
    file.write_text(OLD)
    file.chmod(0o640)
    monkeypatch.setenv("DRIP_SECRET_KEYS_FILE", str(file))
    assert 0 == run("keys", "rotate")[0]
    assert 0o640 == stat.S_IMODE(file.stat().st_mode)


def test_keys_of_the_environment_are_printed_to_be_set(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can change another process's environment: the whole new value stands on stdout, and nothing else."""
    monkeypatch.setenv("DRIP_SECRET_KEYS", OLD)
    code, out, err = run("keys", "rotate")
    assert 0 == code
    name, _, value = out.strip().partition("=")
    assert ("DRIP_SECRET_KEYS", OLD) == (name, value.split(",")[0])
    assert 2 == len(value.split(","))
    assert "nothing was changed" in err
    found = json.loads(run("keys", "rotate", "--json")[1])
    assert (1, 2, None) == (found["format"], found["keys"], found["file"])


def test_the_keys_of_a_sandbox(run: Run, nowhere: None) -> None:
    """They stand in its own file; the suppression key beside them is left alone."""
    before = config.load()
    code, _, err = run("keys", "rotate")
    assert 0 == code, err
    after = config.load()
    assert before.secret_keys == after.secret_keys[:-1]
    assert before.suppression_key == after.suppression_key
    assert 0o600 == stat.S_IMODE(Path("var/keys.json").stat().st_mode)


def test_what_cannot_be_rotated_says_why(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key yet, a file that is not there, another who rotates, a sandbox's file that is broken: nothing is changed."""
    code, _, err = run("keys", "rotate")
    assert (3, True) == (code, "there is no key to rotate yet" in err)
    monkeypatch.setenv("DRIP_SECRET_KEYS_FILE", "gone")
    code, _, err = run("keys", "rotate")
    assert (3, True) == (code, "gone cannot be written anew" in err)
    file = Path("secret")
    file.write_text(OLD)
    Path(".secret.rotating").touch()
    monkeypatch.setenv("DRIP_SECRET_KEYS_FILE", "secret")
    code, _, err = run("keys", "rotate")
    assert (3, True) == (code, "is being rotated by somebody else" in err)
    assert OLD == file.read_text()
    monkeypatch.delenv("DRIP_SECRET_KEYS_FILE")
    Path("var").mkdir()
    Path("var/keys.json").write_text("{}")
    code, _, err = run("keys", "rotate")
    assert (3, True) == (code, "keys.json cannot be read" in err)
    assert "{}" == Path("var/keys.json").read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_may_not_be_written_to(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with secrets that something else manages: the remedy is said."""
    folder = Path("secrets")
    folder.mkdir()
    (folder / "keys").write_text(OLD)
    folder.chmod(0o500)
    monkeypatch.setenv("DRIP_SECRET_KEYS_FILE", "secrets/keys")
    code, _, err = run("keys", "rotate")
    folder.chmod(0o700)
    assert 3 == code
    assert "where that file is made" in err
