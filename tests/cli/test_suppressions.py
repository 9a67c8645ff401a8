"""`drip suppressions import` and `list` as an operator meets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import urllib3

from drip.mail.lists import NoLists
from drip.sandbox.api import make_sandbox
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.serve import serving
from drip.store.tables import suppressions
from drip.wiring import Deployment, sandbox_api_key
from tests.cli.conftest import Run
from tests.engine import Engine

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes a file of lines and returns its path."""

    def lines(*rows: str, name: str = "list.csv") -> str:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return str(path)

    return lines


def held(engine: Engine) -> dict[tuple[str, str], int]:
    """Return how many addresses the register holds by reason and course."""
    with engine.database.read() as connection:
        rows = connection.execute(
            sa.select(suppressions.c.reason, suppressions.c.course, sa.func.count()).group_by(
                suppressions.c.reason, suppressions.c.course
            )
        )
        return {(row[0], row[1]): row[2] for row in rows}


def dumped(engine: Engine) -> str:
    """Return the whole register as text."""
    with engine.database.read() as connection:
        return str(connection.execute(sa.select(suppressions)).all())


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("bounced", "hard-bounce"),
        ("complained", "complaint"),
        ("left", "left"),
        ("unsubscribed", "provider-unsubscribe"),
        ("invalid", "invalid-address"),
    ],
)
def test_each_reason_is_kept_in_our_words(engine: Engine, run: Run, write: Write, reason: str, kept: str) -> None:
    """Only the keyed hash of the address is, with where it came from; a second run enters nothing."""
    file = write("email", "ada@example.net", "ADA@example.net", "bob@example.net")
    code, out, err = run("suppressions", "import", file, "--reason", reason, "--json")
    answer = json.loads(out)
    assert (0, 2, 1, {kept: 2}) == (code, answer["added"], answer["already"], answer["added_by_reason"]), err
    assert {(kept, ""): 2} == held(engine)
    assert "example.net" not in dumped(engine)
    assert "import: list.csv sha256:" in dumped(engine)
    code, out, _ = run("suppressions", "import", file, "--reason", reason, "--json")
    assert (0, 0, 3) == (code, json.loads(out)["added"], json.loads(out)["already"])


def test_the_file_itself_may_say_why(engine: Engine, run: Run, write: Write) -> None:
    """By reason or status; whoever may be mailed by her status is passed over, and an unknown word is refused."""
    file = write(
        "email,status",
        "ada@example.net,unsubscribed",
        "bob@example.net,Bounced",
        "cyd@example.net,active",
        "dan@example.net,dunno",
        "eve@example.net,complained",
        "nobody,unsubscribed",
    )
    code, out, err = run("suppressions", "import", file, "--json")
    answer = json.loads(out)
    assert (1, 3, 1, 2) == (code, answer["added"], answer["free"], answer["refused"])
    assert {("left", ""): 1, ("hard-bounce", ""): 1, ("complaint", ""): 1} == held(engine)
    assert "line 5, status: nobody here knows 'dunno'" in err
    assert "line 7, email: this is not an email address" in err
    assert "@example" not in err


def test_the_file_of_people_serves_for_its_own_refusals(engine: Engine, run: Run, write: Write) -> None:
    """What the import of people refuses by its status goes into the register with the very same file."""
    file = write("email,status,consented_at", "ada@example.net,cleaned,2025-01-02", "bob@example.net,active,2025-01-02")
    source = ("--consent-source", "a form", "--no-suppressions")
    assert 1 == run("subscribers", "import", file, *source)[0]
    assert 0 == run("suppressions", "import", file)[0]
    assert {("hard-bounce", ""): 1} == held(engine)
    assert "active" == engine.person("bob").state


def test_the_course_of_somebody_on_it_ends(engine: Engine, run: Run, write: Write) -> None:
    """As after an event of the provider: nothing more goes, what was open is withheld, and the books agree."""
    engine.join("ada", "bob", "cyd")
    opened = engine.tick()
    code, out, err = run("suppressions", "import", write("email", "ada@example.net"), "--reason", "bounced", "--json")
    assert (0, 1, 0) == (code, json.loads(out)["ended"], json.loads(out)["under_way"])
    assert "1 of them were on a course and are not any more" in err
    assert 0 == run("suppressions", "import", write("email", "bob@example.net"), "--reason", "left")[0]
    assert ("ended", "left", "active") == (engine.person("ada").state, engine.person("bob").state, engine.person("cyd").state)
    engine.send(opened)
    engine.run_to_the_end()
    assert [] == engine.subjects("ada") + engine.subjects("bob")
    assert "hello" == engine.subjects("cyd")[0]
    engine.assert_sound()


def test_to_leave_one_course_is_to_leave_that_one(engine: Engine, run: Run, write: Write) -> None:
    """With --course the entry is for that course; a dead mailbox is dead for all."""
    engine.join("ada")
    assert 0 == run("suppressions", "import", write("email", "ada@example.net"), "--reason", "left", "--course", "small")[0]
    assert 0 == run("suppressions", "import", write("email", "bob@example.net"), "--reason", "bounced", "--course", "small")[0]
    assert {("left", "small"): 1, ("hard-bounce", ""): 1} == held(engine)
    assert "left" == engine.person("ada").state
    code, _, err = run("suppressions", "import", write("email", "ada@example.net"), "--reason", "left", "--course", "large")
    assert 1 == code
    assert "there is no course 'large'" in err


def test_a_rehearsal_changes_nothing(engine: Engine, run: Run, write: Write) -> None:
    """It tells what a run then does."""
    engine.join("ada")
    rows = [f"p{number}@example.net" for number in range(20)]
    file = write("email", "ada@example.net", *rows, rows[3], "nobody")
    code, out, err = run("suppressions", "import", file, "--reason", "bounced", "--dry-run", "--json")
    rehearsed = json.loads(out)
    assert "nothing was changed" in err
    assert ({}, "active") == (held(engine), engine.person("ada").state)
    again, out, _ = run("suppressions", "import", file, "--reason", "bounced", "--json")
    assert (code, {**rehearsed, "dry_run": False}) == (again, json.loads(out))
    assert {("hard-bounce", ""): 21} == held(engine)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "name a file, or say --from-sendgrid"),
        (("FILE",), "say --reason bounced|complained|left|unsubscribed|invalid"),
        (("FILE", "--from-sendgrid"), "name a file, or say"),
        (("FILE", "--reason", "dull"), "dull"),
        (("--from-sendgrid", "--reason", "left"), "are for files"),
    ],
)
def test_what_is_not_understood_exits_with_two(
    engine: Engine, run: Run, write: Write, options: tuple[str, ...], words: str
) -> None:
    """Nothing is entered."""
    file = write("email", "ada@example.net")
    code, out, err = run("suppressions", "import", *(file if option == "FILE" else option for option in options))
    assert (2, "") == (code, out)
    assert words in err
    assert {} == held(engine)


# The provider's lists ------------------------------------------------------------------------------------------------


class Provider:
    """A sandbox with lists on it."""

    def __init__(self, url: str, pool: urllib3.PoolManager) -> None:
        self.url = url
        self._pool = pool

    def put(self, name: str, *addresses: str, created: int = 1_735_790_400) -> None:
        """Put addresses on a list."""
        entries = [{"email": address, "created": created, "reason": "550 unknown", "status": "5.1.1"} for address in addresses]
        assert 204 == self._pool.request("POST", f"{self.url}/sandbox/lists/{name}", json=entries).status

    def order(self, **rule: Any) -> None:  # noqa: ANN401 - a rule's values
        """Order trouble."""
        assert 200 == self._pool.request("POST", f"{self.url}/sandbox/faults", json=[rule]).status


@pytest.fixture
def provider(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A sandbox that the settings of the command line name."""
    with ExitStack() as stack:
        store = Mailbox(tmp_path / "sandbox.db")
        stack.callback(store.close)
        url = stack.enter_context(serving(make_sandbox(store, api_key=sandbox_api_key(engine.deployment.settings))))
        monkeypatch.setenv("DRIP_SANDBOX_URL", url)
        pool = stack.enter_context(urllib3.PoolManager(retries=False, timeout=10))
        yield Provider(url, pool)


def test_sendgrids_own_lists_are_asked_for(engine: Engine, run: Run, provider: Provider) -> None:
    """Bounces, invalid addresses, spam reports and unsubscribes go into the register, blocks are only counted."""
    engine.join("ada")
    provider.put("bounces", "ada@example.net", "bob@example.net")
    provider.put("invalid_emails", "cyd@example.net")
    provider.put("spam_reports", "dan@example.net")
    provider.put("unsubscribes", "eve@example.net", "BOB@example.net")
    provider.put("blocks", "fay@example.net", "gus@example.net")
    code, out, err = run("suppressions", "import", "--from-sendgrid", "--json")
    answer = json.loads(out)
    assert (0, 5, 1, 1, {"blocks": 2}) == (code, answer["added"], answer["already"], answer["ended"], answer["only_counted"]), err
    assert {("hard-bounce", ""): 2, ("invalid-address", ""): 1, ("complaint", ""): 1, ("provider-unsubscribe", ""): 1} == held(
        engine
    )
    assert "2 blocks only counted" in err
    assert "2025-01-02" in dumped(engine).replace("datetime.datetime(2025, 1, 2", "2025-01-02")
    assert "ended" == engine.person("ada").state
    code, out, _ = run("suppressions", "import", "--from-sendgrid", "--json")
    assert (0, 0, 6) == (code, json.loads(out)["added"], json.loads(out)["already"])


def test_a_long_list_is_read_to_its_end(engine: Engine, run: Run, provider: Provider) -> None:
    """SendGrid tells at most 500 at once."""
    provider.put("bounces", *(f"p{number}@example.net" for number in range(1_001)))
    code, out, _ = run("suppressions", "import", "--from-sendgrid", "--json", "--dry-run")
    assert (0, 1_001, {}) == (code, json.loads(out)["added"], held(engine))
    assert 0 == run("suppressions", "import", "--from-sendgrid")[0]
    assert {("hard-bounce", ""): 1_001} == held(engine)


def test_a_passing_trouble_is_waited_out_and_a_refused_key_is_told(engine: Engine, run: Run, provider: Provider) -> None:
    """A lost answer and a rate limit are asked again; a key that may not look names the permission and exits with 3."""
    provider.put("bounces", "ada@example.net")
    provider.order(action="503", times=1)
    provider.order(action="reset-before", times=1)
    assert 0 == run("suppressions", "import", "--from-sendgrid")[0]
    assert {("hard-bounce", ""): 1} == held(engine)
    for action, remedy in (("401", "check SENDGRID_API_KEY"), ("403", "permission Suppressions")):
        provider.order(action=action, times=1)
        code, out, err = run("suppressions", "import", "--from-sendgrid")
        assert (3, "") == (code, out)
        assert remedy in err


def test_smtp_has_no_lists(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says so, and what to do instead."""
    monkeypatch.setattr(Deployment, "lists", lambda _: NoLists())
    code, out, err = run("suppressions", "import", "--from-sendgrid")
    assert (2, "") == (code, out)
    assert "SMTP keeps no lists" in err
    assert "name the file" in err


# Looking -------------------------------------------------------------------------------------------------------------


def test_the_register_is_told_in_figures(engine: Engine, run: Run, write: Write) -> None:
    """Reason, course, how many and from when to when; no hash and no address."""
    code, out, err = run("suppressions", "list")
    assert (0, "", "the register is empty\n") == (code, out, err)
    run(
        "suppressions",
        "import",
        write("email,at", "ada@example.net,2024-03-04", "bob@example.net,2025-03-04"),
        "--reason",
        "bounced",
    )
    code, out, _ = run("suppressions", "list")
    assert (0, "       2  hard-bounce            every course         2024-03-04 to 2025-03-04\n") == (code, out)
    (share,) = json.loads(run("suppressions", "list", "--json")[1])["held"]
    assert ("hard-bounce", "", 2) == (share["reason"], share["course"], share["addresses"])


def test_one_address_can_be_asked_about(engine: Engine, run: Run, write: Write) -> None:
    """Whether, why, since when and by which file; any spelling of it; what is no address exits with 2."""
    run("suppressions", "import", write("email,at", "ada@example.net,2024-03-04"), "--reason", "complained")
    code, out, _ = run("suppressions", "list", "--address", "ADA@Example.net")
    assert 0 == code
    assert out.startswith("complaint, every course, since 2024-03-04  (import: list.csv sha256:")
    answer = json.loads(run("suppressions", "list", "--address", "ada@example.net", "--json")[1])
    assert (True, "complaint") == (answer["suppressed"], answer["entries"][0]["reason"])
    assert (0, "this address may be mailed\n", "") == run("suppressions", "list", "--address", "bob@example.net")
    assert 2 == run("suppressions", "list", "--address", "nobody")[0]
