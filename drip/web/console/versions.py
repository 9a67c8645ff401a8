"""Versions: what was applied, when, by whom and why, how one differs from another, and which is live."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from drip.core.change import Difference
from drip.errors import NotFound
from drip.flows import comparing
from drip.store import versions
from drip.web.console.back import version_of
from drip.web.console.room import HOME, Looker, Room
from drip.wiring import edition_of

NEWEST = 40
"""How many versions the list shows before somebody asks for all."""

LINES_MAX = 400
"""How many lines of one file's difference a page shows."""


class Line(NamedTuple):
    """A line of a difference: how it stands (`added`, `removed`, `same`, or the `place` of what follows), and its text."""

    how: str
    text: str


class Shown(NamedTuple):
    """The difference of one file as a page shows it."""

    path: str
    lines: list[Line]

    @property
    def added(self) -> int:
        """How many lines are new."""
        return sum(line.how == "added" for line in self.lines)

    @property
    def removed(self) -> int:
        """How many lines are gone."""
        return sum(line.how == "removed" for line in self.lines)


_HOW = {"+": "added", "-": "removed", "@": "place"}


def shown(difference: Difference) -> Shown:
    """Return a unified diff line by line; the two lines that name the sides stand in the heading of the page."""
    lines = [Line(_HOW.get(line[:1], "same"), line if line[:1] == "@" else line[1:]) for line in difference.lines[2:]]
    return Shown(difference.path, lines)


def versions_router(room: Room) -> APIRouter:
    """Return the pages of the versions."""
    router = APIRouter(prefix=f"{HOME}/versions")
    database = room.deployment.database

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        with database.read() as connection:
            count = len(versions.listed(connection))
        found = comparing.history(database, edition_of)
        whole = "all" in request.query_params
        listed = list(found if whole else islice(found, NEWEST))
        return room.page(request, "versions.html", operator, listed=listed, hidden=count - len(listed))

    @router.api_route("/{number}", methods=["GET", "HEAD"])
    def one(request: Request, operator: Looker, number: str) -> Response:
        found = version_of(room, request, operator, number)
        against = request.query_params.get("against", "")
        older = int(against) if against.isascii() and against.isdecimal() and len(against) < 10 else None
        try:
            comparison = comparing.compare(database, older, found.id, edition_of)
        except NotFound:
            return room.missing(request, operator, f"There is no version {against}.")
        with database.read() as connection:
            others = [row.id for row in versions.listed(connection) if row.id != found.id]
            live = {state.version_id for state in versions.running(connection).values()}
        return room.page(
            request,
            "version.html",
            operator,
            version=found,
            live=found.id in live,
            comparison=comparison,
            diffs=[shown(one) for one in comparison.diffs] if comparison.older else [],
            others=others,
            done=request.query_params.get("done", ""),
            lines_max=LINES_MAX,
        )

    return router
