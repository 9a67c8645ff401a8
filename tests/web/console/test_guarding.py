"""Every page and every press of the console, those too that are written later: who may, and what a look leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drip.core.operator import Permission
from tests.web.console.conftest import Visitor
from tests.web.console.pages import FIELDS, LOGIN, paths

if TYPE_CHECKING:
    from tests.web.conftest import Site
    from tests.web.console.conftest import Admit

WITHOUT_SEND = {
    "/console/login": "the way in",
    "/console/logout": "the way out",
    "/console/people": "it only finds",
    "/console/account/password": "her own",
    "/console/account/elsewhere": "her own",
}
"""The presses for which looking is enough, each with the reason."""

POLICY = {"default-src 'none'", "style-src 'self'", "script-src 'self'", "connect-src 'self'", "form-action 'self'"}


@pytest.fixture
def public_id(site: Site) -> str:
    """A person in the middle of her course."""
    return site.have_letters(site.enroll(), 2).public_id


def test_nothing_without_a_login(site: Site, kim: Visitor, public_id: str) -> None:
    """Every page leads to the way in, and no press does anything."""
    before = site.dump()
    stranger = Visitor(site)
    looked, pressed = paths(site, "GET", public_id), paths(site, "POST", public_id)
    assert {"/console", "/console/people", "/console/sender", "/console/account"} <= set(looked)
    assert {"/console/hold", "/console/release"} <= set(pressed)
    for path in (*looked, *paths(site, "HEAD", public_id)):
        if path != LOGIN:
            assert (303, True) == ((answer := stranger.get(path)).status, answer.headers["Location"].startswith(LOGIN)), path
    for path in pressed:
        if path != LOGIN:
            assert 303 == stranger.post(path, FIELDS).status, path
    assert before == site.dump()


def test_no_press_without_the_token_of_its_session(site: Site, admit: Admit, kim: Visitor, public_id: str) -> None:
    """Not without one, not with another session's, not with another operator's, not from another site, and nothing is changed."""
    again = Visitor(site)
    again.log_in()
    others = (None, "", "x", again.token(), admit(site, "lou").token(), "é")
    token, before = kim.token(), site.dump()
    for path in paths(site, "POST", public_id):
        if path == LOGIN:
            continue
        for other in others:
            form = FIELDS if other is None else {**FIELDS, "csrf": other}
            assert 403 == kim.post(path, form).status, (path, other)
        good = {**FIELDS, "csrf": token}
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}):
            assert 403 == kim.post(path, good, **headers).status, (path, headers)
        assert 403 == kim.post(path, good, Origin="null").status, path
    assert before == site.dump()


def test_the_way_in_is_not_pressed_from_elsewhere(site: Site, kim: Visitor) -> None:
    """Nobody is logged in as somebody else by a page of another site."""
    before = site.dump()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = Visitor(site).post(LOGIN, {"name": "kim", "password": "correct horse battery"}, **headers)
        assert (403, None) == (answer.status, answer.headers.get("Set-Cookie")), headers
    assert before == site.dump()


def test_who_may_look_changes_nothing_that_goes_out(site: Site, admit: Admit, kim: Visitor, public_id: str) -> None:
    """Every other press answers calmly who may, and changes nothing but when she pressed last."""
    lou = admit(site, "lou", Permission.LOOK)
    token, before = lou.token(), site.dump()
    pressed = set(paths(site, "POST", public_id))
    assert set(WITHOUT_SEND) <= pressed
    for path in pressed - set(WITHOUT_SEND):
        answer = lou.post(path, {**FIELDS, "csrf": token})
        assert (403, True) == (answer.status, b"Who may: <strong>kim</strong>" in answer.data), path
    after = site.dump()
    assert before | {"sessions": []} == after | {"sessions": []}


def test_looking_changes_nothing(site: Site, kim: Visitor, public_id: str) -> None:
    """Every page that can be looked at leaves every row of every table as it was, sessions too."""
    left = site.enroll("left@example.net")
    site.post(site.leave(left))
    # The worker of these tests says now and then that it lives.
    before = site.dump() | {"owners": []}
    for one in (public_id, left.public_id, "nobody"):
        for method in ("GET", "HEAD"):
            for path in paths(site, method, one):
                answer = kim.ask(method, path, b"", {})
                assert answer.status in {200, 400, 404} or path == LOGIN, (method, path, answer.status)
                assert ("HEAD" == method) == (b"" == answer.data) or path == LOGIN
    assert before == site.dump() | {"owners": []}


def test_every_page_is_kept_to_itself(site: Site, kim: Visitor, public_id: str) -> None:
    """Nothing from elsewhere, no script but ours, no inline style, never stored; one heading, landmarks, a way past the top."""
    for path in paths(site, "GET", public_id):
        answer = kim.get(path)
        if answer.status != 200:
            continue
        assert set(answer.headers["Content-Security-Policy"].split("; ")) >= POLICY, path
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert ("no-store", "same-origin") == (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"])
        page = answer.data.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert "hx-on" not in page
        assert 1 == page.count("<script src="), path
        assert 1 == page.count("<script")
        assert (1, 1) == (page.count("<h1"), page.count("<main")), path
        assert 'href="#main"' in page
        assert page.count('method="post"') == page.count('name="csrf"'), path


def test_no_address_stands_in_a_title_or_a_link(site: Site, kim: Visitor, public_id: str) -> None:
    """Hers is shown on her own pages, as text, and nowhere else."""
    for path in paths(site, "GET", public_id):
        page = kim.get(path).data.decode()
        head, _, body = page.partition("<body")
        assert "sam@" not in head, path
        assert not any("sam@" in part for part in body.split('href="')[1:] if "sam@" in part.partition('"')[0]), path
        assert ("sam@example.net" in body) == (public_id in path), path


def test_what_was_typed_into_the_form_is_not_echoed(site: Site, kim: Visitor) -> None:
    """A password never stands in a page."""
    secret = "a long password of mine"
    for form in ({"password": secret}, {"password": secret, "new-password": secret, "again-password": f"{secret}x"}):
        assert secret not in kim.press("/console/account/password", form).data.decode()
    assert secret not in Visitor(site).log_in("kim", secret).data.decode()
