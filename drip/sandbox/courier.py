"""Webhook events for accepted mails: made, signed and posted from a thread, until the receiver takes them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import urllib3

from drip import clock
from drip.sandbox.mailbox import Mail, Mailbox
from drip.sandbox.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, SigningKey, signature

BATCH_MAILS = 250
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
GIVE_UP_SECONDS = 24 * 3600.0
TIMEOUT_SECONDS = 5.0
LINGER_SECONDS = 0.05

# What happens to a mail is in the local part of its address: whom to write to for which event.
_ENDINGS: tuple[tuple[str, tuple[tuple[str, dict[str, str]], ...]], ...] = (
    (
        "bounce",
        (
            (
                "bounce",
                {
                    "type": "bounce",
                    "status": "5.1.1",
                    "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
                    "bounce_classification": "Invalid Address",
                },
            ),
        ),
    ),
    (
        "blocked",
        (
            (
                "bounce",
                {
                    "type": "blocked",
                    "status": "4.7.1",
                    "reason": "421 4.7.1 The message was refused for now.",
                    "bounce_classification": "Reputation",
                },
            ),
        ),
    ),
    ("drop", (("dropped", {"reason": "Bounced Address", "status": "5.0.0"}),)),
    ("complain", (("delivered", {"response": "250 OK"}), ("spamreport", {}))),
    (
        "deferred",
        (("deferred", {"response": "451 4.3.0 Try again later", "attempt": "1"}), ("delivered", {"response": "250 OK"})),
    ),
)
_USUAL = (("delivered", {"response": "250 OK"}),)


def events_of(mail: Mail, *, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the events that SendGrid would report about *mail*, in order; custom_args lie flat beside the reserved names."""
    local = mail.address.partition("@")[0].casefold()
    ending = next((events for start, events in _ENDINGS if local.startswith(start)), _USUAL)
    # SendGrid drops before it processes.
    story = ending if ending[0][0] == "dropped" else (("processed", {}), *ending)
    categories = mail.request.rest.get("categories")
    own = {**mail.request.rest.get("custom_args", {}), **mail.personalization.get("custom_args", {})}
    for position, (event, details) in enumerate(story):
        identity = base64.urlsafe_b64encode(f"{event}-{position}-{mail.id}-{mail.message_id}".encode()).decode().rstrip("=")
        yield {
            **own,
            "email": mail.address,
            "timestamp": int(now.timestamp()),
            "smtp-id": f"<{mail.message_id}@sandbox.invalid>",
            "event": event,
            "sg_event_id": identity,
            "sg_message_id": f"{mail.message_id}.recvd-sandbox-1-{mail.id:X}-0.0",
            **({"category": categories} if categories else {}),
            **details,
        }


class Courier:
    """Posts the events of accepted mails to *url*, in order and at least once.

    How far it is stands in the mailbox, so that a sandbox that was killed goes on where it was.
    """

    def __init__(self, mailbox: Mailbox, *, url: str, key: SigningKey, now: Callable[[], datetime] = clock.machine_now) -> None:
        self._mailbox = mailbox
        self._url = url
        self._key = key
        self._now = now
        self._news = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure = ""

    def start(self) -> None:
        """Begin to post."""
        self._thread = threading.Thread(target=self._run, name="sandbox-courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the request under way; what is left is posted after the next start."""
        self._stop.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Say that there is new mail."""
        self._news.set()

    def _run(self) -> None:
        """Post what is unreported, whenever there is any."""
        with urllib3.PoolManager(num_pools=1, retries=False, timeout=urllib3.Timeout(total=TIMEOUT_SECONDS)) as pool:
            while not self._stop.is_set():
                self._news.clear()
                mails = self._mailbox.unreported(limit=BATCH_MAILS)
                if not mails:
                    self._news.wait()
                    # A moment's patience makes one batch of what arrives together.
                    self._stop.wait(LINGER_SECONDS)
                elif self._deliver(pool, mails):
                    self._mailbox.report(mails[-1].id)

    def _deliver(self, pool: urllib3.PoolManager, mails: Sequence[Mail]) -> bool:
        """Post the events of *mails* until they are taken or a day is over; False when the courier was stopped first."""
        now = self._now()
        batches = _batches(mails, now)
        for batch in batches:
            # SendGrid ends each body with a line break, and signs it too.
            body = json.dumps(batch, ensure_ascii=False).encode() + b"\r\n"
            pause = FIRST_PAUSE_SECONDS
            deadline = clock.monotonic() + GIVE_UP_SECONDS
            while not self._post(pool, body) and clock.monotonic() < deadline:
                if self._stop.wait(pause):
                    return False
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return True

    def _post(self, pool: urllib3.PoolManager, body: bytes) -> bool:
        """Post one batch; whether it was taken."""
        timestamp = str(int(self._now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "SendGrid Event API",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: signature(self._key, timestamp, body),
        }
        try:
            answer = pool.request("POST", self._url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as trouble:
            self.failure = f"The webhook does not answer ({type(trouble).__name__})."
            return False
        taken = 200 <= answer.status < 300
        self.failure = "" if taken else f"The webhook answered {answer.status}."
        return taken


def _batches(mails: Sequence[Mail], now: datetime) -> list[list[dict[str, Any]]]:
    """Return the events of *mails*; what follows a first answer comes in a request of its own."""
    soon: list[dict[str, Any]] = []
    later: list[dict[str, Any]] = []
    for mail in mails:
        for position, event in enumerate(events_of(mail, now=now)):
            (later if position > 1 else soon).append(event)
    return [batch for batch in (soon, later) if batch]
