"""What every page needs: the deployment, the templates, and who holds a link."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from drip import clock
from drip.core.address import masked
from drip.core.country import country_name
from drip.core.token import LEAVE, MY, OWN, OWN_DAYS, is_bound, owner_of
from drip.core.wording import day_in_words, weekday_name
from drip.flows import showing
from drip.flows.showing import Shown
from drip.wiring import Deployment

RETRY_SECONDS = 60
FIELDS_MAX = 20

# What mail programs stick to the end of an address that stands in running text.
_STUCK = ".,;:!?)>]'\"*"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_BODY_BEGINS = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BODY_ENDS = re.compile(r"</body\s*>", re.IGNORECASE)

STYLE = resources.files("drip.web").joinpath("static", "web.css").read_bytes()
ZONE_SCRIPT = resources.files("drip.web").joinpath("static", "zone.js").read_bytes()


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form of ours; of a body that is none, nothing."""
    try:
        fields = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return {}
    return {name: value.strip() for name, value in fields}


Form = Annotated[dict[str, str], Depends(_form)]
"""The fields of a form, each once."""


@dataclass(frozen=True, slots=True)
class Links:
    """What leads to one person's pages: paths, or the tokens in them; *own* only where a fresh link opened the page."""

    my: str
    leave: str
    own: str = ""

    @property
    def home(self) -> str:
        """Where the way back leads."""
        return self.own or self.my


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a link names that was mailed afresh: *shown* is None once she was erased, *old* says that it opens nothing more."""

    public_id: str
    shown: Shown | None
    old: bool


class Desk:
    """Makes pages for one deployment; no answer waits longer than *wait_seconds* for a letter that is being handed over."""

    def __init__(self, deployment: Deployment, wait_seconds: float) -> None:
        self.deployment = deployment
        self.wait_seconds = wait_seconds
        self.prefix = urlsplit(deployment.settings.base_url).path.rstrip("/")
        self._templates = Environment(
            loader=PackageLoader("drip.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters.update(
            plainly=plainly,
            whole=whole,
            day=day_in_words,
            weekday=weekday_name,
            city=city,
            short_day=short_day,
            country=country_name,
        )
        self._templates.globals.update(
            style=f"{self.prefix}/static/web.css?v={hashlib.sha256(STYLE).hexdigest()[:12]}",
            zone_script=f"{self.prefix}/static/zone.js?v={hashlib.sha256(ZONE_SCRIPT).hexdigest()[:12]}",
            home=f"{self.prefix}/",
            find_page=f"{self.prefix}/page",
            care=f"{self.prefix}/care",
            join=f"{self.prefix}/join",
        )

    def page(self, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response:  # noqa: ANN401 - a template's own
        """Return one page."""
        common = {"links": None, "brand": "", "contact": "", "in_frame": False, "at": template.removesuffix(".html")}
        body = self._templates.get_template(template).render({**common, **values})
        return HTMLResponse(body, status_code=status, headers=headers)

    def person_page(
        self,
        template: str,
        shown: Shown,
        *,
        status: int = 200,
        own: str = "",
        **values: Any,  # noqa: ANN401 - as above
    ) -> Response:
        """Return one page of a person's course; while something of hers is under way (503), it says when to press again.

        *own* is the fresh token that opened it, if one did.
        """
        course = shown.course
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        common = {"shown": shown, "links": self.links(shown, own), "brand": course.title, "contact": course.reply_to}
        return self.page(template, status=status, headers=headers, **{**common, **values})

    def lead(self, path: str) -> Response:
        """Return what a press that did its work answers: the way to a page that can be looked at again."""
        return RedirectResponse(path, status_code=303)

    def trouble(self, status: int) -> Response:
        """Return the calm page of a status that is no success."""
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
        return self.page("trouble.html", status=status, headers=headers, number=status)

    def letter(self, html: str, shown: Shown, *, above: str = "", below: str = "", **values: Any) -> str:  # noqa: ANN401 - as above
        """Return a whole letter as a page of hers: the way back before it, the letter as its main part.

        *above* and *below* name templates that stand before and after the letter, filled with *values*.
        """
        values |= {"links": self.links(shown), "shown": shown}
        bar, above, below = (
            self._templates.get_template(name).render(values) if name else "" for name in ("bar.html", above, below)
        )
        begin, end = f"{bar}<main>{above}", f"{below}</main>"
        html, count = _BODY_BEGINS.subn(lambda body: f"{body[0]}\n{begin}", html, count=1)
        return _BODY_ENDS.sub(lambda close: f"{end}{close[0]}", html, count=1) if count else f"{begin}{html}{end}"

    def links(self, shown: Shown, own: str = "") -> Links:
        """Return the addresses of her pages, signed with the newest key; with *own*, also of those that a fresh link opens."""
        tokens = self.tokens(shown)
        return Links(
            my=f"{self.prefix}/my/{tokens.my}",
            leave=f"{self.prefix}/leave/{tokens.leave}",
            own=own and f"{self.prefix}/own/{own}",
        )

    def tokens(self, shown: Shown) -> Links:
        """Return the tokens in the addresses of her pages."""
        tokens, public_id = self.deployment.tokens, shown.person.public_id
        return Links(my=tokens.sign(MY, public_id), leave=tokens.sign(LEAVE, public_id))

    def read(self, purpose: str, token: str) -> str | None:
        """Return whom a link of a *purpose* names; None when it is forged or cut."""
        return self.deployment.tokens.read(purpose, unstuck(token))

    def read_dated(self, purpose: str, token: str, *, days: int) -> tuple[str, bool] | None:
        """Return what a dated link names and whether it is older than *days*; None when it is forged or cut."""
        return self.deployment.tokens.read_dated(purpose, unstuck(token), now=clock.machine_now(), days=days)

    def find_own(self, token: str) -> tuple[Shown, bool] | None:
        """Return the course of the person whom a fresh link names, and whether it has grown old; None when it is nobody's."""
        owner = self.read_own(token)
        return None if owner is None or owner.shown is None else (owner.shown, owner.old)

    def read_own(self, token: str) -> Owner | None:
        """Return whom a fresh link names, here or erased; None when it is forged or cut.

        It has grown old after a day, and once her letters go to another mailbox than the one it was mailed to.
        """
        found = self.read_dated(OWN, token, days=OWN_DAYS)
        if found is None:
            return None
        value, old = found
        shown = self.reread(owner_of(value))
        moved = shown is not None and not is_bound(value, shown.address_key)
        return Owner(owner_of(value), shown, old or moved)

    def find(self, purpose: str, token: str) -> Shown | None:
        """Return the course of the person whom a link names; None when it is nobody's."""
        public_id = self.read(purpose, token)
        return None if public_id is None else self.reread(public_id)

    def reread(self, public_id: str) -> Shown | None:
        """Return the course of a person as it stands now."""
        return showing.find(self.deployment.database, self.deployment.library, public_id)


def unstuck(token: str) -> str:
    """Return a token without what a mail program stuck to its end."""
    return token.rstrip(_STUCK)


def plainly(words: str) -> str:
    """Return words of an account as a page says them: an address masked, and all else as it is."""
    return whole(masked(words)) if _ADDRESS.fullmatch(words) else words


def whole(address: str) -> Markup:
    """Return a masked address as one piece, which goes to the next line rather than break after its dots."""
    return Markup('<span class="whole">{}</span>').format(address)


def city(zone: str) -> str:
    """Return a zone as a person would say it, such as `New York`."""
    return zone.rpartition("/")[2].replace("_", " ")


def short_day(day: date) -> str:
    """Return a date as a list shows it, such as `3 March 2026`."""
    return f"{day_in_words(day).partition(' ')[2]} {day.year}"
