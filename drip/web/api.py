"""The API for other sites' servers: whoever they vouch for is asked by a letter, and never begins by that alone."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Header, HTTPException, Request, Response, Security
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from drip import clock
from drip.core.address import clean_name, clean_text, normal_address
from drip.core.country import country_names
from drip.core.timeword import WEEKDAYS, zone_names
from drip.flows import asking, showing
from drip.store.wishes import ENOUGH, SIGN_UP, Wish
from drip.web.caps import Over
from drip.web.desk import Desk
from drip.web.guard import PROBLEM_JSON, problem
from drip.web.strangers import Strangers

PREFIX = "/api/v1"
WORDING_MAX, FORM_MAX = 2000, 500
AHEAD_SECONDS_MAX = 300
"""How far the clock of another site may be ahead of ours."""


def _address(text: str) -> str:
    try:
        return normal_address(text)
    except ValueError:
        raise ValueError("this is not an email address") from None


def _zone(text: str) -> str:
    if text and text not in zone_names():
        raise ValueError("there is no such time zone")
    return text


def _country(text: str) -> str:
    if text and text not in country_names():
        raise ValueError("there is no such country; write its two capitals (ISO 3166-1)")
    return text


def _network_address(text: str) -> str:
    if text:
        try:
            # Without a scope: that is a name of the machine there, and may hold anything.
            return str(ip_address(text.partition("%")[0]))
        except ValueError:
            raise ValueError("this is not a network address") from None
    return text


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ConsentGiven(_Body):
    """What she agreed to, and how that can be proven."""

    wording: str = Field(min_length=1, max_length=WORDING_MAX)
    """The sentence beside the box she ticked, word by word."""
    form: str = Field(default="", max_length=FORM_MAX, examples=["https://example.org/letters"])
    """The address of the page it stood on."""
    network_address: Annotated[str, Field(max_length=45, examples=["203.0.113.7"]), AfterValidator(_network_address)] = ""
    """From where she pressed."""
    at: AwareDatetime | None = None
    """When she pressed; this moment when it is left out."""


class SignUpAsked(_Body):
    """Somebody who asked for a course on another site."""

    email: Annotated[
        str, Field(max_length=320, examples=["ada@example.net"], json_schema_extra={"format": "email"}), AfterValidator(_address)
    ]
    """Where to ask her."""
    course: str = Field(default="", max_length=60, examples=["roadmap"])
    """The id of the course; may be left out while there is one alone."""
    name: str = Field(default="", max_length=200, examples=["Ada"])
    """What to call her."""
    timezone: Annotated[str, Field(max_length=64, examples=["Europe/London"]), AfterValidator(_zone)] = ""
    """Her time zone; the course's when it is left out."""
    country: Annotated[str, Field(max_length=2, examples=["GB"]), AfterValidator(_country)] = ""
    """Her country: its helpline then stands first in her letters."""
    pace: Literal[1, 2] = 1
    """A letter every week, or every two weeks."""
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] | None = None
    """The day of her letters; the usual one when it is left out."""
    consent: ConsentGiven
    """Her consent on the other site. She is asked by a letter all the same."""


class Taken(_Body):
    """The answer for everybody, whoever is known here."""

    status: Literal["accepted"] = "accepted"
    detail: str = "If this address can be written to, a letter asks it to confirm. Nothing begins before that."


class Trouble(_Body):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


_TROUBLES: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Trouble"}}}}
    for status, said in {
        400: "The body is not JSON.",
        401: "No key, or one that is not known.",
        404: "There is no such course.",
        409: "The course takes nobody new.",
        413: "The body is too large.",
        422: "A field cannot be taken; `errors` names it.",
        429: "Too many came in an hour; `Retry-After` says when to come back.",
        503: "The books do not answer; `Retry-After` says when to come back.",
    }.items()
}


_BEARER = HTTPBearer(auto_error=False, scheme_name="API key", description="One of `DRIP_API_KEYS`.")


def _who(request: Request, found: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]) -> str:
    """Return which key was shown, by a hash of it; refuse one that is not known."""
    shown = hashlib.sha256((found.credentials if found else "").encode()).digest()
    known = [hashlib.sha256(key.encode()).digest() for key in request.app.state.api_keys]
    # All of them are compared, so that the time tells nothing.
    if not sum(hmac.compare_digest(shown, one) for one in known):
        raise HTTPException(401, "show one of the API keys: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})
    return shown.hex()


def api_router(desk: Desk, strangers: Strangers) -> APIRouter:
    """Return the API and its description."""
    router = APIRouter(prefix=PREFIX)

    @router.post("/subscribers", status_code=202, response_model=Taken, responses=_TROUBLES)
    def ask(
        body: SignUpAsked,
        key: Annotated[str, Security(_who)],
        after: BackgroundTasks,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Response:
        """Ask somebody by a letter whether she wants a course; her button begins it, nothing else does.

        The answer is the same for every address. A call repeated with the same `Idempotency-Key` within a day is answered
        again and does nothing.
        """
        wish = _wish(body, _course(desk, body), _instant(body.consent))
        name = f"{key}/{idempotency_key}"
        # Taken before anything is done: of calls at the same moment one goes on.
        if idempotency_key and not strangers.caps.claim(name):
            return JSONResponse(Taken().model_dump(), 202)
        try:
            _take(desk, strangers, wish, after)
        except Exception:
            # A call that failed may be repeated.
            if idempotency_key:
                strangers.caps.give_back(name)
            raise
        return JSONResponse(Taken().model_dump(), 202, background=after)

    @router.api_route("/openapi.json", methods=["GET", "HEAD"], include_in_schema=False)
    def described() -> Response:
        return JSONResponse(description(router, desk.prefix))

    return router


def _take(desk: Desk, strangers: Strangers, wish: Wish, after: BackgroundTasks) -> None:
    """Store a wish unless too many came."""
    full = strangers.caps.count(wish.address, "")
    if full is not None and full.over is not Over.ADDRESS:
        raise HTTPException(429, "too many sign-ups in an hour", {"Retry-After": str(full.retry_seconds)})
    # As `Strangers.keep`.
    asking.store(desk.deployment.database, wish if full is None else replace(wish, kind=ENOUGH))
    after.add_task(strangers.hinted)


def description(router: APIRouter, prefix: str) -> dict[str, Any]:
    """Return the OpenAPI of the API; *prefix* is the path in the public address."""
    found = get_openapi(
        title="drip",
        version="1",
        description="For other sites' servers. A letter asks everybody to confirm; this alone begins nothing.",
        routes=router.routes,
        servers=[{"url": prefix or "/"}],
    )
    schemas = found["components"]["schemas"]
    schemas["Trouble"] = Trouble.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return found


def _course(desk: Desk, body: SignUpAsked) -> str:
    """Return the id of the course that is meant, or of the only one; refuse what takes nobody or has no such day."""
    courses = showing.live_courses(desk.deployment.database, desk.deployment.library)
    found = body.course or (next(iter(courses)) if len(courses) == 1 else "")
    if found not in courses:
        raise HTTPException(404, "there is no such course; name one in `course`")
    course = courses[found].course
    if not course.takes_people:
        raise HTTPException(409, "this course takes nobody new at present")
    if body.weekday is not None and body.weekday not in course.allow.days:
        raise HTTPException(422, f"weekday: this course has letters on {', '.join(course.allow.days)}")
    return found


def _instant(consent: ConsentGiven) -> datetime:
    """Return when she agreed; refuse what is still to come, and what no calendar has."""
    now = clock.machine_now()
    try:
        at = (consent.at or now).astimezone(UTC)
    except OverflowError:
        raise HTTPException(422, "consent.at: there is no such instant") from None
    if (at - now).total_seconds() > AHEAD_SECONDS_MAX:
        raise HTTPException(422, "consent.at lies in the future")
    return at


def _wish(body: SignUpAsked, course_id: str, agreed_at: datetime) -> Wish:
    return Wish(
        SIGN_UP,
        course_id,
        body.email,
        clock.machine_now(),
        name=clean_name(body.name),
        timezone=body.timezone,
        country=body.country,
        wording=clean_text(body.consent.wording, WORDING_MAX),
        # What we saw ourselves is the call; the instant of her press is the other site's word.
        source=f"API, agreed there at {agreed_at:%Y-%m-%dT%H:%M:%SZ}",
        form=clean_text(body.consent.form, FORM_MAX),
        network_address=body.consent.network_address,
        weekday=None if body.weekday is None else WEEKDAYS.index(body.weekday),
        pace=body.pace,
    )


def is_api(path: str) -> bool:
    """Whether a path belongs to the API, where troubles are JSON."""
    return path.startswith("/api/")


def trouble_answer(status: int, detail: str = "", headers: dict[str, str] | None = None) -> Response:
    """Return a trouble of the API."""
    return problem(status, HTTPStatus(status).phrase, detail, headers=headers)


def field_troubles(errors: list[Any]) -> Response:
    """Return which fields cannot be taken and why; what was typed is not told again."""
    found = [
        {
            "field": ".".join(str(part) for part in error["loc"][1:])[:200] or "body",
            "why": str(error["msg"]).removeprefix("Value error, "),
        }
        for error in errors
        if error["type"] != "json_invalid"
    ]
    if not found:
        return problem(400, "Bad Request", "the body is not JSON")
    return problem(422, HTTPStatus(422).phrase, "a field cannot be taken", errors=found)
