"""Send me my page: one field for an address, and the same answer for everybody."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from drip import clock
from drip.core.address import normal_address
from drip.core.delivery import MY_LINK
from drip.flows import showing
from drip.store.wishes import MY_PAGE, Wish
from drip.web.desk import Desk, Form
from drip.web.strangers import MADE, Judged, Strangers

WORDS = "send me my page"


def finding_router(desk: Desk, strangers: Strangers) -> APIRouter:
    """Return the form and the page after it."""
    router = APIRouter()
    deployment = desk.deployment

    def common() -> dict[str, Any]:
        """Return whose page this is, while there is one course alone."""
        courses = list(showing.live_courses(deployment.database, deployment.library).values())
        return {"brand": courses[0].course.title, "contact": courses[0].course.reply_to} if len(courses) == 1 else {}

    def form_page(token: str, email: str = "", fault: str = "") -> Response:
        return desk.page("page.html", status=422 if fault else 200, made=token, email=email, fault=fault, **common())

    @router.api_route("/page", methods=["GET", "HEAD"])
    def show() -> Response:
        return form_page(strangers.token(WORDS))

    @router.post("/page")
    def ask(request: Request, form: Form) -> Response:
        judged = strangers.judge(form, WORDS, strangers.whence(request), riddle=False)
        email = form.get("email", "")
        if judged is Judged.ROBOT:
            return strangers.lead("/page/asked")
        if judged is Judged.OLD:
            return form_page(strangers.token(WORDS, waited=strangers.is_ours(form)), email)
        try:
            address = normal_address(email)
        except ValueError:
            fault = "This does not look like an email address. Please look at it once more."
            return form_page(form[MADE], email, fault if email else "Please write your email address here.")
        wish = Wish(MY_PAGE, "", address, clock.machine_now(), source="send me my page")
        return strangers.keep(wish, request, "/page/asked")

    @router.api_route("/page/asked", methods=["GET", "HEAD"])
    def asked() -> Response:
        courses = showing.live_courses(deployment.database, deployment.library)
        senders = {
            live.course.sender: showing.system_subject(deployment.library, live, course_id, MY_LINK)
            for course_id, live in courses.items()
        }
        return desk.page("page-asked.html", senders=senders, **common())

    return router
