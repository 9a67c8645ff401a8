"""A riddle in the sign-up form: only for whoever hands one in, only there, and never between a reader and her letters."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, Request, Response
from markupsafe import Markup
from structlog.testing import capture_logs

from drip.web.app import make_web
from drip.web.captcha import SiteVerify
from drip.web.serve import serving
from tests.web.forms import JOIN, SMALL, fill_in, stored

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start


@contextmanager
def provider(answer: Callable[[dict[str, str]], Response]) -> Iterator[str]:
    """Serve a provider that answers as it is told."""
    app = FastAPI()

    @app.post("/siteverify")
    async def verify(request: Request) -> Response:
        form = await request.form()
        return answer({name: str(value) for name, value in form.items()})

    with serving(app) as url:
        yield f"{url}/siteverify"


def riddle(verify_url: str) -> SiteVerify:
    """Return a riddle of that provider."""
    widget = Markup('<div class="riddle"></div>')
    return SiteVerify(widget, ("https://riddle.example.com",), "riddle-response", verify_url, "the secret")


@pytest.fixture
def site(start: Start) -> Site:
    """A site whose pages are served once more, with a riddle."""
    return start(roadmap=False, schedule=SMALL)


@contextmanager
def with_riddle(site: Site, verify_url: str) -> Iterator[Site]:
    """Give the site with a riddle in its form."""
    with serving(make_web(site.deployment, captcha=riddle(verify_url))) as url:
        plain, site.url = site.url, url
        try:
            yield site
        finally:
            site.url = plain


def test_a_solved_riddle_is_asked_of_the_provider(site: Site) -> None:
    """It gets the secret, the answer and the network address; then the form is kept."""
    asked: list[dict[str, str]] = []

    def yes(form: dict[str, str]) -> Response:
        asked.append(form)
        return Response(json.dumps({"success": True}))

    with provider(yes) as url, with_riddle(site, url):
        assert 303 == fill_in(site, JOIN, {"riddle-response": "42"}).status
    assert [{"secret": "the secret", "response": "42", "remoteip": "127.0.0.1"}] == asked
    assert 1 == len(stored(site))


@pytest.mark.parametrize("answer", ["", "wrong"])
def test_an_unsolved_riddle_shows_the_form_again(site: Site, answer: str) -> None:
    """With what was typed, the fault beside it, and nothing kept."""
    with provider(lambda _: Response(json.dumps({"success": False}))) as url, with_riddle(site, url):
        said = fill_in(site, JOIN, {"riddle-response": answer})
    assert (422, []) == (said.status, stored(site))
    assert b'id="riddle-fault"' in said.data
    assert b'value="sam@example.net"' in said.data


def test_while_the_provider_is_silent_everybody_passes(site: Site) -> None:
    """Nobody there, a fault, or an answer that is none: the log says so, and the form is taken."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/siteverify"
    assert riddle(nobody).passes({"riddle-response": "42"}, "")
    for answer in (Response(status_code=500), Response("[]"), Response("no")):
        with provider(lambda _, answer=answer: answer) as url, capture_logs() as lines:  # type: ignore[misc]
            assert riddle(url).passes({"riddle-response": "42"}, "")
        assert ["captcha-unknown"] == [line["event"] for line in lines]


def test_only_the_form_may_load_from_the_provider(site: Site) -> None:
    """And without a riddle nothing may."""
    with with_riddle(site, "http://127.0.0.1:1/"):
        assert '<div class="riddle">' in site.page(JOIN)
        policy = site.get(JOIN).headers["Content-Security-Policy"]
        assert "script-src 'self' https://riddle.example.com; frame-src https://riddle.example.com" in policy
        for path in ("/", "/page", f"{JOIN}/asked"):
            assert "riddle" not in site.get(path).headers["Content-Security-Policy"]
    assert "riddle" not in site.get(JOIN).headers["Content-Security-Policy"]
    assert "riddle" not in site.page(JOIN)
