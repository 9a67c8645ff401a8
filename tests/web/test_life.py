"""A whole life on the shipped course, in a real browser against a real installation: from the form to the last erased row."""

from __future__ import annotations

import re
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.installation import ROOT, Installation, eventually
from tests.proof.conftest import package
from tests.web.walker import Walker

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"

CONSENT_BEGINS = "Yes, please write to me"

FORM_SECONDS_MIN = 3.2
"""A form that comes back sooner is taken for a program's."""

TELLING = re.compile(r"@|%40|fibro|pain|health|vera", re.IGNORECASE)
"""What no address of ours may hold: a mailbox, a name, or what the course is about."""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("life")]


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody goes about it."""

    width: int
    dark: bool
    scripts: bool
    keyboard: bool


WAYS = {
    "phone-dark-no-scripts": Way(320, dark=True, scripts=False, keyboard=False),
    "phone-light-keyboard": Way(320, dark=False, scripts=True, keyboard=True),
    "desk-light": Way(1280, dark=False, scripts=True, keyboard=False),
    "desk-dark-keyboard-no-scripts": Way(1280, dark=True, scripts=False, keyboard=True),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A `drip up` of the course as it is shipped."""
    files = {"DRIP_SCHEDULE": str(ROOT / "schedules.yaml"), "DRIP_EMAILS": str(ROOT / "emails")}
    installation = Installation(tmp_path_factory.mktemp("house"), files)
    try:
        installation.up()
        yield installation
    finally:
        installation.close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield running
        running.close()


@pytest.mark.timeout(280)
@pytest.mark.parametrize("way", WAYS)
def test_a_life_from_the_form_to_the_last_row(house: Installation, browser: Browser, way: str) -> None:
    """She signs up, confirms, reads, pauses, resumes, changes her day, opens the kit, leaves, undoes and is erased.

    Each page that she comes by is without a violation for axe-core and no wider than her screen, and nothing is loaded
    from anywhere else. In the end no row and no file of the database holds her address or her name.
    """
    how = WAYS[way]
    size: ViewportSize = {"width": how.width, "height": 720 if how.width > 320 else 568}
    scheme: Literal["dark", "light"] = "dark" if how.dark else "light"
    context = browser.new_context(
        viewport=size, color_scheme=scheme, java_script_enabled=how.scripts, timezone_id="Europe/Vienna"
    )
    page = context.new_page()
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    eye = browser.new_page(viewport=size, color_scheme=scheme, bypass_csp=True)
    walker = Walker(page, eye, package("axe-core") / "axe.min.js", how.keyboard, how.width)
    life = Life(house, walker, f"vera.{way}@example.net")
    try:
        life.signs_up()
        if how.scripts:
            assert "Europe/Vienna" == life.zone
        life.confirms()
        life.reads()
        life.pauses_and_resumes()
        life.changes_her_day()
        life.opens_the_kit()
        life.leaves_and_undoes()
        life.is_erased()
    finally:
        context.close()
        eye.close()

    assert [] == life.walker.found
    assert [] == life.named_in_the_logs()
    assert [] == [url for url in elsewhere if TELLING.search(url.removeprefix(house.web)) and not url.startswith(house.sandbox)]
    assert [] == [url for url in elsewhere if not url.startswith((house.web, house.sandbox, "data:"))]


class Life:
    """One person's life; each step says what she sees."""

    def __init__(self, house: Installation, walker: Walker, address: str) -> None:
        """She is at *address*."""
        self.house = house
        self.walker = walker
        self.address = address
        self.zone = ""
        self.my = ""
        self._seen = 0

    def signs_up(self) -> None:
        """From the front page to "please look in your mailbox"."""
        walker = self.walker
        walker.open(self.house.web + "/")
        walker.follow("Ask for the letters")
        walker.fill("Your email address", self.address)
        walker.fill("What should we call you?", "Vera")
        self.zone = walker.page.get_by_label("Where you are").input_value()
        walker.tick(CONSENT_BEGINS)
        time.sleep(FORM_SECONDS_MIN)
        walker.press("Ask for the letters")
        assert "Please look in your mailbox" == walker.heading()

    def confirms(self) -> None:
        """From the letter in her mailbox to the welcome letter."""
        self.opens_letter("Please confirm", "Open the page to confirm")
        assert "Yes, send me the letters" == self.walker.heading()
        self.walker.press("Start my letters")
        assert "Welcome, you are in" == self.walker.heading()

    def reads(self) -> None:
        """The welcome letter, the next ones as time passes, and one of them again on her page."""
        self.opens_letter("Welcome", "All my letters")
        assert "My course" == self.walker.heading()
        self.my = self.walker.page.url
        for count in (2, 3):
            self.time_passes(count)
        self.walker.open(self.my)
        self.walker.follow("Welcome")
        assert "Vera" not in self.walker.words()
        assert self.address not in self.walker.words()
        self.walker.follow("← My course")

    def pauses_and_resumes(self) -> None:
        """A week, and on again."""
        self.walker.follow("Pause")
        self.walker.press("1 week")
        assert "Your letters are paused" == self.walker.heading()
        self.walker.follow("Go on, or change the pause")
        self.walker.press("Go on now")
        assert "You go on" == self.walker.heading()
        self.walker.follow("← My course")

    def changes_her_day(self) -> None:
        """To Thursday."""
        self.walker.follow("Change day or pace")
        self.walker.fill("Day", "Thursday")
        self.walker.press("Save")
        assert "Saved" == self.walker.heading()
        assert "Thursday" in self.walker.words()
        self.walker.open(self.my)

    def opens_the_kit(self) -> None:
        """And holds her next letter a week."""
        self.walker.follow("Rough patch?")
        self.walker.press("Hold my next letter for a week")
        assert "Your letters are paused" == self.walker.heading()
        self.walker.open(self.my)

    def leaves_and_undoes(self) -> None:
        """One press, and one more to come back."""
        self.walker.follow("Stop the letters")
        self.walker.press("Stop my letters")
        assert "Your letters have stopped" == self.walker.heading()
        self.walker.press("Undo, and keep my place")
        assert "You are back" == self.walker.heading()
        self.walker.open(self.my)

    def is_erased(self) -> None:
        """By a fresh link from her mailbox; afterwards nothing of hers is here."""
        self.walker.press("Mail me a fresh link")
        assert "On its way" == self.walker.heading()
        self.opens_letter("The link you asked for", "Open my page")
        assert "My course" == self.walker.heading()
        self.walker.follow("See it, and take it with me")
        assert "What is held about me" == self.walker.heading()
        assert self.address not in self.walker.words()
        self.walker.page.go_back()
        self.walker.follow("Erase me")
        self.walker.press("Erase me now")
        assert "You are erased" == self.walker.heading()
        self.walker.open(self.my)
        assert "My course" != self.walker.heading()
        assert eventually(lambda: self.address in self.house.get(f"{self.house.sandbox}/sandbox/erasures"), 60)
        assert eventually(lambda: [] == self.rows_of_hers(), 60), self.rows_of_hers()
        assert 0 == self.house.run("report", "--audit").returncode

    def opens_letter(self, subject: str, link: str) -> None:
        """Open her newest letter of that subject in the mailbox, and follow a link in it."""
        found: list[dict[str, Any]] = []

        def came() -> bool:
            mails = self.house.get(f"{self.house.sandbox}/sandbox/mails?address={quote(self.address)}") or []
            found[:] = [mail for mail in mails if subject in mail["subject"] and mail["id"] > self._seen]
            return bool(found)

        assert eventually(came, 60), self.house.words()
        self._seen = max(mail["id"] for mail in found)
        page = self.walker.page
        page.goto(f"{self.house.sandbox}/mails/{self._seen}")
        inside = page.frame_locator("iframe").get_by_role("link", name=link, exact=True).first
        with page.expect_navigation():
            if self.walker.keyboard:
                inside.focus()
                page.keyboard.press("Enter")
            else:
                inside.click()
        self.walker.look()

    def time_passes(self, letters: int) -> None:
        """Let the time machine run until she has so many lessons."""

        def had() -> int:
            mails = self.house.get(f"{self.house.sandbox}/sandbox/mails?address={quote(self.address)}") or []
            return sum("confirm" not in mail["subject"] for mail in mails)

        for _ in range(60):
            if had() >= letters:
                return
            step = urllib.request.Request(f"{self.house.sandbox}/sandbox/time/step", method="POST")
            with urllib.request.urlopen(step, timeout=60) as answer:
                assert 200 == answer.status
        message = f"{had()} letters came and not {letters}"
        raise AssertionError(message)

    def rows_of_hers(self) -> list[str]:
        """Return the columns of the database in which her address or her name stands."""
        with sqlite3.connect(f"file:{self._database()}?mode=ro", uri=True) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found = []
            for table in tables:
                for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", [table]).fetchall():
                    rows = connection.execute(
                        f'SELECT count(*) FROM "{table}" WHERE "{column}" LIKE ? OR "{column}" = ?', [f"%{self.address}%", "Vera"]
                    ).fetchone()
                    if rows[0]:
                        found.append(f"{table}.{column}")
        return found

    def named_in_the_logs(self) -> list[str]:
        """Return what names her in anything that any process wrote: her address, her name, a token of hers."""
        logs = [*(self.house.folder / "var" / "log").glob("*.log"), self.house.output]
        words = {log.name: log.read_text("utf-8", errors="replace") for log in logs}
        assert "left" in words["web.log"]
        secrets = {self.address, "Vera", *self.walker.tokens}
        return [f"{secret} in {name}" for name, text in words.items() for secret in secrets if secret in text]

    def _database(self) -> Path:
        return self.house.folder / "var" / "drip.db"


def test_the_walker_sees_what_is_wrong(house: Installation, browser: Browser) -> None:
    """A page without a language and with a button that has no words is found out, and so is one that runs over the side."""
    page: Page = browser.new_page(viewport={"width": 320, "height": 500})
    page.goto(f"{house.web}/care")
    page.set_content(f"<!doctype html><html><body><h1>x</h1><pre>{'x' * 300}</pre><button></button></body></html>")
    eye: Page = browser.new_page()
    walker = Walker(page, eye, package("axe-core") / "axe.min.js", keyboard=False, width=320)
    walker.look()
    page.close()
    eye.close()
    assert {"html-has-lang", "button-name"} <= {word.strip(":") for said in walker.found for word in said.split()}
    assert any("pixels wide" in said for said in walker.found)
