"""`drip corrections` as an operator meets it: everybody who got one wording, and nobody else."""

from __future__ import annotations

import json

from drip.core.delivery import Unknown
from drip.flows.applying import Accepting
from tests.cli.conftest import Run
from tests.course import lesson
from tests.engine import Engine


def reword(engine: Engine, path: str, words: str) -> int:
    """Make other words of one letter live, and return the version."""
    (engine.deployment.settings.emails / path).write_text(lesson(path.rpartition("/")[2][:-3], words), encoding="utf-8")
    edition = engine.deployment.edition()
    planned = engine.deployment.plan(edition)
    return engine.deployment.apply(edition, planned, Accepting(frozenset(), by="Sam", reason="a test"))


def test_the_same_words_under_another_version_count(engine: Engine, run: Run) -> None:
    """Ada had them in version 1, bea in version 2, which changed another letter; cyd had others in version 3."""
    engine.join("ada")
    engine.work()
    assert 2 == reword(engine, "one/breathe.md", "Other steps.")
    engine.join("bea")
    engine.mailer.script = [Unknown("timed out")]
    engine.work()
    engine.let_it_try_again()
    assert 3 == reword(engine, "one/hello.md", "Corrected steps.")
    engine.join("cyd")
    engine.work()
    for version in ("1", "2"):
        code, out, err = run("corrections", "hello", version)
        assert (0, "") == (code, err)
        head = f"hello in the wording of version {version}: 2 copies to 2 people, 1 of them in doubt"
        assert f"{head} (read the same in version 1, 2)\n" == out
    out = run("corrections", "hello", "1", "--people")[1]
    assert [1, 2] == [int(line.split()[0]) for line in out.splitlines()[1:]]
    assert "a…@example.net" in out
    assert "@example.net" not in out.replace("…@example.net", "")
    assert "version 2, full, in doubt, active" in out
    assert (
        "hello in the wording of version 3: 1 copy to 1 person (read the same in version 3)\n"
        == run("corrections", "hello", "3")[1]
    )


def test_json_has_a_format_and_the_list_only_when_asked(engine: Engine, run: Run) -> None:
    """The figures always, the people with --people, masked."""
    engine.join("ada")
    engine.work()
    found = json.loads(run("corrections", "hello", "1", "--json")[1])
    assert {"format": 1, "copies": 1, "people": 1, "in_doubt": 0, "same_in_versions": [1]}.items() <= found.items()
    assert "list" not in found
    (one,) = json.loads(run("corrections", "hello", "1", "--json", "--people")[1])["list"]
    assert (1, "a…@example.net", 1, False, "active") == tuple(
        one[name] for name in ("enrollment", "address", "version", "in_doubt", "state")
    )
    found = json.loads(run("corrections", "walk", "1", "--json", "--people")[1])
    assert (0, []) == (found["copies"], found["list"])


def test_no_such_lesson_or_version_is_named(engine: Engine, run: Run) -> None:
    """Exit code 1 with a remedy; 2 for what is no number."""
    code, out, err = run("corrections", "helo", "1")
    assert (1, "") == (code, out)
    assert "version 1 of small has no letter 'helo'; did you mean hello?" in err
    code, _, err = run("corrections", "hello", "7")
    assert (1, "drip: there is no version 7\n") == (code, err)
    assert 2 == run("corrections", "hello", "one")[0]


def test_whoever_was_forgotten_is_not_known(engine: Engine, run: Run) -> None:
    """Erasing reaches this list too."""
    engine.join("ada", "bea")
    engine.work()
    engine.erase("ada")
    assert "1 copy to 1 person" in run("corrections", "hello", "1")[1]
