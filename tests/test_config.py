"""Settings: every fault at once, and nothing that contradicts itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drip import config
from drip.errors import SettingsError

REAL = {
    "SENDGRID_API_KEY": "SG.key",
    "DRIP_BASE_URL": "https://letters.example.com",
    "DRIP_SECRET_KEYS": "a-key-of-twenty-chars",
    "DRIP_SUPPRESSION_KEY": "a-key-of-twenty-chars",
}


def refusal(environment: dict[str, str]) -> str:
    """Return what is said about an environment that is refused."""
    with pytest.raises(SettingsError) as found:
        config.load(environment)
    assert 3 == found.value.exit_code
    return str(found.value)


def test_nothing_set_is_a_sandbox_on_this_machine(tmp_path: Path) -> None:
    """With its own SQLite file and its own keys."""
    settings = config.load({"DRIP_STATE": str(tmp_path)})
    assert ("sandbox", "sandbox") == (settings.door, settings.sender)
    assert settings.database == f"sqlite:///{tmp_path / 'drip.db'}"
    assert settings == config.load({"DRIP_STATE": str(tmp_path)})
    assert 0o600 == (tmp_path / "keys.json").stat().st_mode & 0o777


def test_a_command_is_typed_as_the_path_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's own `drip` brings the settings, so a line to copy names it, and not the program behind it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert config.command() == config.typed()
    (tmp_path / "drip").write_text("#!/bin/sh\n")
    (tmp_path / "drip").chmod(0o755)
    assert "drip" == config.typed()


def test_unknown_names_are_errors() -> None:
    """A slip in a name is told, and so is every other one."""
    said = refusal({"DRIP_DATABSE_URL": "x", "DRIP_REDIS": "y"})
    assert "DRIP_DATABSE_URL" in said
    assert "DRIP_REDIS " in said


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    """As NAME_FILE, trimmed."""
    (tmp_path / "key").write_text("a-key-of-twenty-chars\n")
    found = config.load({**REAL, "DRIP_SUPPRESSION_KEY": "", "DRIP_SUPPRESSION_KEY_FILE": str(tmp_path / "key")})
    assert "a-key-of-twenty-chars" == found.suppression_key
    assert "both set" in refusal({**REAL, "DRIP_SUPPRESSION_KEY_FILE": str(tmp_path / "key")})
    assert "cannot read" in refusal({"DRIP_REDIS_URL_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DRIP_SMTP_URL": "smtp://localhost"}, "either SENDGRID_API_KEY or DRIP_SMTP_URL"),
        ({"DRIP_BASE_URL": "http://letters.example.com"}, "https://"),
        ({"DRIP_BASE_URL": "letters.example.com"}, "DRIP_BASE_URL must be an address"),
        ({"DRIP_BASE_URL": "https://x.org/?a=1"}, "DRIP_BASE_URL must be an address"),
        ({"DRIP_SECRET_KEYS": ""}, "DRIP_SECRET_KEYS is not set"),
        ({"DRIP_SUPPRESSION_KEY": ""}, "DRIP_SUPPRESSION_KEY is not set"),
        ({"DRIP_SUPPRESSION_KEY": "short"}, "at least 16 characters"),
        ({"DRIP_SECRET_KEYS": "a-key-of-twenty-chars,short"}, "at least 16 characters"),
        ({"DRIP_LOG": "loud"}, "DRIP_LOG"),
        ({"SENDGRID_API_KEY": ""}, "no provider is set"),
        ({"DRIP_BASE_URL": "http://127.0.0.1:8000"}, "an address of this machine"),
        ({"DRIP_BASE_URL": "https://briefe.ex\u00e4mple.de"}, "DRIP_BASE_URL must be an address"),
        ({"DRIP_BASE_URL": "https://user:word@x.org"}, "DRIP_BASE_URL must be an address"),
        ({"SENDGRID_APIKEY": "SG.x"}, "did you mean SENDGRID_API_KEY"),
    ],
)
def test_contradictions_are_refused(change: dict[str, str], words: str) -> None:
    """Each with a sentence that says what to do."""
    assert words in refusal({**REAL, **change})


def test_every_fault_is_told_at_once() -> None:
    """One run of the program is enough to see them all."""
    said = refusal({**REAL, "DRIP_SECRET_KEYS": "", "DRIP_SUPPRESSION_KEY": "", "DRIP_LOG": "loud"})
    assert 3 == len(said.splitlines())


def test_keys_rotate_in_one_setting() -> None:
    """Oldest first, separated by commas."""
    keys = "the-first-key-of-all, the-second-key-of-all"
    assert ("the-first-key-of-all", "the-second-key-of-all") == config.load({**REAL, "DRIP_SECRET_KEYS": keys}).secret_keys


@pytest.mark.slow
def test_processes_that_start_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    """Keys of a sandbox are made once, whoever comes first."""
    script = "import sys; from drip import config; print(config.load({'DRIP_STATE': sys.argv[1]}).secret_keys[0])"
    state = str(tmp_path / "var")
    running = [subprocess.Popen([sys.executable, "-c", script, state], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = {process.communicate()[0].strip() for process in running}
    assert {json.loads((tmp_path / "var" / "keys.json").read_text())["secret_keys"][0]} == said
    assert ["keys.json"] == [path.name for path in (tmp_path / "var").iterdir()]


def test_a_child_reads_exactly_the_same_settings(tmp_path: Path) -> None:
    """What a process passes on is what it has."""
    settings = config.load({**REAL, "DRIP_STATE": str(tmp_path), "DRIP_LOG": "json"})
    environment = {name: value for name, value in config.environment_for(settings).items() if name in config.NAMES}
    assert settings == config.load(environment)


def test_what_guards_the_forms_is_read_and_checked(tmp_path: Path) -> None:
    """Keys and proxies are lists, the count is a number; each fault names its setting."""
    state = {"DRIP_STATE": str(tmp_path)}
    given = {
        "DRIP_API_KEYS": "a-key-of-one-server, a-key-of-another",
        "DRIP_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8",
        "DRIP_SIGN_UPS_PER_HOUR": "7",
    }
    found = config.load({**state, **given})
    assert (("a-key-of-one-server", "a-key-of-another"), 7) == (found.api_keys, found.sign_ups_per_hour)
    assert ("127.0.0.1", "10.0.0.0/8") == found.trusted_proxies
    environment = {name: value for name, value in config.environment_for(found).items() if name in config.NAMES}
    assert found == config.load(environment)
    for name, value, said in (
        ("DRIP_API_KEYS", "short", "at least 16"),
        ("DRIP_TRUSTED_PROXIES", "proxy.example.org", "DRIP_TRUSTED_PROXIES: 'proxy.example.org'"),
        ("DRIP_TRUSTED_PROXIES", "10.0.0.1/8", "DRIP_TRUSTED_PROXIES"),
        ("DRIP_SIGN_UPS_PER_HOUR", "0", "at least 1"),
        ("DRIP_SIGN_UPS_PER_HOUR", "many", "DRIP_SIGN_UPS_PER_HOUR"),
    ):
        with pytest.raises(SettingsError, match=said):
            config.read({name: value})


@pytest.mark.parametrize(("name", "there"), [("DISPLAY", True), ("WAYLAND_DISPLAY", True), ("TERM", sys.platform == "darwin")])
def test_a_browser_is_opened_only_where_it_can_be_seen(monkeypatch: pytest.MonkeyPatch, name: str, there: bool) -> None:  # noqa: FBT001
    """Over a line without a display, a text browser must not take the terminal."""
    for other in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, ":0")
    assert there == config.has_screen()


def test_a_private_folder_is_private_all_the_way(tmp_path: Path) -> None:
    """Whatever was missing above it is its owner's alone too; what was there stays as it was."""
    (tmp_path / "there").mkdir(mode=0o755)
    config.make_private(tmp_path / "there" / "var" / "log")
    modes = [(tmp_path / path).stat().st_mode & 0o777 for path in ("there", "there/var", "there/var/log")]
    assert [0o755, 0o700, 0o700] == modes
    config.make_private(tmp_path / "there" / "var" / "log")
