"""Versions: what was applied, when, by whom and why, how one differs from another, and the way back."""

from __future__ import annotations

from itertools import islice

from fastapi import APIRouter, Request, Response

from drip import clock
from drip.core.plan import Edition
from drip.errors import NotFound, ProblemsFound
from drip.flows import comparing
from drip.store import versions
from drip.store.versions import Version
from drip.web.console.plans import SHOWN_MAX, Planner, Proposal
from drip.web.console.room import Form, Looker, Room, Sender
from drip.wiring import edition_of

NEWEST = 40
"""How many versions the list shows before somebody asks for all."""

LINES_MAX = 400
"""How many lines of one file's difference a page shows."""


def versions_router(room: Room) -> APIRouter:
    """Return the pages of the versions."""
    router = APIRouter()
    database = room.deployment.database
    planner = Planner(room.deployment)

    @router.api_route("/versions", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        with database.read() as connection:
            count = len(versions.listed(connection))
        found = comparing.history(database, edition_of)
        whole = "all" in request.query_params
        listed = list(found if whole else islice(found, NEWEST))
        return room.page(request, "versions.html", operator, listed=listed, hidden=count - len(listed))

    @router.api_route("/versions/{number}", methods=["GET", "HEAD"])
    def one(request: Request, operator: Looker, number: int) -> Response:
        found = _find(room, number)
        if found is None:
            return room.missing(request, operator, f"There is no version {number}.")
        against = request.query_params.get("against", "")
        older = int(against) if against.isascii() and against.isdecimal() and len(against) < 10 else None
        try:
            comparison = comparing.compare(database, older, number, edition_of)
        except NotFound:
            return room.missing(request, operator, f"There is no version {against}.")
        with database.read() as connection:
            others = [row.id for row in versions.listed(connection) if row.id != number]
            live = {state.version_id for state in versions.running(connection).values()}
        return room.page(
            request,
            "version.html",
            operator,
            version=found,
            live=number in live,
            comparison=comparison,
            others=others,
            done=request.query_params.get("done", ""),
            lines_max=LINES_MAX,
        )

    def back(request: Request, operator: Looker, found: Version, proposal: Proposal | None, refused: list[str]) -> Response:
        part = "hx-request" in request.headers and proposal is not None
        return room.page(
            request,
            "_back.html" if part else "back.html",
            operator,
            status=409 if refused else 200,
            version=found,
            proposal=proposal,
            refused=refused,
            looked_at=clock.machine_now(),
            look=f"{room.home}/versions/{found.id}/back/look",
            action=f"{room.home}/versions/{found.id}/back",
            shown_max=SHOWN_MAX,
        )

    @router.api_route("/versions/{number}/back", methods=["GET", "HEAD"])
    def ask(request: Request, operator: Looker, number: int) -> Response:
        found = _find(room, number)
        if found is None:
            return room.missing(request, operator, f"There is no version {number}.")
        return back(request, operator, found, None, [])

    @router.api_route("/versions/{number}/back/look", methods=["GET", "HEAD"])
    def look(request: Request, operator: Looker, number: int) -> Response:
        found = _find(room, number)
        if found is None:
            return room.missing(request, operator, f"There is no version {number}.")
        edition, proposal = _edition(found)
        return back(request, operator, found, proposal if edition is None else planner.of(edition), [])

    @router.post("/versions/{number}/back")
    def press(request: Request, operator: Sender, form: Form, number: int) -> Response:
        found = _find(room, number)
        if found is None:
            return room.missing(request, operator, f"There is no version {number}. Nothing was changed.")
        edition, proposal = _edition(found)
        if edition is None:
            return back(request, operator, found, proposal, ["Today’s rules refuse this version."])
        reason = " ".join(form.get("reason", "").split())
        note = f"back to version {number}" + (f": {reason}" if reason else "")
        made, refused = planner.apply(edition, form, operator, note=note)
        if made is None:
            return back(request, operator, found, planner.of(edition), refused)
        return room.lead(f"/versions/{made}?done=back")

    return router


def _find(room: Room, number: int) -> Version | None:
    # No row has a number that a database cannot hold.
    if not 0 < number < 2**31:
        return None
    with room.deployment.database.read() as connection:
        return versions.find(connection, number)


def _edition(version: Version) -> tuple[Edition | None, Proposal]:
    """Return a version as its files were read; None where today's rules refuse it, with what they say."""
    try:
        return edition_of(version), Proposal()
    except ProblemsFound as trouble:
        return None, Proposal(problems=tuple(trouble.problems))
