"""My course: where she is on the map, her letters again, a pause, and the kit for rough days."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from drip import clock
from drip.core.enrollment import Stage
from drip.core.token import MY
from drip.flows import adjusting, showing
from drip.store.stamps import REAL
from drip.web.desk import Desk, Form
from drip.web.guard import LETTER_POLICY

HOLD_WEEKS = 1
UNTIL_I_SAY = "open"

_LETTER_HEADERS = {"Content-Security-Policy": LETTER_POLICY}


def course_router(desk: Desk) -> APIRouter:
    """Return the pages of one person's course, but for her settings."""
    router = APIRouter()
    deployment = desk.deployment

    @router.api_route("/my/{token}", methods=["GET", "HEAD"])
    def my(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        phases = showing.course_map(shown, deployment.library)
        others = showing.other_letters(shown, deployment.library)
        return desk.person_page("my.html", shown, phases=phases, others=others, rhythm=shown.person.rhythm(shown.course))

    _add_letters(router, desk)
    _add_pause(router, desk)
    return router


def _add_letters(router: APIRouter, desk: Desk) -> None:
    """Add what she can read: her letters again, where their facts come from, and the kit for rough days."""
    deployment = desk.deployment

    @router.api_route("/my/{token}/letters/{letter}", methods=["GET", "HEAD"])
    def letter(token: str, letter: str) -> Response:
        shown = desk.find(MY, token)
        rendered = None
        if shown is not None:
            tokens = desk.tokens(shown)
            rendered = showing.letter_again(shown, deployment.library, letter, my_token=tokens.my, leave_token=tokens.leave)
        if shown is None or rendered is None:
            return desk.trouble(404)
        return HTMLResponse(desk.letter(rendered.html, shown), headers=_LETTER_HEADERS)

    @router.api_route("/my/{token}/sources", methods=["GET", "HEAD"])
    def sources(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page("sources.html", shown, sources=showing.sources(shown, deployment.library))

    @router.api_route("/my/{token}/rough", methods=["GET", "HEAD"])
    def rough(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        hold_on = shown.after_pause(HOLD_WEEKS)
        tokens = desk.tokens(shown)
        # What must not be mailed to real people is not shown to them either.
        gate = clock.machine_now().date() if deployment.settings.door == REAL else None
        kit = showing.kit(shown, deployment.library, my_token=tokens.my, leave_token=tokens.leave, real_on=gate)
        if kit is None:
            return desk.person_page("rough.html", shown, hold_on=hold_on)
        return HTMLResponse(desk.letter(kit.html, shown, hold_on=hold_on), headers=_LETTER_HEADERS)


def _add_pause(router: APIRouter, desk: Desk) -> None:
    """Add the page of pauses, whose buttons say what date each brings."""
    deployment = desk.deployment

    @router.api_route("/my/{token}/pause", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        dates = {weeks: shown.after_pause(weeks) for weeks in adjusting.PAUSE_WEEKS}
        return desk.person_page("pause.html", shown, dates=dates, active=shown.person.state == Stage.ACTIVE)

    @router.post("/my/{token}/pause")
    def pause(token: str, form: Form) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        database, library, wait_seconds = deployment.database, deployment.library, desk.wait_seconds
        public_id, weeks = shown.person.public_id, form.get("weeks", "")
        if "resume" in form:
            adjusted = adjusting.resume(database, library, public_id, wait_seconds=wait_seconds)
        elif weeks == UNTIL_I_SAY or (weeks in {str(offered) for offered in adjusting.PAUSE_WEEKS}):
            count = None if weeks == UNTIL_I_SAY else int(weeks)
            adjusted = adjusting.pause(database, library, public_id, weeks=count, wait_seconds=wait_seconds)
        else:
            return desk.trouble(400)
        if not adjusted.acknowledged:
            return desk.person_page("not-yet.html", shown, status=503)
        return RedirectResponse(f"{desk.links(shown).my}/pause", status_code=303)
