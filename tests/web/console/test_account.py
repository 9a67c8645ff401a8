"""An operator's own account: another password, and the ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.console.conftest import PASSWORD, Visitor

if TYPE_CHECKING:
    from tests.web.conftest import Site

NEW = "quite another long one"


def test_another_password(site: Site, kim: Visitor) -> None:
    """She stays in with a new session, every other browser is out, and the old password opens nothing."""
    other = Visitor(site)
    other.log_in()
    before = dict(kim.cookies)
    form = {"password": PASSWORD, "new-password": NEW, "again-password": NEW}
    answer = kim.press("/console/account/password", form)
    assert (303, "/console/account?done=password") == (answer.status, answer.headers["Location"])
    assert kim.cookies != before
    assert "Your password is changed" in kim.page(answer.headers["Location"])
    assert 303 == other.get("/console").status
    assert 303 == Visitor(site, before).get("/console").status
    assert [403, 303] == [Visitor(site).log_in("kim", one).status for one in (PASSWORD, NEW)]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"password": "a wrong long password", "new-password": NEW, "again-password": NEW}, "this is not your password"),
        ({"password": PASSWORD, "new-password": NEW, "again-password": f"{NEW} "}, "this is not the same as above"),
        ({"password": PASSWORD, "new-password": "eleven char", "again-password": "eleven char"}, "at least 12 characters"),
        ({"password": PASSWORD, "new-password": "x" * 501, "again-password": "x" * 501}, "at most 500 characters"),
    ],
)
def test_what_is_not_taken(site: Site, kim: Visitor, form: dict[str, str], said: str) -> None:
    """It is told beside its field, and nothing is changed."""
    before = site.dump()["operators"]
    answer = kim.press("/console/account/password", form)
    assert (422, True) == (answer.status, said in answer.data.decode())
    assert before == site.dump()["operators"]
    assert 200 == kim.get("/console").status


def test_guessing_her_password_from_her_own_browser_is_capped(kim: Visitor) -> None:
    """Whoever finds her browser open does not get to try for long."""
    form = {"password": "a wrong long password", "new-password": NEW, "again-password": NEW}
    assert [422] * 8 == [kim.press("/console/account/password", form).status for _ in range(8)]
    assert 429 in {kim.press("/console/account/password", form).status for _ in range(3)}


def test_out_everywhere_else(site: Site, kim: Visitor) -> None:
    """One press, and this browser alone is in."""
    other = Visitor(site)
    other.log_in()
    assert "Log out everywhere else" in kim.page("/console/account")
    assert 303 == kim.press("/console/account/elsewhere").status
    assert [200, 303] == [one.get("/console").status for one in (kim, other)]


def test_on_the_way_out_nothing_stays_behind(kim: Visitor) -> None:
    """The cookie is taken back, and what the browser keeps of the pages with it."""
    answer = kim.press("/console/logout")
    assert '"cache"' == answer.headers["Clear-Site-Data"]
    assert "Max-Age=0" in kim.attributes
