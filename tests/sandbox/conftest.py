"""A sandbox over real HTTP on the loopback interface, stopped by the test that started it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

from drip.sandbox.api import make_sandbox
from drip.sandbox.mailbox import Mailbox
from drip.sandbox.serve import serving

KEY = "SG.sandbox.key"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox, and a client for it."""

    url: str
    store: Mailbox
    pool: urllib3.PoolManager

    def send(self, payload: object, *, key: str | None = KEY, content_type: str = "application/json") -> urllib3.BaseHTTPResponse:
        """Post *payload* (bytes as they are) to /v3/mail/send."""
        headers = {"Content-Type": content_type} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.pool.request("POST", f"{self.url}/v3/mail/send", body=body, headers=headers)

    def order(self, *rules: dict[str, Any]) -> None:
        """Order trouble."""
        answer = self.pool.request("POST", f"{self.url}/sandbox/faults", json=list(rules))
        assert 200 == answer.status, answer.data

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """Get *path*."""
        return self.pool.request("GET", f"{self.url}{path}", redirect=False)


Start = Callable[..., Sandbox]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a sandbox with the given options; all are stopped after the test."""
    with ExitStack() as stack:

        def begin(**options: Any) -> Sandbox:  # noqa: ANN401 - the options of make_sandbox
            store = Mailbox(tmp_path / "sandbox.db")
            stack.callback(store.close)
            url = stack.enter_context(serving(make_sandbox(store, api_key=KEY, **options)))
            pool = stack.enter_context(urllib3.PoolManager(retries=False, timeout=10))
            return Sandbox(url, store, pool)

        yield begin


@pytest.fixture
def sandbox(start: Start) -> Sandbox:
    """A sandbox without webhook and time machine."""
    return start()


def person(address: str, delivery: str = "", **more: object) -> dict[str, Any]:
    """Return one personalization."""
    return {"to": [{"email": address}], "custom_args": {"drip_delivery": delivery or f"delivery-of-{address}"}, **more}


def letter(*people: dict[str, Any], **more: object) -> dict[str, Any]:
    """Return a request that SendGrid accepts, changed by *more*; a value of None leaves the key out."""
    request = {
        "personalizations": list(people) or [person("ada@example.net")],
        "from": {"email": "letters@example.org", "name": "Sam"},
        "reply_to": {"email": "hello@example.org"},
        "subject": "Letter 1: Welcome",
        "content": [
            {"type": "text/plain", "value": "Welcome. http://127.0.0.1:8000/u/t0"},
            {"type": "text/html", "value": '<p>Welcome. <a href="http://127.0.0.1:8000/u/t0">Unsubscribe</a></p>'},
        ],
        **more,
    }
    return {key: value for key, value in request.items() if value is not None}


@pytest.fixture(name="letter")
def letter_maker() -> Callable[..., dict[str, Any]]:
    """Give `letter` to tests, which cannot import this file."""
    return letter


@pytest.fixture(name="person")
def person_maker() -> Callable[..., dict[str, Any]]:
    """Give `person` to tests, which cannot import this file."""
    return person
