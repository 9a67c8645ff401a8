"""What stands round every page: headers, presses from other sites, bounds, troubles, and logs that hold nobody."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from drip.core.token import LEAVE, MY
from drip.web.guard import is_from_elsewhere

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start

ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
]


def test_every_answer_is_kept_to_itself(site: Site) -> None:
    """No page runs a script, leads elsewhere, sits in a frame, says where one came from, or is kept by a cache."""
    person = site.have_letters(site.enroll(), 1)
    my = site.my(person)

    for path in (
        "/",
        "/care",
        "/page",
        "/page/asked",
        "/join/roadmap/asked",
        my,
        f"{my}/pause",
        f"{my}/settings",
        f"{my}/rough",
        f"{my}/letters/welcome",
        site.leave(person),
        "/x",
    ):
        answer = site.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "script" not in policy
        assert "frame-ancestors 'none'" in policy
        assert ("unsafe-inline" in policy) == ("rough" in path or "letters" in path)
        assert ("no-referrer", "nosniff", "no-store") == tuple(
            answer.headers[name] for name in ("Referrer-Policy", "X-Content-Type-Options", "Cache-Control")
        )
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "Set-Cookie" not in answer.headers
        assert "Server" not in answer.headers
        page = answer.data.decode()
        assert "<script" not in page
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!befrienders|findahelpline|127\.0\.0\.1)', page)


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_presses_on_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    """Under /my and /confirm, and for an undo, they are a 403 that changes nothing."""
    person = site.have_letters(site.enroll(), 1)
    asked = site.enroll("jo@example.net", confirmed=False)
    before = site.dump()

    for path, form in (
        (f"{site.my(person)}/pause", {"weeks": "1"}),
        (f"{site.my(person)}/settings", {"pace": "2"}),
        (f"/confirm/{site.deployment.service_token('', asked.public_id)}", {}),
        (f"/confirm/{site.deployment.service_token('', asked.public_id)}/fresh", {}),
        ("/join/roadmap", {"email": "eve@example.net"}),
        ("/join/roadmap/embed", {"email": "eve@example.net"}),
        ("/page", {"email": "sam@example.net"}),
        (f"{site.leave(person)}/rest", {}),
        (f"{site.leave(person)}/undo", {}),
    ):
        assert 403 == site.post(path, form, **headers).status
    assert before == site.dump()


def test_presses_on_our_own_pages_are_taken(site: Site) -> None:
    """By Sec-Fetch-Site, by an equal origin, by the null that browsers send for us, and from programs that say nothing."""
    person = site.enroll()
    own = [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": site.url}, {"Origin": "null"}, {}]

    for headers in own:
        assert 303 == site.post(f"{site.my(person)}/pause", {"weeks": "1"}, **headers).status


def test_looking_is_never_refused() -> None:
    """A link opened from a webmail page comes from another site."""
    from starlette.datastructures import Headers

    assert not is_from_elsewhere("GET", "/my/x/pause", Headers({"sec-fetch-site": "cross-site"}))
    assert not is_from_elsewhere("HEAD", "/my/x", Headers({"origin": "https://mail.example"}))


@pytest.mark.parametrize("chunked", [True, False])
def test_bodies_are_bounded(site: Site, chunked: bool) -> None:  # noqa: FBT001
    """No form is larger than 64 KB, whether its length is told or not."""
    person = site.enroll()
    body = b"x" * (65 * 1024)

    answer = site.pool.request(
        "POST", f"{site.url}{site.my(person)}/pause", body=iter([body]) if chunked else body, chunked=chunked
    )

    assert 413 == answer.status


def test_hostile_names_are_inert(site: Site) -> None:
    """A name, a zone or a link full of markup shows up nowhere as markup."""
    hostile = "\"><script>alert(1)</script>{{7*7}}'"
    person = site.have_letters(site.enroll("x'y@example.net", name=hostile), 3)

    for path in ("", "/pause", "/settings", "/rough", "/letters/welcome"):
        page = site.page(site.my(person) + path)
        assert "<script" not in page
        assert "49'" not in page
    for path in ("/my/%3Cscript%3E", "/leave/%22%3E%3Cscript%3E", f"{site.my(person)}/letters/%3Cscript%3E", "/%3Cscript%3E"):
        assert "<script" not in site.get(path).data.decode()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/leave/x", 405), ("POST", "/", 405), ("DELETE", "/my/x", 405)],
)
def test_what_is_not_there_is_a_calm_page(site: Site, method: str, path: str, status: int) -> None:
    """Wrong addresses and methods get a page with a heading, not a line of JSON."""
    answer = site.pool.request(method, site.url + path, redirect=False)

    assert status == answer.status
    assert b"<h1>" in answer.data


def test_a_database_that_is_away_is_a_503(start: Start) -> None:
    """Pages say that nothing was changed and to press again; a leave is not acknowledged; nothing is told of the inside."""
    site = start(roadmap=False)
    person = site.enroll()
    my, leave = site.my(person), site.leave(person)
    with site.deployment.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE enrollments RENAME TO gone")

    with capture_logs() as lines:
        answers = [site.get(my), site.get(leave), site.post(leave), site.post(f"{my}/pause", {"weeks": "1"})]

    with site.deployment.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO enrollments")
    assert [503] * 4 == [answer.status for answer in answers]
    assert all(answer.headers["Retry-After"].isdigit() for answer in answers)
    assert not any(b"enrollments" in answer.data for answer in answers)
    assert person.public_id not in repr(lines)


def test_a_bug_is_a_calm_500(start: Start) -> None:
    """The page tells no detail; the log names the kind and the place, and nobody."""
    site = start(roadmap=False)
    person = site.enroll()
    site.deployment.__dict__["tokens"] = None

    with capture_logs() as lines:
        answer = site.get("/leave/secret-token")

    assert 500 == answer.status
    assert b"It is our fault" in answer.data
    assert b"NoneType" not in answer.data
    assert any("AttributeError" == line.get("error") for line in lines)
    assert "secret-token" not in repr(lines)
    assert person.state == "active"


def test_no_log_line_holds_a_token_or_an_address(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through a whole life on the pages, what is logged and printed names nobody."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        person = site.have_letters(site.enroll("samantha@example.net", name="Samantha"), 2)
        my, leave = site.my(person), site.leave(person)
        for path in (my, f"{my}/pause", f"{my}/settings", f"{my}/rough", f"{my}/letters/welcome", leave, my[:-2], leave[:-2]):
            site.get(path)
        for path in (
            f"{my}/pause",
            f"{my}/settings",
            f"{leave}/rest",
            leave,
            f"{leave}/undo",
            f"{my}/pause?x",
            "/webhooks/sendgrid",
        ):
            site.post(path, {"weeks": "1", "pace": "2"})
            site.post(path, {"weeks": "1"}, **{"Sec-Fetch-Site": "cross-site"})
    # The test's own client runs in this process and logs what it asks for.
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    written = repr(lines) + "".join(logged) + "".join(capfd.readouterr())

    tokens = site.deployment.tokens
    for secret in (
        tokens.sign(MY, person.public_id),
        tokens.sign(LEAVE, person.public_id),
        person.public_id,
        "samantha",
        "Samantha",
        "example.net",
    ):
        assert secret not in written
    assert "left" in written


@pytest.mark.parametrize("asked", ["/letters", ""])
def test_an_address_with_a_path_works(start: Start, asked: str) -> None:
    """Behind a proxy that gives drip a folder, links stay in it, whether the proxy takes the folder off or not."""
    site = start(roadmap=False, environment={"DRIP_BASE_URL": "http://127.0.0.1:8000/letters"})
    person = site.have_letters(site.enroll(), 1)

    page = site.page(asked + site.my(person))

    assert f'href="/letters{site.my(person)}/pause"' in page
    assert 'href="/letters/static/web.css' in page
    assert 200 == site.get(f"{asked}/static/web.css").status
    assert 200 == site.post(asked + site.leave(person), b"", **{"Sec-Fetch-Site": "cross-site"}).status
    assert 403 == site.post(f"{asked}{site.leave(person)}/undo", b"", **{"Sec-Fetch-Site": "cross-site"}).status
