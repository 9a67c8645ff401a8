"""`drip send-test` as an operator meets it: a letter in a mailbox, and nothing in the books."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import urllib3

from drip.mail.trial import DEAD
from drip.sandbox.api import make_sandbox
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.serve import serving
from drip.wiring import sandbox_api_key
from tests.cli.conftest import Run
from tests.engine import Engine

ME = "me@example.com"


@pytest.fixture
def sandbox(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the sandbox that the commands send to."""
    store = Mailbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db")
    with serving(make_sandbox(store, api_key=sandbox_api_key(engine.deployment.settings))) as url:
        monkeypatch.setenv("DRIP_SANDBOX_URL", url)
        yield url
    store.close()


def ask(url: str, path: str, **order: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what the sandbox tells."""
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("POST" if order else "GET", f"{url}{path}", json=[order] if order else None)
    assert 200 == answer.status, answer.data
    return answer.json()


def mails(url: str) -> list[dict[str, Any]]:
    """Return what is in the mailboxes, as the sandbox keeps it."""
    return [ask(url, f"/sandbox/mails/{one['id']}") for one in ask(url, "/sandbox/mails?limit=100")]


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return everything that the database holds."""
    metadata = sa.MetaData()
    with engine.database.read() as connection:
        metadata.reflect(connection)
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr) for table in metadata.sorted_tables
        }


def test_a_letter_in_a_mailbox_and_nothing_in_the_books(engine: Engine, run: Run, sandbox: str) -> None:
    """It says [test], its headers are a lesson's, every link of its own is dead, and no row of the database moves."""
    engine.join("ada")
    engine.work()
    before = rows(engine)
    code, out, err = run("send-test", "breathe", ME)
    assert 0 == code, err
    assert out.startswith("the provider took it, message ")
    assert sandbox in err
    assert before == rows(engine)
    (mail,) = mails(sandbox)
    text = json.dumps(mail)
    assert "[test] About breathe" in text
    assert "This is a test letter" in mail["html"]
    assert "This is a test letter" in mail["text"]
    tokens = set(re.findall(r"/(?:my|leave|confirm)/([A-Za-z0-9_.-]+)", text))
    assert {DEAD} == tokens
    assert "List-Unsubscribe-Post" in text
    assert "test-" in text
    assert [] == engine.audit()


def test_a_dead_link_reads_nobody(engine: Engine) -> None:
    """What stands in a test's links is signed by no key for any purpose."""
    tokens = engine.deployment.tokens
    assert [None, None] == [tokens.read(purpose, DEAD) for purpose in ("my", "leave")]
    assert None is tokens.read_dated("confirm", DEAD, now=engine.now().machine, days=30)


def test_as_somebody_without_her_links_or_her_name(engine: Engine, run: Run, sandbox: str) -> None:
    """Her length, and that she gave a name; the name itself and her links stay hers."""
    engine.join("ada")
    engine.choose("ada", length="short")
    code, _, err = run("send-test", "walk", ME, "--as", "ada@example.net")
    assert 0 == code, err
    (mail,) = mails(sandbox)
    text = json.dumps(mail)
    assert "You, Ana." in text
    assert "This is the short letter" in text
    assert "Ada" not in text
    assert engine.person("ada").public_id not in text
    assert "ada@" not in text


def test_short_and_the_letters_of_drip_itself(engine: Engine, run: Run, sandbox: str) -> None:
    """--short shortens; the confirmation can be tried too, and has no header for leaving."""
    assert 0 == run("send-test", "breathe", ME, "--short")[0]
    assert 0 == run("send-test", "confirm", ME)[0]
    confirm, breathe = sorted(mails(sandbox), key=lambda mail: "breathe" in json.dumps(mail))
    assert "This is the short letter" in breathe["text"]
    assert "[test] About your letters" in json.dumps(confirm)
    assert "List-Unsubscribe" not in json.dumps(confirm)


def test_from_the_files(engine: Engine, run: Run, sandbox: str) -> None:
    """A draft that is only in the files comes from there; what is live stays what it is."""
    file = engine.deployment.settings.emails / "one" / "breathe.md"
    file.write_text(file.read_text().replace("Small steps.", "Large steps.").replace("minutes: 2", "minutes: 2\ndraft: true"))
    assert 0 == run("send-test", "breathe", ME)[0]
    assert 0 == run("send-test", "breathe", ME, "--files")[0]
    told = sorted("Large steps" in mail["text"] for mail in mails(sandbox))
    assert [False, True] == told
    file.write_text("no front matter")
    code, _, err = run("send-test", "breathe", ME, "--files")
    assert (1, True) == (code, "breathe.md:1" in err)


def test_nothing_is_written_to_an_address_of_the_register(engine: Engine, run: Run, sandbox: str) -> None:
    """Whoever left, for one course or for all, gets no test either."""
    engine.join("ada")
    engine.leave("ada")
    code, out, err = run("send-test", "breathe", "ADA@example.net")
    assert (1, "") == (code, out)
    assert "stands in the register" in err
    assert "ada@" not in err.lower()
    assert [] == mails(sandbox)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["breath", ME], 1, "did you mean breathe?"),
        (["zzz", ME], 1, "drip letters lists them"),
        (["breathe", "nobody"], 2, "this is not an email address"),
        (["breathe", ME, "--as", "nobody@example.net"], 1, "nobody by the address of --as"),
        (["breathe", ME, "--course", "other"], 1, "there is no course 'other'"),
        (["breathe", ME, "--course", "other", "--files"], 1, "there is no course 'other'"),
    ],
)
def test_what_cannot_be_tried_says_why(
    engine: Engine, run: Run, sandbox: str, *, arguments: list[str], code: int, words: str
) -> None:
    """One message with a remedy, and nothing goes."""
    found, out, err = run("send-test", *arguments)
    assert (code, "") == (found, out)
    assert words in err
    assert [] == mails(sandbox)


@pytest.mark.parametrize(
    ("rule", "code", "words"),
    [
        ("401", 1, "the provider refuses us"),
        ("400-all", 1, "refused it"),
        ("503", 3, "did not take it"),
        ("500", 3, "nobody knows"),
    ],
)
def test_what_the_provider_says(engine: Engine, run: Run, sandbox: str, *, rule: str, code: int, words: str) -> None:
    """A refusal is a problem, silence is infrastructure; each with what to do, as JSON too."""
    ask(sandbox, "/sandbox/faults", action=rule)
    found, out, err = run("send-test", "breathe", ME)
    assert (code, "") == (found, out)
    assert words in err
    assert "→ " in err
    code, out, _ = run("send-test", "breathe", ME, "--json")
    said = json.loads(out)
    assert 1 == said["format"]
    assert said["handed_over"] is (code == 0)
    # The first trouble must not have touched the sender: whoever tests a key does not pause the course.
    assert "closed" == engine.breaker().state
