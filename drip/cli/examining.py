"""Asking everything that an installation stands on how it is: no question changes anything, and none waits for long."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import zoneinfo
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from drip import clock, config
from drip.core.finding import Finding, fine, unknown
from drip.core.fitness import account, domain, server, setting, work
from drip.errors import DripError
from drip.flows import examining
from drip.store import conditions, migrations
from drip.store.session import Database, DatabaseTrouble
from drip.store.stamps import REAL
from drip.wiring import Library, suppression_check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from drip.config import Examined, Settings
    from drip.core.schedule import Course
    from drip.files import Source
    from drip.flows.scheduling import CheckResult
    from drip.mail.resolver import Resolver
    from drip.mail.sendgrid_account import Account

ANSWER_SECONDS = 5.0


@dataclass(slots=True)
class _Seen:
    """What the database told, for whatever else wants to know of it."""

    asked: bool = False
    stamped: bool | None = None
    now: datetime | None = None
    machine: datetime | None = None
    ahead_seconds: float = 0.0
    standing: examining.Standing | None = None


def examine(found: Examined, resolver: Resolver) -> Iterator[Finding]:
    """Yield what is to be said of the installation that *found* describes, room by room."""
    settings = _with_keys(found.settings)
    real = settings.door == REAL
    yield from setting.settings(_setting_facts(found, settings))
    seen = _Seen()
    about_database = list(server.database(_database(settings, seen)))
    yield from setting.keys(_key_facts(settings, seen))
    yield from about_database
    yield from server.redis(_redis(settings))
    if seen.standing is None:
        yield unknown(work.WORKERS, "whether anything runs: the database could not be asked")
    else:
        yield from work.workers(seen.standing.work)
    told = _account(settings)
    provider = told.now if told is not None and real else None
    machine = clock.machine_now()
    # Each clock is compared with the moment at which it was read.
    of_database = None if seen.now is None or seen.machine is None else machine + (seen.now - seen.machine)
    facts = server.ClockFacts(machine, None if _is_sqlite(settings) else of_database, provider, _zones())
    yield from server.clocks(replace(facts, ahead=_ahead(seen)))
    checked = _checked(settings)
    yield from work.schedule(_schedule_facts(settings, checked, seen))
    yield from account.provider(_account_facts(settings, told))
    yield from work.reports(_report_facts(settings, seen))
    yield from _domains(settings, checked, resolver)
    yield from _first_letter(settings)


# Settings and keys ---------------------------------------------------------------------------------------------------


def _with_keys(settings: Settings) -> Settings:
    """Return settings with the keys that a sandbox keeps in its folder; none are made."""
    if settings.door == REAL or not (settings.state / "keys.json").exists():
        return settings
    with contextlib.suppress(OSError, ValueError, KeyError):
        return config.with_local_keys(settings)
    return settings


def _setting_facts(found: Examined, settings: Settings) -> setting.SettingFacts:
    real = settings.door == REAL
    host = urlsplit(settings.base_url).hostname
    return setting.SettingFacts(
        found.faults,
        len(found.given),
        real,
        settings.sender,
        settings.sendgrid_url,
        behind_proxy=real and host not in config.LOOPBACK,
        trusts_proxies=bool(settings.trusted_proxies),
        files={name: mode for name, path in found.files.items() if (mode := _mode(path)) is not None},
        folder=_mode(settings.state),
    )


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return None


def _key_facts(settings: Settings, seen: _Seen) -> setting.KeyFacts:
    def shape(key: str) -> tuple[int, int]:
        return len(key), len(set(key))

    links, suppression = settings.secret_keys, settings.suppression_key
    return setting.KeyFacts(
        [shape(key) for key in links],
        shape(suppression) if suppression else None,
        shared=suppression in links,
        twice=len(set(links)) < len(links),
        stamped=seen.stamped,
        real=settings.door == REAL,
    )


# Servers -------------------------------------------------------------------------------------------------------------


def _is_sqlite(settings: Settings) -> bool:
    return settings.database.startswith("sqlite")


def _database(settings: Settings, seen: _Seen) -> server.DatabaseFacts:
    """Return what the database says of itself, and note in *seen* what others want to know of it."""
    facts = server.DatabaseFacts(_is_sqlite(settings), door=settings.door)
    try:
        database = Database(settings.database)
    except DripError as trouble:
        return replace(facts, trouble=str(trouble))
    file = conditions.sqlite_file(database)
    if file is not None and not file.exists():
        return replace(facts, missing=True)
    try:
        database.require()
        return _asked(database, settings, facts, file, seen)
    except DripError as trouble:
        return replace(facts, trouble=str(trouble).partition(";")[0])
    except DatabaseTrouble as trouble:
        return replace(facts, trouble=type(trouble.orig).__name__)
    finally:
        database.dispose()


def _asked(
    database: Database, settings: Settings, facts: server.DatabaseFacts, file: Path | None, seen: _Seen
) -> server.DatabaseFacts:
    with database.read() as connection:
        found = conditions.condition(connection)
        seen.now, seen.machine = found.now, clock.machine_now()
    newest = migrations.current_revision(database) == migrations.newest_revision()
    facts = replace(facts, version=found.version, shown=found.shown, newest=newest, journal=found.journal, forgets=found.forgets)
    if file is not None:
        log = file.with_name(f"{file.name}-wal")
        facts = replace(
            facts,
            free_bytes=shutil.disk_usage(file.parent).free,
            log_bytes=log.stat().st_size if log.exists() else 0,
            mode=_mode(file),
        )
    if not newest:
        return facts
    with database.read() as connection:
        door, mark, ahead = conditions.stamped(connection)
    seen.asked, seen.ahead_seconds = True, ahead.total_seconds()
    if door and settings.suppression_key:
        seen.stamped = mark == suppression_check(settings.suppression_key.encode())
    library = Library(database, settings.base_url)
    seen.standing = examining.stand(database, library, door=settings.sender, real=settings.door == REAL)
    return replace(facts, stamp=door)


def _redis(settings: Settings) -> server.RedisFacts:
    from drip.mail import broker

    if settings.redis_url:
        return broker.look(settings.redis_url, own=False)
    socket = settings.state.resolve() / "valkey" / "valkey.sock"
    if not socket.exists():
        return server.RedisFacts(own=True, trouble="it does not run")
    return broker.look(f"redis+socket://{quote(str(socket))}?virtual_host=0", own=True)


def _zones() -> str:
    """Return the version of the time zone data that is used: the system's, else the package's; '' where nobody says it."""
    for folder in map(Path, zoneinfo.TZPATH):
        if not folder.is_dir():
            continue
        for name, mark in (("tzdata.zi", "# version "), ("+VERSION", ""), ("version", "")):
            with contextlib.suppress(OSError, UnicodeDecodeError), (folder / name).open(encoding="utf-8") as file:
                line = file.readline().strip()
                if line.startswith(mark):
                    return line.removeprefix(mark)
        return ""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("tzdata")
    return ""


def _ahead(seen: _Seen) -> timedelta:
    return timedelta(seconds=seen.ahead_seconds)


# The schedule --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Checked:
    """The files as they were read, and what was found in them; *trouble* is why they could not be."""

    source: Source | None = None
    result: CheckResult | None = None
    trouble: str = ""


def _checked(settings: Settings) -> _Checked:
    from drip.files import read_project
    from drip.flows import scheduling
    from drip.wiring import proofs, render_check

    try:
        source = read_project(settings.schedule, settings.emails)
        result = scheduling.check(
            source,
            render_check=render_check,
            editor=scheduling.Editor(proofs, clock.machine_now().date()),
            schedule_file=str(settings.schedule),
            emails=str(settings.emails),
        )
    except DripError as trouble:
        return _Checked(trouble=str(trouble))
    return _Checked(source, result)


def _schedule_facts(settings: Settings, checked: _Checked, seen: _Seen) -> work.ScheduleFacts:
    from drip.store import versions

    errors: int | None = None
    warnings, same = 0, False
    if checked.source is not None and checked.result is not None:
        errors = sum(problem.severity == "error" for problem in checked.result.problems)
        warnings = len(checked.result.problems) - errors
        digest = versions.digest_of(checked.source.schedule_text, checked.source.letters)
        same = seen.standing is not None and seen.standing.digest == digest
    facts = work.ScheduleFacts(errors, checked.trouble, warnings, asked=seen.asked, same=same, real=settings.door == REAL)
    if seen.standing is None:
        return facts
    return replace(facts, live=seen.standing.live, held=seen.standing.held, waiting=seen.standing.waiting)


# The provider --------------------------------------------------------------------------------------------------------


def _account(settings: Settings) -> Account | None:
    """Return what SendGrid, or its stand-in, says of the account; None for another door, and while there is no key."""
    from drip.mail.sendgrid_account import Account, SendGridAccount
    from drip.wiring import sandbox_api_key

    if settings.smtp_url or not (settings.sendgrid_key or settings.suppression_key):
        return None
    key, url = settings.sendgrid_key, settings.sendgrid_url
    if not key:
        key, url = sandbox_api_key(settings), settings.sandbox_url
    try:
        with contextlib.closing(SendGridAccount(key, url, request_timeout_seconds=ANSWER_SECONDS)) as asked:
            return asked.look()
    except ValueError as fault:
        return Account(refused=str(fault), remedy="check SENDGRID_API_KEY and DRIP_SENDGRID_URL")


def _account_facts(settings: Settings, told: Account | None) -> account.AccountFacts:
    facts = account.AccountFacts(settings.sender)
    if settings.smtp_url:
        return _greeted(settings, facts)
    if told is None:
        return replace(facts, trouble="it was never started")
    return replace(
        facts,
        trouble=told.trouble,
        refused=told.refused,
        remedy=told.remedy,
        scopes=told.scopes,
        tracking=told.tracking,
    )


def _greeted(settings: Settings, facts: account.AccountFacts) -> account.AccountFacts:
    from drip.core.delivery import SenderRefused
    from drip.mail.smtp import SmtpMailer

    try:
        answer = SmtpMailer(settings.smtp_url, ANSWER_SECONDS, ANSWER_SECONDS).greet()
    except ValueError as fault:
        return replace(facts, refused=str(fault), remedy="check DRIP_SMTP_URL")
    if answer is None:
        return facts
    reason = str(getattr(answer, "reason", ""))
    return (
        replace(facts, refused=reason, remedy=answer.remedy)
        if isinstance(answer, SenderRefused)
        else replace(facts, trouble=reason)
    )


def _report_facts(settings: Settings, seen: _Seen) -> work.ReportFacts:
    from drip.mail.sendgrid import key_fault

    real = settings.door == REAL
    local = urlsplit(settings.base_url).hostname in config.LOOPBACK
    return work.ReportFacts(
        settings.sender,
        key_fault(settings.webhook_key) if settings.webhook_key else None,
        https=settings.base_url.startswith("https://") or local,
        handed_over=seen.standing.handed_over if seen.standing else None,
        last_report=seen.standing.last_report if seen.standing else None,
        now=clock.machine_now(),
        answers=_answer_of(settings.base_url) if real else 0,
    )


def _answer_of(base_url: str) -> int | None:
    """Return the status with which our public address answers; None when nobody does."""
    from drip.mail.transport import MayHaveArrived, NothingSent, Transport

    asked = Transport(request_seconds=ANSWER_SECONDS, connect_seconds=3.0, idle_seconds_max=0.0)
    try:
        return asked.request("GET", f"{base_url.rstrip('/')}/healthz", headers={}, body=None).status
    except (NothingSent, MayHaveArrived, ValueError):
        return None
    finally:
        asked.close()


# The DNS -------------------------------------------------------------------------------------------------------------


def _domains(settings: Settings, checked: _Checked, resolver: Resolver) -> Iterator[Finding]:
    """Yield what the DNS says of each domain that a course of the files writes from."""
    if settings.door != REAL:
        yield fine(domain.DOMAIN, "nothing leaves this machine, so the DNS is not asked; it is once a provider is set")
        return
    schedule = checked.result.schedule if checked.result else None
    if schedule is None:
        yield unknown(domain.DOMAIN, "from which domain letters come: the files have faults")
        return
    asked: set[tuple[str, str]] = set()
    for course in schedule.courses.values():
        names = (_domain_of(course.sender.email), _domain_of(course.reply_to))
        if names not in asked:
            asked.add(names)
            yield from domain.domain(_domain_facts(settings, course, resolver))


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _domain_facts(settings: Settings, course: Course, resolver: Resolver) -> domain.DomainFacts:
    name, reply = _domain_of(course.sender.email), _domain_of(course.reply_to)
    spf = resolver.texts(name)
    dmarc: dict[str, domain.Texts] = {}
    for above in domain.asked_for_dmarc(name):
        dmarc[above] = texts = resolver.texts(f"_dmarc.{above}")
        if isinstance(texts, domain.Silence) or any(text.lower().startswith("v=dmarc1") for text in texts):
            break
    selectors = domain.SELECTORS if settings.sender == "sendgrid" else ()
    dkim = {selector: resolver.texts(f"{selector}._domainkey.{name}") for selector in selectors}
    return domain.DomainFacts(name, settings.sender, spf, dmarc, dkim, reply, resolver.takes_mail(reply))


def _first_letter(settings: Settings) -> Iterator[Finding]:
    if settings.door == REAL:
        yield unknown(
            domain.DOMAIN,
            "whether both List-Unsubscribe headers are signed: only a letter that arrived shows it",
            "drip send-test to a mailbox of yours; its original must say dkim=pass, with both names in the h= of the signature",
        )
