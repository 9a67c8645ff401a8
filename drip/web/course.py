"""My course: where she is on the map, her letters again, a pause, the next letter now, and a phase again."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from drip.core.enrollment import Stage
from drip.core.token import MY
from drip.flows import adjusting, requesting, showing
from drip.flows.requesting import Requested
from drip.flows.showing import Shown
from drip.web.calendar import calendar_file
from drip.web.desk import Desk, Form
from drip.web.guard import LETTER_POLICY

UNTIL_I_SAY = "open"
CALENDAR_NAME = "letters.ics"

LETTER_HEADERS = {"Content-Security-Policy": LETTER_POLICY}


def course_router(desk: Desk) -> APIRouter:
    """Return the pages of one person's course, but for her settings and the kit."""
    router = APIRouter()

    @router.api_route("/my/{token}", methods=["GET", "HEAD"])
    def my(token: str) -> Response:
        shown = desk.find(MY, token)
        return desk.trouble(404) if shown is None else my_page(desk, shown)

    @router.api_route("/my/{token}/calendar.ics", methods=["GET", "HEAD"])
    def calendar(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        headers = {"Content-Disposition": f'attachment; filename="{CALENDAR_NAME}"'}
        return Response(calendar_file(shown), media_type="text/calendar", headers=headers)

    _add_letters(router, desk)
    _add_copy(router, desk)
    _add_copied(router, desk)
    _add_pause(router, desk)
    _add_next(router, desk)
    _add_again(router, desk)
    return router


def my_page(desk: Desk, shown: Shown, *, own: str = "", **values: Any) -> Response:  # noqa: ANN401 - the template's own
    """Return My course; *own* is the fresh token that opened it, and shows what is hers alone."""
    library = desk.deployment.library
    phases = showing.course_map(shown, library)
    return desk.person_page(
        "my.html",
        shown,
        own=own,
        phases=phases,
        elsewhere=any(one.state == showing.ELSEWHERE for _, stations in phases for one in stations),
        others=showing.other_letters(shown, library),
        rhythm=shown.person.rhythm(shown.course),
        last_title=showing.title(shown, library, shown.last_letter or ""),
        nonce=new_nonce(),
        **{"old": False, **values},
    )


def new_nonce() -> str:
    """Return what makes a form one of its own: pressed twice, it is known again."""
    return secrets.token_urlsafe(12)


def mailed_word(came: Requested) -> str:
    """Return how the page is called that says what became of a letter asked for just now."""
    return "enough" if came is Requested.ENOUGH else "done"


def _add_letters(router: APIRouter, desk: Desk) -> None:
    """Add what she can read: her letters again, and where their facts come from."""
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
        first = letter if letter in shown.letters else shown.live.first_id(letter)
        below = "copy.html" if shown.may_be_mailed(first) else ""
        html = desk.letter(rendered.html, shown, below=below, letter=first, nonce=new_nonce())
        return HTMLResponse(html, headers=LETTER_HEADERS)

    @router.api_route("/my/{token}/sources", methods=["GET", "HEAD"])
    def sources(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page("sources.html", shown, sources=showing.sources(shown, deployment.library))


def _add_copy(router: APIRouter, desk: Desk) -> None:
    """Add the page that mails a letter once more."""
    deployment = desk.deployment

    @router.api_route("/my/{token}/letters/{letter}/mail", methods=["GET", "HEAD"])
    def show(token: str, letter: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None or not shown.may_be_mailed(letter):
            return desk.trouble(404)
        title = showing.title(shown, deployment.library, letter)
        return desk.person_page("mail-again.html", shown, letter=letter, title=title, nonce=new_nonce())

    @router.post("/my/{token}/letters/{letter}/mail")
    def copy(token: str, letter: str, form: Form) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        came = requesting.copy(
            deployment.database, deployment.library, shown.person.public_id, letter=letter, nonce=form.get("nonce", "")
        )
        if came is Requested.NOTHING:
            return desk.trouble(400)
        first = letter if letter in shown.letters else shown.live.first_id(letter)
        return desk.lead(f"{desk.links(shown).my}/letters/{first}/mail/{mailed_word(came)}")


def _add_copied(router: APIRouter, desk: Desk) -> None:
    """Add the pages that say what became of it."""
    deployment = desk.deployment

    def result(token: str, letter: str, *, enough: bool) -> Response:
        shown = desk.find(MY, token)
        title = "" if shown is None else showing.title(shown, deployment.library, letter)
        if shown is None or not title:
            return desk.trouble(404)
        if shown.listed:
            return desk.person_page("barred.html", shown)
        return desk.person_page("mailed.html", shown, enough=enough, what=title, count=requesting.COPIES_A_DAY)

    @router.api_route("/my/{token}/letters/{letter}/mail/done", methods=["GET", "HEAD"])
    def done(token: str, letter: str) -> Response:
        return result(token, letter, enough=False)

    @router.api_route("/my/{token}/letters/{letter}/mail/enough", methods=["GET", "HEAD"])
    def enough(token: str, letter: str) -> Response:
        return result(token, letter, enough=True)


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
        return desk.lead(f"{desk.links(shown).my}/pause/done")

    @router.api_route("/my/{token}/pause/done", methods=["GET", "HEAD"])
    def done(token: str) -> Response:
        shown = desk.find(MY, token)
        # Nothing to press here: a finger that taps twice would undo what it did.
        return desk.trouble(404) if shown is None else desk.person_page("pause-done.html", shown)


def _add_next(router: APIRouter, desk: Desk) -> None:
    """Add the page that lets the next letter come now, and says which it is and when the one after it comes."""
    deployment = desk.deployment

    @router.api_route("/my/{token}/next", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page("next.html", shown, title=showing.next_title(shown, deployment.library))

    @router.post("/my/{token}/next")
    def press(token: str, form: Form) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        adjusted = adjusting.next_now(
            deployment.database,
            deployment.library,
            shown.person.public_id,
            lesson=form.get("letter", ""),
            wait_seconds=desk.wait_seconds,
        )
        if not adjusted.acknowledged:
            return desk.person_page("not-yet.html", shown, status=503)
        return desk.lead(f"{desk.links(shown).my}/next")


def _add_again(router: APIRouter, desk: Desk) -> None:
    """Add the page that begins a phase again; its forms carry the number of the run, so that pressing twice begins one."""
    deployment = desk.deployment

    @router.api_route("/my/{token}/again", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page("again.html", shown, title=showing.next_title(shown, deployment.library))

    @router.post("/my/{token}/again")
    def press(token: str, form: Form) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        phase, run = form.get("phase", ""), form.get("run", "")
        here = f"{desk.links(shown).my}/again"
        if shown.listed:
            # The page says that there is nothing to begin.
            return desk.lead(here)
        begun = phase in {one.id for one in shown.begun}
        if not run.isascii() or not run.isdigit() or len(run) > 6 or not (begun or int(run) < shown.person.run):
            return desk.trouble(400)
        adjusted = adjusting.begin_again(
            deployment.database,
            deployment.library,
            shown.person.public_id,
            phase=phase,
            run=int(run),
            wait_seconds=desk.wait_seconds,
        )
        if not adjusted.acknowledged:
            return desk.person_page("not-yet.html", shown, status=503)
        return desk.lead(f"{here}/begun")

    @router.api_route("/my/{token}/again/begun", methods=["GET", "HEAD"])
    def begun(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page("again.html" if shown.listed else "begun-again.html", shown, title="")
