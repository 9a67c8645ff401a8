"""The sandbox's memory: every mail it accepted, durable, one transaction a request."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from drip.errors import DripError
from drip.sandbox.links import Link, links_of
from drip.sandbox.strict import addresses_of
from drip.sandbox.substitution import substitute

DELIVERY = "drip_delivery"
"""The custom argument that carries the delivery's id."""

# Made once: json.dumps makes an encoder at each call, which costs more than a person.
_as_json = json.JSONEncoder(ensure_ascii=False).encode

_VERSION = 1  # Also at the end of the schema.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
    rest TEXT NOT NULL, accepted_at TEXT NOT NULL, calendar_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES requests, delivery TEXT NOT NULL,
    address TEXT NOT NULL COLLATE NOCASE, personalization TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS mails_by_address ON mails (address, id);
CREATE INDEX IF NOT EXISTS mails_by_delivery ON mails (delivery);
CREATE TABLE IF NOT EXISTS reported (one INTEGER PRIMARY KEY CHECK (one = 1), mail INTEGER NOT NULL);
INSERT OR IGNORE INTO reported VALUES (1, 0);
CREATE TABLE IF NOT EXISTS erasures (id INTEGER PRIMARY KEY, address TEXT NOT NULL, asked_at TEXT NOT NULL);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True)
class Request:
    """What all mails of one request share; *rest* is its body without personalizations, subject and content."""

    message_id: str
    subject: str
    text: str
    html: str
    rest: Mapping[str, Any]
    accepted_at: datetime
    calendar_at: datetime


@dataclass(frozen=True)
class Mail:
    """One mail in somebody's mailbox, its tags replaced when it is read."""

    id: int
    address: str
    delivery: str
    personalization: Mapping[str, Any]
    request: Request = field(repr=False)

    @property
    def message_id(self) -> str:
        """The receipt of the request that brought it."""
        return self.request.message_id

    @property
    def accepted_at(self) -> datetime:
        """When the sandbox accepted it, on the machine's clock."""
        return self.request.accepted_at

    @property
    def calendar_at(self) -> datetime:
        """The same instant on the calendar's clock."""
        return self.request.calendar_at

    @cached_property
    def subject(self) -> str:
        """The subject line."""
        return self._filled(self.personalization.get("subject") or self.request.subject)

    @cached_property
    def text(self) -> str:
        """The text part; empty when there is none."""
        return self._filled(self.request.text)

    @cached_property
    def html(self) -> str:
        """The HTML part; empty when there is none."""
        return self._filled(self.request.html)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The header fields as a mail program sees them, the request's own first."""
        rest = self.request.rest
        headers = {
            "From": _mailbox(self.personalization.get("from") or rest["from"]),
            "To": ", ".join(_mailbox(each) for each in self.personalization["to"]),
            "Subject": self.subject,
            "Date": f"{self.calendar_at:%a, %d %b %Y %H:%M:%S +0000}",
            "Message-ID": f"<{self.message_id}@sandbox.invalid>",
        }
        replies = rest.get("reply_to_list") or ([rest["reply_to"]] if "reply_to" in rest else [])
        if replies:
            headers["Reply-To"] = ", ".join(self._filled(_mailbox(each)) for each in replies)
        headers.update(rest.get("headers", {}))
        headers.update(self.personalization.get("headers", {}))
        return headers

    @cached_property
    def links(self) -> list[Link]:
        """The links of the letter in order: those of the HTML part, or of the text part when there is no HTML."""
        return links_of(self.html, self.text)

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The request as it came, with this person's personalization alone."""
        parts = (("text/plain", self.request.text), ("text/html", self.request.html))
        content = [{"type": kind, "value": value} for kind, value in parts if value]
        subject = {"subject": self.request.subject} if self.request.subject else {}
        return {"personalizations": [dict(self.personalization)], **self.request.rest, **subject, "content": content}

    def _filled(self, text: str) -> str:
        """Return *text* with her values in it."""
        return substitute(text, self.personalization.get("substitutions", {}))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's mailbox in the list: how many letters, and the latest."""

    address: str
    letters: int
    latest: Mail


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals: *duplicates* is the number of delivery ids that came more than once, *unreported* the mails without events."""

    mails: int
    people: int
    duplicates: int
    unreported: int


class Mailbox:
    """The accepted mails of one sandbox, in one SQLite file; safe to use from any thread.

    An accepted request survives the end of the process, whatever ends it; only a power cut may cost the last ones.
    """

    def __init__(self, path: Path | str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)
        self._lock = threading.Lock()
        self._writer = _connected(path)
        self._read_lock = threading.Lock()
        try:
            _prepare(self._writer, path)
            self._reader = _connected(path)
        except BaseException:
            self._writer.close()
            raise

    def close(self) -> None:
        """Give the file back."""
        with self._lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    def accept(self, payload: Mapping[str, Any], *, message_id: str, accepted_at: datetime, calendar_at: datetime) -> None:
        """Keep every mail of a request that `complaints_about` found in order, all of them or none."""
        bodies = {item["type"]: item["value"] for item in payload["content"]}
        rest = {key: value for key, value in payload.items() if key not in {"personalizations", "subject", "content"}}
        shared = str(payload.get("custom_args", {}).get(DELIVERY, ""))
        row = (
            message_id,
            payload.get("subject", ""),
            bodies.get("text/plain", ""),
            bodies.get("text/html", ""),
            _as_json(rest),
            accepted_at.isoformat(),
            calendar_at.isoformat(),
        )
        people = [
            (person.get("custom_args", {}).get(DELIVERY, shared), address, _as_json(person))
            for person in payload["personalizations"]
            for address in addresses_of(person)
        ]
        with self._writing() as connection:
            request = connection.execute("INSERT INTO requests VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row).lastrowid
            connection.executemany("INSERT INTO mails VALUES (NULL, ?, ?, ?, ?)", [(request, *person) for person in people])

    def mail(self, number: int) -> Mail | None:
        """Return the mail with this *number*."""
        return next(iter(self._mails("id = ?", [number])), None)

    def mails(
        self,
        *,
        address: str | None = None,
        delivery: str | None = None,
        after: int = 0,
        before: int | None = None,
        limit: int = 1000,
        newest_first: bool = False,
    ) -> list[Mail]:
        """Return mails in the order in which they were accepted, of one *address* or *delivery* when given, between numbers."""
        conditions = ["id > ?"]
        bound: list[object] = [after]
        if before is not None:
            conditions.append("id < ?")
            bound.append(before)
        if address is not None:
            conditions.append("address = ?")
            bound.append(address)
        if delivery is not None:
            conditions.append("delivery = ?")
            bound.append(delivery)
        order = "DESC" if newest_first else "ASC"
        return self._mails(f"{' AND '.join(conditions)} ORDER BY id {order} LIMIT ?", [*bound, limit])

    def people(self, *, find: str = "", limit: int = 100, offset: int = 0) -> list[Person]:
        """Return the people who have mail, the one with the latest letter first; those whose address holds *find*."""
        query = (
            "SELECT address, count(*), max(id) FROM mails WHERE instr(lower(address), lower(?)) > 0 "
            "GROUP BY address ORDER BY max(id) DESC LIMIT ? OFFSET ?"
        )
        rows = self._read(query, [find, limit, offset])
        marks = ", ".join("?" * len(rows))
        latest = {mail.id: mail for mail in self._mails(f"id IN ({marks})", [row[2] for row in rows])}
        return [Person(address, letters, latest[number]) for address, letters, number in rows]

    def letters_of(self, address: str) -> int:
        """Return how many mails *address* has."""
        number: int = self._read("SELECT count(*) FROM mails WHERE address = ?", [address])[0][0]
        return number

    def counts(self) -> Counts:
        """Return the totals."""
        twice = "SELECT 1 FROM mails WHERE delivery <> '' GROUP BY delivery HAVING count(*) > 1"
        query = (
            "SELECT (SELECT count(*) FROM mails), (SELECT count(DISTINCT address) FROM mails), "  # noqa: S608 - constants
            f"(SELECT count(*) FROM ({twice})), (SELECT count(*) FROM mails, reported WHERE mails.id > reported.mail)"
        )
        return Counts(*self._read(query, [])[0])

    def unreported(self, *, limit: int) -> list[Mail]:
        """Return the oldest mails whose events were not handed to the webhook."""
        return self._mails("id > (SELECT mail FROM reported) ORDER BY id LIMIT ?", [limit])

    def report(self, number: int) -> None:
        """Remember that the events of all mails up to *number* were handed to the webhook."""
        with self._writing() as connection:
            connection.execute("UPDATE reported SET mail = max(mail, ?)", [number])

    def erase(self, addresses: Sequence[str], *, asked_at: datetime) -> None:
        """Remember that the provider was asked to erase *addresses*."""
        with self._writing() as connection:
            rows = [(address, asked_at.isoformat()) for address in addresses]
            connection.executemany("INSERT INTO erasures VALUES (NULL, ?, ?)", rows)

    def erasures(self) -> list[str]:
        """Return the addresses that the provider was asked to erase, in order."""
        return [address for (address,) in self._read("SELECT address FROM erasures ORDER BY id", [])]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block in one transaction, alone."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def _read(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Return all rows of *query*."""
        with self._read_lock, closing(self._reader.execute(query, values)) as cursor:
            return cursor.fetchall()

    def _mails(self, condition: str, values: Sequence[object]) -> list[Mail]:
        """Return the mails under *condition* (our own words, never a caller's), each request read once."""
        query = f"SELECT id, request, delivery, address, personalization FROM mails WHERE {condition}"  # noqa: S608
        rows = self._read(query, values)
        requests = {number: self._request(number) for number in {row[1] for row in rows}}
        return [
            Mail(id=number, address=address, delivery=delivery, personalization=json.loads(person), request=requests[request])
            for number, request, delivery, address, person in rows
        ]

    def _request(self, number: int) -> Request:
        """Return what the mails of request *number* share."""
        columns = "message_id, subject, text, html, rest, accepted_at, calendar_at"
        row = self._read(f"SELECT {columns} FROM requests WHERE id = ?", [number])[0]  # noqa: S608 - constants
        message_id, subject, text, html, rest, accepted_at, calendar_at = row
        return Request(
            message_id=message_id,
            subject=subject,
            text=text,
            html=html,
            rest=json.loads(rest),
            accepted_at=datetime.fromisoformat(accepted_at),
            calendar_at=datetime.fromisoformat(calendar_at),
        )


def _connected(path: Path | str) -> sqlite3.Connection:
    """Return a connection in WAL mode that any thread may use under a lock."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    # In WAL mode this survives kill -9 without a sync at each commit.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | str) -> None:
    """Make the tables where there are none."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in {0, _VERSION}:
        raise DripError(f"{path} was written by another version of drip; move it away to begin with an empty mailbox.")
    connection.executescript(_SCHEMA)


def _mailbox(address: Mapping[str, str]) -> str:
    """Return an address object as a header shows it."""
    name = address.get("name")
    return f"{name} <{address['email']}>" if name else address["email"]
