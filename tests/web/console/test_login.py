"""The way in: who knows name and password, for how long, and what a stranger learns, which is nothing."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import structlog
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from drip import clock
from drip.flows import admitting
from drip.store import tables
from drip.web.caps import TRIES, TRIES_AN_HOUR, Caps
from drip.web.console.login import WRONG
from drip.web.console.room import PURPOSE, ROLL_AFTER
from tests.web.console.conftest import PASSWORD, Visitor

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start
    from tests.web.console.conftest import Admit

REAL = {
    "SENDGRID_API_KEY": "SG.a-key-that-is-nobodys",
    "DRIP_SENDGRID_URL": "http://127.0.0.1:1",
}


def sessions(site: Site) -> list[tuple[object, ...]]:
    """Return the rows of all sessions."""
    return site.dump()["sessions"]


def test_who_knows_the_password_comes_in(site: Site, kim: Visitor) -> None:
    """And who has no cookie is led to the way in, and from there back to where she wanted to go."""
    assert "<h1>Today</h1>" in kim.page()
    stranger = Visitor(site)
    away = stranger.get("/console/people?x=1")
    assert (303, "/console/login?next=/console/people%3Fx%3D1") == (away.status, away.headers["Location"])
    assert 'name="next" value="/console/people?x=1"' in stranger.page(away.headers["Location"])
    answer = stranger.log_in(next="/console/people?x=1")
    assert (303, "/console/people?x=1") == (answer.status, answer.headers["Location"])
    assert (303, "/console") == (stranger.get("/console/login").status, stranger.get("/console/login").headers["Location"])


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/",
        "//evil.example/console",
        "/my/x",
        "/console/../my",
        "/console\\@evil",
        "/consoles",
        "/console//evil",
    ],
)
def test_the_way_in_leads_nowhere_else(site: Site, admit: Admit, place: str) -> None:
    """Whatever stands in the link, after the password comes a page of the console."""
    admit(site)
    assert "/console" == Visitor(site).log_in(next=place).headers["Location"]


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(site: Site, kim: Visitor) -> None:
    """The same words, status and headers; both pages differ by nothing but the name that was typed."""
    answers = [Visitor(site).log_in(name, "a wrong long password") for name in ("kim", "nob", "", "kim@example.net", "<b>x</b>")]
    assert {403} == {one.status for one in answers}
    assert 1 == len(
        {one.data.decode().replace(f'value="{name}"', "") for one, name in zip(answers[:2], ("kim", "nob"), strict=True)}
    )
    assert all(WRONG in html.unescape(one.data.decode()) for one in answers)
    assert b"<b>x</b>" not in answers[-1].data
    assert not any("Set-Cookie" in one.headers for one in answers)


def test_an_unknown_name_costs_a_hash_too(site: Site, kim: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try compares one hash of today's strength, whoever is meant: the time that it takes does not tell."""
    compared: list[str] = []
    matches = admitting._matches

    def noted(hashed: str, typed: str) -> bool:
        compared.append(hashed)
        return matches(hashed, typed)

    monkeypatch.setattr(admitting, "_matches", noted)
    for name in ("kim", "nobody", "no name at all", ""):
        Visitor(site).log_in(name, "a wrong long password")
    assert 4 == len(compared)
    assert [admitting.NOBODYS] * 3 == compared[1:]
    assert not PasswordHasher().check_needs_rehash(admitting.NOBODYS)
    assert not PasswordHasher().check_needs_rehash(compared[0])


def test_the_cookie_at_home(kim: Visitor) -> None:
    """Over plain HTTP on this machine it is no secure one; no script reads it, and no other site sends it."""
    assert {"HttpOnly", "Path=/console", "SameSite=strict"} == set(kim.attributes.split("; ")[1:])
    assert ["drip-console"] == list(kim.cookies)


@pytest.mark.parametrize(
    ("address", "name", "path"),
    [
        ("https://letters.example.com", "__Host-drip-console", "/"),
        ("https://example.com/letters", "__Secure-drip-console", "/letters/console"),
    ],
)
def test_the_cookie_over_tls(start: Start, admit: Admit, address: str, name: str, path: str) -> None:
    """Held to this host; below a path of a shared host it stands under that path alone, so that no neighbour is shown it."""
    from tests.course import SCHEDULE

    schedule = SCHEDULE.replace("example.org", "letters.example")
    site = start(roadmap=False, schedule=schedule, environment={"DRIP_BASE_URL": address, **REAL})
    kim = admit(site)
    assert [name] == list(kim.cookies)
    assert {"HttpOnly", f"Path={path}", "SameSite=strict", "Secure"} == set(kim.attributes.split("; ")[1:])
    prefix = path.removesuffix("/console") if path != "/" else ""
    assert f'href="{prefix}/console/people"' in kim.page()
    assert f"{prefix}/console/login" == Visitor(site).get("/console").headers["Location"]


def test_each_login_is_a_new_session(site: Site, kim: Visitor) -> None:
    """The one before it in the same browser ends, one in another browser goes on; no secret is stored."""
    before = dict(kim.cookies)
    other = Visitor(site)
    other.log_in()
    kim.log_in()
    assert kim.cookies != before
    assert 2 == len(sessions(site))
    assert 303 == Visitor(site, before).get("/console").status
    assert 200 == other.get("/console").status
    assert not any(value.partition(".")[0] in str(row) for value in (*kim.cookies.values(),) for row in sessions(site))


def test_a_cookie_that_was_put_there_is_not_taken_over(site: Site, admit: Admit) -> None:
    """Whoever plants a cookie before the login knows nothing after it."""
    admit(site, "eve")
    planted = Visitor(site)
    planted.log_in("eve")
    value = dict(planted.cookies)
    admitting.add(site.deployment.database, "kim", PASSWORD, permission="send", by="a test")
    kim = Visitor(site, dict(value))
    kim.log_in("kim")
    assert kim.cookies != value
    assert 303 == Visitor(site, value).get("/console").status


def test_idle_for_half_a_day(site: Site, kim: Visitor) -> None:
    """Then the browser is out; a look in between keeps it, and one that the page makes by itself does not."""
    [value] = kim.cookies.values()
    secret = value.partition(".")[0]

    def aged(**by: float) -> Visitor:
        made = clock.machine_now() - timedelta(**by)
        return Visitor(site, {"drip-console": site.deployment.tokens.sign_dated(PURPOSE, secret, now=made)})

    assert 303 == aged(hours=12.01).get("/console").status
    assert 303 == aged(hours=12.01).post("/console/logout").status
    late = aged(hours=11.9)
    assert 200 == late.get("/console", **{"HX-Request": "true"}).status
    assert "" == late.attributes
    assert 200 == late.get("/console").status
    assert "drip-console" in late.attributes
    fresh = aged(seconds=ROLL_AFTER.total_seconds() - 30)
    assert 200 == fresh.get("/console").status
    assert "" == fresh.attributes


def test_after_a_week_everybody_logs_in_again(site: Site, kim: Visitor) -> None:
    """However busy she was; the row goes with the next login."""
    with site.deployment.database.write() as connection:
        connection.execute(tables.sessions.update().values(ends_at=clock.machine_now()))
    assert 303 == kim.get("/console").status
    Visitor(site).log_in()
    assert 1 == len(sessions(site))


def test_a_forged_cookie_opens_nothing(site: Site, kim: Visitor) -> None:
    """Neither one of another key, nor one that is cut, nor a link of ours."""
    [value] = kim.cookies.values()
    person = site.enroll()
    for bad in (value[:-1], value.partition(".")[0], f"x{value}", site.my(person).rpartition("/")[2], "", "é"):
        assert 303 == Visitor(site, {"drip-console": bad}).get("/console").status


@pytest.mark.parametrize("how", ["removed", "password", "logged out"])
def test_a_session_ends_at_once(site: Site, kim: Visitor, how: str) -> None:
    """Whoever is taken out, gets another password or logs out is out with the next press, in that browser and by that cookie."""
    cookies, token = dict(kim.cookies), kim.token()
    if how == "removed":
        admitting.remove(site.deployment.database, "kim")
    elif how == "password":
        assert 1 == admitting.set_password(site.deployment.database, "kim", "another long password")
    else:
        answer = kim.press("/console/logout")
        assert (303, "/console/login") == (answer.status, answer.headers["Location"])
        assert {} == kim.cookies
    before = site.dump()
    gone = Visitor(site, cookies)
    assert 303 == gone.get("/console").status
    assert 303 == gone.post("/console/hold", {"csrf": token, "reason": "x"}).status
    assert before == site.dump()
    assert (how == "logged out") == (Visitor(site).log_in().status == 303)


def test_out_while_the_password_is_compared(site: Site, admit: Admit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who is taken out in that moment is not let in by it."""
    admit(site)
    before = len(sessions(site))
    matches = admitting._matches

    def slowly(hashed: str, typed: str) -> bool:
        found = matches(hashed, typed)
        admitting.set_password(site.deployment.database, "kim", "another long password")
        return found

    monkeypatch.setattr(admitting, "_matches", slowly)
    assert 403 == Visitor(site).log_in().status
    assert len(sessions(site)) < before


def test_too_many_tries(start: Start, admit: Admit) -> None:
    """After ten wrong ones from one network for one name the right one waits too, and another network's does not."""
    site = start(roadmap=False, environment={"DRIP_TRUSTED_PROXIES": "127.0.0.1"})
    admit(site)
    one, other = {"X-Forwarded-For": "8.8.8.8"}, {"X-Forwarded-For": "9.9.9.9"}

    def tried(password: str, whence: dict[str, str], name: str = "kim") -> int:
        return Visitor(site).post("/console/login", {"name": name, "password": password}, **whence).status

    with capture_logs() as lines:
        assert [403] * TRIES + [429] == [tried("a wrong long password", one) for _ in range(TRIES + 1)]
        assert 429 == tried(PASSWORD, one, "KIM ")
        assert 303 == tried(PASSWORD, other)
    assert "console-tries" in [line["event"] for line in lines]
    assert "8.8.8.8" not in str(lines)
    answer = Visitor(site).post("/console/login", {"name": "kim", "password": PASSWORD}, **one)
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60 + 1
    assert b"Too many tries. The next one is taken in 15 minutes." in answer.data


def test_many_networks_together_are_bounded_too() -> None:
    """A hundred tries an hour for one name, from wherever; who knew the password begins her ten anew."""
    caps = Caps("", namespace="t", per_hour=1000, key=b"k")
    found = [caps.count_try("kim", f"8.8.{number}.8") for number in range(TRIES_AN_HOUR + 1)]
    assert [0] * TRIES_AN_HOUR == found[:-1]
    assert 3500 < found[-1] <= 3601
    assert 0 == caps.count_try("lou", "8.8.8.8")
    for _ in range(TRIES):
        caps.count_try("lou", "")
    assert 0 < caps.count_try("lou", "")
    caps.forgive("lou", "")
    assert 0 == caps.count_try("lou", "")


def test_a_weaker_hash_is_made_anew(site: Site, kim: Visitor) -> None:
    """One of yesterday's parameters is replaced at the next login, and the password stays the same."""
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with site.deployment.database.write() as connection:
        connection.execute(tables.operators.update().values(password=weak))
    for _ in range(2):
        assert 303 == Visitor(site).log_in().status
    [row] = site.dump()["operators"]
    assert weak not in row
    assert not PasswordHasher().check_needs_rehash(str(row[2]))


def test_nobody_there_yet(site: Site) -> None:
    """The page says what to run, and asks for nothing."""
    page = Visitor(site).page("/console/login")
    assert "drip operators add NAME --send" in page
    assert "<form" not in page


def test_too_many_at_once_wait_and_are_told(site: Site, kim: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of logins takes two hashes' memory and no more: others are answered with 503 and come again."""
    monkeypatch.setattr(admitting, "HASH_WAIT_SECONDS", 0.05)
    for _ in range(admitting.HASHES_AT_ONCE):
        assert admitting._gate.acquire(timeout=5)
    try:
        answer = Visitor(site).log_in()
    finally:
        for _ in range(admitting.HASHES_AT_ONCE):
            admitting._gate.release()
    assert (503, "60") == (answer.status, answer.headers["Retry-After"])
    assert 303 == Visitor(site).log_in().status


def test_a_part_that_is_fetched_after_the_end_leads_the_whole_page_away(site: Site) -> None:
    """The page of logging in is never set into the middle of another one."""
    answer = Visitor(site).get("/console", **{"HX-Request": "true"})
    assert (401, "/console/login", b"") == (answer.status, answer.headers["HX-Redirect"], answer.data)


def test_no_log_tells(site: Site, kim: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a name nor a password, right or wrong, nor a cookie, nor an address that was looked for."""
    structlog.reset_defaults()
    capsys.readouterr()
    Visitor(site).log_in("kim", "a wrong long password")
    Visitor(site).log_in("a.name.of.mine", PASSWORD)
    person = site.enroll("vera.findme@example.net")
    answer = kim.press("/console/people", {"address": "vera.findme@example.net"})
    kim.page(answer.headers["Location"])
    kim.press(f"/console/people/{person.public_id}/pause", {"weeks": "1"})
    kim.press(f"/console/people/{person.public_id}/leave")
    kim.press("/console/logout")
    said = "".join(capsys.readouterr())
    assert "console-refused" in said
    assert "console-left" in said
    for word in ("kim", "a.name", "wrong long", PASSWORD, "vera", "findme", *kim.cookies.values()):
        assert word not in said
