"""Every letter through SpamAssassin, as a mailbox would see it that asks nobody else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import ask_for
from tests.proof.conftest import TOOLS
from tests.proof.letters import every_letter

SCORE_MAX = 0.5
RULES = Path("/usr/share/spamassassin")
"""The rules that come with the package; those that a server may have fetched since then are not asked."""
PLUGINS = Path("/etc/spamassassin")

LOTTERY = b"""\
From: "WINNER DEPARTMENT" <claims@lottery.example>
To: zoe@example.net
Subject: CONGRATULATIONS!!! YOU WON $1,000,000 DOLLARS
Date: Tue, 6 Jan 2026 09:00:00 +0000
Message-ID: <1@lottery.example>
MIME-Version: 1.0
Content-Type: text/html; charset="utf-8"

<html><body><p>DEAR LUCKY WINNER, THIS IS TO INFORM YOU THAT YOU HAVE WON THE INTERNATIONAL LOTTERY PROGRAM, THE SUM OF
US$1,000,000.00 (ONE MILLION UNITED STATES DOLLARS). CONTACT THE BARRISTER OF THE BANK FOR THE TRANSFER OF YOUR FUNDS.
100% GUARANTEED. RISK FREE. ACT NOW! CLICK HERE: <a href="http://192.0.2.7/claim.exe">http://bank.example/claim</a></p>
<p style="font-size: 1px; color: #ffffff">viagra cialis weight loss lose 30 pounds</p></body></html>
"""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spamassassin")]

Verdicts = Mapping[str, Mapping[str, float]]
"""What each mail's rules add to its score."""


@pytest.fixture(scope="module")
def spamassassin() -> str:
    """The Perl that has SpamAssassin, which brings its rules along."""
    perl = shutil.which("perl") or "perl"
    has_it = (
        RULES.is_dir()
        and not subprocess.run([perl, "-MMail::SpamAssassin", "-e", "1"], capture_output=True, check=False).returncode
    )
    return ask_for("spamassassin", perl if has_it else None)


@pytest.fixture(scope="module")
def verdicts(spamassassin: str, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """All mails judged by one process: it learns nothing, asks no network, and leaves nothing outside a folder of its own."""
    folder = tmp_path_factory.mktemp("spamassassin")
    plugins = folder / "plugins"
    plugins.mkdir()
    for names in PLUGINS.glob("*.pre"):
        shutil.copy(names, plugins)
    mails = {**{name: letter.mail.as_bytes() for name, letter in every_letter().items()}, "lottery": LOTTERY}
    for name, mail in mails.items():
        (folder / name).write_bytes(mail)
    done = subprocess.run(
        [spamassassin, TOOLS / "spamassassin.pl", RULES, plugins, folder, *(folder / name for name in mails)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    found = {Path(path).name: {rule.partition("=")[0]: float(rule.partition("=")[2]) for rule in rules} for path, *rules in lines}
    assert set(mails) == set(found)
    return found


def test_no_letter_looks_like_spam(verdicts: Verdicts) -> None:
    """Each letter scores 0.5 points or less; the test names the rules of one that does not."""
    letters = {name: rules for name, rules in verdicts.items() if name != "lottery"}
    assert len(letters) == len(every_letter())
    assert {} == {name: rules for name, rules in letters.items() if sum(rules.values()) > SCORE_MAX}


def test_the_judge_is_awake(verdicts: Verdicts) -> None:
    """A letter about a lottery scores 5 points or more by the same rules, and the letters' HTML was read."""
    assert sum(verdicts["lottery"].values()) > 5, verdicts["lottery"]
    assert all("HTML_MESSAGE" in rules for rules in verdicts.values())
