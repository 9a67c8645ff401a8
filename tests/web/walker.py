"""Somebody with a real browser: by pointer or by keyboard alone, with or without JavaScript, and axe-core at each page."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Frame, Page

TOKEN_PAGES = {"my", "own", "leave", "confirm", "change"}
"""The pages whose address goes on with a token."""

TABS_MAX = 120
"""How many presses of Tab a page may take to reach what is wanted."""

RULES = """
axe.run(document, {
  resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  rules: {'target-size': {enabled: true}},
}).then(found => found.violations.flatMap(
  rule => rule.nodes.map(node => `${rule.id}: ${node.failureSummary || ''} ${node.html.slice(0, 160)}`)))
"""

FOCUSED = """
() => {
  const element = document.activeElement;
  if (!element || element === document.body) return ['', ''];
  const label = element.labels && element.labels.length ? element.labels[0].innerText : '';
  const words = element.tagName === 'SELECT' ? label : (element.innerText || label || element.getAttribute('aria-label') || '');
  return [element.tagName.toLowerCase(), words.replace(/\\s+/g, ' ').trim()];
}
"""


@dataclass
class Walker:
    """One person at one browser; every page she comes to is looked at by axe and measured."""

    page: Page
    eye: Page
    """Shows to axe what she sees: axe needs scripts, which her own browser may not run."""
    axe: Path
    keyboard: bool
    width: int
    found: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    """The tokens in the addresses of all pages that she came by."""

    def open(self, url: str) -> None:
        """Go to an address."""
        self.page.goto(url)
        self.look()

    def press(self, words: str) -> None:
        """Press the button that begins with *words*."""
        self._act("button", words)

    def follow(self, words: str, inside: Frame | None = None) -> None:
        """Follow the link that begins with *words*."""
        if inside is not None:
            inside.get_by_role("link", name=words).first.click()
            self.page.wait_for_load_state()
            self.look()
            return
        self._act("a", words)

    def fill(self, label: str, text: str) -> None:
        """Write into a field, or choose in a list."""
        if self.keyboard:
            self._tab_to(("input", "select", "textarea"), label)
            self.page.keyboard.type(text)
            return
        wanted = self.page.get_by_label(label, exact=False).first
        if wanted.evaluate("element => element.tagName") == "SELECT":
            wanted.select_option(label=text)
        else:
            wanted.fill(text)

    def tick(self, label: str) -> None:
        """Tick a box."""
        if self.keyboard:
            self._tab_to(("input",), label)
            self.page.keyboard.press("Space")
        else:
            self.page.get_by_label(label, exact=False).first.check()

    def heading(self) -> str:
        """Return the first heading of the page."""
        return self.page.locator("h1").first.inner_text()

    def words(self) -> str:
        """Return what the page says."""
        return self.page.locator("body").inner_text()

    def look(self) -> None:
        """Let axe look at the page, and see that nothing runs over its side."""
        parts = urlsplit(self.page.url).path.split("/")
        if parts[1] in TOKEN_PAGES:
            self.tokens |= {parts[2], parts[2].partition(".")[0]}
        where = f"{urlsplit(self.page.url).path.split('/')[1]} “{self.page.title()}”"
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        if wide > self.width:
            self.found.append(f"{where}: {wide} pixels wide")
        # A page after a press cannot be asked for again, so its words are set into one of the same site.
        self.eye.goto(urlsplit(self.page.url)._replace(path="/healthz").geturl())
        self.eye.set_content(self.page.content())
        self.eye.evaluate(self.axe.read_text("utf-8"))
        self.found += [f"{where}: {said}" for said in self.eye.evaluate(RULES)]

    def _act(self, tag: str, words: str) -> None:
        if self.keyboard:
            self._tab_to((tag,), words)
            with self.page.expect_navigation():
                self.page.keyboard.press("Enter")
        else:
            role: Literal["button", "link"] = "button" if tag == "button" else "link"
            with self.page.expect_navigation():
                self.page.get_by_role(role, name=words).first.click()
        self.look()

    def _tab_to(self, tags: tuple[str, ...], words: str) -> None:
        seen = []
        for _ in range(TABS_MAX):
            self.page.keyboard.press("Tab")
            tag, said = self.page.evaluate(FOCUSED)
            if tag in tags and words.lower() in said.lower():
                return
            seen.append(f"{tag}: {said[:40]}")
        msg = f"Tab does not reach {words!r}; it came by {seen[:40]}"
        raise AssertionError(msg)
