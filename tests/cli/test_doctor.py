"""`drip doctor` as an operator meets it: all of it is said, each with its remedy, and nothing is changed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from drip import config
from drip.cli.examining import examine
from drip.core.delivery import SenderRefused
from drip.core.finding import Finding, exit_code_of
from drip.mail.resolver import DnsResolver
from drip.sandbox.api import make_sandbox
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.serve import serving
from drip.store import restores, stamps
from drip.store.tables import beats
from tests.cli.conftest import Run
from tests.conftest import Prepare
from tests.course import SCHEDULE
from tests.databases import Maker
from tests.engine import Engine
from tests.nameserver import nameserver

OWN = SCHEDULE.replace("example.org", "letters.example.edu")
"""A course that writes from a domain of its own."""

KEY = "SG.the-key-of-a-test"
DNS = {
    ("letters.example.edu", "TXT"): ['"v=spf1 include:sendgrid.net -all"'],
    ("letters.example.edu", "MX"): ["10 mail.example.edu."],
    ("_dmarc.letters.example.edu", "TXT"): ['"v=DMARC1; p=quarantine"'],
    ("s1._domainkey.letters.example.edu", "CNAME"): ["s1.domainkey.u1.wl.sendgrid.net."],
    ("s2._domainkey.letters.example.edu", "CNAME"): ["s2.domainkey.u1.wl.sendgrid.net."],
    ("s1.domainkey.u1.wl.sendgrid.net", "TXT"): ['"k=rsa; p=MIGf"'],
    ("s2.domainkey.u1.wl.sendgrid.net", "TXT"): ['"k=rsa; p=MIGf"'],
}


def found(out: str) -> dict[tuple[str, str], list[str]]:
    """Return the findings of a JSON document: their words by group and level."""
    document = json.loads(out)
    assert 1 == document["format"]
    sorted_out: dict[tuple[str, str], list[str]] = {}
    for one in document["findings"]:
        sorted_out.setdefault((one["group"], one["level"]), []).append(one["text"])
    counts = {name: sum(len(words) for (_, level), words in sorted_out.items() if level == name) for name in ("wrong", "look")}
    assert counts == {"wrong": document["wrong"], "look": document["look"]}
    return sorted_out


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return everything that the database holds."""
    metadata = sa.MetaData()
    with engine.database.read() as connection:
        metadata.reflect(connection)
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr) for table in metadata.sorted_tables
        }


# In the sandbox -----------------------------------------------------------------------------------------------------


def test_a_sandbox_that_works(engine: Engine, run: Run) -> None:
    """Database, keys, workers and files are looked at, and the database is as it was."""
    engine.join("ada")
    engine.work()
    before = rows(engine)
    code, out, err = run("doctor", "--json")
    said = found(out)
    assert "" == err or "not known" in err
    assert "the suppression key is the one that the database was made with" in said["Keys", "fine"]
    assert "its tables are up to date" in said["Database", "fine"]
    assert ["worker and beat run: the last tick was a moment ago"] == said["Workers", "fine"]
    assert "version 1 is live, and the files say the same" in said["Schedule", "fine"]
    # The tests' PostgreSQL is told to forget.
    forgets = not engine.database.is_sqlite
    assert (1 if forgets else 0) == code, {key: texts for key, texts in said.items() if key[1] in {"wrong", "unknown"}}
    assert forgets is (("Database", "wrong") in said)
    assert before == rows(engine)


def test_what_is_wrong_is_said_with_its_remedy(engine: Engine, run: Run) -> None:
    """Nothing runs, the sender is paused, and a file was edited: three findings, and exit code 1."""
    engine.join("ada")
    engine.mailer.script = [SenderRefused("401 no", "check the key")]
    engine.work()
    with engine.database.write() as connection:
        at = connection.execute(sa.select(beats.c.machine_at).where(beats.c.name == "tick")).scalar_one()
        connection.execute(beats.update().where(beats.c.name == "tick").values(machine_at=at - timedelta(hours=3)))
    letter = engine.deployment.settings.emails / "one" / "hello.md"
    letter.write_text(letter.read_text() + "\nOne more line.\n")
    code, out, _ = run("doctor")
    assert 1 == code
    assert "nothing runs: the last tick was 3 hours ago" in out
    assert "→ start drip up, or look at the beat and the worker" in out
    assert "the provider refuses us, so sending waits: 401 no" in out
    assert "→ check the key" in out
    assert "the files say something else than version 1" in out
    assert "\x1b" not in out
    quiet = run("doctor", "--quiet")[1]
    assert "fine" not in quiet
    assert "nothing runs" in quiet


def test_a_database_from_a_backup_is_told_first(engine: Engine, run: Run) -> None:
    """It stands still until an operator has spoken, and the command to speak with is named."""
    engine.work()
    with engine.database.write() as connection:
        now = stamps.now_in(connection)
        restores.stand_still(connection, restores.Standstill("its books are behind", now.machine, now.machine), now)
    code, out, _ = run("doctor")
    assert 1 == code
    assert "everything stands still: its books are behind" in out
    assert "→ drip restored" in out


def test_no_address_and_no_key_is_printed(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where something is wrong with them."""
    engine.join("ada")
    monkeypatch.setenv("DRIP_SUPPRESSION_KEY", "another-key-for-addresses")
    code, out, err = run("doctor")
    assert 1 == code
    assert "nobody who left would be recognised" in out
    secrets = ("ada@", "another-key", "a-key-that-signs-links", "letters@", str(engine.deployment.settings.state))
    assert [] == [secret for secret in secrets if secret in out + err]


def test_a_database_that_is_not_there(run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3; nothing is made, and everything else is said all the same."""
    monkeypatch.setenv("DRIP_LOG", "loud")
    monkeypatch.setenv("DRIP_BASE_URI", "x")
    code, out, _ = run("doctor", "--json")
    said = found(out)
    assert 3 == code
    assert ["there is no database yet"] == said["Database", "wrong"]
    assert ["DRIP_BASE_URI is not a setting of drip", "DRIP_LOG must be plain or json"] == said["Settings", "wrong"]
    assert said["Clock", "fine"]
    assert not Path("var").exists()


@pytest.mark.parametrize("name", ["DRIP_DATABASE_URL", "DRIP_REDIS_URL"])
def test_a_server_that_is_not_there(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Exit code 3, and the schedule and the other server are looked at all the same."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    url = f"postgresql+psycopg://u:p4ss@127.0.0.1:{port}/x" if "DATABASE" in name else f"redis://:p4ss@127.0.0.1:{port}/0"
    monkeypatch.setenv(name, url)
    code, out, err = run("doctor")
    assert 3 == code
    assert "does not answer" in out
    assert "the files pass drip check" in out
    assert "p4ss" not in out + err


def test_an_older_database_says_what_to_do(databases: Maker, run: Run, nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without tables is wrong, and what is live is not known."""
    url = databases.fresh()
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch(mode=0o600)
    monkeypatch.setenv("DRIP_DATABASE_URL", url)
    code, out, _ = run("doctor")
    databases.drop(url)
    assert 1 == code
    assert "→ drip db upgrade" in out


# With a provider ----------------------------------------------------------------------------------------------------


@contextmanager
def provider(folder: Path) -> Iterator[str]:
    """Give the address of a SendGrid of this machine."""
    store = Mailbox(folder / "provider.db")
    try:
        with serving(make_sandbox(store, api_key=KEY)) as url:
            yield url
    finally:
        store.close()


def real(prepare: Prepare, url: str, **more: str) -> config.Examined:
    """Make a real installation whose SendGrid is at *url*, and return its settings as the doctor reads them."""
    environment = {"SENDGRID_API_KEY": KEY, "DRIP_SENDGRID_URL": url, "DRIP_BASE_URL": "https://letters.invalid"}
    deployment = prepare(schedule=OWN, environment={**environment, **more})
    settings = deployment.settings
    kept = {
        "DRIP_DATABASE_URL": settings.database_url,
        "DRIP_STATE": str(settings.state),
        "DRIP_SCHEDULE": str(settings.schedule),
        "DRIP_EMAILS": str(settings.emails),
        "DRIP_SECRET_KEYS": ",".join(settings.secret_keys),
        "DRIP_SUPPRESSION_KEY": settings.suppression_key,
    }
    return config.examine({**kept, **environment, **more})


def words(findings: list[Finding], level: str) -> str:
    """Return what was found of a level, in one text."""
    return "\n".join(f"{one.group}: {one.text} → {one.remedy}" for one in findings if one.level == level)


def test_an_installation_before_its_first_real_letter(prepare: Prepare, tmp_path: Path) -> None:
    """Provider, clock and domain are asked; the webhook's missing key is wrong."""
    with provider(tmp_path) as url, nameserver(DNS) as (port, _):
        findings = list(examine(real(prepare, url), DnsResolver(["127.0.0.1"], port=port)))
    fine = words(findings, "fine")
    assert "Provider: SendGrid knows the key, and it may send" in fine
    assert "Provider: the account watches nobody" in fine
    assert "Clock: this machine's clock agrees with the provider's" in fine
    assert "Domain: letters.example.edu has SendGrid's DKIM keys (s1, s2)" in fine
    assert "Domain: letters.example.edu has a DMARC record" in fine
    assert "DRIP_SENDGRID_WEBHOOK_KEY is not set" in words(findings, "wrong")
    assert "DRIP_SENDGRID_URL is not one of SendGrid's own addresses" in words(findings, "look")
    assert "nobody did from here" in words(findings, "not known")
    assert "both List-Unsubscribe headers" in words(findings, "not known")
    assert 1 == exit_code_of(findings)


def test_a_provider_that_refuses_and_a_dns_that_is_silent(prepare: Prepare, tmp_path: Path) -> None:
    """The one is wrong; the other is nobody's fault."""
    with provider(tmp_path) as url, nameserver(DNS, silent=True) as (port, _):
        other = real(prepare, url)
        other = config.Examined(other.settings.model_copy(update={"sendgrid_key": "SG.revoked"}), (), other.given, other.files)
        findings = list(examine(other, DnsResolver(["127.0.0.1"], port=port, seconds=0.2)))
    assert "SendGrid turned us away: 401" in words(findings, "wrong")
    assert "Domain" not in words(findings, "wrong")
    assert "the DNS gave no answer" in words(findings, "not known")
    assert "revoked" not in repr(findings)


def test_an_smtp_server_is_greeted(prepare: Prepare, tmp_path: Path) -> None:
    """It is connected to and nothing is written; one that is not there is said to be away."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
    environment = {"DRIP_SMTP_URL": f"smtp://127.0.0.1:{port}", "SENDGRID_API_KEY": "", "DRIP_SENDGRID_URL": ""}
    with nameserver(DNS) as (dns_port, _):
        found = real(prepare, "", **environment)
        findings = list(examine(found, DnsResolver(["127.0.0.1"], port=dns_port)))
    assert "the mail server does not answer" in words(findings, "wrong")
    assert "an SMTP server sends no reports" in words(findings, "look")
