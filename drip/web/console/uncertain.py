"""Uncertain letters: what is known of each, and the two ways to settle them, each said plainly before it is done."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from fastapi import APIRouter, Request, Response

from drip.errors import UsageError
from drip.flows import settling
from drip.flows.settling import WHY_MAX, Looked
from drip.store import enrollments
from drip.web.console.room import HOME, Form, Looker, Room, Sender

SHOWN_MAX = 100
"""How many letters one page shows, and one press settles."""

WAYS = ("submitted", "again")

log = structlog.get_logger("drip.console")


def uncertain_router(room: Room) -> APIRouter:
    """Return the pages of letters in doubt."""
    router = APIRouter(prefix=f"{HOME}/uncertain")
    database, library = room.deployment.database, room.deployment.library

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        return _list(room, request, operator)

    @router.api_route("/settle", methods=["GET", "HEAD"])
    def ask(request: Request, operator: Looker) -> Response:
        way = request.query_params.get("as", "")
        return _ask(room, request, operator, way, _numbers(request.query_params.getlist("delivery")))

    @router.post("/settle")
    def settle(request: Request, operator: Sender, form: Form) -> Response:
        way, chosen = form.get("as", ""), _numbers(form.get("deliveries", "").split(","))
        if way not in WAYS or not chosen:
            return room.missing(request, operator, "No letter was chosen. Nothing was changed.")
        by, why = operator.operator.name, form.get("why", "")
        if not why:
            return _ask(room, request, operator, way, chosen, fault="Please say how you know; it stays with the letter.")
        try:
            _settle(room, way, chosen, by=by, why=why)
        except UsageError:
            return _ask(room, request, operator, way, chosen, fault="Please say it in words; it stays with the letter.")
        log.info("console-settled", operator=operator.operator.id, how=way, letters=len(chosen))
        return room.lead(f"/uncertain/settled?as={way}&delivery={'&delivery='.join(map(str, chosen))}")

    @router.api_route("/settled", methods=["GET", "HEAD"])
    def settled(request: Request, operator: Looker) -> Response:
        way = request.query_params.get("as", "")
        looked = settling.looked_at(database, library, _numbers(request.query_params.getlist("delivery")))
        if way not in WAYS or not looked:
            return room.missing(request, operator, "No letter was chosen.")
        return room.page(request, "uncertain-settled.html", operator, letters=_named(room, looked), way=way)

    return router


def _settle(room: Room, way: str, chosen: list[int], *, by: str, why: str) -> None:
    """Settle each of the letters; what cannot be settled stays as it is, and the page that follows says so."""
    deployment = room.deployment
    for one in chosen:
        if way == "submitted":
            settling.submitted(deployment.database, one, by=by, why=why)
        else:
            settling.resend(deployment.database, deployment.library, one, by=by, why=why)


def _list(room: Room, request: Request, operator: Looker) -> Response:
    """Return a page of what is in doubt."""
    after = _number(request.query_params.get("after", ""))
    found = settling.page(room.deployment.database, after=after, limit=SHOWN_MAX + 1)
    page = found[:SHOWN_MAX]
    return room.page(
        request,
        "uncertain.html",
        operator,
        letters=_named(room, settling.looked_at(room.deployment.database, room.deployment.library, [one.id for one in page])),
        people=_people(room, [doubt.enrollment_id for doubt in page]),
        after=after,
        more=page[-1].id if len(found) > SHOWN_MAX else 0,
        chosen="all" in request.query_params,
    )


def _ask(room: Room, request: Request, operator: Looker, way: str, chosen: list[int], *, fault: str = "") -> Response:
    """Return the page that says what settling means, and asks once."""
    deployment = room.deployment
    if way not in WAYS or not chosen:
        words = "Choose at least one letter, and which of the two you know."
        return room.trouble(request, operator, status=404, title="Nothing was chosen", words=words, remedy="Go back to the list.")
    looked = settling.looked_at(deployment.database, deployment.library, chosen)
    return room.page(
        request,
        "uncertain-settle.html",
        operator,
        status=422 if fault else 200,
        way=way,
        may=_named(room, _possible(looked, way)),
        may_not=_named(room, [one for one in looked if one not in _possible(looked, way)]),
        faults={"why": fault} if fault else {},
        why_max=WHY_MAX,
    )


def _people(room: Room, enrollment_ids: list[int]) -> dict[int, str]:
    """Return what addresses of pages call the people of some enrollments."""
    with room.deployment.database.read() as connection:
        return {person.id: person.public_id for person in enrollments.find_many(connection, enrollment_ids).values()}


def _possible(looked: Iterable[Looked], way: str) -> list[Looked]:
    """Return what can be settled this way as it stands now."""
    return [one for one in looked if one.doubt is not None and (way == "submitted" or not one.why_not)]


def _named(room: Room, looked: Iterable[Looked]) -> list[tuple[Looked, str]]:
    """Return letters with their titles as they were when they went."""
    library = room.deployment.library
    found = []
    for one in looked:
        letter, course, version = one.delivery.letter, one.delivery.course, one.delivery.version_id
        current = library.course(version, course).current_id(letter) or letter
        found.append((one, library.book(version, course).title(current)))
    return found


def _numbers(words: Iterable[str]) -> list[int]:
    """Return the numbers of deliveries among *words*, each once, at most a page of them."""
    return list(dict.fromkeys(number for word in words if (number := _number(word))))[:SHOWN_MAX]


def _number(word: str) -> int:
    """Return a positive number that a row can have; 0 for anything else."""
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 18 else 0
