"""When to get care: a page for everybody, and the same page opened from her own, which knows her country."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Response
from markupsafe import Markup

from drip.core.country import country_in_words, country_name
from drip.core.schedule import Helpline
from drip.core.token import MY
from drip.flows import showing
from drip.web.desk import Desk

_OWN_HEADING = re.compile(r"\A\s*<h[2-4]>.*?</h[2-4]>\s*", re.DOTALL)


def care_router(desk: Desk) -> APIRouter:
    """Return the two pages."""
    router = APIRouter()
    deployment = desk.deployment

    def blocks(version_id: int, course_id: str) -> dict[str, Any]:
        book = deployment.library.book(version_id, course_id)
        named = {"care_list": "FX-CARE", "crisis": "FX-CRISIS"}
        # A block brings its own heading, which the page has above it already.
        return {name: Markup(_OWN_HEADING.sub("", book.block(block))) for name, block in named.items()}  # noqa: S704 - fixed blocks

    @router.api_route("/care", methods=["GET", "HEAD"])
    def care() -> Response:
        courses = showing.live_courses(deployment.database, deployment.library)
        values: dict[str, Any] = {"care_list": "", "crisis": ""}
        for course_id, live in list(courses.items())[:1]:
            values = {"brand": live.course.title, **blocks(live.version_id, course_id)}
        helplines = dict.fromkeys(line for live in courses.values() for line in live.course.helplines)
        return desk.page("care.html", hers=[], where="", countries=by_country(list(helplines)), **values)

    @router.api_route("/my/{token}/care", methods=["GET", "HEAD"])
    def her_care(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page(
            "care.html",
            shown,
            hers=shown.helplines,
            where=country_in_words(shown.person.country),
            countries=by_country(shown.course.helplines),
            **blocks(shown.live.version_id, shown.person.course),
        )

    return router


def by_country(helplines: tuple[Helpline, ...] | list[Helpline]) -> list[tuple[str, list[Helpline]]]:
    """Return helplines under the name of their country, countries by name, lines in their order."""
    found: dict[str, list[Helpline]] = {}
    for line in helplines:
        found.setdefault(country_name(line.country), []).append(line)
    return sorted(found.items())
