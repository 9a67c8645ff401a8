"""Every letter by axe-core in Chromium: what a person with a screen reader, low sight or unsure hands would meet."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.proof.conftest import package
from tests.proof.letters import every_letter, sample_letter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = """
axe.run(document, {
  resultTypes: ['violations', 'incomplete'],
  // By its tags axe takes WCAG 2.2 up to AA, contrast of 7:1 (AAA) and its own best practices.
  runOnly: ['wcag2a', 'wcag2aa', 'wcag2aaa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  rules: {
    'color-contrast-enhanced': {enabled: true},
    'target-size': {enabled: true},
    // A letter is shown inside a mail program's page, which has its own landmarks; a second main would mislead.
    'landmark-one-main': {enabled: false},
    'region': {enabled: false},
  },
}).then(found => [...found.violations, ...found.incomplete].flatMap(
  rule => rule.nodes.map(node => `${rule.id}: ${node.failureSummary || ''} ${node.html.slice(0, 120)}`)))
"""


@pytest.fixture(scope="module")
def axe(page: Page) -> Page:
    """A browser's page; what is set into it can be asked by `findings`."""
    # The window outlives what is set into it, so the script is read once.
    page.evaluate((package("axe-core") / "axe.min.js").read_text("utf-8"))
    return page


def findings(axe: Page, html: str) -> list[str]:
    """Return what axe finds, what it cannot decide included."""
    axe.set_content(html)
    found: list[str] = axe.evaluate(RULES)
    return found


@pytest.mark.parametrize("width", [320, 700])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_a_readers_way(axe: Page, scheme: str, width: int) -> None:
    """No letter has a violation, nor anything that axe would leave to a human eye."""
    axe.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    axe.set_viewport_size({"width": width, "height": 800})
    letters = {name: letter.html for name, letter in every_letter().items()} | {"sample": sample_letter()}
    found = {name: findings(axe, html) for name, html in letters.items()}
    assert {} == {name: said for name, said in found.items() if said}


def test_the_judge_is_awake(axe: Page) -> None:
    """A page with faint words, a skipped heading, links too close together and no language has all of these violations."""
    small = "display: inline-block; width: 9px; height: 9px; overflow: hidden"
    found = findings(
        axe,
        "<!DOCTYPE html><html><head><title>x</title></head><body><h1>One</h1><h3>Three</h3><p style='color: #999999'>Faint</p>"
        "<p style='color: #707070'>Less so</p>"
        f"<p><a href='#a' style='{small}'>a</a><a href='#b' style='{small}'>b</a></p></body></html>",
    )
    violations = {"color-contrast", "color-contrast-enhanced", "heading-order", "html-has-lang", "target-size"}
    assert violations <= {said.partition(":")[0] for said in found}
