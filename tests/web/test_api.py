"""The API for other sites' servers: who may use it, what it takes, and that nothing breaks it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from drip import clock
from drip.store.wishes import ENOUGH, SIGN_UP
from drip.web.caps import ADDRESS_A_DAY
from tests.web.forms import SMALL, letters, stored, work

if TYPE_CHECKING:
    import urllib3

    from tests.web.conftest import Site, Start

KEY, OTHER = "an-api-key-for-tests", "another-key-for-tests"
PATH = "/api/v1/subscribers"
CONSENT = {"wording": "Yes, write to me.", "form": "https://example.org/letters", "network_address": "9.9.9.9"}


@pytest.fixture
def site(start: Start) -> Site:
    """The small course, open for everybody, with two keys."""
    return start(roadmap=False, schedule=SMALL, environment={"DRIP_API_KEYS": f"{KEY},{OTHER}"})


def call(site: Site, key: str = KEY, *, headers: dict[str, str] | None = None, **body: Any) -> urllib3.BaseHTTPResponse:  # noqa: ANN401
    """Ask for somebody."""
    whole = {"email": "ada@example.net", "consent": CONSENT, **body}
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    return site.post(PATH, json.dumps(whole).encode(), **{"Content-Type": "application/json", **shown, **(headers or {})})


def trouble(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """Return a trouble, which is told as RFC 9457 has it."""
    assert "application/problem+json" == answer.headers["Content-Type"]
    found: dict[str, Any] = json.loads(answer.data)
    assert answer.status == found["status"]
    return found


def test_whoever_is_vouched_for_is_asked_by_a_letter(site: Site) -> None:
    """Everything that the other site knows goes with her, its proof too; she begins only by her own press."""
    at = clock.machine_now() - timedelta(days=1)
    more: dict[str, Any] = {
        "name": "Ada",
        "timezone": "Asia/Tokyo",
        "country": "NL",
        "pace": 2,
        "weekday": "thu",
        "course": "small",
    }
    answer = call(site, OTHER, consent={**CONSENT, "at": at.isoformat()}, **more)
    assert (202, "accepted") == (answer.status, json.loads(answer.data)["status"])
    [wish] = stored(site)
    kept = ("wording", "form", "network_address", "source", "weekday", "pace")
    said = f"API, agreed there at {at:%Y-%m-%dT%H:%M:%SZ}"
    assert ("Yes, write to me.", "https://example.org/letters", "9.9.9.9", said, 3, 2) == tuple(wish[name] for name in kept)
    work(site)
    assert ["confirm"] == letters(site)
    [person] = site.dump()["enrollments"]
    assert {"asked", "Asia/Tokyo", "NL", 3, 2} <= set(person)
    assert "Ada" not in site.mailbox()[-1].text


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], KEY + "x", "é" * 20])
def test_without_a_key_nothing_is_taken(site: Site, key: str) -> None:
    """It is a 401 that says what to show."""
    answer = call(site, key.encode().decode("latin-1"))
    assert (401, "Bearer") == (trouble(answer)["status"], answer.headers["WWW-Authenticate"])
    assert [] == stored(site)


def test_without_keys_nobody_is_let_in(start: Start) -> None:
    """An installation that sets none has no API, also not for an empty key."""
    site = start(roadmap=False, schedule=SMALL)
    assert [401, 401] == [call(site, key).status for key in ("", KEY)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "ada@example.net\r\nBcc: eve@example.net"}, "email"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"country": "QQ"}, "country"),
        ({"pace": 3}, "pace"),
        ({"weekday": "tuesday"}, "weekday"),
        ({"consent": {}}, "consent.wording"),
        ({"consent": {**CONSENT, "network_address": "here"}}, "consent.network_address"),
        ({"consent": {**CONSENT, "at": "2026-01-01T00:00:00"}}, "consent.at"),
        ({"confirmed": True}, "confirmed"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(site: Site, body: dict[str, Any], field: str) -> None:
    """With a reason, and without what was written in it."""
    answer = call(site, **body)
    assert field in [error["field"] for error in trouble(answer)["errors"]]
    assert 422 == answer.status
    assert not any(secret in answer.data for secret in (b"Bcc", b"Mars", b"ada@"))
    assert [] == stored(site)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"course": "other"}, 404),
        ({"consent": {**CONSENT, "at": "2999-01-01T00:00:00Z"}}, 422),
        ({"consent": {**CONSENT, "at": "0001-01-01T00:00:00+14:00"}}, 422),
    ],
)
def test_what_cannot_be_is_refused(site: Site, body: dict[str, Any], status: int) -> None:
    """A course that is not there, and an instant still to come or in no calendar."""
    assert status == trouble(call(site, **body))["status"]
    assert [] == stored(site)


def test_what_is_no_json_is_a_400(site: Site) -> None:
    """And whatever else is asked below its path is answered as JSON as well."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    assert 400 == trouble(site.post(PATH, b"{", **headers))["status"]
    assert 404 == trouble(site.get("/api/v1/nothing"))["status"]
    assert 405 == trouble(site.get(PATH))["status"]
    assert 413 == trouble(site.post(PATH, b"x" * 70_000, **headers))["status"]


def test_a_closed_course_takes_nobody(start: Start) -> None:
    """Without the section, or with `closed`, the API refuses too."""
    site = start(roadmap=False, environment={"DRIP_API_KEYS": KEY})
    assert 409 == trouble(call(site))["status"]


def test_the_counts_hold_here_too(start: Start) -> None:
    """The fourth of a day for one address is answered and stored like the first, and brings no letter; a full hour is a 429."""
    site = start(roadmap=False, schedule=SMALL, environment={"DRIP_API_KEYS": KEY, "DRIP_SIGN_UPS_PER_HOUR": "5"})
    assert [202] * 5 == [call(site).status for _ in range(5)]
    assert [SIGN_UP] * ADDRESS_A_DAY + [ENOUGH] * 2 == [row["kind"] for row in stored(site)]
    full = call(site, email="bo@example.net")
    assert (429, True) == (trouble(full)["status"], 0 < int(full.headers["Retry-After"]) <= 3601)


def test_a_repeated_call_does_nothing_more(site: Site) -> None:
    """The same Idempotency-Key is answered alike; another one, or that of another caller, is a call of its own."""
    answers = [call(site, headers={"Idempotency-Key": "1"}) for _ in range(3)]
    assert 1 == len({(answer.status, answer.data) for answer in answers})
    assert 1 == len(stored(site))
    call(site, headers={"Idempotency-Key": "2"}, email="bo@example.net")
    call(site, OTHER, headers={"Idempotency-Key": "1"}, email="cy@example.net")
    assert 3 == len(stored(site))


def test_no_browser_is_needed_and_none_may_read_it(site: Site) -> None:
    """A call from another site is taken, since a key was shown; no page of another site is told that it may look."""
    answer = call(site, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://example.org"})
    assert 202 == answer.status
    assert not any(name.lower().startswith("access-control") for name in answer.headers)


def test_a_database_that_is_away_is_a_503(site: Site) -> None:
    """The caller is told to come back, in JSON, and a repeated call is then taken."""
    with site.deployment.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE wishes RENAME TO gone")
    answer = call(site, headers={"Idempotency-Key": "1"})
    assert (503, "60") == (trouble(answer)["status"], answer.headers["Retry-After"])
    with site.deployment.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO wishes")
    assert 202 == call(site, headers={"Idempotency-Key": "1"}).status
    assert 1 == len(stored(site))


def test_the_description_is_sound(start: Start) -> None:
    """It is OpenAPI 3.1, says where the API stands, and describes each answer that the tests here saw."""
    site = start(roadmap=False, schedule=SMALL, environment={"DRIP_BASE_URL": "http://127.0.0.1:8000/letters"})
    found = json.loads(site.page("/api/v1/openapi.json"))
    assert found["openapi"].startswith("3.1")
    assert [{"url": "/letters"}] == found["servers"]
    assert [PATH] == list(found["paths"])
    answers = found["paths"][PATH]["post"]["responses"]
    assert {"202", "400", "401", "404", "409", "413", "422", "429", "503"} == set(answers)
    for schema in found["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_breaks_it(start: Start, mode: GenerationMode) -> None:
    """Whatever is made up from the description, or against it, is answered as described and never with a fault."""
    site = start(roadmap=False, schedule=SMALL, environment={"DRIP_API_KEYS": KEY, "DRIP_SIGN_UPS_PER_HOUR": "1000000"})
    schema = schemathesis.openapi.from_url(f"{site.url}/api/v1/openapi.json")
    seen: set[int] = set()

    @given(case=schema[PATH]["POST"].as_strategy(generation_mode=mode))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def break_it(case: schemathesis.Case[Any]) -> None:
        # No description can list what is a time zone, a country or a course.
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"}, excluded_checks=[positive_data_acceptance])
        seen.add(answer.status_code)

    break_it()
    assert seen
    assert not any(status >= 500 for status in seen)
