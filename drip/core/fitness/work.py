"""What the workers, the schedule and the provider's reports look like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drip.core.finding import Finding, fine, look, unknown, wrong

WORKERS, SCHEDULE, WEBHOOK = "Workers", "Schedule", "Reports"

QUIET = timedelta(seconds=30)
"""A tick comes every few seconds; after this long without one something has stopped."""

DAILY = timedelta(days=2)
SHOWN_MAX = 4
"""How many letters are named before the rest is counted."""

REPORT = timedelta(hours=2)
"""How long a report may take before its silence says something; most come within a minute."""


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """The heartbeats, machine time, None where there never was one; what waits, and what the sender of the door says.

    *still* is why nothing goes on after a backup was restored, '' where nothing was.
    """

    now: datetime
    tick: datetime | None
    passed: datetime | None
    due: int = 0
    reports_waiting: int = 0
    sender: str = "closed"
    reason: str = ""
    remedy: str = ""
    parked: int = 0
    uncertain: int = 0
    still: str = ""


def workers(facts: WorkFacts) -> Iterator[Finding]:
    """Yield what is to be said of those who do the work."""
    yield from _ticking(facts)
    ticks = facts.tick is not None and facts.now - facts.tick <= QUIET
    if ticks and facts.passed is not None and facts.now - facts.passed > DAILY:
        yield look(
            WORKERS,
            f"nobody was forgotten on time: the daily pass was last done {_span(facts.now - facts.passed)} ago",
            "see the worker's log for task-broke",
        )
    if facts.sender == "paused":
        yield wrong(WORKERS, f"the provider refuses us, so sending waits: {facts.reason}", facts.remedy)
    elif facts.sender != "closed":
        yield look(
            WORKERS, f"sending waits and tries again by itself: {facts.reason}", facts.remedy or "nothing: it goes on by itself"
        )
    if facts.reports_waiting > 10_000:
        yield look(WORKERS, f"{facts.reports_waiting:,} reports of the provider wait to be worked off", "start more workers")
    if facts.parked:
        remedy = "drip status names them; then drip release COURSE"
        yield look(WORKERS, f"{_count(facts.parked, 'letter waits', 'letters wait')} for you: the provider refused them", remedy)
    if facts.uncertain:
        text = f"{_count(facts.uncertain, 'letter is', 'letters are')} in doubt: nobody knows whether the provider took them"
        yield look(WORKERS, text, "drip uncertain list")


def _ticking(facts: WorkFacts) -> Iterator[Finding]:
    """Yield whether anything runs."""
    start = "start drip up, or look at the beat and the worker: both are needed, and both need Redis"
    if facts.still:
        yield wrong(
            WORKERS, f"everything stands still: {facts.still}", "drip restored, once you know when the lost engine stopped"
        )
    elif facts.tick is None:
        yield look(WORKERS, "there was no tick yet: nothing is sent before something runs", start)
    elif facts.tick - facts.now > QUIET:
        yield wrong(
            WORKERS,
            "the last tick lies in the future: a clock was set back",
            "set the clock right (timedatectl), then: drip release",
        )
    elif facts.now - facts.tick > QUIET:
        waits = f", and {facts.due} letters are due" if facts.due else ""
        yield wrong(WORKERS, f"nothing runs: the last tick was {_span(facts.now - facts.tick)} ago{waits}", start)
    else:
        yield fine(WORKERS, "worker and beat run: the last tick was a moment ago")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A letter of a live course that real people must not get, why, how many wait for it and how many come to it next."""

    course: str
    letter: str
    why: str
    here: int
    before: int


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """The files beside the live version; *errors* is None where the files cannot be read, for the reason *trouble*.

    *live* is the number of the live version, 0 for none; *same* whether the files say what is live. *asked* is false where
    the database could not be asked.
    """

    errors: int | None
    trouble: str = ""
    warnings: int = 0
    asked: bool = True
    live: int = 0
    same: bool = False
    real: bool = False
    held: Sequence[tuple[str, str]] = ()
    waiting: Sequence[Waiting] = ()


def schedule(facts: ScheduleFacts) -> Iterator[Finding]:
    """Yield what is to be said of the files and of what is live."""
    if facts.errors is None:
        yield wrong(
            SCHEDULE,
            f"the files cannot be read: {facts.trouble}",
            "run drip in its own folder, or set DRIP_SCHEDULE and DRIP_EMAILS",
        )
    elif facts.errors:
        text = f"the files have {_count(facts.errors, 'fault', 'faults')}: none of it can go live"
        yield wrong(SCHEDULE, text, "drip check names each, with its place and its remedy")
    else:
        more = f", with {_count(facts.warnings, 'warning', 'warnings')}" if facts.warnings else ""
        yield fine(SCHEDULE, f"the files pass drip check{more}")
    if not facts.asked:
        yield unknown(SCHEDULE, "what is live: the database could not be asked")
        return
    if not facts.live:
        text = "nothing is live yet, so nobody gets anything"
        remedy = "drip plan, then drip apply" if facts.real else "drip up applies the files of an empty sandbox by itself"
        yield wrong(SCHEDULE, text, remedy) if facts.real else look(SCHEDULE, text, remedy)
    elif facts.same:
        yield fine(SCHEDULE, f"version {facts.live} is live, and the files say the same")
    else:
        text = f"the files say something else than version {facts.live}, which is live"
        yield look(SCHEDULE, text, "drip plan shows what they would change; drip apply makes them live")
    for what, why in facts.held:
        yield look(SCHEDULE, f"{what} is held: {why}", f"mend it and drip apply, or drip release {what.partition('/')[0]}")
    yield from _waiting(facts)


def _waiting(facts: ScheduleFacts) -> Iterator[Finding]:
    """Yield which letters stop people: one by one where somebody waits, the others together."""
    remedy = "drip letters tells how reviews stand; mend the letter, then drip apply"
    stopping = [one for one in facts.waiting if facts.real and one.here]
    for one in stopping:
        text = f"{one.course}/{one.letter} stops {_count(one.here, 'person', 'people')}: {one.why}"
        yield wrong(SCHEDULE, text, remedy)
    others = [one for one in facts.waiting if one not in stopping]
    if not others:
        return
    names = ", ".join(f"{one.course}/{one.letter}" for one in others[:SHOWN_MAX])
    more = f" and {len(others) - SHOWN_MAX} more" if len(others) > SHOWN_MAX else ""
    stops = "would stop people" if facts.real else "would stop real people"
    why = f" ({others[0].why})" if len({one.why for one in others}) == 1 else ""
    coming = others[0].before if facts.real else 0
    ahead = f"; {_count(coming, 'person is', 'people are')} on the way to the first" if coming else ""
    yield look(SCHEDULE, f"{_count(len(others), 'letter', 'letters')} {stops}: {names}{more}{why}{ahead}", remedy)


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """How the provider's reports come in. *handed_over* counts the letters of the last week that are older than a report takes.

    *key* is what is wrong with the key of the webhook, '' when nothing is, None when it is not set. *answers* is the status
    that our public address gave, None where nobody answered from here, 0 where it was not asked.
    """

    door: str
    key: str | None
    https: bool
    handed_over: int | None
    last_report: datetime | None
    now: datetime
    answers: int | None = 0


def reports(facts: ReportFacts) -> Iterator[Finding]:
    """Yield what is to be said of the provider's reports and of the address that they, and readers, come to."""
    if facts.door == "sandbox":
        yield fine(WEBHOOK, "the sandbox reports to this machine by itself")
        return
    if not facts.https:
        remedy = "set DRIP_BASE_URL to the https address that people reach"
        yield look(WEBHOOK, "the public address has no https: one-click leaving is asked for over TLS only", remedy)
    yield from _reached(facts)
    if facts.door == "smtp":
        text = "an SMTP server sends no reports: bounces come back as mail, to the from address of the course"
        yield look(WEBHOOK, text, "read that mailbox; drip suppressions import enters who cannot be reached")
        return
    if facts.key is None:
        yield wrong(
            WEBHOOK,
            "DRIP_SENDGRID_WEBHOOK_KEY is not set: every report is refused, and dead mailboxes are written to for ever",
            "in SendGrid: Settings, Mail Settings, Event Webhook, signed, to /webhooks/sendgrid here; set its verification key",
        )
        return
    if facts.key:
        yield wrong(
            WEBHOOK, f"DRIP_SENDGRID_WEBHOOK_KEY is no verification key: {facts.key}", "copy it anew from the event webhook"
        )
        return
    yield fine(WEBHOOK, "the key of the event webhook is set, and is one")
    if facts.handed_over is None:
        yield unknown(WEBHOOK, "whether reports come in: the database could not be asked")
    elif not facts.handed_over:
        yield unknown(
            WEBHOOK, "whether reports come in: no letter went out in the last week", "look again after the first letter"
        )
    elif facts.last_report is None or facts.now - facts.last_report > timedelta(days=7):
        text = f"{_count(facts.handed_over, 'letter', 'letters')} went out in the last week, and not one report came in"
        remedy = "see the event webhook in SendGrid: its address, that it is on, and Test Your Integration; then the web log"
        yield wrong(WEBHOOK, text, remedy)
    else:
        yield fine(WEBHOOK, f"reports come in: the last one {_span(facts.now - facts.last_report)} ago")


def _reached(facts: ReportFacts) -> Iterator[Finding]:
    if facts.answers == 200:
        yield fine(WEBHOOK, "the public address answers")
    elif facts.answers is None:
        remedy = "open it on a phone: DRIP_BASE_URL with /healthz behind it"
        yield unknown(WEBHOOK, "whether the public address answers: nobody did from here", remedy)
    elif facts.answers:
        text = f"the public address answers with {facts.answers}, and not as drip does"
        yield look(WEBHOOK, text, "see the proxy: DRIP_BASE_URL must lead to drip's web process")


def _count(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many}"


def _span(length: timedelta) -> str:
    seconds = max(0, length.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
