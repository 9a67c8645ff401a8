"""Forms for strangers: what tells people from programs, how often they are taken, and what becomes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import structlog
from fastapi import BackgroundTasks, Request, Response
from fastapi.responses import RedirectResponse

from drip import clock
from drip.core.token import FORM
from drip.flows import asking
from drip.store.wishes import ENOUGH, Wish
from drip.web.caps import Caps, Over
from drip.web.captcha import Captcha
from drip.web.desk import Desk
from drip.web.whence import Whence

AGE_MIN = timedelta(seconds=3)
AGE_MAX = timedelta(days=1)
MADE, HONEYPOT = "made", "topic"
"""The field that says when the page was made, and the one that people do not see."""

log = structlog.get_logger("drip.web")


class Judged(StrEnum):
    """What a posted form looks like."""

    GOOD = "good"
    ROBOT = "robot"
    OLD = "old"
    UNSOLVED = "unsolved"


class Strangers:
    """Takes the forms that anybody may fill in."""

    def __init__(
        self, desk: Desk, caps: Caps, whence: Whence, *, hint: Callable[[], None] | None, captcha: Captcha | None
    ) -> None:
        """Count with *caps*, find addresses with *whence*, tell the workers by *hint*, and ask the riddle, if there is one."""
        self.desk = desk
        self.caps = caps
        self.whence = whence
        self.captcha = captcha
        self._hint = hint

    def token(self, words: str, *, waited: bool = False) -> str:
        """Return the token of a form made now, on which *words* stand; *waited* for a form that is shown once more."""
        now = clock.machine_now()
        made = now - AGE_MIN - timedelta(seconds=1) if waited else now
        return self.desk.deployment.tokens.sign_dated(FORM, _digest(words), now=made)

    def is_ours(self, form: dict[str, str]) -> bool:
        """Whether a form came from a page of ours, however long ago: only then is it shown again as one that has waited."""
        return self.desk.deployment.tokens.read_aged(FORM, form.get(MADE, ""), now=clock.machine_now()) is not None

    def judge(self, form: dict[str, str], words: str, network_address: str, *, riddle: bool = True) -> Judged:
        """Return whether a person filled in a *form* on which *words* stand, and not too long ago."""
        found = self.desk.deployment.tokens.read_aged(FORM, form.get(MADE, ""), now=clock.machine_now())
        if form.get(HONEYPOT):
            return Judged.ROBOT
        if found is None or found[0] != _digest(words) or found[1] >= AGE_MAX:
            return Judged.OLD
        if found[1] < AGE_MIN:
            return Judged.ROBOT
        if riddle and self.captcha is not None and not self.captcha.passes(form, network_address):
            return Judged.UNSOLVED
        return Judged.GOOD

    def keep(self, wish: Wish, request: Request, after: str) -> Response:
        """Store a wish unless too many came, and lead on to *after*: alike for every address, whoever is there."""
        network_address = self.whence(request)
        full = self.caps.count(wish.address, network_address)
        if full is not None and full.over is not Over.ADDRESS:
            return self.too_many(full.retry_seconds)
        # One too many for an address is stored and looked up like any other: whoever measures learns nothing of the others.
        kept = wish if full is None else replace(wish, kind=ENOUGH)
        asking.store(self.desk.deployment.database, replace(kept, network_address=network_address))
        tasks = BackgroundTasks()
        tasks.add_task(self.hinted)
        return self.lead(after, tasks)

    def lead(self, after: str, tasks: BackgroundTasks | None = None) -> Response:
        """Lead on to the page that is the same for everybody."""
        return RedirectResponse(f"{self.desk.prefix}{after}", status_code=303, background=tasks)

    def too_many(self, retry_seconds: int) -> Response:
        """Return the calm page of a full count."""
        return self.desk.page("trouble.html", status=429, headers={"Retry-After": str(retry_seconds)}, number=429)

    def hinted(self) -> None:
        """Tell the workers that a form waits; a tick finds it all the same."""
        try:
            if self._hint is not None:
                self._hint()
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the form is stored
            log.warning("hint-lost", why=type(trouble).__name__)


def _digest(words: str) -> str:
    """Return what tells the words of a form from other words."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]
