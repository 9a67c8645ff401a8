"""An operator in front of the console: a browser that keeps its cookie and sends the token of each form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
import urllib3

from drip.core.operator import Permission
from drip.flows import admitting
from tests.web.conftest import Site, Start, start

__all__ = ["start"]

PASSWORD = "correct horse battery"


@dataclass
class Visitor:
    """A browser at the console; it keeps cookies as they are set, and forgets them when it is told to."""

    site: Site
    cookies: dict[str, str] = field(default_factory=dict)
    attributes: str = ""

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """Ask for *path* below the site and follow nothing."""
        if body:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.site.pool.request(method, self.site.url + path, body=body or None, headers=headers, redirect=False)
        for line in answer.headers.getlist("set-cookie"):
            self.attributes = line
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """Look at *path*."""
        return self.ask("GET", path, b"", headers)

    def page(self, path: str = "/console", status: int = 200) -> str:
        """Return the page at *path*."""
        answer = self.get(path)
        assert status == answer.status, answer.data
        return answer.data.decode()

    def token(self) -> str:
        """Return what stands in the forms of this session."""
        [token] = set(re.findall(r'name="csrf" value="(\w+)"', self.page()))
        return str(token)

    def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """Post a form as it is, and follow nothing."""
        body = urlencode(dict(form or {})).encode()
        return self.ask("POST", path, body, headers)

    def press(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """Post a form of a page of hers, and follow nothing."""
        return self.post(path, {"csrf": self.token(), **(form or {})}, **headers)

    def log_in(self, name: str = "kim", password: str = PASSWORD, **form: str) -> urllib3.BaseHTTPResponse:
        """Log in, and follow nothing."""
        return self.post("/console/login", {"name": name, "password": password, **form})


Admit = Callable[..., Visitor]


@pytest.fixture
def site(start: Start) -> Site:
    """The pages of the small course."""
    return start(roadmap=False)


@pytest.fixture
def admit() -> Admit:
    """A function that adds an operator of a permission and returns her browser, logged in."""

    def make(site: Site, name: str = "kim", permission: str = Permission.SEND) -> Visitor:
        admitting.add(site.deployment.database, name, PASSWORD, permission=permission, by="a test")
        visitor = Visitor(site)
        assert 303 == visitor.log_in(name).status
        return visitor

    return make


@pytest.fixture
def kim(site: Site, admit: Admit) -> Visitor:
    """An operator who may send, logged in."""
    return admit(site)
