"""The front page, and the button of the confirmation letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from drip import clock
from drip.core.enrollment import Stage
from drip.core.token import CONFIRM, CONFIRM_DAYS, form_in, owner_of
from drip.flows import enrolling, showing
from drip.flows.showing import Shown
from drip.store.wishes import FRESH, Wish
from drip.web.desk import Desk, unstuck
from drip.web.strangers import Strangers


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a link to confirm names and what else it says (*value*), when it was made, and whether it has grown old."""

    shown: Shown
    value: str
    made: datetime
    is_old: bool


def public_router(desk: Desk, strangers: Strangers) -> APIRouter:
    """Return the pages that are nobody's."""
    router = APIRouter()
    deployment = desk.deployment

    @router.api_route("/", methods=["GET", "HEAD"])
    def front() -> Response:
        courses = showing.live_courses(deployment.database, deployment.library)
        offered = {f"{desk.prefix}/join/{course_id}": live.course for course_id, live in courses.items()}
        contact = next(iter(courses.values())).course.reply_to if len(courses) == 1 else ""
        return desk.page("front.html", courses=offered, contact=contact)

    pages = _Confirming(desk, strangers)
    router.add_api_route("/confirm/{token}", pages.show, methods=["GET", "HEAD"])
    router.add_api_route("/confirm/{token}", pages.confirm, methods=["POST"])
    router.add_api_route("/confirm/{token}/done", pages.done, methods=["GET", "HEAD"])
    router.add_api_route("/confirm/{token}/over", pages.over, methods=["GET", "HEAD"])
    router.add_api_route("/confirm/{token}/fresh", pages.ask_again, methods=["POST"])
    return router


@dataclass(frozen=True, slots=True)
class _Confirming:
    """The page of the confirmation letter: one button, and after its press what comes now."""

    desk: Desk
    strangers: Strangers

    def show(self, token: str) -> Response:
        """Show the button; for a link that has grown old, the one that brings a fresh letter."""
        asked = self._find(token)
        if asked is None:
            return self.desk.trouble(404)
        return self._not_now(asked, token) or self._page(asked, token, "confirm.html")

    def confirm(self, token: str, request: Request) -> Response:
        """Begin her letters, and lead to what comes now."""
        asked = self._find(token)
        if asked is None:
            return self.desk.trouble(404)
        if asked.is_old or asked.shown.barred or asked.shown.person.state == Stage.ACTIVE:
            return self.desk.lead(self._action(token))
        deployment, shown = self.desk.deployment, asked.shown
        runs = enrolling.confirm(
            deployment.database,
            deployment.library,
            shown.person.public_id,
            source="confirmation page",
            network_address=self.strangers.whence(request),
            wording=self._consent(asked),
            form=self._form,
            made=asked.made,
            answers=form_in(asked.value),
        )
        if not runs:
            over = shown.person.state in {Stage.FINISHED, Stage.LEFT}
            return self.desk.lead(f"{self._action(token)}/over") if over else self.desk.trouble(404)
        return self.desk.lead(f"{self._action(token)}/done")

    def done(self, token: str) -> Response:
        """Say what comes now; after the first letters that the link began, that they are on."""
        asked = self._find(token)
        if asked is None:
            return self.desk.trouble(404)
        deployment, shown, course = self.desk.deployment, asked.shown, asked.shown.course
        came = [one.went_on for one in shown.ended if one.occasion == shown.person.occasion()]
        if shown.person.state != Stage.ACTIVE or came not in ([], [shown.today]):
            return self.show(token)
        tokens = self.desk.tokens(shown)
        subject = showing.first_subject(shown, deployment.library, my_token=tokens.my, leave_token=tokens.leave)
        return self.desk.page(
            "confirmed.html", brand=course.title, contact=course.reply_to, sender=course.sender, subject=subject, shown=shown
        )

    def over(self, token: str) -> Response:
        """Say that the link begins nothing more; whoever began after all reads that her letters are on."""
        asked = self._find(token)
        if asked is None:
            return self.desk.trouble(404)
        over = asked.shown.person.state in {Stage.FINISHED, Stage.LEFT}
        return self._page(asked, token, "over.html") if over else self.show(token)

    def _not_now(self, asked: Asked, token: str) -> Response | None:
        """Return the page of a link that begins nothing: no letter may go there, her letters are on, or it has grown old."""
        if asked.shown.barred:
            return self._page(asked, token, "barred.html")
        if asked.shown.person.state == Stage.ACTIVE:
            return self._page(asked, token, "already.html")
        return self._page(asked, token, "expired.html", status=410) if asked.is_old else None

    def ask_again(self, token: str, request: Request) -> Response:
        """Store the wish for a fresh letter; the link alone, old as it is, says for whom."""
        asked = self._find(token)
        if asked is None:
            return self.desk.trouble(404)
        person = asked.shown.person
        source = "link that had grown old"
        wish = Wish(FRESH, person.course, asked.value, clock.machine_now(), source=source, form=self._form)
        return self.strangers.keep(wish, request, f"/join/{person.course}/asked")

    def _find(self, token: str) -> Asked | None:
        now = clock.machine_now()
        found = self.desk.deployment.tokens.read_aged(CONFIRM, unstuck(token), now=now)
        shown = self.desk.reread(owner_of(found[0])) if found is not None else None
        if found is None or shown is None:
            return None
        return Asked(shown, found[0], now - found[1], found[1] >= timedelta(days=CONFIRM_DAYS))

    def _page(self, asked: Asked, token: str, template: str, *, status: int = 200) -> Response:
        desk, course = self.desk, asked.shown.course
        return desk.page(
            template,
            status=status,
            brand=course.title,
            contact=course.reply_to,
            action=self._action(token),
            join=f"{desk.prefix}/join/{asked.shown.person.course}" if course.takes_people else "",
            consent=self._consent(asked),
            shown=asked.shown,
        )

    def _action(self, token: str) -> str:
        return f"{self.desk.prefix}/confirm/{unstuck(token)}"

    def _consent(self, asked: Asked) -> str:
        deployment, public_id = self.desk.deployment, asked.shown.person.public_id
        return enrolling.wording_for(deployment.database, deployment.library, public_id, form_in(asked.value))

    @property
    def _form(self) -> str:
        """The address of this page, without the link that opens it."""
        return f"{self.desk.deployment.settings.base_url.rstrip('/')}/confirm"
