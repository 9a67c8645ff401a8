"""Every letter through SpamAssassin, as a mailbox would see it that asks nobody else."""

from __future__ import annotations

import mailbox
import re
import shutil
import subprocess
from collections.abc import Mapping
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.conftest import ask_for
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
def verdicts(spamassassin: str, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """All mails judged by one process: it learns nothing, asks no network, and leaves nothing outside a folder of its own."""
    ask_for("spamassassin", str(RULES) if RULES.is_dir() and PLUGINS.is_dir() else None)
    folder = tmp_path_factory.mktemp("spamassassin")
    (folder / "site").mkdir()
    for plugins in PLUGINS.glob("*.pre"):
        shutil.copy(plugins, folder / "site")
    (folder / "site" / "local.cf").write_text(
        "use_bayes 0\nfold_headers 0\nreport_safe 0\nadd_header all Rules _TESTSSCORES(,)_\n", encoding="utf-8"
    )
    mails = {**{name: letter.mail.as_bytes() for name, letter in every_letter().items()}, "lottery": LOTTERY}
    box = mailbox.mbox(folder / "box")
    for mail in mails.values():
        box.add(mail)
    box.close()
    command = [spamassassin, "--local", "--mbox", f"--configpath={RULES}", f"--siteconfigpath={folder / 'site'}"]
    command += [f"--prefspath={folder / 'preferences'}"]
    with (folder / "box").open("rb") as stdin:
        done = subprocess.run(
            command,
            stdin=stdin,
            capture_output=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C"},
        )
    assert done.returncode == 0, done.stderr.decode()
    # They come back in an order of their own.
    names = {message_from_bytes(mail)["Message-ID"]: name for name, mail in mails.items()}
    judged = [message_from_bytes(mail.partition(b"\n")[2]) for mail in re.split(rb"(?m)^(?=From \S+ )", done.stdout)[1:]]
    assert len(names) == len(judged)
    return {names[mail["Message-ID"]]: _rules(mail["X-Spam-Rules"]) for mail in judged}


def _rules(header: str) -> dict[str, float]:
    rules = dict(rule.split("=") for rule in re.sub(r"\s", "", header).split(","))
    return {rule: float(score) for rule, score in rules.items()}


def test_no_letter_looks_like_spam(verdicts: Verdicts) -> None:
    """Each letter scores 0.5 points or less; the test names the rules of one that does not."""
    letters = {name: rules for name, rules in verdicts.items() if name != "lottery"}
    assert len(letters) == len(every_letter())
    assert {} == {name: rules for name, rules in letters.items() if sum(rules.values()) > SCORE_MAX}


def test_the_judge_is_awake(verdicts: Verdicts) -> None:
    """A letter about a lottery scores 5 points or more by the same rules, and the letters' HTML was read."""
    assert sum(verdicts["lottery"].values()) > 5, verdicts["lottery"]
    assert all("HTML_MESSAGE" in rules for rules in verdicts.values())
