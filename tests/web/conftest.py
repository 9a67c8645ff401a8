"""The pages over real HTTP on the loopback interface, over a real database, with letters that were really handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from fastapi import FastAPI

from drip import clock
from drip.core.delivery import Submitted
from drip.core.enrollment import Enrollment
from drip.core.token import LEAVE, MY, OWN, bound
from drip.flows import enrolling, forgetting
from drip.flows.enrolling import Wish
from drip.mail.message import Message
from drip.store import enrollments, stamps, subscribers, tables
from drip.store.owners import Incarnation
from drip.web.app import make_web
from drip.web.serve import serving
from drip.wiring import Deployment
from tests.mailer import RememberingDirectory


@dataclass
class Remembering:
    """A door that accepts everything and keeps it."""

    messages: list[Message] = field(default_factory=list)
    request_timeout_seconds: float = 1.0
    batch_max: int = 500

    def submit(self, message: Message) -> Submitted:
        """Accept."""
        self.messages.append(message)
        return Submitted("receipt")

    def close(self) -> None:
        """Have nothing to give back."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it lies in a mailbox."""

    subject: str
    html: str
    text: str
    headers: Mapping[str, str]


@dataclass
class Site:
    """Running pages, and what stands behind them."""

    url: str
    app: FastAPI
    deployment: Deployment
    pool: urllib3.PoolManager
    door: Remembering
    owner: Incarnation

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """Get *path* and follow nothing."""
        return self.pool.request("GET", self.url + path, headers=headers, redirect=False)

    def page(self, path: str, status: int = 200) -> str:
        """Return the page at *path*."""
        answer = self.get(path)
        assert status == answer.status, answer.data
        return answer.data.decode()

    def post(self, path: str, body: Mapping[str, str] | bytes = b"", **headers: str) -> urllib3.BaseHTTPResponse:
        """Post a form, or raw bytes, and follow nothing."""
        if not isinstance(body, bytes):
            headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        raw = body if isinstance(body, bytes) else urlencode(body).encode()
        return self.pool.request("POST", self.url + path, body=raw, headers=headers, redirect=False)

    def press(self, path: str, body: Mapping[str, str] | bytes = b"", **headers: str) -> urllib3.BaseHTTPResponse:
        """Press as a browser does: post, and go on to the page that the answer leads to."""
        answer = self.post(path, body, **headers)
        return self.get(answer.headers["Location"]) if answer.status == HTTPStatus.SEE_OTHER else answer

    def enroll(self, address: str = "sam@example.net", *, confirmed: bool = True, **wish: Any) -> Enrollment:  # noqa: ANN401
        """Enroll somebody and return her enrollment."""
        deployment = self.deployment
        made = enrolling.enroll(
            deployment.database,
            deployment.library,
            Wish(address, **wish),
            suppression_key=deployment.suppression_key,
            confirmed=confirmed,
        )
        assert made.enrollment_id is not None
        return self.person(made.enrollment_id)

    def person(self, enrollment_id: int) -> Enrollment:
        """Return an enrollment as it stands now."""
        with self.deployment.database.read() as connection:
            found = enrollments.find(connection, enrollment_id)
        assert found is not None
        return found

    def my(self, person: Enrollment) -> str:
        """Return the path of her page."""
        return f"/my/{self.deployment.tokens.sign(MY, person.public_id)}"

    def leave(self, person: Enrollment) -> str:
        """Return the path for leaving."""
        return f"/leave/{self.deployment.tokens.sign(LEAVE, person.public_id)}"

    def own(self, person: Enrollment, *, days_ago: int = 0) -> str:
        """Return the path behind a link that was mailed to her so many days ago."""
        with self.deployment.database.read() as connection:
            hers = subscribers.find(connection, person.subscriber_id)
        assert hers is not None
        made = clock.machine_now() - timedelta(days=days_ago)
        return f"/own/{self.deployment.tokens.sign_dated(OWN, bound(person.public_id, hers.address_key), now=made)}"

    def run(self) -> None:
        """Tick and hand over until nothing more is due."""
        ticker = self.deployment.ticker()
        sender = self.deployment.sender(self.owner)
        forgetting.work(self.deployment.database, self.deployment.library, RememberingDirectory())
        while hints := ticker.tick().hints:
            for hint in hints:
                sender.send(hint)

    def pass_to(self, instant: datetime) -> None:
        """Move the calendar and do what falls due."""
        with self.deployment.database.write() as connection:
            stamps.move_calendar(connection, instant)
        self.run()

    def have_letters(self, person: Enrollment, count: int) -> Enrollment:
        """Let her have *count* letters and return how she stands then."""
        self.run()
        for _ in range(count - 1):
            due = self.person(person.id).next_due_at
            assert due is not None
            self.pass_to(due)
        return self.person(person.id)

    def mailbox(self) -> list[Letter]:
        """Return every letter as its reader sees it."""
        return [
            Letter(
                _filled(message.subject, one.substitutions),
                _filled(message.html, one.substitutions),
                _filled(message.text, one.substitutions),
                one.headers,
            )
            for message in self.door.messages
            for one in message.recipients
        ]

    def handing_over(self, person: Enrollment) -> None:
        """Leave a letter of hers half-way: marked by a living worker, and no answer yet."""
        with self.deployment.database.write() as connection:
            connection.execute(
                tables.deliveries.update()
                .where(tables.deliveries.c.enrollment_id == person.id, tables.deliveries.c.state == "pending")
                .values(state="submitting", owner=self.owner.id, token="t")
            )

    def now(self) -> datetime:
        """Return the calendar's instant."""
        return stamps.now(self.deployment.database).calendar

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table."""
        with self.deployment.database.read() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(table.select().order_by(*table.primary_key.columns))]
                for table in tables.metadata.sorted_tables
            }


def _filled(text: str, substitutions: Mapping[str, str]) -> str:
    for tag, value in substitutions.items():
        text = text.replace(tag, value)
    return text


Start = Callable[..., Site]


@pytest.fixture
def start(prepare: Callable[..., Deployment]) -> Iterator[Start]:
    """A function that serves a prepared deployment; `hint=` and `wait_seconds=` go to the pages, the rest to `prepare`."""
    with ExitStack() as stack:

        def begin(*, hint: Callable[[], None] | None = None, wait_seconds: float = 0.1, **options: Any) -> Site:  # noqa: ANN401
            deployment = prepare(**{"roadmap": True, **options})
            door = Remembering()
            deployment.__dict__["mailer"] = door
            owner = deployment.incarnation()
            stack.callback(owner.close)
            app = make_web(deployment, hint=hint, wait_seconds=wait_seconds)
            url = stack.enter_context(serving(app))
            pool = stack.enter_context(urllib3.PoolManager(retries=False, timeout=20))
            return Site(url, app, deployment, pool, door, owner)

        yield begin


@pytest.fixture
def site(start: Start) -> Site:
    """The pages of the real course."""
    return start()
