"""The preview in a real browser: what is saved shows by itself, what is chosen stays, and everybody can use the pages."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from drip.config import NAMES, python
from drip.web.preview.choice import PANES
from drip.web.preview.snapshot import Files
from tests.proof.conftest import package
from tests.web.preview.conftest import COURSE, LETTER, ROOT, Preview
from tests.web.test_browser import FLAGS
from tests.web.walker import RULES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AT = f"/letters/{COURSE}/{LETTER}"
PATIENCE_MS = 20_000

SMALL_TARGETS = """
() => [...document.querySelectorAll('a, select, button')]
  .filter(element => element.getBoundingClientRect().width && !element.closest('p'))
  .filter(element => element.getBoundingClientRect().height < 24)
  .map(element => element.textContent.trim())
"""


# Axe looks at our own pages; the letters in their frames are looked at by tests/proof.
OUR_RULES = RULES.replace("document, {", "{exclude: ['iframe']}, {iframes: false,")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window 1280 pixels wide, in which nothing may complain."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda trouble: complaints.append(str(trouble)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    yield page
    context.close()
    assert [] == [line for line in complaints if "ERR_CONNECTION_REFUSED" not in line]


@pytest.fixture
def process(files: Files) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real `drip preview` over the copied files, and its address; it is stopped by its pid."""
    kept = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in NAMES}
    command = [python(), "-m", "drip", "preview", LETTER, "--no-open"]
    running = subprocess.Popen(
        command, cwd=files.schedule.parent, env={**kept, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    yield running, running.stdout.readline().strip()
    running.terminate()
    running.wait(timeout=60)
    running.stdout.close()


def rewrite(path: Path, before: str, after: str) -> None:
    """Save a file as editors do: aside, and then in its place."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text.replace(before, after), encoding="utf-8")
    aside.replace(path)


def test_a_saved_word_shows_by_itself(process: tuple[subprocess.Popen[str], str], files: Files, page: Page) -> None:
    """A file edited on the disk shows in the open page without a press: quickly, scrolled as far, in the same panes.

    Then a fault greys the letter and names its place, mending it brings the letter back, and when the process has ended the
    page says so.
    """
    running, url = process
    letter = files.emails / "unload" / f"{LETTER}.md"
    page.goto(f"{url}?panes=wide,phone-dark,text,source")
    page.get_by_text("No faults in this letter").wait_for()
    frame = page.frame_locator("iframe#wide")
    frame.locator("h1").wait_for()
    page.frames[1].evaluate("scrollTo(0, 300)")
    page.locator("[data-keep=text]").evaluate("element => { element.scrollTop = 120; }")
    page.evaluate("scrollTo(0, 150)")

    began = time.monotonic()
    rewrite(letter, "There is no", "Believe us: there is no")
    frame.get_by_text("Believe us").first.wait_for(state="attached")
    # A second on an idle machine; the tests of a whole suite share this one.
    assert time.monotonic() - began < 5
    page.locator("[data-keep=text]", has_text="Believe us").wait_for()
    assert 300 == page.frame(url=lambda address: "/light" in address).evaluate("scrollY")  # type: ignore[union-attr]
    assert 120 == page.locator("[data-keep=text]").evaluate("element => element.scrollTop")
    assert 150 == page.evaluate("scrollY")
    assert ["wide", "phone-dark", "text", "source"] == page.locator(".panes a.on").evaluate_all(
        "links => links.map(link => link.id.slice(5))"
    )

    rewrite(letter, "minutes: 5", "minutes: soon")
    page.locator(".trouble", has_text="The letter as it is saved now cannot be shown.").wait_for()
    assert "The letter as it is saved now cannot be shown." == page.locator("[data-said]").inner_text()
    assert "emails/unload/settle.md:5:10" in page.locator(".fault").first.inner_text()
    assert 2 == page.locator(".pane.stale iframe").count()
    assert "as it was at" in page.locator("#h-wide").inner_text()
    assert frame.get_by_text("Believe us").first.is_visible()

    rewrite(letter, "minutes: soon", "minutes: 6")
    page.locator(".figures", has_text="6 minutes of practice").wait_for()
    page.wait_for_function("() => !document.querySelector('.stale')")

    rewrite(files.schedule, "- {id: settle, wait: 1 week}", "- {id: settle, wait: 1 weak}")
    page.get_by_text("schedules.yaml:70").first.wait_for()
    rewrite(files.schedule, "1 weak", "1 week")
    page.wait_for_function("() => !document.querySelector('.stale')")

    running.terminate()
    page.locator("[data-ended]", has_text="The preview has ended.").wait_for()


def test_panes_and_readers_are_chosen_without_losing_the_place(preview: Preview, page: Page) -> None:
    """By keyboard: a pane opens where one stands, the reader changes at once, the focus stays, and Back goes back."""
    page.goto(preview.url + AT)
    page.frame_locator("#wide").locator("h1").wait_for()
    page.frames[1].evaluate("scrollTo(0, 250)")
    page.locator("#open-text").focus()
    page.keyboard.press("Enter")
    page.locator("#h-text").wait_for()
    page.wait_for_function("() => document.getElementById('wide').contentWindow.scrollY === 250")
    assert "open-text" == page.evaluate("document.activeElement.id")
    page.locator("#reader").select_option(label="Half-way, back from a pause")
    page.locator("[data-keep=text]", has_text="Welcome back").wait_for()
    assert "reader" == page.evaluate("document.activeElement.id")
    assert "reader=back" in page.url
    page.go_back()
    page.locator("[data-keep=text]", has_text="Hello Ana").wait_for()
    page.wait_for_function("() => !document.querySelector('[data-keep=text]').textContent.includes('Welcome back')")


def test_everything_works_without_scripts(preview: Preview, browser: Browser) -> None:
    """Panes are links, the reader is chosen by a button, and a plain reload shows what was saved."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(preview.url + AT)
    page.get_by_role("link", name="Text part").click()
    page.get_by_label("As read by").select_option(label="Gave no name")
    page.get_by_role("button", name="Show").click()
    assert "Hello,\n" in page.locator("pre.plain").inner_text()
    preview.edit("There is no", "Believe us: there is no")
    page.reload()
    assert "Believe us" in page.locator("pre.plain").inner_text()
    assert "Believe us" in page.frame_locator("#wide").locator("body").inner_text()
    context.close()


@pytest.mark.parametrize("screen", ["light", "dark"])
def test_the_looks_are_the_same_on_every_screen(preview: Preview, browser: Browser, screen: Literal["light", "dark"]) -> None:
    """Light is light and dark is dark, whatever the writer's own screen is; the widths are those of the letter itself."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=screen)
    page = context.new_page()
    page.goto(f"{preview.url}{AT}?panes=wide,wide-dark,phone,phone-dark")
    grounds, widths, schemes = {}, {}, {}
    for pane in ("wide", "wide-dark", "phone", "phone-dark"):
        body = page.frame_locator(f"#{pane}").locator("body")
        body.wait_for()
        grounds[pane] = body.evaluate("body => getComputedStyle(body).backgroundColor")
        widths[pane] = body.evaluate("() => document.documentElement.clientWidth")
        schemes[pane] = body.evaluate("() => getComputedStyle(document.documentElement).colorScheme")
    light, dark = "rgb(250, 248, 243)", "rgb(27, 27, 27)"
    assert {"wide": light, "wide-dark": dark, "phone": light, "phone-dark": dark} == grounds
    assert {"wide": 600, "wide-dark": 600, "phone": 320, "phone-dark": 320} == widths
    assert {"wide": "light", "wide-dark": "dark", "phone": "light", "phone-dark": "dark"} == schemes
    context.close()


def test_a_link_in_a_letter_opens_a_page_that_does_nothing(preview: Preview, page: Page) -> None:
    """Pressed in the frame, it opens beside the preview and says what it would have been."""
    page.goto(preview.url + AT)
    with page.expect_popup() as opened:
        page.frame_locator("#wide").get_by_role("link", name="Unsubscribe").click()
    assert "Nothing has happened" == opened.value.get_by_role("heading", level=1).inner_text()
    assert "stops the letters" in opened.value.locator("main").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark"), (1920, "light")])
def test_axe_finds_nothing_and_every_page_fits(
    preview: Preview, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    """With and without faults, no page breaks a rule of axe-core, runs over its side, or asks anything of another host."""
    axe = (package("axe-core") / "axe.min.js").read_text("utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    found: list[str] = []

    def look(path: str) -> None:
        page.goto(preview.url + path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{path} is {page.evaluate('document.documentElement.scrollWidth')} wide")
        found.extend(f"{path}: {words} is a small target" for words in page.evaluate(SMALL_TARGETS))
        page.evaluate(axe)
        found.extend(f"{path}: {said}" for said in page.evaluate(OUR_RULES))

    every = f"{AT}?panes={','.join(PANES)}"
    for path in ("/", AT, every, f"/letters/{COURSE}/confirm", "/pressed/pause", "/nothing"):
        look(path)
    preview.edit("minutes: 5", "minutes: soon")
    preview.edit("title: ", "titel: ", preview.files.emails / "unload" / "wind-down.md")
    for path in ("/", every):
        look(path)
    context.close()
    assert [] == found
    assert [] == [url for url in asked if not url.startswith((preview.url, "data:"))]
