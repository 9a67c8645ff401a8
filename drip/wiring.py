"""Wiring: from settings to the objects that a process works with, and the sandbox's time machine over them."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import logging
import sys
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import structlog

from drip import clock
from drip.config import Patience, Settings, make_private
from drip.core.delivery import ADDRESS_CHANGE, MY_LINK, form_of
from drip.core.editorial.proof import Proof
from drip.core.impact import deaf
from drip.core.plan import Edition, PersonTurn, Plan
from drip.core.progress import LiveCourse
from drip.core.project import Project, project_of
from drip.core.review import why_not_real
from drip.core.source import Source
from drip.core.token import CHANGE, CONFIRM, OWN, Tokens, answering, bound
from drip.errors import NotFound, ProblemsFound, RenderFault, SettingsError
from drip.files import parse_source, read_project
from drip.flows import applying
from drip.flows.scheduling import CheckResult, Editor, check
from drip.flows.sending import Sender, nothing
from drip.flows.ticking import Ticker
from drip.mail.directory import NoDirectory
from drip.mail.envelope import Envelopes
from drip.mail.lists import NoLists
from drip.mail.rates import Allowance, Rates, storage_url
from drip.mail.render import LetterBook
from drip.mail.sendgrid import SendGridMailer
from drip.mail.sendgrid_directory import SendGridDirectory
from drip.mail.sendgrid_lists import SendGridLists
from drip.mail.smtp import SmtpMailer
from drip.store import migrations, stamps, versions, warmups
from drip.store.owners import Incarnation
from drip.store.restores import Memory
from drip.store.session import Database
from drip.store.stamps import REAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from drip.core.schedule import Schedule
    from drip.mail.directory import Directory
    from drip.mail.lists import Lists
    from drip.mail.message import Mailer

log = structlog.get_logger("drip")


class _Stderr(io.TextIOBase):
    """Standard error for logs: a line that a full disk does not take must not come between an answer and its record."""

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def log_to_stderr(kind: str = "plain") -> None:
    """Write structured logs to stderr: `plain` for people, `json` for machines; ids and never an address."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if kind == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Stderr())),
        # A line is written for a batch and not for a letter, so looking this up each time costs nothing; and whoever sets it
        # anew, as tests do, is heard by every logger.
        cache_logger_on_first_use=False,
    )


class Library:
    """Versions from the database, parsed once per process and kept."""

    def __init__(self, database: Database, base_url: str) -> None:
        """Read from *database* when first asked for a version; links in letters begin with *base_url*."""
        self._database = database
        self._base_url = base_url
        self._projects: dict[int, tuple[Project, versions.Version]] = {}
        self._courses: dict[tuple[int, str], LiveCourse] = {}
        self._books: dict[tuple[int, str], LetterBook] = {}
        self._lock = threading.RLock()

    def course(self, version_id: int, course_id: str) -> LiveCourse:
        """Return the course as it stands in a version; raises NotFound for one that has no such course."""
        key = (version_id, course_id)
        found = self._courses.get(key)
        if found is not None:
            return found
        with self._lock:
            project, version = self._project(version_id)
            course = project.schedule.courses.get(course_id)
            if course is None:
                msg = f"version {version_id} has no course {course_id!r}"
                raise NotFound(msg)
            return self._courses.setdefault(key, LiveCourse(version_id, course, version.first_ids.get(course_id, {})))

    def book(self, version_id: int, course_id: str) -> LetterBook:
        """Return the letters of a course as they stand in a version."""
        key = (version_id, course_id)
        found = self._books.get(key)
        if found is not None:
            return found
        with self._lock:
            project, _ = self._project(version_id)
            return self._books.setdefault(key, book_of(project, course_id, self._base_url))

    def why_not_real(self, version_id: int, course_id: str, letter: str, today: date) -> str:
        """Return why a letter of a version must not go to real people, as a sentence; empty when it may."""
        project, version = self._project(version_id)
        live = self.course(version_id, course_id)
        current = live.current_id(letter) or letter
        found = project.letters.get(current)
        if found is None:
            return "the letter is not in this version"
        if found.lesson is None:
            return ""
        return why_not_real(live.course, current, found.lesson, project.wording(current), version.accepted, today)

    def wording(self, version_id: int, course_id: str, letter: str) -> str:
        """Return what tells the wording of a letter, by its first id, in a version from another; '' where it has none."""
        current = self.course(version_id, course_id).current_id(letter)
        return self._project(version_id)[0].wording(current) if current else ""

    def _project(self, version_id: int) -> tuple[Project, versions.Version]:
        found = self._projects.get(version_id)
        if found is not None:
            return found
        with self._database.read() as connection:
            version = versions.find(connection, version_id)
        if version is None:
            msg = f"there is no version {version_id}"
            raise NotFound(msg)
        return self._projects.setdefault(version_id, (edition_of(version).project, version))


def book_of(project: Project, course_id: str, base_url: str) -> LetterBook:
    """Return the letters of one course of a *project*, ready to render."""
    course = project.schedule.courses[course_id]
    return LetterBook(project.files, course, base_url, front=project.front, references=project.references)


def edition_of(version: versions.Version) -> Edition:
    """Return a stored version as its files were read; raises ProblemsFound when today's rules refuse it."""
    project, problems = project_of(parse_source(Source(version.schedule_text, version.letters)))
    if project is None:
        raise ProblemsFound(problems)
    return Edition(project, version.schedule_text, version.letters)


def render_check(project: Project) -> list[RenderFault]:
    """Return the fault of every letter that cannot be rendered, in any course, full or short."""
    return [fault for course in project.schedule.courses for fault in book_of(project, course, "http://127.0.0.1").faults()]


def proofs(project: Project) -> dict[str, list[Proof]]:
    """Return a proof of each letter that can be rendered, by course."""
    return {course: book_of(project, course, "http://127.0.0.1").proofs() for course in project.schedule.courses}


class Deployment:
    """Everything one process needs, opened when first used; make it after any fork."""

    def __init__(self, settings: Settings, patience: Patience = Patience()) -> None:  # noqa: B008 - frozen
        """Keep the *settings* and the *patience*; nothing is opened yet."""
        self.settings = settings
        self.patience = patience

    @cached_property
    def database(self) -> Database:
        """The database, which must be stamped for the door that the settings ask for."""
        return Database(self.settings.database)

    @cached_property
    def library(self) -> Library:
        """The applied versions."""
        return Library(self.database, self.settings.base_url)

    @cached_property
    def tokens(self) -> Tokens:
        """What signs links."""
        return Tokens(self.settings.secret_keys)

    @property
    def suppression_key(self) -> bytes:
        """The key under which addresses are hashed."""
        return self.settings.suppression_key.encode()

    def lists(self) -> Lists:
        """Return what can be asked of the provider about the addresses that it does not write to; the caller closes it."""
        settings, seconds = self.settings, self.patience.request_seconds
        if settings.smtp_url:
            return NoLists()
        if settings.sendgrid_key:
            return SendGridLists(settings.sendgrid_key, settings.sendgrid_url, request_timeout_seconds=seconds)
        return SendGridLists(sandbox_api_key(settings), settings.sandbox_url, request_timeout_seconds=seconds)

    @cached_property
    def mailer(self) -> Mailer:
        """The door that the settings name."""
        settings, seconds = self.settings, self.patience.request_seconds
        if settings.smtp_url:
            return SmtpMailer(settings.smtp_url, request_timeout_seconds=seconds)
        if settings.sendgrid_key:
            return SendGridMailer(settings.sendgrid_key, settings.sendgrid_url, request_timeout_seconds=seconds)
        return SendGridMailer(sandbox_api_key(settings), settings.sandbox_url, request_timeout_seconds=seconds)

    @cached_property
    def directory(self) -> Directory:
        """What can be asked of the provider about an address: to erase it, or to take it off its list."""
        settings, seconds = self.settings, self.patience.request_seconds
        if settings.smtp_url:
            return NoDirectory()
        if settings.sendgrid_key:
            return SendGridDirectory(settings.sendgrid_key, settings.sendgrid_url, request_timeout_seconds=seconds)
        return SendGridDirectory(sandbox_api_key(settings), settings.sandbox_url, request_timeout_seconds=seconds)

    @property
    def leave_wait_seconds(self) -> float:
        """How long an answer to a leave may wait: the longest request, and then the watchdog's period."""
        return self.patience.request_seconds + self.patience.watchdog_seconds

    def check_door(self) -> None:
        """Raise unless the database answers, is up to date and was made for this door and this suppression key."""
        self.database.require()
        migrations.require_newest(self.database)
        with self.database.write() as connection:
            stamps.claim_door(
                connection, self.settings.door, suppression_check=suppression_check(self.suppression_key), now=clock.machine_now()
            )

    def open_up(self) -> bool:
        """Make the database if there is none, stamp it for this door, and return whether its tables were brought up to date."""
        make_private(self.settings.state)
        if self.settings.database.startswith("sqlite:///"):
            # It holds addresses: readable by its owner alone, and so are the files that SQLite puts beside it.
            Path(self.settings.database.removeprefix("sqlite:///")).touch(mode=0o600)
        self.database.require()
        done = migrations.upgrade(self.database)
        self.check_door()
        return done

    def prepare(self) -> bool:
        """Open up, and make the files version 1 of an empty sandbox; return whether the files are the live ones.

        Raises ProblemsFound when the files have faults and nothing is live, and SettingsError when nothing is live with a
        real provider, where the first version, too, is somebody's `drip apply`. A running course is never touched here.
        """
        self.open_up()
        source = read_project(self.settings.schedule, self.settings.emails)
        with self.database.read() as connection:
            newest = versions.newest(connection)
        if newest is not None:
            return newest[1] == versions.digest_of(source.schedule_text, source.letters)
        if self.settings.door == REAL:
            msg = "nothing is live yet: look at drip plan, then run drip apply, and start again"
            raise SettingsError(msg)
        edition = self.edition()
        planned = applying.plan(self.database, self.library, edition, edition_of, real=False, today=clock.machine_now().date())
        if planned.base is None:
            # Web, worker and beat may start together: the first publishes, the others are refused and find it.
            with contextlib.suppress(applying.Refused):
                self.apply(edition, planned, applying.Accepting(), note="the first version")
        return True

    def edition(self) -> Edition:
        """Return what the files say now; raises ProblemsFound when they have faults."""
        result, edition = self.checked()
        if edition is None:
            raise ProblemsFound([problem for problem in result.problems if problem.severity == "error"])
        return edition

    def checked(self) -> tuple[CheckResult, Edition | None]:
        """Return every problem of the files as they are now, and what they say; None where a fault forbids it."""
        source = read_project(self.settings.schedule, self.settings.emails)
        result = check(
            source,
            render_check=render_check,
            editor=Editor(proofs, clock.machine_now().date()),
            schedule_file=str(self.settings.schedule),
            emails=str(self.settings.emails),
        )
        if result.project is None:
            return result, None
        if self.settings.door == REAL:
            require_own_addresses(result.project.schedule)
        return result, Edition(result.project, source.schedule_text, source.letters)

    def plan(self, edition: Edition, *, heard: Callable[[PersonTurn], None] = deaf) -> Plan:
        """Return what applying an edition would do now; *heard* is told of each person for whom something changes."""
        real, today = self.settings.door == REAL, clock.machine_now().date()
        return applying.plan(self.database, self.library, edition, edition_of, real=real, today=today, heard=heard)

    def apply(
        self,
        edition: Edition,
        planned: Plan,
        accepting: applying.Accepting,
        *,
        note: str = "",
        at: Callable[[str], None] = nothing,
    ) -> int:
        """Make an edition live as *planned* and return the number of its version; raises `applying.Refused`.

        *at* hears named points, for tests.
        """
        now = clock.machine_now()
        return applying.apply(
            self.database,
            self.library,
            edition,
            edition_of,
            planned=planned,
            accepting=accepting,
            real=self.settings.door == REAL,
            today=now.date(),
            now=now,
            note=note,
            at=at,
        )

    def incarnation(self) -> Incarnation:
        """Begin to live as an owner of deliveries."""
        return Incarnation(self.database, self.settings.owners_directory)

    def ticker(self) -> Ticker:
        """Return the ticks of this process."""
        return Ticker(self.database, self.library, door=self.settings.sender, batch_max=self._batch_max, memory=self.memory)

    @property
    def memory(self) -> Memory:
        """What this host remembers of the database."""
        return Memory(self.settings.state / "seen", self.settings.door)

    @property
    def _batch_max(self) -> int:
        return SmtpMailer.batch_max if self.settings.smtp_url else SendGridMailer.batch_max

    def service_token(self, letter: str, enrollment: str, occasion: str = "", address_key: str = "") -> str:
        """Return the dated token of a service letter; a new address is confirmed by the change that its occasion names.

        A link to what is hers alone is bound to the keyed address that it is mailed to, and a link to confirm names the
        form that its letter answers.
        """
        now = clock.machine_now()
        if letter == ADDRESS_CHANGE:
            return self.tokens.sign_dated(CHANGE, occasion.partition(":")[2], now=now)
        if letter == MY_LINK:
            return self.tokens.sign_dated(OWN, bound(enrollment, address_key), now=now)
        return self.tokens.sign_dated(CONFIRM, answering(enrollment, form_of(occasion)), now=now)

    def rates(self) -> Rates:
        """Return the limits that all workers share."""

        def allowed(course_id: str) -> Allowance | None:
            with self.database.read() as connection:
                state = versions.running(connection).get(course_id)
                # By itself, since the versions are read by a connection of their own.
                live = None if state is None else self.library.course(state.version_id, course_id)
                if live is None or live.course.sending is None:
                    return None
                now = stamps.now_in(connection)
                found = warmups.limit(connection, course_id, live.course, now.calendar)
            ahead = round((now.calendar - now.machine).total_seconds())
            return None if found is None else Allowance(found.per_hour, found.went, ahead)

        return Rates(storage_url(self.settings.redis_url), allowed, namespace=self.settings.queue)

    def sender(
        self,
        owner: Incarnation,
        *,
        at: Callable[[str], None] = nothing,
    ) -> Sender:
        """Return what hands batches over in this process; *at* hears named points, for tests."""
        envelopes = Envelopes(self.library, self.tokens, self.settings.base_url, service_token=self.service_token)
        return Sender(
            self.database,
            self.library,
            self.mailer,
            envelopes,
            door=self.settings.sender,
            owner=owner.id,
            real=self.settings.door == REAL,
            granted=self.rates().granted,
            at=at,
            backoff_scale=self.patience.backoff_scale,
            record_seconds=self.patience.record_seconds,
            memory=self.memory,
        )


def require_own_addresses(schedule: Schedule) -> None:
    """Raise SettingsError when a course would write to real people from an address that is nobody's."""
    examples = ("example.org", "example.com", "example.net")
    for course_id, course in schedule.courses.items():
        for name, address in (("from", course.sender.email), ("reply_to", course.reply_to)):
            domain = address.rpartition("@")[2].lower()
            if not address or domain in examples or domain.endswith(tuple(f".{one}" for one in examples)):
                msg = (
                    f"{address!r} in courses.{course_id}.{name} is an example; with a real provider write your own address there"
                )
                raise SettingsError(msg)


def suppression_check(key: bytes) -> str:
    """Return what a database keeps to recognise its suppression key."""
    return hmac.digest(key, b"drip", hashlib.sha256).hex()


def sandbox_api_key(settings: Settings) -> str:
    """Return the key that the engine shows to the sandbox: derived, so that both sides know it without asking."""
    return "SG." + hmac.digest(settings.suppression_key.encode(), b"sandbox", hashlib.sha256).hex()[:40]
