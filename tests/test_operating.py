"""The operator's manual, typed: what it tells to copy is understood, and what can run here does what it says."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from drip import config
from drip.cli import drip as command_line
from drip.config import NAMES
from drip.flows import restoring
from drip.flows.ticking import CameBack
from drip.store.stamps import REAL
from drip.wiring import Deployment
from tests.conftest import KEYS, ask_for
from tests.course import LESSONS, write_course
from tests.engine import Engine
from tests.mailer import RememberingMailer

ROOT = Path(__file__).parents[1]
MANUAL = (ROOT / "docs" / "operating.md").read_text("utf-8")
EXAMPLES = ROOT / "docs" / "examples"
PARTS = ["A small server in an hour", "The first real letter", "Day by day", "The bad nights", "Reference"]


def blocks(text: str = MANUAL) -> list[str]:
    """Return every block of shell in the manual."""
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def block(containing: str) -> str:
    """Return the one block of shell that holds some words."""
    (found,) = [one for one in blocks() if containing in one]
    return found


def unit(name: str) -> dict[str, list[str]]:
    """Return the lines of a systemd unit, by name."""
    found: dict[str, list[str]] = {}
    for line in (EXAMPLES / name).read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def sh(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script with an environment of its own."""
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# The text -----------------------------------------------------------------------------------------------------------


def test_the_manual_goes_from_an_empty_machine_to_the_reference() -> None:
    """In this order, and its list at the head leads to each part."""
    assert PARTS == re.findall(r"^## (.*)", MANUAL, re.MULTILINE)
    anchors = re.findall(r"^\d\. \[(.*?)\]\(#(.*?)\)", MANUAL, re.MULTILINE)
    assert [(part, part.lower().replace(" ", "-")) for part in PARTS] == anchors


def test_every_block_of_shell_is_shell() -> None:
    """A night is no time to find a quote that is missing."""
    assert len(blocks()) > 20
    for one in blocks():
        done = subprocess.run(["bash", "-n"], input=one, capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr), one


def test_every_file_that_is_copied_is_there() -> None:
    """And each example is copied somewhere."""
    named = set(re.findall(r"docs/examples/([\w.-]+)", MANUAL))
    assert {path.name for path in EXAMPLES.iterdir()} == named


def test_every_section_that_is_named_is_there() -> None:
    """What stands in italics as the name of a section is one."""
    heads = {re.sub(r"^\d\. ", "", head) for head in re.findall(r"^###? (.*)", MANUAL, re.MULTILINE)}
    heads |= {re.sub(r"^\d\. ", "", head) for head in re.findall(r"^\*\*(.*?)\.\*\*", MANUAL, re.MULTILINE)}
    named = set(re.findall(r"(?:See|see|reads|of|section|under) \*([A-Z][^*]{8,})\*", MANUAL))
    assert named
    assert set() == named - heads


# The unit -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def systemd_analyze() -> str:
    """The path of systemd's own examiner of units."""
    return ask_for("systemd-analyze", shutil.which("systemd-analyze"))


def test_systemd_finds_no_fault_in_the_units(systemd_analyze: str, tmp_path: Path) -> None:
    """Every line of all three is one that it knows."""
    for path in EXAMPLES.glob("drip*.*"):
        if path.suffix in {".service", ".timer"}:
            text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text("utf-8"), flags=re.MULTILINE)
            (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [systemd_analyze, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "drip" in line]
    assert ([], 0) == (ours, done.returncode)


def test_the_unit_starts_what_there_is() -> None:
    """Its command and option exist, its folders are those of the settings, and it leaves time for letters on their way."""
    found = unit("drip.service")
    program, name, *options = found["ExecStart"][0].split()
    up = command_line.get_command(None, name)  # type: ignore[arg-type] # it asks no context
    assert up is not None
    known = {option for parameter in up.params for option in parameter.opts}
    assert ("/opt/drip/.venv/bin/drip", set()) == (program, set(options) - known)
    assert {"/opt/drip"} == set(found["WorkingDirectory"])
    assert f"/var/lib/{found['StateDirectory'][0]}" == settings_file()["DRIP_STATE"]
    assert int(found["TimeoutStopSec"][0]) > 2 * 25 + 20
    assert "mixed" == found["KillMode"][0]


def test_the_service_needs_no_more_than_the_manual_gives_it() -> None:
    """A worker tells its life by the boot id, so the one thing that would hide it is not asked for."""
    found = unit("drip.service")
    assert "ProcSubset" not in found
    assert {"strict", "yes"} == set(found["ProtectSystem"] + found["NoNewPrivileges"] + found["PrivateTmp"])
    assert ["AF_UNIX AF_INET AF_INET6"] == found["RestrictAddressFamilies"]


# The settings -------------------------------------------------------------------------------------------------------


def settings_file() -> dict[str, str]:
    """Return the settings of the example as systemd reads them."""
    text = (EXAMPLES / "drip.env").read_text("utf-8")
    return dict(re.findall(r"^([A-Z_]+)='(.*)'$", text, re.MULTILINE))


def test_the_settings_load_with_the_keys_that_the_manual_makes(tmp_path: Path) -> None:
    """The very command appends them; the shell and systemd read the same; a provider's key is all that is missing."""
    file = tmp_path / "drip.env"
    file.write_text((EXAMPLES / "drip.env").read_text("utf-8"), encoding="utf-8")
    (line,) = [line for line in block("drip keys").splitlines() if "drip keys" in line]
    line = line.replace("/etc/drip/drip.env", str(file)).replace(".venv/bin/drip", f"{sys.executable} -m drip")
    done = sh(f"cd {ROOT} && {line}")
    assert 0 == done.returncode, done.stderr
    as_systemd = dict(re.findall(r"^([A-Z_]+)='(.*)'$", file.read_text("utf-8"), re.MULTILINE))
    printed = sh(f"set -a; . {file}; env -0").stdout.split("\0")
    as_shell = dict(entry.split("=", 1) for entry in printed if entry.startswith(("DRIP_", "SENDGRID_")))
    assert as_systemd == as_shell
    assert set() == set(as_shell) - set(NAMES)
    found = config.read(as_shell | {"SENDGRID_API_KEY": "SG.a-key-of-nobody"})
    assert (REAL, "sqlite:////var/lib/drip/drip.db") == (found.door, found.database)


def test_the_command_becomes_the_user_of_the_service_with_its_settings(tmp_path: Path) -> None:
    """From any folder, and with nothing of the caller's settings lost or added."""
    (tmp_path / "drip.env").write_text("DRIP_STATE='/a b/c'\n", encoding="utf-8")
    shown = tmp_path / "show"
    shown.write_text('#!/bin/sh\nprintf "%s|" "$DRIP_STATE" "$@"\n', encoding="utf-8")
    shown.chmod(0o755)
    text = (EXAMPLES / "drip.sh").read_text("utf-8")
    for old, new in (
        ("/etc/drip/drip.env", str(tmp_path / "drip.env")),
        ("/opt/drip/.venv/bin/drip", str(shown)),
        ("runuser -u drip --", "env"),
    ):
        assert old in text
        text = text.replace(old, new)
    assert "/a b/c|why|a b|" == sh(text, "why", "a b").stdout


def test_drafts_are_made_of_what_cannot_go_live(tmp_path: Path) -> None:
    """The loop of the manual reads the lines that the plan really prints, and the front matter stays one."""
    said = [
        path.read_text("utf-8") for path in (ROOT / "drip").rglob("*.py") if "can only go out reviewed" in path.read_text("utf-8")
    ]
    assert said
    (tmp_path / "emails" / "widen").mkdir(parents=True)
    letter = tmp_path / "emails" / "widen" / "your-own-map.md"
    letter.write_text("---\ntitle: x\n---\n", encoding="utf-8")
    fake = tmp_path / "drip"
    fake.write_text(
        "#!/bin/sh\necho 'CANNOT GO LIVE  roadmap: your-own-map can only go out reviewed by a clinician, in this wording'\n",
        "utf-8",
    )
    fake.chmod(0o755)
    script = block("draft: true").replace("/srv/course", str(tmp_path))
    done = sh(script, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (0, "---\ndraft: true\ntitle: x\n---\n") == (done.returncode, letter.read_text("utf-8"))


# The first letter ---------------------------------------------------------------------------------------------------


def test_the_list_of_what_dkim_signs_is_found(tmp_path: Path) -> None:
    """In a letter with two signatures, folded as mail servers fold them, with the line ends of mail."""
    (tmp_path / "letter.eml").write_bytes(
        b"Received: from x\r\nDKIM-Signature: v=1; a=rsa-sha256; d=mail.example.com;\r\n\th=from:subject:list-unsubscribe:\r\n"
        b"\t list-unsubscribe-post:to; bh=abc; b=h=no\r\nDKIM-Signature: v=1; d=sendgrid.info; h=from:to;\r\n\tb=xyz\r\n"
        b"h=not a header of a signature\r\n\r\nbody\r\n"
    )
    done = sh(f"cd {tmp_path} && {block('DKIM-Signature')}")
    assert "h=from:subject:list-unsubscribe:list-unsubscribe-post:to" == done.stdout.splitlines()[0]


# The backup ---------------------------------------------------------------------------------------------------------


def back_up(database: Path, folder: Path) -> Path:
    """Take a backup by the example, and return it."""
    ask_for("sqlite3", shutil.which("sqlite3"))
    done = subprocess.run(
        ["/bin/sh", str(EXAMPLES / "backup.sh"), str(database), str(folder)], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    return max(folder.glob("drip-*.db.gz"))


def put_back(backup: Path, state: Path) -> None:
    """Restore a backup as the manual tells: whatever lies beside the database goes with it."""
    for path in state.glob("drip.db*"):
        path.rename(path.with_name(f"broken-{path.name}"))
    (state / "drip.db").write_bytes(gzip.decompress(backup.read_bytes()))


@pytest.fixture
def installation(tmp_path: Path) -> tuple[config.Settings, Path]:
    """The settings of an installation on SQLite, and a folder for its backups."""
    schedule, emails = write_course(tmp_path)
    settings = config.load(
        {"DRIP_STATE": str(tmp_path / "var"), "DRIP_SCHEDULE": str(schedule), "DRIP_EMAILS": str(emails), **KEYS}
    )
    return settings, tmp_path / "backups"


def opened(settings: config.Settings, mailer: RememberingMailer) -> Engine:
    """Start the engine on an installation."""
    deployment = Deployment(settings)
    deployment.prepare()
    return Engine(deployment, mailer)


def test_a_backup_taken_while_letters_go_is_restored_and_nobody_gets_a_lesson_twice(
    installation: tuple[config.Settings, Path],
) -> None:
    """Twenty people, copies taken in the middle of their course, the last of them put back at its end."""
    settings, folder = installation
    mailer = RememberingMailer()
    names = [f"p{number}" for number in range(20)]
    engine = opened(settings, mailer)
    engine.join(*names)
    engine.work()
    half_way = threading.Event()

    def work() -> None:
        for _ in range(3):
            moment = engine.next_moment()
            assert moment is not None
            engine.go_to(moment)
            engine.work()
            half_way.set()

    worker = threading.Thread(target=work)
    worker.start()
    half_way.wait(60)
    taken = [back_up(settings.state / "drip.db", folder)]
    while worker.is_alive():
        taken.append(back_up(settings.state / "drip.db", folder))
    worker.join()
    engine.go_on(days=1)
    calendar = engine.now().calendar
    engine.close()
    engine.deployment.database.dispose()
    assert [] == list(folder.glob("part-*"))

    put_back(taken[0], settings.state)
    engine = opened(settings, mailer)
    engine.go_to(calendar)
    with pytest.raises(CameBack):
        engine.tick()
    restoring.restored(engine.database, engine.library, engine.deployment.memory)
    engine.run_to_the_end()
    for name in names:
        assert dict.fromkeys(LESSONS, 1) == Counter(engine.subjects(name))
    assert [] == engine.audit()
    engine.close()
    engine.deployment.database.dispose()


def test_a_backup_of_nothing_fails_loudly_and_leaves_nothing(tmp_path: Path) -> None:
    """A wrong path makes no empty database and no copy of one; what is no database is no backup either."""
    for content in (None, b"", b"not a database, and longer than a header would be" * 100):
        database, folder = tmp_path / "drip.db", tmp_path / "backups"
        if content is not None:
            database.write_bytes(content)
        done = subprocess.run(
            ["/bin/sh", str(EXAMPLES / "backup.sh"), str(database), str(folder)], capture_output=True, text=True, check=False
        )
        assert 0 != done.returncode
        assert "" != done.stderr
        assert [] == list(tmp_path.glob("backups/*"))
        assert (content is not None) == database.exists()


def test_copies_grow_old(tmp_path: Path) -> None:
    """All of two days stay, then the first of each day, for a fortnight; nobody else's file is touched."""
    database, folder = tmp_path / "drip.db", tmp_path / "backups"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE one (id INTEGER)")
    connection.close()
    folder.mkdir()
    ages = {
        "drip-20260102T101500Z.db.gz": timedelta(hours=47),
        "drip-20260101T101500Z.db.gz": timedelta(hours=49),
        "drip-20260101T000002Z.db.gz": timedelta(days=13),
        "drip-20251201T000002Z.db.gz": timedelta(days=16),
        "notes.txt": timedelta(days=99),
    }
    for name, age in ages.items():
        (folder / name).touch()
        then = (folder / name).stat().st_mtime - age.total_seconds()
        os.utime(folder / name, (then, then))
    newest = back_up(database, folder)
    assert 0o600 == newest.stat().st_mode & 0o777
    kept = {path.name for path in folder.iterdir()} - {newest.name}
    assert {"drip-20260102T101500Z.db.gz", "drip-20260101T000002Z.db.gz", "notes.txt"} == kept


def test_trying_a_backup_changes_nothing(installation: tuple[config.Settings, Path]) -> None:
    """The block that looks at the newest copy says that it is whole and how many are in it."""
    settings, folder = installation
    engine = opened(settings, RememberingMailer())
    engine.join("ada", "bo")
    engine.work()
    back_up(settings.state / "drip.db", folder)
    engine.close()
    engine.deployment.database.dispose()
    done = sh(block("copy=$(mktemp)").replace("/var/backups/drip", str(folder)))
    assert (0, ["ok", "2"]) == (done.returncode, done.stdout.split())
