"""The rooms of figures, files and doubts in a real browser: what an operator reads and presses there, by every way she sits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drip.store import tables
from tests.proof.conftest import package
from tests.web.console.conftest import PASSWORD
from tests.web.console.crowd import gather
from tests.web.console.test_browser import WAYS, browser, databases, opened
from tests.web.console.test_files import WALK, edit, newest, schedule, words_of
from tests.web.walker import Walker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.web.conftest import Site
    from tests.web.console.conftest import Admit

__all__ = ["browser", "databases"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PEOPLE = 300


def doubts(site: Site) -> int:
    """Return how many letters are in doubt."""
    with site.deployment.database.read() as connection:
        return len(connection.execute(tables.deliveries.select().where(tables.deliveries.c.state == "uncertain")).all())


def look_at_plan(walker: Walker, url: str, *, scripts: bool, press: str) -> None:
    """Open a page that fetches its plan: by itself where scripts run, by its button where none do."""
    walker.page.goto(url)
    if scripts:
        walker.page.locator("#looked form.agree").wait_for()
        walker.look()
    else:
        # Axe runs scripts, and would fetch the plan as nobody.
        walker.follow(press)


@pytest.mark.timeout(280)
@pytest.mark.parametrize("way", WAYS)
def test_a_night_among_figures(site: Site, admit: Admit, browser: Browser, way: str) -> None:
    """Map, week and outcomes; a doubt settled; an edit with a hazard made live, looked at, and gone back from.

    Each page is without a violation for axe-core and no wider than the screen; nothing is loaded from elsewhere, and the
    policy stops nothing of ours.
    """
    how = WAYS[way]
    admit(site)
    gather(site.deployment, PEOPLE)
    edit(words_of(site, "rest"), "One practice at a time.", "One practice at a time, whatever the day is like.")
    edit(schedule(site), WALK, "")
    context = opened(browser, how)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: complaints.append(line.text))
    eye = browser.new_page(viewport=page.viewport_size, color_scheme="dark" if how.dark else "light", bypass_csp=True)
    walker = Walker(page, eye, package("axe-core") / "axe.min.js", how.keyboard, how.width)
    walker.open(f"{site.url}/console/map")
    walker.fill("Name", "kim")
    walker.fill("Password", PASSWORD)
    walker.press("Log in")

    assert "Map" == walker.heading()
    _read_figures(walker)
    _settle_one(site, walker)
    _apply_and_go_back(site, walker, scripts=how.scripts)
    context.close()
    eye.close()
    assert [] == walker.found
    assert [] == [url for url in asked if not url.startswith((site.url, "data:"))]
    assert [] == complaints


def _read_figures(walker: Walker) -> None:
    """Look at the week and the outcomes."""
    page = walker.page
    walker.follow("Week")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    walker.look()
    walker.follow("Outcomes")
    walker.fill("Told by", "lesson and version")
    walker.press("Show")
    assert "by=version" in page.url


def _settle_one(site: Site, walker: Walker) -> None:
    """Call one letter in doubt submitted."""
    before = doubts(site)
    walker.follow("Uncertain")
    walker.tick("person")
    walker.press("They were submitted")
    walker.fill("How do you know?", "the provider shows it")
    walker.press("Yes, it was submitted")
    assert "How it stands now" == walker.heading()
    assert before - 1 == doubts(site)


def _apply_and_go_back(site: Site, walker: Walker, *, scripts: bool) -> None:
    """Make an edit with a hazard live, and go back from it."""
    page = walker.page
    look_at_plan(walker, f"{site.url}/console/files", scripts=scripts, press="Look at the files")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    walker.look()
    walker.tick("removed-unread")
    walker.fill("Why", "it says what another says")
    walker.press("Make it live")
    assert ("Version 2 live", 2, "kim") == (walker.heading(), newest(site).id, newest(site).applied_by)
    walker.follow("Versions")
    walker.follow("Version 1")
    assert "/console/versions/1/back" == page.get_by_role("link", name="Go back to this version").get_attribute("href")
    look_at_plan(walker, f"{site.url}/console/versions/1/back", scripts=scripts, press="Work out the plan")
    walker.fill("Why", "it was missed")
    walker.press("Go back to version 1")
    assert ("Version 3 live", "back to version 1: it was missed") == (walker.heading(), newest(site).note)


def test_every_figure_is_read_without_its_bar(site: Site, admit: Admit, browser: Browser) -> None:
    """To whoever hears the page each chart is one picture with a name, and bars that only repeat a figure are none at all."""
    admit(site)
    gather(site.deployment, PEOPLE)
    edit(schedule(site), WALK, "")
    context = opened(browser, WAYS["desk-dark"])
    page = context.new_page()
    page.goto(f"{site.url}/console/login")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Today").wait_for()
    pictures = {}
    for room in ("map", "week", "outcomes?days=all", "files/look"):
        page.goto(f"{site.url}/console/{room}")
        pictures[room] = [one.get_attribute("aria-labelledby") for one in page.get_by_role("img").all()]
        named = page.evaluate(
            "[...document.querySelectorAll('svg')].every(one => one.ariaHidden === 'true' || one.querySelector('title'))"
        )
        assert named, room
    assert {"map": 0, "week": 7, "outcomes?days=all": 5, "files/look": 1} == {
        room: len(found) for room, found in pictures.items()
    }
    context.close()


def test_a_plan_that_is_fetched_says_that_it_runs(site: Site, admit: Admit, browser: Browser) -> None:
    """While the plan is worked out the page says so, and no longer; a press looks again, and finds what was edited since."""
    admit(site)
    context = opened(browser, WAYS["desk-dark"])
    page = context.new_page()
    page.goto(f"{site.url}/console/login")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Today").wait_for()
    page.goto(f"{site.url}/console/files")
    page.get_by_text("There is nothing to apply.").wait_for()
    edit(schedule(site), WALK, "")
    page.evaluate("document.body.addEventListener('htmx:beforeSend', () => { window.ran = getComputedStyle(looking).display; })")
    page.get_by_role("link", name="Look at the files").click()
    page.locator("#looked form.agree").wait_for()
    assert "inline" == page.evaluate("window.ran")
    assert not page.locator("#looking").is_visible()
    context.close()
