"""Every press that the pages know, from everywhere a browser can say that it comes from."""

from __future__ import annotations

import asyncio
import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from drip.web.guard import Guard
from tests.web.routes import routes_of

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from tests.web.conftest import Site, Start

HOST = "letters.example.org"

FROM_ANYWHERE = {
    "/leave/{token}": "mail providers press it from their own servers and pages (RFC 8058); it can only make letters stop",
    "/webhooks/sendgrid": "the provider's servers press it, and sign what they bring",
    "/api/v1/subscribers": "other sites' servers press it; it asks for a key in a header, which no browser adds by itself",
}
"""The presses that may come from anywhere, each with the reason. The form in a frame is none: its page is one of ours."""

SAME, OTHER = "same", "https://evil.example"
ORIGINS = (SAME, OTHER, "null", None)
SITES = ("same-origin", "same-site", "cross-site", "none", None)
TAKEN: dict[tuple[str | None, str | None], bool] = {
    # A script cannot write Sec-Fetch-Site, so where there is one it decides alone.
    **{("same-origin", origin): True for origin in ORIGINS},
    # Typed into the address line, or pressed in a mail program that opens a window of its own.
    **{("none", origin): True for origin in ORIGINS},
    # Another host of the same domain is another's: it may be anybody's blog.
    **{("same-site", origin): False for origin in ORIGINS},
    **{("cross-site", origin): False for origin in ORIGINS},
    # Older browsers say no more than the origin: ours, or null because our pages send no referrer; programs say nothing.
    (None, SAME): True,
    (None, "null"): True,
    (None, None): True,
    (None, OTHER): False,
}
"""By Sec-Fetch-Site and Origin, None for absent: whether the press of a form is taken."""


@pytest.fixture
def site(start: Start) -> Site:
    """The pages of the small course."""
    return start(roadmap=False)


async def _taken(scope: Scope, receive: Receive, send: Send) -> None:
    """Be the pages behind the guard."""
    await Response(status_code=200)(scope, receive, send)


def pressed(method: str, path: str, headers: dict[str, str]) -> int:
    """Return the status of a press that comes through the guard to pages that take everything."""
    guard = Guard(_taken, prefix="", trouble_page=lambda status, _: Response(status_code=status))
    raw = [(name.lower().encode(), value.encode()) for name, value in {"Host": HOST, **headers}.items()]
    scope: Scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b""}
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    asyncio.run(guard(scope, receive, send))
    return int(answers[0]["status"])


def test_the_table_of_presses(site: Site) -> None:
    """Each route, whoever wrote it and when, refuses what comes from elsewhere, but for the three that must not.

    The table is asked of the guard itself, and each route once over the wire.
    """
    routes = [(method, path) for method, path in routes_of(site.app) if method not in {"GET", "HEAD", "OPTIONS"}]
    assert set(FROM_ANYWHERE) <= {path for _, path in routes}
    assert len(routes) >= 22
    assert set(TAKEN) == set(product(SITES, ORIGINS))
    for method, path in routes:
        filled = re.sub(r"{\w+}", "x", path)
        for (fetched, origin), taken in TAKEN.items():
            said = {"Sec-Fetch-Site": fetched, "Origin": f"https://{HOST}" if origin == SAME else origin}
            headers = {name: value for name, value in said.items() if value is not None}
            expected = 200 if taken or path in FROM_ANYWHERE else 403
            assert expected == pressed(method, filled, headers), (path, headers)
        if path not in FROM_ANYWHERE:
            answer = site.pool.request(method, site.url + filled, headers={"Sec-Fetch-Site": "cross-site"}, redirect=False)
            assert 403 == answer.status, path
