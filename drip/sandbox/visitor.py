"""Somebody at a browser, without one: opens a page, finds a button by its words, and presses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from drip.errors import DripError

if TYPE_CHECKING:
    from collections.abc import Mapping


class NoSuchButton(DripError):
    """The page has no button of that name."""


@dataclass(slots=True)
class Form:
    """One form of a page: where it goes, what it says by itself, and the words on its buttons with what they add."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects the forms of a page as a browser would submit them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._button: tuple[str, str] | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a form, note a field, or begin a button."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(found.get("action", ""), found.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is None:
            return
        name, value = found.get("name", ""), found.get("value", "")
        if tag == "input" and name and (found.get("type") not in {"radio", "checkbox", "submit"} or "checked" in found):
            self._form.values[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in found or self._select not in self._form.values):
            self._form.values[self._select] = value
        elif tag == "button":
            self._button, self._words = (name, value), []

    def handle_data(self, data: str) -> None:
        """Keep the words on a button."""
        if self._button is not None:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        """End a form, a choice or a button."""
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "button" and self._button is not None and self._form is not None:
            self._form.buttons[" ".join("".join(self._words).split())] = self._button
            self._button = None


class Visitor:
    """Reads pages and presses buttons; follows redirects within the site as a browser would."""

    def __init__(self) -> None:
        """Keep one pool of connections; `close` gives it back."""
        self._pool = urllib3.PoolManager(retries=False, timeout=60)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def open(self, url: str) -> str:
        """Return the page at *url*; raises DripError when it does not open."""
        answer = self._pool.request("GET", url, redirect=True)
        if answer.status != 200:
            msg = f"a page does not open: {answer.status}"
            raise DripError(msg)
        return answer.data.decode()

    def press(self, url: str, words: str, choices: Mapping[str, str] | None = None) -> str:
        """Open *url*, press the button that says *words* with *choices* made in its form, and return the page that comes."""
        for form in self._forms(self.open(url)):
            for label, (name, value) in form.buttons.items():
                if words.lower() in label.lower():
                    values = form.values | dict(choices or {}) | ({name: value} if name else {})
                    return self._submit(urljoin(url, form.action or url), values)
        msg = f"the page has no button that says {words!r}"
        raise NoSuchButton(msg)

    def one_click(self, url: str) -> int:
        """Leave as a mail program does (RFC 8058) and return the status of the answer."""
        answer = self._pool.request(
            "POST",
            url,
            body=b"List-Unsubscribe=One-Click",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            redirect=False,
        )
        return int(answer.status)

    @staticmethod
    def _forms(page: str) -> list[Form]:
        finder = _Forms()
        finder.feed(page)
        finder.close()
        return finder.forms

    def _submit(self, url: str, values: Mapping[str, str]) -> str:
        address = urlsplit(url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{address.scheme}://{address.netloc}",
            "Sec-Fetch-Site": "same-origin",
        }
        answer = self._pool.request("POST", url, body=urlencode(values).encode(), headers=headers, redirect=False)
        if answer.status == 303:
            return self.open(urljoin(url, answer.headers["Location"]))
        if answer.status != 200:
            msg = f"a button does not do what it says: {answer.status}"
            raise DripError(msg)
        return answer.data.decode()
