"""The pages in a real browser, at the width of a small phone: by touch, by keyboard, light and dark, in large type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from drip import clock
from drip.core.token import CONFIRM
from drip.web.serve import serving
from tests.web.forms import JOIN, SMALL, stored, work

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SMALL_TARGETS = """
() => ['button', 'select', 'input[type=email]', '#name', '.button', '.map a', '.tap', '.home', 'label.radio', 'summary']
  .flatMap(what => [...document.querySelectorAll('.site ' + what)])
  .filter(element => element.getBoundingClientRect().height < 44)
  .map(element => element.textContent.trim())
"""
FAINT = """
() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = parts(colour).slice(0, 3).map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const element of document.querySelectorAll('.site *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 6 && element.tagName !== 'OPTION') faint.push(element.textContent.trim() + ' ' + contrast.toFixed(1));
  }
  return faint;
}
"""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield running
        running.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A phone 320 pixels wide, without JavaScript of pages."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_leaving_is_one_tap(site: Site, phone: Page) -> None:
    """The button is in sight without scrolling, one tap leaves, and one more comes back."""
    person = site.have_letters(site.enroll(), 2)
    phone.goto(site.url + site.leave(person))
    button = phone.get_by_role("button", name="Stop my letters")
    box = button.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 400

    button.click()

    assert "Your letters have stopped" == phone.get_by_role("heading", level=1).inner_text()
    assert "left" == site.person(person.id).state
    phone.get_by_role("button", name="Undo, and keep my place").click()
    assert "You are back" == phone.get_by_role("heading", level=1).inner_text()
    assert "active" == site.person(person.id).state


def test_leaving_by_keyboard_alone(site: Site, phone: Page) -> None:
    """The first press of Tab reaches the button, and Enter leaves."""
    person = site.enroll()
    phone.goto(site.url + site.leave(person))

    phone.keyboard.press("Tab")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/leave/*")
    phone.get_by_role("heading", name="Your letters have stopped").wait_for()

    assert "left" == site.person(person.id).state


def test_a_pause_and_new_settings_by_keyboard_alone(site: Site, phone: Page) -> None:
    """From her page: pause a week, go back, choose another day and save, without a pointer and without JavaScript."""
    person = site.have_letters(site.enroll(), 2)
    phone.goto(site.url + site.my(person))
    for _ in range(20):
        phone.keyboard.press("Tab")
        if phone.locator("a:focus").count() and "Pause" == phone.locator("a:focus").inner_text():
            break
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Pause your letters").wait_for()
    phone.get_by_role("button", name="1 week").focus()
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Your letters are paused").wait_for()
    assert "weeks" == site.person(person.id).paused

    phone.goto(f"{site.url}{site.my(person)}/settings")
    phone.get_by_label("Day", exact=True).focus()
    phone.keyboard.type("Thu")
    phone.get_by_role("button", name="Save").focus()
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Saved").wait_for()
    assert 3 == site.person(person.id).weekday


def test_the_next_letter_now_and_the_move_by_keyboard_alone(site: Site, phone: Page) -> None:
    """From her page to the next letter at once; behind a fresh link she asks another mailbox."""
    person = site.have_letters(site.enroll(), 2)
    site.pass_to(site.now() + timedelta(days=1))
    phone.goto(site.url + site.my(person))
    phone.get_by_role("link", name="The next letter now").focus()
    phone.keyboard.press("Enter")
    phone.get_by_role("button", name="Mail it to me now").focus()
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Your letter is on its way").wait_for()
    site.run()
    assert 3 == len(site.mailbox())

    phone.goto(site.url + site.own(person))
    phone.get_by_role("link", name="Move to another address").focus()
    phone.keyboard.press("Enter")
    phone.get_by_label("New address").focus()
    phone.keyboard.type("new@example.net")
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Please look in the new mailbox").wait_for()


def test_her_country_and_the_papers_by_keyboard_alone(start: Start, phone: Page) -> None:
    """She chooses her country and saves, then opens the papers behind her letters; nothing is asked of any other host."""
    site = start(helplines=True)
    person = site.have_letters(site.enroll(), 2)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.goto(f"{site.url}{site.my(person)}/settings")
    phone.get_by_label("My country").focus()
    phone.keyboard.type("Uni")
    phone.get_by_role("button", name="Save").focus()
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Saved").wait_for()
    assert "GB" == site.person(person.id).country

    phone.goto(site.url + site.my(person))
    phone.get_by_role("link", name="Where the letters’ facts come from").focus()
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Where the letters’ facts come from", level=1).wait_for()
    paper = phone.get_by_role("link", name="doi.org/10.1001/jama.2014.3266")
    paper.focus()
    assert "https://doi.org/10.1001/jama.2014.3266" == paper.get_attribute("href")
    assert [] == [url for url in asked if not url.startswith((site.url, "data:"))]


def _choose_and_ask(site: Site, page: Page) -> None:
    """Fill in the form by keyboard alone, and press its button once a person could have."""
    page.goto(f"{site.url}/join/roadmap")
    page.keyboard.press("Tab")
    page.keyboard.type("ada@example.net")
    page.keyboard.press("Tab")
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_timeout(3200)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Please look in your mailbox").wait_for()


@pytest.mark.parametrize(("scripts", "zone"), [(True, "Asia/Tokyo"), (False, "Europe/London")])
def test_joining_by_keyboard_alone(site: Site, browser: Browser, scripts: bool, zone: str) -> None:  # noqa: FBT001
    """With scripts her own zone stands there, without them the course's; from the letter one press begins."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, java_script_enabled=scripts, timezone_id="Asia/Tokyo")
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _choose_and_ask(site, page)
    work(site)
    [path] = re.findall(r"/confirm/[\w.-]+", site.mailbox()[-1].text)
    page.goto(site.url + path)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Welcome, you are in").wait_for()
    context.close()
    [row] = site.dump()["enrollments"]
    assert {"active", zone} <= set(row)
    assert [] == [url for url in asked if not url.startswith((site.url, "data:"))]


def test_the_form_in_a_frame_of_another_site(start: Start, browser: Browser) -> None:
    """A site that the course names shows the form and its press is taken; in the frame of another nothing is shown."""
    pages = {"/": ""}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await HTMLResponse(pages["/"])(scope, receive, send)

    with serving(app) as friend, serving(app) as stranger:
        site = start(roadmap=False, schedule=SMALL.replace("https://example.org", friend))
        pages["/"] = f'<iframe src="{site.url}{JOIN}/embed" title="form" width=320 height=900></iframe>'
        context = browser.new_context()
        page = context.new_page()
        page.goto(friend)
        frame = page.frame_locator("iframe")
        frame.get_by_label("Your email address").fill("ada@example.net")
        frame.get_by_role("checkbox").check()
        page.wait_for_timeout(3200)
        frame.get_by_role("button", name="Ask for the letters").click()
        frame.get_by_role("heading", name="Please look in your mailbox").wait_for()
        assert ["ada@example.net"] == [row["address"] for row in stored(site)]
        page.goto(stranger, wait_until="networkidle")
        assert 0 == page.frame_locator("iframe").get_by_label("Your email address").count()
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_can_be_read(start: Start, browser: Browser, scheme: str) -> None:
    """At 320 pixels, and in type twice as large, nothing runs over; targets are 44 pixels; contrast is six to one or more."""
    site = start(helplines=True)
    person = site.have_letters(site.enroll(country="NL"), 3)
    asked = site.enroll("jo@example.net", confirmed=False)
    my = site.my(person)
    confirm = f"/confirm/{site.deployment.service_token('', asked.public_id)}"
    old = site.deployment.tokens.sign_dated(CONFIRM, asked.public_id, now=clock.machine_now() - timedelta(days=31))
    forms = ["/join/roadmap", "/join/roadmap/embed", "/join/roadmap/asked", "/page", "/page/asked", f"/confirm/{old}"]
    own = site.own(person)
    names = (
        "after",
        "pause",
        "pause/done",
        "settings",
        "settings/saved",
        "moved",
        "rough/mail/done",
        "fresh/done",
        "fresh/enough",
        "letters/welcome/mail/done",
        "again/begun",
        "rough",
        "sources",
        "care",
        "letters/welcome",
        "letters/welcome/mail",
        "next",
        "again",
        "fresh",
    )
    hers = [
        *(f"{my}/{page}" for page in names),
        own,
        *(f"{own}/{page}" for page in ("data", "address", "address/asked", "address/enough", "erase")),
    ]
    paths = ["/", "/care", "/x", "/leave/x", my, *hers, confirm, *forms]
    context = browser.new_context(viewport={"width": 320, "height": 568}, color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    for path in [*paths, site.leave(person)]:
        page.goto(site.url + path)
        assert 320 >= page.evaluate("document.documentElement.scrollWidth"), path
        assert [] == page.evaluate(SMALL_TARGETS), path
        assert [] == page.evaluate(FAINT), path
        assert 1 == page.locator("h1").count(), path
        assert 1 == page.locator("main").count(), path
        if "letters" not in path and not path.endswith("rough"):
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert 320 >= page.evaluate("document.documentElement.scrollWidth"), path
    context.close()


def test_a_browser_that_runs_scripts_and_presses_nothing_changes_nothing(site: Site, browser: Browser) -> None:
    """A scanner that opens every page as a browser does leaves all rows as they were."""
    person = site.have_letters(site.enroll(), 2)
    my = site.my(person)
    asked = site.enroll("jo@example.net", confirmed=False)
    site.run()
    own = site.own(person)
    hers = (
        "",
        "/pause",
        "/pause/done",
        "/settings",
        "/settings/saved",
        "/moved",
        "/rough/mail/done",
        "/fresh/done",
        "/letters/welcome/mail/done",
        "/again/begun",
        "/rough",
        "/letters/welcome",
        "/letters/welcome/mail",
        "/next",
        "/again",
        "/after",
        "/fresh",
    )
    paths = [site.leave(person), f"/confirm/{site.deployment.service_token('', asked.public_id)}", "/join/roadmap", "/page", own]
    paths += [*(f"{my}{page}" for page in hers), *(f"{own}{page}" for page in ("/data", "/address", "/erase"))]
    before = site.dump()
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text))

    for path in paths:
        page.goto(site.url + path, wait_until="networkidle")

    context.close()
    assert before == site.dump()
    assert [] == complaints
