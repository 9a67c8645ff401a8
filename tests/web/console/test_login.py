"""The way in."""

from __future__ import annotations

from tests.web.conftest import Site
from tests.web.console.conftest import Visitor


def test_who_knows_the_password_comes_in(site: Site, kim: Visitor) -> None:
    """And who has no cookie does not."""
    assert "<h1>Today</h1>" in kim.page()
    away = Visitor(site).get("/console")
    assert (303, "/console/login") == (away.status, away.headers["Location"])
    for path in ("/people", "/sender", "/account"):
        assert "<h1>" in kim.page(f"/console{path}")
