"""Outcomes: what became of the letters, lesson by lesson. Nobody is watched: there are no opens and no clicks to show."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, Request, Response

from drip.core.survey import ENDS, Tally
from drip.errors import NotFound
from drip.flows import surveying
from drip.web.console.charts import percent, stacked
from drip.web.console.room import HOME, Looker, Room

SPANS = {"7": "the last 7 days", "28": "the last 4 weeks", "91": "the last 13 weeks", "all": "all of it"}
USUAL = "28"

WORDS = {
    "delivered": "Delivered",
    "quiet": "No last word yet",
    "bounced": "Bounced",
    "blocked": "Blocked or dropped",
    "complained": "Complained",
    "withheld": "Withheld",
    "failed": "Failed",
    "uncertain": "Uncertain",
    "open": "Waiting",
}
"""What each end is called on the page."""


def outcomes_router(room: Room) -> APIRouter:
    """Return the page of the outcomes."""
    router = APIRouter(prefix=f"{HOME}/outcomes")
    deployment = room.deployment

    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request, operator: Looker) -> Response:
        asked = request.query_params
        courses = surveying.course_ids(deployment.database)
        course = asked.get("course") or next(iter(courses), "")
        span = asked.get("days", USUAL) if asked.get("days", USUAL) in SPANS else USUAL
        by_version = asked.get("by") == "version"
        title, tallies = "", list[Tally]()
        if courses:
            days = None if span == "all" else int(span)
            try:
                title, tallies = surveying.outcomes(
                    deployment.database, deployment.library, course, days=days, by_version=by_version
                )
            except NotFound:
                return room.missing(request, operator, "There is no such course.")
        whole = Tally("", "All letters", ends=sum((one.ends for one in tallies), Counter[str]()))
        return room.page(
            request,
            "outcomes.html",
            operator,
            courses=courses,
            course=course,
            title=title,
            tallies=tallies,
            whole=whole,
            span=span,
            spans=SPANS,
            by_version=by_version,
            ends=[name for name in ENDS if whole.ends[name]],
            words=WORDS,
            stacked=stacked,
            percent=percent,
        )

    return router
