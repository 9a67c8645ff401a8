"""The webhook: only what the provider signed is stored, once, and no call however mangled is a 500."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from drip import clock
from drip.sandbox.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, new_key, public_text, signature

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start

PATH = "/webhooks/sendgrid"
KEY = new_key()


@pytest.fixture
def hints() -> list[str]:
    """What the workers were told."""
    return []


@pytest.fixture
def door(start: Start, hints: list[str]) -> Site:
    """Pages that know the provider's key."""
    environment = {"DRIP_SENDGRID_WEBHOOK_KEY": public_text(KEY)}
    return start(roadmap=False, environment=environment, hint=lambda: hints.append("listen"))


def _reports(*kinds: str, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    usual = {"email": "sam@example.net", "timestamp": 1_700_000_000, "drip_delivery": "1-abcd"}
    return json.dumps([{**usual, "event": kind, "sg_event_id": f"{kind}-{n}", **more} for n, kind in enumerate(kinds)]).encode()


def _signed(body: bytes, *, age_seconds: float = 0) -> dict[str, str]:
    timestamp = str(int(clock.machine_now().timestamp() - age_seconds))
    return {SIGNATURE_HEADER: signature(KEY, timestamp, body), TIMESTAMP_HEADER: timestamp, "Content-Type": "application/json"}


def _wait_for(holds: Callable[[], bool]) -> None:
    deadline = clock.monotonic() + 5
    while not holds():
        assert clock.monotonic() < deadline
        clock.wait(0.01)


def test_signed_reports_are_stored_and_the_workers_hear_of_it(door: Site, hints: list[str]) -> None:
    """The answer is an empty 204, the reports stand in the database without an address, and one hint goes out."""
    body = _reports("processed", "delivered")

    answer = door.post(PATH, body, **_signed(body))

    assert (204, b"") == (answer.status, answer.data)
    stored = door.dump()["events"]
    assert 2 == len(stored)
    assert "sam@example.net" not in repr(stored)
    _wait_for(lambda: hints == ["listen"])


def test_a_replay_stores_nothing_more(door: Site) -> None:
    """The provider repeats what it thinks was lost; the second call is a 204 too."""
    body = _reports("delivered")
    door.post(PATH, body, **_signed(body))

    assert 204 == door.post(PATH, body, **_signed(body)).status
    assert 1 == len(door.dump()["events"])


def test_a_trailing_line_break_belongs_to_the_body(door: Site) -> None:
    """The signature is over the bytes as they came."""
    body = _reports("delivered") + b"\r\n"

    assert 204 == door.post(PATH, body, **_signed(body)).status
    assert 403 == door.post(PATH, body.rstrip(), **_signed(body)).status


def test_reports_of_yesterday_are_taken(door: Site) -> None:
    """The provider tries for 24 hours; what is more than two days off, either way, is refused."""
    body = _reports("delivered")

    assert 403 == door.post(PATH, body, **_signed(body, age_seconds=49 * 3600)).status
    assert 403 == door.post(PATH, body, **_signed(body, age_seconds=-49 * 3600)).status
    assert [] == door.dump()["events"]
    assert 204 == door.post(PATH, body, **_signed(body, age_seconds=25 * 3600)).status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({SIGNATURE_HEADER: ""}, 400),
        ({TIMESTAMP_HEADER: ""}, 400),
        ({TIMESTAMP_HEADER: "yesterday"}, 400),
        ({TIMESTAMP_HEADER: "9" * 400}, 400),
        ({SIGNATURE_HEADER: "not base64 at all"}, 400),
        ({SIGNATURE_HEADER: "AAA"}, 400),
        ({SIGNATURE_HEADER: "AAAA"}, 403),
        ({SIGNATURE_HEADER: signature(new_key(), "1", b"")}, 403),
        ({TIMESTAMP_HEADER: "1700000000"}, 403),
    ],
)
def test_what_is_not_signed_is_refused(door: Site, hints: list[str], change: dict[str, str], status: int) -> None:
    """Missing, malformed and wrong signatures are a 4xx, store nothing and hint at nothing."""
    body = _reports("delivered")
    headers = {name: value for name, value in {**_signed(body), **change}.items() if value}

    assert status == door.post(PATH, body, **headers).status
    assert [] == door.dump()["events"]
    assert [] == hints


def test_an_altered_body_is_refused(door: Site) -> None:
    """One byte more or another event under the same signature is refused."""
    body = _reports("delivered")

    for altered in (body + b" ", body.replace(b"delivered", b"spamrepor"), b""):
        assert 403 == door.post(PATH, altered, **_signed(body)).status


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[1]", b'[{"event":"delivered"', b"\xff\xfe", b"[" * 100_000])
def test_signed_nonsense_is_no_500(door: Site, body: bytes) -> None:
    """Even with the right key, a body that is no list of events is answered below 500."""
    assert door.post(PATH, body, **_signed(body)).status < 500


def test_a_huge_body_is_refused(door: Site) -> None:
    """More than two megabytes are a 413, signed or not; just under is taken."""
    huge, large = (_reports("delivered", filler="x" * size) for size in (2 * 1024 * 1024, 2_000_000))

    assert 413 == door.post(PATH, huge, **_signed(huge)).status
    assert 204 == door.post(PATH, large, **_signed(large)).status


def test_without_a_key_nothing_is_taken_and_the_remedy_is_named(start: Start) -> None:
    """No key set: 403, and the log says which setting is missing."""
    site = start(roadmap=False)
    body = _reports("delivered")

    with capture_logs() as lines:
        assert 403 == site.post(PATH, body, **_signed(body)).status
    assert any("DRIP_SENDGRID_WEBHOOK_KEY" in line.get("why", "") for line in lines)


def test_a_hint_that_fails_or_hangs_costs_nothing(start: Start) -> None:
    """The answer is given before the hint, and a broken one is a line in the log."""
    gate = threading.Event()

    def broken() -> None:
        gate.wait(5)
        raise OSError("no broker")

    site = start(roadmap=False, environment={"DRIP_SENDGRID_WEBHOOK_KEY": public_text(KEY)}, hint=broken)
    body = _reports("delivered")
    with capture_logs() as lines:
        assert 204 == site.post(PATH, body, **_signed(body)).status
        gate.set()
        _wait_for(lambda: any("hint-lost" == line["event"] for line in lines))
    assert 1 == len(site.dump()["events"])
