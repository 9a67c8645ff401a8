"""Joining a course: the form, the same form in a frame on another site, and the page after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from drip import clock
from drip.core.address import clean_name, normal_address
from drip.core.delivery import CONFIRM_LETTER
from drip.core.progress import LiveCourse
from drip.core.schedule import Course
from drip.core.timeword import zone_names
from drip.flows import showing
from drip.store.wishes import SIGN_UP, Wish
from drip.web.desk import Desk, Form
from drip.web.guard import POLICY, SCRIPT_POLICY, framed
from drip.web.settings import countries, zones
from drip.web.strangers import MADE, Judged, Strangers

FIELDS = ("email", "name", "country", "zone", "consent")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a form stands: the course, and whether in a frame of another site."""

    course_id: str
    live: LiveCourse
    in_frame: bool

    @property
    def course(self) -> Course:
        """The course as it is live."""
        return self.live.course

    @property
    def path(self) -> str:
        """The path of the form."""
        return f"/join/{self.course_id}/embed" if self.in_frame else f"/join/{self.course_id}"

    @property
    def consent(self) -> str:
        """The sentence beside the box."""
        return self.course.sign_up.consent if self.course.sign_up else ""

    def headers(self, policy: str) -> dict[str, str]:
        """Return the policy of a page here: in a frame, the sites of the course may show it, and nobody else."""
        sites = self.course.sign_up.embed if self.course.sign_up and self.in_frame else ()
        return {"Content-Security-Policy": framed(policy, sites)}


def sign_up_router(desk: Desk, strangers: Strangers) -> APIRouter:
    """Return the form at its two places, and the page after each."""
    router = APIRouter()
    for path, in_frame in (("/join/{course}", False), ("/join/{course}/embed", True)):
        pages = _Pages(desk, strangers, in_frame)
        router.add_api_route(path, pages.show, methods=["GET", "HEAD"])
        router.add_api_route(path, pages.ask, methods=["POST"])
        router.add_api_route(f"{path}/asked", pages.asked, methods=["GET", "HEAD"])
    return router


@dataclass(frozen=True, slots=True)
class _Pages:
    """The form at one of its places."""

    desk: Desk
    strangers: Strangers
    in_frame: bool

    def show(self, course: str) -> Response:
        """Show the form."""
        place = self._place(course)
        if place is None:
            return self.desk.trouble(404)
        if not place.course.takes_people:
            return _closed(self.desk, place)
        token = self.strangers.token(place.consent)
        return _form_page(self.desk, self.strangers, place, {"zone": place.course.timezone}, {}, token)

    def ask(self, course: str, request: Request, form: Form) -> Response:
        """Take a form that somebody filled in."""
        place = self._place(course)
        if place is None:
            return self.desk.trouble(404)
        if not place.course.takes_people:
            return _closed(self.desk, place, status=409)
        judged = self.strangers.judge(form, place.consent, self.strangers.whence(request))
        after = f"{place.path}/asked"
        if judged is Judged.ROBOT:
            return self.strangers.lead(after)
        answer = self._again(place, form, judged) or self.strangers.keep(
            _wish(form, place, self.desk.deployment.settings.base_url), request, after
        )
        # Also that too many came is said within the frame: a page that nobody may frame is a blank there.
        for name, value in place.headers(POLICY).items():
            answer.headers.setdefault(name, value)
        return answer

    def _again(self, place: Place, form: dict[str, str], judged: Judged) -> Response | None:
        """Return the form once more, with what was typed, when something is not right with it."""
        typed = {name: form.get(name, "") for name in FIELDS}
        if judged is Judged.OLD:
            # The words beside the box may have changed as well, so she agrees to them anew.
            token = self.strangers.token(place.consent, waited=self.strangers.is_ours(form))
            return _form_page(self.desk, self.strangers, place, typed | {"consent": ""}, {}, token, old=True)
        faults = faults_in(form, place.course)
        if judged is Judged.UNSOLVED:
            faults["riddle"] = "This could not be checked. Please try it once more."
        return _form_page(self.desk, self.strangers, place, typed, faults, form[MADE]) if faults else None

    def asked(self, course: str) -> Response:
        """Show who writes and under which subject: the same for everybody."""
        place = self._place(course)
        if place is None:
            return self.desk.trouble(404)
        return self.desk.page(
            "asked.html",
            headers=place.headers(POLICY),
            in_frame=self.in_frame,
            brand=place.course.title,
            contact=place.course.reply_to,
            form=f"{self.desk.prefix}{place.path}",
            sender=place.course.sender,
            subject=showing.system_subject(self.desk.deployment.library, place.live, course, CONFIRM_LETTER),
        )

    def _place(self, course_id: str) -> Place | None:
        live = showing.live_courses(self.desk.deployment.database, self.desk.deployment.library).get(course_id)
        return None if live is None else Place(course_id, live, self.in_frame)


def faults_in(form: dict[str, str], course: Course) -> dict[str, str]:
    """Return a sentence for each field that cannot be taken, by its name; none of them says who is known here."""
    faults = {}
    try:
        normal_address(form.get("email", ""))
    except ValueError:
        missing = "Please write your email address here." if not form.get("email") else ""
        faults["email"] = missing or "This does not look like an email address. Please look at it once more."
    if form.get("zone") and form["zone"] not in zone_names():
        faults["zone"] = "Please choose a city from the list."
    if form.get("country") and form["country"] not in {line.country for line in course.helplines}:
        faults["country"] = "Please choose a country from the list."
    if not form.get("consent"):
        faults["consent"] = "We may write to you only with your yes. Please tick the box."
    return faults


def _wish(form: dict[str, str], place: Place, base_url: str) -> Wish:
    return Wish(
        SIGN_UP,
        place.course_id,
        normal_address(form["email"]),
        clock.machine_now(),
        name=clean_name(form.get("name", "")),
        timezone=form.get("zone", ""),
        country=form.get("country", ""),
        wording=place.consent,
        source="embedded form" if place.in_frame else "sign-up page",
        form=f"{base_url.rstrip('/')}{place.path}",
    )


def _form_page(  # noqa: PLR0917 - a form, where it stands and what it holds
    desk: Desk,
    strangers: Strangers,
    place: Place,
    typed: dict[str, str],
    faults: dict[str, str],
    token: str,
    *,
    old: bool = False,
) -> Response:
    captcha = strangers.captcha
    policy = SCRIPT_POLICY
    if captcha is not None:
        sources = " ".join(captcha.sources)
        policy = f"{policy} {sources}; frame-src {sources}; connect-src {sources}"
        policy = policy.replace("style-src 'self'", f"style-src 'self' {sources}")
    values: dict[str, Any] = {name: typed.get(name, "") for name in FIELDS}
    # What nobody could have chosen is not offered again.
    values["zone"] = values["zone"] if values["zone"] in zone_names() else place.course.timezone
    return desk.page(
        "join.html",
        status=422 if faults else 200,
        headers=place.headers(policy),
        in_frame=place.in_frame,
        brand=place.course.title,
        contact=place.course.reply_to,
        course=place.course,
        action=f"{desk.prefix}{place.path}",
        made=token,
        values=values,
        faults=faults,
        chosen="email" in typed,
        old=old,
        zones=zones(),
        countries=countries(place.course, ""),
        consent=place.consent,
        widget=captcha.widget if captcha else "",
    )


def _closed(desk: Desk, place: Place, status: int = 200) -> Response:
    return desk.page(
        "closed.html",
        status=status,
        headers=place.headers(POLICY),
        in_frame=place.in_frame,
        brand=place.course.title,
        contact=place.course.reply_to,
    )
