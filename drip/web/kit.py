"""Rough patch: the kit as a page at once, by mail, or as a file to keep, and the button that holds the next letter."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from drip import clock
from drip.core.enrollment import Stage
from drip.core.token import MY
from drip.flows import requesting, showing
from drip.flows.requesting import Requested
from drip.flows.showing import Shown
from drip.mail.render import Rendered
from drip.store.stamps import REAL
from drip.web.course import LETTER_HEADERS, mailed_word
from drip.web.desk import Desk

HOLD_WEEKS = 1
FILE_NAME = "kit.html"


def kit_router(desk: Desk) -> APIRouter:
    """Return the pages for a rough patch."""
    router = APIRouter()
    deployment = desk.deployment

    @router.api_route("/my/{token}/rough", methods=["GET", "HEAD"])
    def rough(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        hold_on = _hold_on(shown)
        kit = _kit(desk, shown)
        if kit is None:
            return desk.person_page("rough.html", shown, hold_on=hold_on)
        html = desk.letter(
            kit.html,
            shown,
            above="hold.html",
            below="keep.html",
            hold_on=hold_on,
            mailable=shown.person.state in {Stage.ACTIVE, Stage.FINISHED} and not shown.listed,
            again_on=_again_on(desk, shown),
        )
        return HTMLResponse(html, headers=LETTER_HEADERS)

    @router.api_route("/my/{token}/rough/save", methods=["GET", "HEAD"])
    def save(token: str) -> Response:
        shown = desk.find(MY, token)
        kit = None if shown is None else _kit(desk, shown)
        if kit is None:
            return desk.trouble(404)
        saved = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
        return HTMLResponse(kit.html, headers={**LETTER_HEADERS, **saved})

    @router.post("/my/{token}/rough/mail")
    def mail(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        came = requesting.kit(deployment.database, deployment.library, shown.person.public_id, real_on=_gate(desk))
        if came is Requested.NOTHING:
            return desk.trouble(400)
        return desk.lead(f"{desk.links(shown).my}/rough/mail/{mailed_word(came)}")

    _add_mailed(router, desk)
    return router


def _add_mailed(router: APIRouter, desk: Desk) -> None:
    """Add the pages that say what became of the kit by mail."""

    def result(token: str, *, enough: bool) -> Response:
        shown = desk.find(MY, token)
        if shown is None or not shown.course.on_demand:
            return desk.trouble(404)
        if shown.listed:
            return desk.person_page("barred.html", shown)
        return desk.person_page("kit-mailed.html", shown, enough=enough, again_on=_again_on(desk, shown))

    @router.api_route("/my/{token}/rough/mail/done", methods=["GET", "HEAD"])
    def done(token: str) -> Response:
        return result(token, enough=False)

    @router.api_route("/my/{token}/rough/mail/enough", methods=["GET", "HEAD"])
    def enough(token: str) -> Response:
        return result(token, enough=True)


def _gate(desk: Desk) -> date | None:
    """Return the date at a real door: what must not be mailed to real people is not shown to them either."""
    return clock.machine_now().date() if desk.deployment.settings.door == REAL else None


def _hold_on(shown: Shown) -> date | None:
    """Return when her next letter comes if she holds it; None when no letter follows, or a pause keeps it at least as long."""
    on, planned = shown.after_pause(HOLD_WEEKS), shown.next_on
    return on if on is not None and not (shown.person.paused and (planned is None or planned >= on)) else None


def _kit(desk: Desk, shown: Shown) -> Rendered | None:
    tokens = desk.tokens(shown)
    library = desk.deployment.library
    return showing.kit(shown, library, my_token=tokens.my, leave_token=tokens.leave, real_on=_gate(desk))


def _again_on(desk: Desk, shown: Shown) -> date | None:
    """Return the day from which the kit can be mailed again; None when it can be now."""
    kit = shown.course.on_demand[0]
    letter = shown.live.first_id(kit.id)
    again = requesting.kit_again_on(desk.deployment.database, shown.person.public_id, letter, kit.mail_at_most_every)
    return again if again is not None and again > shown.today else None
