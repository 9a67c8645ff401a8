"""The console in a real browser: one night's work at a phone and at a desk, light and dark, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.proof.conftest import package
from tests.web.console.conftest import PASSWORD, Visitor
from tests.web.console.pages import paths
from tests.web.test_browser import FLAGS, SMALL_TARGETS
from tests.web.walker import Walker

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.web.conftest import Site, Start
    from tests.web.console.conftest import Admit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody sits there."""

    width: int
    dark: bool
    scripts: bool
    keyboard: bool = False


WAYS = {
    "phone-dark-no-scripts": Way(320, dark=True, scripts=False),
    "phone-light": Way(320, dark=False, scripts=True),
    "desk-light-no-scripts-keyboard": Way(1280, dark=False, scripts=False, keyboard=True),
    "desk-dark": Way(1280, dark=True, scripts=True),
}

TARGETS = SMALL_TARGETS.replace(".site ", ".console ")


@pytest.fixture
def databases(request: pytest.FixtureRequest) -> object:
    """What a browser shows is alike on both: SQLite alone."""
    return request.getfixturevalue("sqlite_files")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield running
        running.close()


@pytest.fixture
def site(start: Start) -> Site:
    """The pages of the real course."""
    return start()


def opened(browser: Browser, way: Way) -> BrowserContext:
    """Return a browser of its own for one way of sitting there."""
    size: ViewportSize = {"width": way.width, "height": 720 if way.width > 320 else 568}
    scheme: Literal["dark", "light"] = "dark" if way.dark else "light"
    return browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=way.scripts)


@pytest.mark.timeout(280)
@pytest.mark.parametrize("way", WAYS)
def test_a_night_at_the_console(site: Site, admit: Admit, browser: Browser, way: str) -> None:
    """Log in, find somebody, see why, pause, end it, let her leave; hold with a reason, release; log out.

    Each page is without a violation for axe-core and no wider than the screen; nothing is loaded from elsewhere, and the
    policy stops nothing of ours.
    """
    how = WAYS[way]
    admit(site)
    person = site.have_letters(site.enroll("vera@example.net"), 3)
    context = opened(browser, how)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    eye = browser.new_page(viewport=context.pages[0].viewport_size, color_scheme="dark" if how.dark else "light", bypass_csp=True)
    walker = Walker(page, eye, package("axe-core") / "axe.min.js", how.keyboard, how.width)

    walker.open(f"{site.url}/console/people")
    assert "Log in" == walker.heading()
    walker.fill("Name", "kim")
    walker.fill("Password", PASSWORD)
    walker.press("Log in")
    assert "People" == walker.heading()
    walker.fill("Her whole address", "vera@example.net")
    walker.press("Find her")
    assert "vera@example.net" == walker.heading()
    assert "vera" not in page.url + page.title()
    assert "the last letter went on" in walker.words()
    walker.press("Pause 2 weeks")
    assert "weeks" == site.person(person.id).paused
    assert "She paused for some weeks".lower() in walker.words().lower()
    walker.press("End her pause")
    assert "" == site.person(person.id).paused
    walker.follow("Let her leave")
    walker.press("Let her leave")
    assert "left" == site.person(person.id).state
    assert "she left; only she can come back" in walker.words()
    walker.follow("Today")
    walker.fill("Why hold roadmap?", "a wrong number in a letter")
    walker.press("Hold roadmap")
    assert "a wrong number in a letter (kim)" in walker.words()
    walker.press("Release roadmap")
    assert "running" in walker.words()
    for room in ("Sender", "kim"):
        walker.follow(room)
    walker.press("Log out")
    assert "Log in" == walker.heading()
    context.close()
    eye.close()
    assert [] == walker.found
    assert [] == [url for url in asked if not url.startswith((site.url, "data:"))]
    assert [] == complaints


@pytest.mark.parametrize("dark", [False, True])
def test_every_page_fits(site: Site, kim: Visitor, browser: Browser, dark: bool) -> None:  # noqa: FBT001
    """At 320 pixels, and in type twice as large, nothing runs over the side, and buttons are large enough for a thumb."""
    person = site.have_letters(site.enroll("somebody.with.a.rather.long.address@a.subdomain.example.net"), 3)
    context = opened(browser, Way(320, dark=dark, scripts=True))
    page = context.new_page()
    page.goto(f"{site.url}/console/login")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Today").wait_for()
    for path in paths(site, "GET", person.public_id):
        page.goto(site.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert 320 >= page.evaluate("document.documentElement.scrollWidth"), path
        assert [] == page.evaluate(TARGETS), path
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert 320 >= page.evaluate("document.documentElement.scrollWidth"), f"{path} in large type"
    context.close()


def test_the_page_refreshes_itself(site: Site, kim: Visitor, browser: Browser) -> None:
    """With a script the first page shows what has changed, and what is being typed stays; after the end it is the way in."""
    from drip.flows import admitting, holding

    context = opened(browser, WAYS["desk-dark"])
    page = context.new_page()
    page.goto(f"{site.url}/console/login")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Why hold roadmap?").wait_for()
    page.wait_for_load_state()
    page.get_by_label("Why hold roadmap?").fill("half a word")
    holding.hold(site.deployment.database, None, "held elsewhere")
    page.evaluate("htmx.ajax('GET', '/console', {source: '#now', target: '#now', select: '#now', swap: 'outerHTML'})")
    page.get_by_text("roadmap is held: held elsewhere").wait_for()
    assert "half a word" == page.get_by_label("Why hold roadmap?").input_value()
    admitting.remove(site.deployment.database, "kim")
    page.evaluate("htmx.ajax('GET', '/console', {source: '#now', target: '#now', select: '#now', swap: 'outerHTML'})")
    page.get_by_role("heading", name="Log in").wait_for()
    context.close()
