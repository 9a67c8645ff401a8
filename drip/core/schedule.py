"""The values of `schedules.yaml`: courses, phases, lessons, and the questions one asks of their order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from drip.core.coherence import contradictions
from drip.core.notation import WRITTEN, ClockTime, Count, Day, Days, Growth, Identifier, Switch, Value, Weekdays
from drip.core.problem import Problem, has_errors
from drip.core.shape import Codes, shape_problems
from drip.core.source import Document, Marks
from drip.core.timeword import WEEKDAYS

if TYPE_CHECKING:
    from drip.core.timing import Rhythm

_ONE_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"


def _shown(default: object) -> dict[str, Any]:
    """Return what the JSON Schema gives as the default: the words of the file, not the value they become."""
    return {"default": default}


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class Sender(Value):
    """Who a letter is from: the *name* on a lock screen, and the *email* a reply does not go to."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Sam from the Roadmap"])
    """Shows on lock screens: no health words."""
    email: str = Field(pattern=r"^[!-~]+$", examples=["letters@example.org"])
    """The address that letters come from."""


class Send(Value):
    """When letters go out by default; a person's own weekday and hour win."""

    days: Weekdays = Field(default=("tue",), json_schema_extra=_shown(["tue"]))
    """The weekdays of letters, or the word any."""
    at: ClockTime = Field(default=time(9), json_schema_extra=_shown("09:00"))
    """The hour of letters, in the reader's own zone."""
    until: ClockTime = Field(default=time(20), json_schema_extra=_shown("20:00"))
    """A letter that is not out by then waits for another day."""


class Allow(Value):
    """The bounds within which a person may choose her day and hour."""

    days: Weekdays = Field(default=WEEKDAYS, json_schema_extra=_shown("any"))
    """The weekdays a person may choose, or the word any."""
    opens: ClockTime = Field(default=time(6), alias="from", json_schema_extra=_shown("06:00"))
    """Nothing goes out before."""
    closes: ClockTime = Field(default=time(22), alias="until", json_schema_extra=_shown("22:00"))
    """Nothing goes out after."""


class Lesson(Value):
    """One templated letter in the roadmap; its *id* is its identity, never its place.

    *wait* counts calendar days from the meant date of the lesson before it.
    """

    id: Identifier
    """The lesson's name for ever, and the name of its file. To rename one, add `was: old-id`."""
    wait: Days = Field(examples=["1 week"])
    """Days since the lesson before it; the letter then moves on to the next of the reader's own weekdays."""
    anytime: Switch = False
    """Goes out at once, at any hour; for the first lesson only."""
    anyday: Switch = False
    """At her hour, but on whatever day it falls."""
    numbered: Switch = True
    """Write false for a letter that does not count as Letter 1, 2, 3."""
    was: Identifier | None = None
    """The id this lesson had before."""
    must_be_reviewed: Switch = False
    """Real people get it only once a clinician has checked it; nobody can wave it through."""


class Phase(Value):
    """An ordered group of lessons."""

    id: Identifier = Field(examples=["orient"])
    """The phase's name for ever, and the folder of its letters."""
    title: str = Field(min_length=1, examples=["Get your bearings"])
    """What a reader sees on her map."""
    lessons: tuple[Lesson, ...]
    """The lessons, in order."""
    must_be_reviewed: Switch = False
    """Real people get these letters only once a clinician has checked them; nobody can wave them through."""


class OnDemand(Value):
    """A letter that a person asks for; mailing it is limited to once in *mail_at_most_every* days."""

    id: Identifier
    """The letter's name for ever, and the name of its file."""
    mail_at_most_every: Days = Field(default=1, json_schema_extra=_shown("1 day"))
    """How often it may be mailed to one person; the page is open always."""
    must_be_reviewed: Switch = False
    """Real people get it only once a clinician has checked it; nobody can wave it through."""


class Program(Value):
    """A paid program that the publisher also runs; without it no letter mentions one."""

    name: str = Field(min_length=1, examples=["The Example Program"])
    """What the program is called."""
    url: str = Field(examples=["https://example.org/program"], json_schema_extra={"pattern": "^https://"})
    """Where a reader finds it; must begin with https://."""


class Sending(Value):
    """How fast a new domain is warmed up: letters per hour over all workers, growing by a factor a day."""

    per_hour: Count = Field(ge=1, examples=[500])
    """At most this many letters an hour; with `grow`, where that begins."""
    grow: Growth | None = Field(default=None, examples=["1.5x daily"])
    """By how much that grows after each day on which at least an hour's letters left."""


class Retention(Value):
    """How many days after leaving or finishing a person is forgotten."""

    left: Days = Field(default=30, json_schema_extra=_shown("30 days"))
    """How long we keep people who left."""
    finished: Days = Field(default=90, json_schema_extra=_shown("90 days"))
    """How long we keep people who finished."""


class SignUp(Value):
    """The form by which people join: the sentence they agree to, and the sites that may show the form in a frame."""

    consent: str = Field(
        min_length=1,
        max_length=600,
        pattern=_ONE_LINE,
        examples=["I agree that The Roadmap keeps my address to write to me. I can stop at any time."],
    )
    """What she agrees to, word by word; kept as the proof. Say what her being here tells about her."""
    closed: Switch = False
    """Write true to take nobody new for a while; links that are already out go on working."""
    embed: tuple[str, ...] = Field(
        default=(),
        examples=[["https://example.org"]],
        json_schema_extra={"items": {"type": "string", "pattern": "^https?://[^/]+$"}},
    )
    """The sites that may show the form in a frame of theirs; nobody else's may."""


class Helpline(Value):
    """Where somebody in one *country* finds a person to listen, as it was on the day when it was checked."""

    country: str = Field(min_length=1, examples=["GB"], json_schema_extra={"pattern": "^[A-Z]{2}$"})
    """The two capitals of the country (ISO 3166-1)."""
    name: str = Field(min_length=1, max_length=60, pattern=_ONE_LINE, examples=["A listening service"])
    """What the line is called."""
    number: str = Field(min_length=1, max_length=40, pattern=_ONE_LINE, examples=['"000 000"'])
    """What to dial or to text, as a reader sees it."""
    hours: str = Field(default="", max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["day and night"])
    """When somebody answers."""
    checked_on: Day = Field(examples=["2026-11-30"])
    """The day on which somebody saw for herself that all this is right."""

    @property
    def tel(self) -> str:
        """The number as a telephone takes it; '' where it is more than a number to call."""
        # In +44 (0)20 the zero is for callers at home; whoever dials the country leaves it out.
        number = self.number.replace("(0)", "") if self.number.startswith("+") else self.number
        bare = "".join(letter for letter in number if letter not in " ()-")
        return bare if bare.removeprefix("+").isdecimal() and bare.isascii() else ""

    @property
    def unbroken(self) -> str:
        """The number so that no line breaks inside it."""
        return self.number.replace(" ", "\u00a0") if self.tel else self.number


class Course(Value):
    """A roadmap by mail: who writes, when letters go out, and which lessons come in which order."""

    title: str = Field(min_length=1, examples=["The Roadmap"])
    """What the course is called in letters and on pages."""
    about: str = Field(
        default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["For whom the letters are, and what for."]
    )
    """One sentence for whoever comes by: for whom the letters are, and what for. It stands on the front page and the form."""
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", examples=["en"])
    """The language of the letters, for screen readers."""
    sender: Sender = Field(alias="from", examples=[{"name": "Sam from the Roadmap", "email": "letters@example.org"}])
    """Who the letters are from."""
    reply_to: str = Field(pattern=r"^[!-~]+$", examples=["hello@example.org"])
    """An address that a person reads."""
    postal_address: str = Field(min_length=1, examples=["1 Example Street, Example Town"])
    """Stands at the foot of every letter."""
    timezone: str = Field(examples=["Europe/London"])
    """For people whose own zone is unknown."""
    send: Send = Field(default=Send(), json_schema_extra=_without_default)
    """The default day and hour; those that a reader picks win."""
    allow: Allow = Field(default=Allow(), json_schema_extra=_without_default)
    """What a reader may pick; nothing goes out outside it."""
    min_gap: Days = Field(default=2, json_schema_extra=_shown("2 days"))
    """Two scheduled letters to one person are never closer than this."""
    late: Days = Field(default=2, json_schema_extra=_shown("2 days"))
    """How long a missed letter may follow on another day; then it waits for her day."""
    sending: Sending | None = None
    """Warms a new domain up."""
    program: Program | None = None
    """A paid program; without it no letter mentions one."""
    editorial: str | None = Field(
        default=None, pattern=r"^[a-z0-9._-]+(/[a-z0-9._-]+)*\.yaml$", examples=["editorial/roadmap.yaml"]
    )
    """The file of rules that the letters of this course keep to, below the folder of letters."""
    reviews: Literal["clinician", "none"] = "clinician"
    """Who must have checked a letter before real people get it: `none` only where the letters advise nobody on health."""
    helplines: tuple[Helpline, ...] = ()
    """Where to turn in a crisis, by country; a reader who gave hers sees its lines first."""
    retention: Retention = Field(default=Retention(), json_schema_extra=_without_default)
    """How long people are kept who left, or who finished."""
    sign_up: SignUp | None = None
    """How people join by themselves; without it only an operator adds them."""
    phases: tuple[Phase, ...]
    """The groups of lessons, in order."""
    on_demand: tuple[OnDemand, ...] = ()
    """Letters that come when somebody asks."""
    afterwards: tuple[Lesson, ...] = ()
    """Late letters, only for people who asked for them at the end."""

    @cached_property
    def sequence(self) -> tuple[Lesson, ...]:
        """The lessons of all phases, in order; `afterwards` is not among them."""
        return tuple(lesson for phase in self.phases for lesson in phase.lessons)

    @cached_property
    def allowed_weekdays(self) -> frozenset[int]:
        """The numbers of the weekdays on which letters may go."""
        return frozenset(WEEKDAYS.index(day) for day in self.allow.days)

    @cached_property
    def send_weekdays(self) -> frozenset[int]:
        """The numbers of the weekdays on which letters go to whoever chose none."""
        return frozenset(WEEKDAYS.index(day) for day in self.send.days)

    @cached_property
    def rhythms(self) -> dict[tuple[str, int | None, str | None, int], Rhythm]:
        """What `Enrollment.rhythm` has worked out already, by zone, weekday, hour and pace."""
        return {}

    @cached_property
    def places(self) -> dict[str, int]:
        """The index in `sequence` of each lesson id."""
        return {lesson.id: index for index, lesson in enumerate(self.sequence)}

    @cached_property
    def lessons(self) -> dict[str, Lesson]:
        """Every dated lesson by id, those of `afterwards` included."""
        return {lesson.id: lesson for lesson in (*self.sequence, *self.afterwards)}

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The letter number of each numbered lesson, from 1."""
        numbered = [lesson.id for lesson in self.sequence if lesson.numbered]
        return {lesson_id: number for number, lesson_id in enumerate(numbered, start=1)}

    @cached_property
    def phase_numbers(self) -> dict[str, int]:
        """The 1-based number of the phase of each lesson in `sequence`."""
        return {lesson.id: number for number, phase in enumerate(self.phases, start=1) for lesson in phase.lessons}

    @cached_property
    def must_be_reviewed(self) -> frozenset[str]:
        """The letters that nobody may wave through without a review."""
        phases = {lesson.id for phase in self.phases for lesson in phase.lessons if phase.must_be_reviewed}
        lessons = {lesson.id for lesson in self.lessons.values() if lesson.must_be_reviewed}
        return frozenset(phases | lessons | {kit.id for kit in self.on_demand if kit.must_be_reviewed})

    @property
    def takes_people(self) -> bool:
        """Whether somebody new may ask for it by herself."""
        return self.sign_up is not None and not self.sign_up.closed

    def helplines_in(self, country: str) -> tuple[Helpline, ...]:
        """Return the helplines of a country, in their order; none for '' and for a country without any."""
        return tuple(line for line in self.helplines if line.country == country)

    @property
    def letter_ids(self) -> tuple[str, ...]:
        """The ids of every letter the course may send: phases, on demand, afterwards."""
        return (
            *(lesson.id for lesson in self.sequence),
            *(kit.id for kit in self.on_demand),
            *(late.id for late in self.afterwards),
        )


class Schedule(Value):
    """All courses of one installation by id."""

    courses: dict[Identifier, Course]
    """Each course under its id."""


_CODES = Codes(
    unknown="S101",
    missing="S102",
    wrong="S103",
    clock_time="S104",
    duration="S105",
    weekdays="S106",
    pattern="S107",
    bound="S108",
    growth="S107",
)


def parse_schedule(values: object, marks: Marks, *, file: str = "schedules.yaml") -> tuple[Schedule | None, list[Problem]]:
    """Return the schedule in the plain *values* of a file, and every problem; None when one of them is an error.

    Shapes are checked first and contradictions after, on the plain values, since pydantic stops at a child that fails
    and would hide what is wrong beside it.
    """
    document = Document(file, values, marks)
    if values is None:
        return None, [document.problem("S102", (), "this file is empty", "begin with `courses:`")]
    schedule: Schedule | None = None
    problems: list[Problem] = []
    try:
        schedule = Schedule.model_validate(values, context=WRITTEN, by_alias=True, by_name=False)
    except ValidationError as trouble:
        problems = shape_problems(trouble, document, Schedule, _CODES)
    if isinstance(values, Mapping):
        problems += contradictions(document)
    return (None if has_errors(problems) else schedule), sorted(set(problems))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `schedules.yaml` for editors."""
    schema = Schedule.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
