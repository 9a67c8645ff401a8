"""Her settings: day, hour, zone, country, pace and length, each with its fault beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from functools import cache
from importlib import resources

from fastapi import APIRouter, Response

from drip.core.country import country_name
from drip.core.enrollment import Enrollment, Stage
from drip.core.schedule import Course
from drip.core.timeword import WEEKDAYS
from drip.core.token import MY
from drip.core.wording import WEEKDAY_NAMES
from drip.errors import UsageError
from drip.flows import adjusting
from drip.flows.showing import Shown
from drip.web.desk import Desk, Form

FIELDS = ("weekday", "send_at", "zone", "country", "pace", "length")

REGIONS = {
    "Africa": "Africa",
    "America": "The Americas",
    "Antarctica": "Antarctica",
    "Arctic": "The Arctic",
    "Asia": "Asia",
    "Atlantic": "The Atlantic",
    "Australia": "Australia",
    "Europe": "Europe",
    "Indian": "The Indian Ocean",
    "Pacific": "The Pacific",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose: what a form says for it, and what a person reads."""

    value: str
    label: str


def settings_router(desk: Desk) -> APIRouter:
    """Return the page of settings."""
    router = APIRouter()
    deployment = desk.deployment

    def form_page(shown: Shown, values: dict[str, str], faults: dict[str, str]) -> Response:
        return desk.person_page(
            "settings.html",
            shown,
            status=422 if faults else 200,
            values=values,
            faults=faults,
            days=days(shown.course, values["weekday"]),
            hours=hours(shown.course, values["send_at"]),
            zones=zones(),
            countries=countries(shown.course, shown.person.country),
            zone=shown.person.zone if "zone" in faults else values["zone"],
        )

    @router.api_route("/my/{token}/settings", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        if shown.person.state not in {Stage.ACTIVE, Stage.ASKED}:
            return desk.person_page("resting.html", shown)
        return form_page(shown, values_of(shown.person), {})

    @router.post("/my/{token}/settings")
    def save(token: str, form: Form) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        if shown.person.state not in {Stage.ACTIVE, Stage.ASKED}:
            return desk.lead(f"{desk.links(shown).my}/settings")
        choices = {name: form[name] for name in FIELDS if name in form}
        faults = faults_in(choices, shown.course)
        if faults:
            return form_page(shown, values_of(shown.person) | choices, faults)
        adjusted = adjusting.choose(
            deployment.database,
            deployment.library,
            shown.person.public_id,
            choices,
            wait_seconds=desk.wait_seconds,
        )
        if not adjusted.acknowledged:
            return desk.person_page("not-yet.html", shown, status=503)
        return desk.lead(f"{desk.links(shown).my}/settings/saved")

    _add_saved(router, desk)
    return router


def _add_saved(router: APIRouter, desk: Desk) -> None:
    """Add the page after saving."""

    @router.api_route("/my/{token}/settings/saved", methods=["GET", "HEAD"])
    def saved(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page("saved.html", shown, rhythm=shown.person.rhythm(shown.course))


def values_of(person: Enrollment) -> dict[str, str]:
    """Return a person's settings in the words of the form."""
    return {
        "weekday": "" if person.weekday is None else WEEKDAYS[person.weekday],
        "send_at": person.send_at or "",
        "zone": person.zone,
        "country": person.country,
        "pace": str(person.pace),
        "length": "short" if person.short else "full",
    }


def faults_in(choices: dict[str, str], course: Course) -> dict[str, str]:
    """Return a sentence for each choice that is not offered, by its field."""
    faults = {}
    for name, value in choices.items():
        try:
            adjusting.settings_from({name: value}, course)
        except UsageError as fault:
            text = str(fault)
            faults[name] = f"{text[:1].upper()}{text[1:]}."
    return faults


def days(course: Course, chosen: str) -> list[Choice]:
    """Return the weekdays to choose from; the usual one stands for itself unless it was chosen by name."""
    usual = course.send.days
    names = [WEEKDAY_NAMES[WEEKDAYS.index(day)] for day in usual]
    found = [Choice("", f"{' or '.join(names)} (the usual day)")]
    return found + [
        Choice(day, WEEKDAY_NAMES[WEEKDAYS.index(day)])
        for day in WEEKDAYS
        if day in course.allow.days and ((day,) != usual or day == chosen)
    ]


def hours(course: Course, chosen: str) -> list[Choice]:
    """Return the hours to choose from; her own is among them even when it is not a full one."""
    usual = course.send.at
    first = course.allow.opens.hour + (1 if course.allow.opens.minute else 0)
    full = {f"{time(hour):%H:%M}" for hour in range(first, course.allow.closes.hour)}
    offered = (full - {f"{usual:%H:%M}"}) | ({chosen} - {""})
    return [Choice("", f"{usual:%H:%M} (the usual hour)"), *(Choice(hour, hour) for hour in sorted(offered))]


def countries(course: Course, own: str) -> list[Choice]:
    """Return the countries that have a helpline, by name; none for a course without any.

    Her own is among them even when it has none, so that saving something else does not lose it.
    """
    if not course.helplines:
        return []
    codes = {line.country for line in course.helplines} | ({own} - {""})
    return [Choice("", "Rather not say"), *(Choice(code, country_name(code)) for code in sorted(codes, key=country_name))]


@cache
def zones() -> dict[str, list[Choice]]:
    """Return the time zones of the world by region, each under its city; every country has its own."""
    lines = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8").splitlines()
    found: dict[str, list[Choice]] = {}
    for name in sorted(line.split("\t")[2] for line in lines if line and not line.startswith("#")):
        region, _, rest = name.partition("/")
        # The city first, so that typing its name finds it.
        label = ", ".join(part.replace("_", " ") for part in reversed(rest.split("/")))
        found.setdefault(REGIONS.get(region, region), []).append(Choice(name, label))
    for choices in found.values():
        choices.sort(key=lambda choice: choice.label)
    return found | {"Other": [Choice("UTC", "UTC")]}
