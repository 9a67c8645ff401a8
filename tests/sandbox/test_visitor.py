"""Somebody at a browser, without one: what the visitor sends is what a browser would send."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from drip.errors import DripError
from drip.sandbox.serve import serving
from drip.sandbox.visitor import NoSuchButton, Visitor

PAGE = """
<form action="/other" method="post"><button name="x" value="1">Not this one</button></form>
<form action="echo?of=page" method="post">
  <input type="hidden" name="nonce" value="a&amp;b">
  <input name="name" value="Ada">
  <input type="radio" name="pace" value="1"><input type="radio" name="pace" value="2" checked>
  <input type="radio" name="pace" value="3">
  <input type="checkbox" name="short" value="yes"><input type="checkbox" name="long" value="yes" checked>
  <input type="submit" name="plain" value="An old button"><input value="nameless">
  <select name="hour"><option value="08:00">eight</option><option value="09:00" selected>nine</option></select>
  <select name="day"><option value="mon">Monday</option><option value="tue">Tuesday</option></select>
  <button name="weeks" value="1"><span>1  week</span>
     Next letter on Tuesday</button>
  <button name="weeks" value="2">2 weeks</button>
  <button>Save</button>
</form>
<form method="post"><button>Stay here</button></form>
"""


def page(request: Request) -> Response:
    """Show the forms, or answer a press on the last one."""
    return HTMLResponse("stayed" if request.method == "POST" else PAGE)


async def echo(request: Request) -> Response:
    """Say what came."""
    headers = {name: request.headers.get(name) for name in ("origin", "sec-fetch-site", "content-type")}
    form = [(name, str(value)) for name, value in (await request.form()).multi_items()]
    return JSONResponse({"form": form, "query": request.url.query, "headers": headers})


def elsewhere(_: Request) -> Response:
    """Lead to another page, as a handler does after a press."""
    return RedirectResponse("/done", status_code=303)


def missing(_: Request) -> Response:
    """Be no page."""
    return HTMLResponse("no", status_code=503)


ROUTES = [
    Route("/deep/page", page, methods=["GET", "POST"]),
    Route("/deep/echo", echo, methods=["POST"]),
    Route("/to", lambda _: HTMLResponse('<form action="/from"><button>Go</button></form>')),
    Route("/from", elsewhere, methods=["POST"]),
    Route("/done", lambda _: HTMLResponse("<h1>Done</h1>")),
    Route("/broken", lambda _: HTMLResponse('<form action="/missing"><button>Go</button></form>')),
    Route("/missing", missing, methods=["GET", "POST"]),
]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A site with forms, on this machine."""
    with serving(Starlette(routes=ROUTES)) as url:
        yield url


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """Somebody who reads it."""
    found = Visitor()
    yield found
    found.close()


def test_a_press_sends_what_a_browser_would(site: str, visitor: Visitor) -> None:
    """Hidden fields, what is checked and selected, and the pressed button's own value; nothing of other forms and buttons."""
    said = json.loads(visitor.press(f"{site}/deep/page", "1 week"))
    assert {
        "nonce": "a&b",
        "name": "Ada",
        "pace": "2",
        "long": "yes",
        "hour": "09:00",
        "day": "mon",
        "weeks": "1",
    } == dict(said["form"])
    assert "of=page" == said["query"]
    assert {
        "origin": site,
        "sec-fetch-site": "same-origin",
        "content-type": "application/x-www-form-urlencoded",
    } == said["headers"]


def test_choices_are_made_in_the_form(site: str, visitor: Visitor) -> None:
    """A choice replaces what stood in the form; a button without a name adds nothing; words are found in any case."""
    said = dict(json.loads(visitor.press(f"{site}/deep/page", "SAVE", {"day": "thu", "name": "Bo"}))["form"])
    assert ("thu", "Bo", None) == (said["day"], said["name"], said.get("weeks"))


def test_a_form_without_an_address_goes_to_its_own_page(site: str, visitor: Visitor) -> None:
    """As in a browser."""
    assert "stayed" == visitor.press(f"{site}/deep/page", "stay here")


def test_the_page_after_a_press_is_opened(site: str, visitor: Visitor) -> None:
    """A 303 leads on, with GET."""
    assert "<h1>Done</h1>" == visitor.press(f"{site}/to", "go")


def test_what_is_not_there_is_said(site: str, visitor: Visitor) -> None:
    """No such button, no such page, a press that fails: each is an error that says so, without the address."""
    with pytest.raises(NoSuchButton, match="no button that says 'Fly'"):
        visitor.press(f"{site}/deep/page", "Fly")
    with pytest.raises(DripError, match=r"^a page does not open: 503$"):
        visitor.open(f"{site}/missing")
    with pytest.raises(DripError, match=r"^a button does not do what it says: 503$"):
        visitor.press(f"{site}/broken", "Go")


def test_one_click_is_what_a_mail_program_does(site: str, visitor: Visitor) -> None:
    """RFC 8058: one POST with the one field, no page opened before it, and no redirect followed."""
    assert 200 == visitor.one_click(f"{site}/deep/echo")
    assert 303 == visitor.one_click(f"{site}/from")
