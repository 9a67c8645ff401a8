"""The mailbox to look at: plain pages without scripts, and nothing from anywhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from drip.sandbox.mailbox import Mail, Mailbox
from drip.sandbox.timemachine import Pilot

if TYPE_CHECKING:
    from drip.sandbox.courier import Courier

PEOPLE_A_PAGE = 50
LETTERS_A_PAGE = 100

# Nothing from elsewhere, no script, no form that leads away.
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
# Opened on its own, a letter is as caged as it is in its frame.
_CAGE = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
_LETTER_HEADERS = {
    **_PAGE_HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; "
        f"sandbox {_CAGE}"
    ),
}
_HEAD = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)

View = Literal["html", "phone", "text", "headers", "raw"]
_VIEWS: tuple[tuple[View, str], ...] = (
    ("html", "Letter"),
    ("phone", "Phone"),
    ("text", "Text"),
    ("headers", "Headers"),
    ("raw", "Raw"),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose mailbox it is: the zone in which her letters are dated, and in words why none comes just now."""

    zone: tzinfo = UTC
    standing: str = ""


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every page needs."""

    store: Mailbox
    calendar: Callable[[], datetime]
    pilot: Pilot | None
    reader_of: Callable[[str], Reader] | None
    courier: Courier | None
    templates: Environment

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - a template's own
        """Return one page with the header that all have."""
        time = None if self.pilot is None else self.pilot.status()
        common = {
            "now": self.calendar() if time is None else time["now"],
            "time": time,
            "time_failure": "" if self.pilot is None else self.pilot.failure,
            "webhook_failure": "" if self.courier is None else self.courier.failure,
            "refresh": False,
        }
        body = self.templates.get_template(template).render({**common, **values})
        return HTMLResponse(body, status_code=status, headers=_PAGE_HEADERS)

    def zone(self, address: str) -> tzinfo:
        """Return the zone in which *address* reads her letters."""
        return self.reader(address).zone

    def reader(self, address: str) -> Reader:
        """Return what the engine knows of whoever reads at *address*."""
        return Reader() if self.reader_of is None else self.reader_of(address)


def page_router(
    store: Mailbox,
    *,
    calendar: Callable[[], datetime],
    pilot: Pilot | None = None,
    reader_of: Callable[[str], Reader] | None = None,
    courier: Courier | None = None,
) -> APIRouter:
    """Return the mailbox pages."""
    desk = _Desk(store, calendar, pilot, reader_of, courier, _templates())
    router = APIRouter(include_in_schema=False)
    style = resources.files("drip.sandbox").joinpath("static", "sandbox.css").read_bytes()

    @router.get("/static/sandbox.css")
    def stylesheet() -> Response:
        return Response(style, media_type="text/css", headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})

    _add_lists(router, desk)
    _add_letters(router, desk)
    if pilot is not None:
        _add_time(router, pilot)
    return router


def _add_lists(router: APIRouter, desk: _Desk) -> None:
    """Add the list of people and the list of one person's letters."""

    @router.get("/")
    def people(find: str = "", page: int = 1) -> Response:
        page = max(page, 1)
        rows = desk.store.people(find=find.strip(), limit=PEOPLE_A_PAGE + 1, offset=(page - 1) * PEOPLE_A_PAGE)
        counts = desk.store.counts()
        return desk.page(
            "people.html",
            people=rows[:PEOPLE_A_PAGE],
            more=len(rows) > PEOPLE_A_PAGE,
            number=page,
            find=find,
            counts=counts,
            reader=desk.reader,
            refresh=True,
        )

    @router.get("/mailbox")
    def mailbox(address: str) -> Response:
        letters = desk.store.mails(address=address, newest_first=True, limit=LETTERS_A_PAGE)
        if not letters:
            return desk.page("nothing.html", status=404, what="There is no letter for this address yet.")
        total = desk.store.letters_of(address)
        reader = desk.reader(letters[0].address)
        return desk.page("mailbox.html", address=letters[0].address, letters=letters, total=total, reader=reader, refresh=True)


def _add_letters(router: APIRouter, desk: _Desk) -> None:
    """Add the page of one letter, and the letter itself for its frame."""

    @router.get("/mails/{number}")
    def letter(number: int, view: View = "html") -> Response:
        mail = desk.store.mail(number)
        if mail is None:
            return desk.page("nothing.html", status=404, what="There is no such letter.")
        newer, older = _neighbours(desk.store, mail)
        return desk.page(
            "letter.html",
            mail=mail,
            view=view,
            views=_VIEWS,
            cage=_CAGE,
            raw=json.dumps(mail.raw, indent=2, ensure_ascii=False),
            zone=desk.zone,
            newer=newer,
            older=older,
        )

    @router.get("/mails/{number}/letter")
    def frame(number: int) -> Response:
        mail = desk.store.mail(number)
        if mail is None or not mail.html:
            return Response(status_code=404)
        return HTMLResponse(_framed(mail.html), headers=_LETTER_HEADERS)


def _add_time(router: APIRouter, pilot: Pilot) -> None:
    """Add the buttons of the time machine; each answers at once with the page that shows the progress."""

    @router.post("/time/day")
    def day() -> Response:
        pilot.pass_days(1)
        return _back()

    @router.post("/time/week")
    def week() -> Response:
        pilot.pass_days(7)
        return _back()

    @router.post("/time/run")
    def run() -> Response:
        pilot.run()
        return _back()


def _back() -> Response:
    """Return the redirect to the list of people, which shows the progress."""
    return RedirectResponse("/", status_code=303, headers={"Cache-Control": "no-store"})


def _framed(html: str) -> str:
    """Return a letter whose links open in the whole window, not in its frame; the text is otherwise as it was sent."""
    base = '<base target="_top">'
    head = _HEAD.search(html)
    if head is None:
        return base + html
    return html[: head.end()] + base + html[head.end() :]


def _neighbours(store: Mailbox, mail: Mail) -> tuple[Mail | None, Mail | None]:
    """Return the letters that the same person got just after and just before."""
    newer = store.mails(address=mail.address, after=mail.id, limit=1)
    older = store.mails(address=mail.address, before=mail.id, newest_first=True, limit=1)
    return next(iter(newer), None), next(iter(older), None)


def _templates() -> Environment:
    """Return the templates of the pages; every value is escaped."""
    templates = Environment(
        loader=PackageLoader("drip.sandbox"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters.update(breakable=_breakable, day=_day, short_day=_short_day, moment=_moment, machine=_machine)
    return templates


def _breakable(address: str) -> Markup:
    """Return an address that a narrow page breaks before its @ and its dots, not within a word."""
    return Markup(re.sub(r"(?=[@.])", "<wbr>", str(escape(address))))  # noqa: S704 - escaped just here


def _day(instant: datetime) -> str:
    """Return a calendar day in words."""
    return f"{instant:%A} {instant.day} {instant:%B %Y}"


def _short_day(instant: datetime, zone: tzinfo) -> str:
    """Return a day as a list of letters shows it."""
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}"


def _moment(instant: datetime, zone: tzinfo) -> str:
    """Return an instant as a letter's head shows it, in *zone* and with its name."""
    local = instant.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M} {zone}"


def _machine(instant: datetime) -> str:
    """Return a machine instant to the second."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
