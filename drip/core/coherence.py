"""What a schedule must agree on with itself, checked on plain values so that one fault never hides another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from email_validator import EmailNotValidError, validate_email

from drip.core.country import country_hint, country_names
from drip.core.problem import Problem, Severity, quoted
from drip.core.source import Document, Path
from drip.core.timeword import clock_time_of, days_of, weekdays_of, zone_hint, zone_names

_Value = TypeVar("_Value")
# It stands in a header of the form's page, so nothing else may.
_ORIGIN = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")
_EXAMPLE_DOMAINS = ("example.org", "example.com", "example.net")


@dataclass(frozen=True, slots=True)
class Written:
    """One lesson as it stands in the file: its *course*, where, in which *phase*, and its plain values.

    *group* is `phases`, `on_demand` or `afterwards`; *phase* is empty outside phases.
    """

    course: str
    group: str
    phase: str
    path: Path
    values: Mapping[object, object]

    @property
    def id(self) -> str | None:
        """The id, None where none is written that could be one."""
        found = self.values.get("id")
        return found if isinstance(found, str) and found else None


def written_lessons(values: object) -> list[Written]:
    """Return every lesson of every course as it is written, also where much else is wrong."""
    found: list[Written] = []
    for course, content in _mapping(_mapping(values).get("courses")).items():
        top: Path = ("courses", str(course))
        for number, phase in _entries(_mapping(content).get("phases")):
            for index, lesson in _entries(phase.get("lessons")):
                path = (*top, "phases", number, "lessons", index)
                found.append(Written(str(course), "phases", str(phase.get("id", "")), path, lesson))
        for group in ("on_demand", "afterwards"):
            found += [
                Written(str(course), group, "", (*top, group, index), lesson)
                for index, lesson in _entries(_mapping(content).get(group))
            ]
    return found


def contradictions(document: Document) -> list[Problem]:
    """Return every disagreement inside the courses of a schedule."""
    courses = _mapping(document.values).get("courses")
    if isinstance(courses, Mapping) and not courses:
        return [document.problem("S207", ("courses",), "there is no course", "add one under `courses:`", at_key=True)]
    problems: list[Problem] = []
    lessons = written_lessons(document.values)
    for name, content in _mapping(courses).items():
        if isinstance(content, Mapping):
            own = [lesson for lesson in lessons if lesson.course == str(name)]
            course = _Course(document, ("courses", str(name)), content, own)
            course.check()
            problems += course.problems
    return problems


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}


def _entries(value: object) -> Iterator[tuple[int, Mapping[object, object]]]:
    """Yield the groups of keys in a list, each with its index."""
    for index, entry in enumerate(value if isinstance(value, list) else []):
        if isinstance(entry, Mapping):
            yield index, entry


@dataclass(slots=True)
class _Course:
    """One course under examination."""

    document: Document
    top: Path
    content: Mapping[object, object]
    lessons: list[Written]
    problems: list[Problem] = field(default_factory=list)

    def check(self) -> None:
        self._empty()
        self._ids()
        self._renames()
        self._waits()
        self._windows()
        self._addresses()
        self._reviews()
        self._others()

    def _say(self, code: str, below: Path, text: str, hint: str, *, at_key: bool = False, severity: Severity = "error") -> None:
        path = below if below[: len(self.top)] == self.top else (*self.top, *below)
        self.problems.append(self.document.problem(code, path, text, hint, at_key=at_key, severity=severity))

    def _read(self, below: tuple[str, ...], how: Callable[[object], _Value], default: _Value) -> _Value | None:
        """Return the value at *below*, the default where it is not given, None where it is broken."""
        here: object = self.content
        for key in below:
            if here is None or not isinstance(here, Mapping):
                return None
            if key not in here:
                return default
            here = here[key]
        try:
            return how(here)
        except ValueError:
            return None

    def _given(self, *choices: Path) -> Path:
        """Return the first of *choices* that the file gives, since the others are defaults and have no place."""
        return next((path for path in choices if (*self.top, *path) in self.document.marks.values), choices[0])

    def _empty(self) -> None:
        phases = self.content.get("phases")
        if not isinstance(phases, list):
            return
        if not any(isinstance(phase, Mapping) and phase.get("lessons") for phase in phases):
            self._say("S207", ("phases",), "this course has no lessons", "add a phase with a lesson", at_key=True)
        for index, phase in _entries(phases):
            if phase.get("lessons") == []:
                text = f"the phase {quoted(phase.get('id'))} has no lessons"
                self._say("S208", ("phases", index), text, "add one, or remove the phase")

    def _ids(self) -> None:
        seen: dict[str, Path] = {}
        for lesson in self.lessons:
            if lesson.id is None:
                continue
            path = (*lesson.path, "id")
            if lesson.id in seen:
                line = self.document.marks.value(seen[lesson.id])[0]
                self._say("S201", path, f"the id {lesson.id} is used twice", f"line {line} has it too; every id names one letter")
            seen.setdefault(lesson.id, path)
        phases: dict[str, Path] = {}
        for index, phase in _entries(self.content.get("phases")):
            name, path = phase.get("id"), (*self.top, "phases", index, "id")
            if isinstance(name, str) and name in phases:
                line = self.document.marks.value(phases[name])[0]
                self._say("S216", path, f"the phase id {name} is used twice", f"line {line} has it too")
            phases.setdefault(str(name), path)

    def _renames(self) -> None:
        ids = {lesson.id for lesson in self.lessons}
        seen: dict[str, Path] = {}
        for lesson in self.lessons:
            was, path = lesson.values.get("was"), (*lesson.path, "was")
            if not isinstance(was, str):
                continue
            if was in ids:
                self._say("S209", path, f"was: {was} is still the id of a lesson", "name the id that went away, or remove `was`")
            if was in seen:
                line = self.document.marks.value(seen[was])[0]
                self._say("S210", path, f"was: {was} is said twice", f"line {line} says it too; one lesson can have come of it")
            seen.setdefault(was, path)

    def _waits(self) -> None:
        gap = self._read(("min_gap",), days_of, 2)
        dated = [lesson for lesson in self.lessons if lesson.group != "on_demand"]
        first = next(iter(dated), None)
        for lesson in dated:
            if lesson.values.get("anytime") is True and (lesson is not first or lesson.group != "phases"):
                text = "only the first lesson can be anytime"
                self._say(
                    "S214",
                    (*lesson.path, "anytime"),
                    text,
                    "remove `anytime`; nobody asks for this letter just then",
                    at_key=True,
                )
            if lesson is first or gap is None or "wait" not in lesson.values:
                continue
            try:
                wait = days_of(lesson.values["wait"])
            except ValueError:
                continue
            if wait < gap:
                text = f"wait: {lesson.values['wait']} is shorter than min_gap, {_days(gap)}"
                self._say("S202", (*lesson.path, "wait"), text, f"wait at least {_days(gap)}, or make min_gap shorter")

    def _windows(self) -> None:
        send_at, send_until = (self._read(("send", key), clock_time_of, default) for key, default in _SEND)
        opens, closes = (self._read(("allow", key), clock_time_of, default) for key, default in _ALLOW)
        for group, start, end, begin in (("send", send_at, send_until, "at"), ("allow", opens, closes, "from")):
            if start and end and end <= start:
                text = f"{group}: until {end:%H:%M} is not after {begin} {start:%H:%M}"
                self._say("S205", self._given((group, "until"), (group, begin)), text, f"make `until` later than `{begin}`")
        if opens and closes and opens < closes:
            for key, chosen, nearest in (("at", send_at, "from"), ("until", send_until, "until")):
                if chosen and not opens <= chosen <= closes:
                    text = f"send: {key} {chosen:%H:%M} is outside allow, {opens:%H:%M} to {closes:%H:%M}"
                    place = self._given(("send", key), ("allow", nearest), ("allow",))
                    self._say("S204", place, text, "move it inside, or widen `allow`")
        send_days = self._read(("send", "days"), weekdays_of, weekdays_of(["tue"]))
        allow_days = self._read(("allow", "days"), weekdays_of, weekdays_of("any"))
        outside = [day for day in send_days or () if allow_days and day not in allow_days]
        if outside:
            text = f"send: {', '.join(outside)} {'is' if len(outside) == 1 else 'are'} not among the days of allow"
            self._say(
                "S206",
                self._given(("send", "days"), ("allow", "days")),
                text,
                "send on days that `allow` lists, or add them there",
            )

    def _addresses(self) -> None:
        sender = _mapping(self.content.get("from"))
        for path, address in ((("from", "email"), sender.get("email")), (("reply_to",), self.content.get("reply_to"))):
            if not isinstance(address, str):
                continue
            try:
                validate_email(address, check_deliverability=False)
            except EmailNotValidError as trouble:
                reason = str(trouble).rstrip(".")
                self._say("S211", path, f"{quoted(address)} is not an email address", f"{reason[:1].lower()}{reason[1:]}")
                continue
            domain = address.rpartition("@")[2].lower()
            if domain in _EXAMPLE_DOMAINS or domain.endswith(tuple(f".{known}" for known in _EXAMPLE_DOMAINS)):
                text = f"{address} is an example, and no mail reaches it"
                self._say("S212", path, text, "write your own address before you mail real people", severity="warning")

    def _reviews(self) -> None:
        """Say where a course that asks for no reviews demands one all the same."""
        if self.content.get("reviews") != "none":
            return
        groups: list[tuple[Path, Mapping[object, object]]] = [(lesson.path, lesson.values) for lesson in self.lessons]
        groups += [((*self.top, "phases", index), phase) for index, phase in _entries(self.content.get("phases"))]
        for path, entry in groups:
            if entry.get("must_be_reviewed") is True:
                text = "must_be_reviewed stands here, and the course says `reviews: none`"
                self._say("S221", (*path, "must_be_reviewed"), text, "remove one of the two", at_key=True)

    def _others(self) -> None:
        zone = self.content.get("timezone")
        if isinstance(zone, str) and zone not in zone_names():
            self._say("S203", ("timezone",), f"there is no time zone {quoted(zone)}", zone_hint(zone))
        url = _mapping(self.content.get("program")).get("url")
        if isinstance(url, str) and (not url.startswith("https://") or len(url.split()) != 1 or url == "https://"):
            self._say("S213", ("program", "url"), f"{quoted(url)} is not an https address", "begin it with https://")
        for index, line in _entries(self.content.get("helplines")):
            country = line.get("country")
            if isinstance(country, str) and country and country not in country_names():
                text = f"there is no country {quoted(country)}"
                self._say("S217", ("helplines", index, "country"), text, country_hint(country))
        embed = _mapping(self.content.get("sign_up")).get("embed")
        for index, site in enumerate(embed if isinstance(embed, list) else []):
            if isinstance(site, str) and _ORIGIN.fullmatch(site) is None:
                text = f"{quoted(site)} is not the address of a site alone"
                self._say("S220", ("sign_up", "embed", index), text, "write it without a path, such as https://example.org")
        for key in ("left", "finished"):
            if self._read(("retention", key), days_of, 1) == 0:
                hint = "write at least 1 day; whoever leaves can still ask to be forgotten at once"
                self._say("S215", ("retention", key), f"retention: {key} must be at least a day", hint)


_SEND = (("at", clock_time_of("09:00")), ("until", clock_time_of("20:00")))
_ALLOW = (("from", clock_time_of("06:00")), ("until", clock_time_of("22:00")))


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"
