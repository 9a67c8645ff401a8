"""What every page of the console needs: who looks, whether she may press, the templates, and one look at each press."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from drip import clock
from drip.core.country import country_name
from drip.core.wording import day_in_words, weekday_name
from drip.errors import DripError, NotFound, Unreachable
from drip.flows import admitting
from drip.flows.admitting import Secrets, SignedIn
from drip.web.caps import Caps
from drip.web.console import static
from drip.web.console.seldom import Seldom
from drip.web.desk import RETRY_SECONDS, Desk, city, short_day
from drip.web.guard import CONSOLE_POLICY
from drip.web.whence import Whence

HOME = "/console"
LOGIN = f"{HOME}/login"
OPEN = frozenset({LOGIN})
"""The one address that answers before anybody is logged in."""

FIELD = "csrf"
FIELDS_MAX = 300
COOKIE = "drip-console"
PURPOSE = "console"

ROLL_AFTER = timedelta(minutes=5)
"""A cookie says when it was given; one that is older is given anew with the page that is looked at."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {"Content-Security-Policy": CONSOLE_POLICY, "Referrer-Policy": "same-origin"}
"""Unlike the public pages the console says to itself where a press comes from; no address of it holds a token or a name."""


class Turned(Exception):
    """A request that is answered before it reaches its page."""

    def __init__(self, answer: Response) -> None:
        """Keep the *answer*."""
        super().__init__()
        self.answer = answer


def turned(_: Request, trouble: Exception) -> Response:
    """Return the answer of a request that was turned away; for the application's table of exceptions."""
    if not isinstance(trouble, Turned):
        raise trouble
    return trouble.answer


def in_console(request: Request, trouble: DripError) -> Response | None:
    """Return the page for an expected trouble of a page of the console; None when it is none of its pages."""
    room, signed = getattr(request.state, "room", None), getattr(request.state, "signed", None)
    if room is None:
        return None
    status, title = next((found for kind, found in _TROUBLES if isinstance(trouble, kind)), _TROUBLES[-1][1])
    words = str(trouble)
    answer: Response = room.trouble(request, signed, status=status, title=title, words=f"{words[:1].upper()}{words[1:]}")
    return answer


_TROUBLES: tuple[tuple[type[DripError], tuple[int, str]], ...] = (
    (NotFound, (404, "Not here")),
    (admitting.Busy, (503, "One moment")),
    (Unreachable, (503, "One moment")),
    (DripError, (422, "Not done")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the navigation."""

    title: str
    path: str


class Fields(dict[str, str]):
    """The fields of a form, the last of each name; `all` has every one of a name."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take the *pairs* as they were posted, without spaces around them; a password keeps its own."""
        kept = [(name, value if "password" in name else value.strip()) for name, value in pairs]
        super().__init__(kept)
        self._pairs = kept

    def all(self, name: str) -> list[str]:
        """Return every value of a field that may be ticked more than once."""
        return [value for one, value in self._pairs if one == name]


async def _fields(request: Request) -> Fields:
    """Return the fields of a form of ours; of a body that is none, nothing."""
    try:
        return Fields(parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        return Fields([])


Form = Annotated[Fields, Depends(_fields)]
"""The fields of a press."""


def _looker(request: Request) -> SignedIn:
    signed: SignedIn = request.state.signed
    return signed


def _sender(request: Request) -> SignedIn:
    signed, room = _looker(request), request.state.room
    if not signed.may_send:
        raise Turned(room.not_permitted(request, signed))
    return signed


Looker = Annotated[SignedIn, Depends(_looker)]
"""Whoever is logged in."""

Sender = Annotated[SignedIn, Depends(_sender)]
"""Whoever is logged in and may send; others are told who may."""


class Room:
    """Makes the pages of the console for one deployment."""

    looker = staticmethod(_looker)
    sender = staticmethod(_sender)

    def __init__(self, desk: Desk, caps: Caps, whence: Whence, entries: Sequence[Entry]) -> None:
        """Keep what pages are made with; *entries* are the lines of the navigation."""
        self.desk = desk
        self.deployment = desk.deployment
        self.caps = caps
        self.whence = whence
        self._entries = entries
        self.home = f"{desk.prefix}{HOME}"
        self.seldom = Seldom()
        self.secrets = Secrets(self.deployment.settings.secret_keys)
        self._cookie = _Cookie(self.deployment.settings.base_url, desk.prefix)
        self._templates = Environment(
            loader=PackageLoader("drip.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters.update(
            day=day_in_words,
            weekday=weekday_name,
            city=city,
            short_day=short_day,
            country=country_name,
            instant=instant,
            span=span,
        )
        self._templates.globals.update(
            home=self.home,
            entries=entries,
            style=static.style_path(desk.prefix),
            script=static.script_path(desk.prefix),
        )

    def has(self, path: str) -> bool:
        """Whether there is a room at *path* below the console, so that a page may lead there."""
        return any(entry.path == f"{self.home}{path}" for entry in self._entries)

    # Pages ---------------------------------------------------------------------------------------------------------------

    def page(
        self,
        request: Request,
        template: str,
        operator: SignedIn | None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **facts: Any,  # noqa: ANN401 - a template's own
    ) -> Response:
        """Return the page made of `templates/console/<template>` for *operator*, who is None only on the way in."""
        common = {
            "operator": operator,
            "at": self._entry(request),
            "token": operator.token if operator else "",
            "made_at": clock.machine_now(),
        }
        body = self._templates.get_template(f"console/{template}").render({**common, **facts})
        answer = HTMLResponse(body, status_code=status, headers={**HEADERS, **(headers or {})})
        self._roll(request, answer)
        return answer

    def lead(self, path: str) -> Response:
        """Return what a press that did its work answers: the way to *path* below the console, which can be looked at again."""
        self.seldom.forget()
        return RedirectResponse(f"{self.home}{path}", status_code=303, headers=dict(HEADERS))

    def missing(self, request: Request, operator: SignedIn, words: str) -> Response:
        """Return the page that says that something is not there."""
        return self.trouble(request, operator, status=404, title="Not here", words=words)

    def trouble(
        self,
        request: Request,
        operator: SignedIn | None,
        *,
        status: int,
        title: str,
        words: str,
        remedy: str = "",
    ) -> Response:
        """Return the calm page of a status that is no success: what is, and what to do."""
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        facts = {"title": title, "words": words, "remedy": remedy}
        return self.page(request, "trouble.html", operator, status=status, headers=headers, **facts)

    def not_permitted(self, request: Request, operator: SignedIn) -> Response:
        """Return the page for whoever may look and pressed what sends; it says who may."""
        may = admitting.senders(self.deployment.database)
        return self.page(request, "not-permitted.html", operator, status=403, may=may)

    # Who looks, and what is pressed --------------------------------------------------------------------------------------

    def guard(self, request: Request, form: Form) -> None:
        """Let a request pass to its page, or raise Turned: nobody is logged in, or a press is not from a page of hers.

        Every address below /console comes by here, whoever wrote its page; only the way in is open.
        """
        request.state.room = self
        request.state.signed = signed = self.signed_in(request)
        path, pressing = request.scope["path"], request.method not in _SAFE
        if pressing and _is_from_nowhere(request):
            words = "This press did not come from a page of the console."
            raise Turned(self.trouble(request, signed, status=403, title="Not taken", words=words, remedy="Open the page again."))
        if path in OPEN:
            return
        if signed is None:
            raise Turned(self._to_login(request, pressing=pressing))
        if not pressing:
            return
        if not hmac.compare_digest(form.get(FIELD, "").encode(), signed.token.encode()):
            words = "This form is from before you logged in. Nothing was changed."
            raise Turned(
                self.trouble(request, signed, status=403, title="Please press again", words=words, remedy="Open the page again.")
            )
        admitting.press(self.deployment.database, signed)

    def signed_in(self, request: Request) -> SignedIn | None:
        """Return who is logged in where a request comes from; None once the session is over, or was idle for too long."""
        found = self._said(request)
        if found is None or found[1] >= timedelta(hours=admitting.IDLE_HOURS):
            return None
        return admitting.find(self.deployment.database, self.secrets, found[0])

    def secret_of(self, request: Request) -> str:
        """Return the secret in the cookie of a request; '' without one of ours."""
        found = self._said(request)
        return found[0] if found else ""

    def keep(self, answer: Response, secret: str) -> None:
        """Put the *secret* of a session into a cookie that says when it was given."""
        value = self.deployment.tokens.sign_dated(PURPOSE, secret, now=clock.machine_now())
        answer.set_cookie(
            self._cookie.name,
            value,
            path=self._cookie.path,
            secure=self._cookie.secure,
            httponly=True,
            samesite="strict",
        )

    def forget(self, answer: Response) -> None:
        """Take the cookie back."""
        answer.delete_cookie(
            self._cookie.name, path=self._cookie.path, secure=self._cookie.secure, httponly=True, samesite="strict"
        )

    def place(self, path: str) -> str:
        """Return a place in the console to go on to, the first page for what is none."""
        parts = urlsplit(path)
        inside = parts.path == self.home or parts.path.startswith(f"{self.home}/")
        plain = not (parts.scheme or parts.netloc or "\\" in path or ".." in path or "//" in parts.path) and path.isprintable()
        return path if inside and plain and parts.path != f"{self.desk.prefix}{LOGIN}" else self.home

    def _said(self, request: Request) -> tuple[str, timedelta] | None:
        value = request.cookies.get(self._cookie.name, "")
        return self.deployment.tokens.read_aged(PURPOSE, value, now=clock.machine_now()) if value else None

    def _roll(self, request: Request, answer: Response) -> None:
        """Give a cookie that has aged anew; a page that fetches itself again and again is no sign of anybody."""
        signed = getattr(request.state, "signed", None)
        found = self._said(request)
        if signed is None or found is None or found[1] < ROLL_AFTER or "hx-request" in request.headers:
            return
        self.keep(answer, signed.secret)

    def _to_login(self, request: Request, *, pressing: bool) -> Response:
        """Lead to the way in, and say where to come back to: the page itself, or the one with the button."""
        here = f"{self.desk.prefix}{request.scope['path']}"
        if request.url.query:
            here += f"?{request.url.query}"
        if pressing:
            said = urlsplit(request.headers.get("referer", ""))
            here = said.path + (f"?{said.query}" if said.query else "")
        place = self.place(here)
        login = f"{self.desk.prefix}{LOGIN}"
        to = login if place == self.home else f"{login}?next={quote(place, safe='/')}"
        if "hx-request" in request.headers:
            # A part of a page that was fetched by itself: the whole page goes to the way in.
            return Response(status_code=401, headers={**HEADERS, "HX-Redirect": to})
        return RedirectResponse(to, status_code=303, headers=dict(HEADERS))

    def _entry(self, request: Request) -> str:
        """Return the path of the room that a page belongs to."""
        inside = request.scope["path"].removeprefix(HOME).strip("/").partition("/")[0]
        return f"{self.home}/{inside}" if inside else self.home


class _Cookie:
    """What the cookie is called and where browsers show it.

    `__Host-` holds it to this host, and asks for TLS and the path `/`. Below a path of a host that is shared it stands
    under that path alone, as `__Secure-`: the neighbours are not shown it.
    """

    def __init__(self, base_url: str, prefix: str) -> None:
        self.secure = urlsplit(base_url).scheme == "https"
        bound = self.secure and not prefix
        self.name = f"{'__Host-' if bound else '__Secure-' if self.secure else ''}{COOKIE}"
        self.path = "/" if bound else f"{prefix}{HOME}"


def _is_from_nowhere(request: Request) -> bool:
    """Whether a browser says of a press neither that it comes from us nor from where it comes.

    The guard before all pages lets `Origin: null` pass, because the public pages send no referrer; the console does.
    """
    headers = request.headers
    return headers.get("origin") == "null" and headers.get("sec-fetch-site") not in {"same-origin", "none"}


def instant(at: datetime | str | None) -> str:
    """Return an instant as operators read it, such as `Tue 3 March 2026, 09:05 UTC`; a dash for none."""
    if at is None:
        return "–"
    found = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)
    words = day_in_words(found.date()).split(" ", 1)
    return f"{words[0][:3]} {words[1]} {found.year}, {found:%H:%M} UTC"


def span(seconds: float) -> str:
    """Return a length of time in its largest fitting unit, such as `3 hours`."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}s"
    return f"{seconds:.0f} seconds"
