"""The schedule: every fault at once, each at its place, and no text that raises."""

from __future__ import annotations

import json
import random
from datetime import time
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drip.core.problem import Problem
from drip.core.schedule import Schedule, json_schema, parse_schedule
from drip.files import read_yaml

ROOT = Path(__file__).parents[2]
REAL = (ROOT / "schedules.yaml").read_text()
SMALL = """courses:
  roadmap:
    title: The Roadmap
    from: {name: Sam, email: sam@letters.net}
    reply_to: hello@letters.net
    postal_address: 1 Street
    timezone: Europe/London
    phases:
      - id: orient
        title: Bearings
        lessons:
          - {id: welcome, wait: 0 days, anytime: true}
          - {id: second, wait: 3 days}
          - {id: third, wait: 1 week}
"""


def parsed(text: str) -> tuple[Schedule | None, list[Problem]]:
    """Return the schedule in *text* and all problems, those of reading first."""
    document, problems = read_yaml(text, "schedules.yaml")
    schedule, more = parse_schedule(document.values, document.marks)
    return schedule, [*problems, *more]


def places_of(text: str) -> list[tuple[int, int, str]]:
    """Return line, column and code of every problem in *text*."""
    return [(problem.line, problem.column, problem.code) for problem in parsed(text)[1]]


LINE = '    helplines:\n      - {country: GB, name: A line, number: "000 111", checked_on: 2026-11-30}\n'


def test_helplines_are_facts_of_a_course() -> None:
    """Several of one country keep their order, a country without any has none, and only a plain number can be dialled."""
    more = '      - {country: GB, name: Texts, number: "text HEY to 000", hours: evenings, checked_on: "2026-11-30"}\n'
    schedule, problems = parsed(f"{SMALL}{LINE}{more}")
    assert (schedule is not None, []) == (True, problems)
    assert schedule is not None
    course = schedule.courses["roadmap"]
    assert [("A line", "", "000111"), ("Texts", "evenings", "")] == [
        (line.name, line.hours, line.tel) for line in course.helplines_in("GB")
    ]
    assert () == course.helplines_in("") == course.helplines_in("FR")


@pytest.mark.parametrize(
    ("old", "new", "code", "hint"),
    [
        ("country: GB", "country: UK", "S217", "did you mean GB?"),
        ("country: GB", "country: gb", "S217", "did you mean GB?"),
        ("country: GB", "country: Germny", "S217", "did you mean DE?"),
        ("country: GB", "country: QQ", "S217", "write two capitals, such as GB"),
        ("country: GB, ", "", "S102", "such as `country: GB`"),
        ('"000 111"', "000111", "S103", "put it in quotes"),
        ('"000 111"', f'"{"1" * 41}"', "S108", "shorten it"),
        ('"000 111"', '" "', "S107", ""),
        ("2026-11-30", "30.11.2026", "S103", "write it as 2026-11-30"),
        ("2026-11-30", "2026-02-30", "S103", "write it as 2026-11-30"),
        ("name: A line", "nme: A line", "S101", "did you mean name?"),
    ],
)
def test_a_helpline_that_is_written_wrongly_is_found(old: str, new: str, code: str, hint: str) -> None:
    """Each fault stands in the line of the helpline, with what to write instead."""
    _, problems = parsed(SMALL + LINE.replace(old, new))
    [problem] = [problem for problem in problems if problem.code == code]
    assert problem.line == SMALL.count("\n") + 2
    assert hint in problem.hint


SIGN_UP = "    sign_up:\n      consent: I agree.\n      embed: [https://example.org]\n"


def test_signing_up_is_a_fact_of_a_course() -> None:
    """Without the section, and with `closed`, nobody joins by herself; with it there is a sentence to agree to."""
    takes = {}
    for name, text in (("none", SMALL), ("open", SMALL + SIGN_UP), ("closed", f"{SMALL}{SIGN_UP}      closed: true\n")):
        schedule, problems = parsed(text)
        assert [] == problems
        assert schedule is not None
        takes[name] = schedule.courses["roadmap"].takes_people
    assert {"none": False, "open": True, "closed": False} == takes


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("consent: I agree.", "consent: ''", "S108", 2),
        ("      consent: I agree.\n", "", "S102", 1),
        ("consent: I agree.", 'consent: "\\n "', "S107", 2),
        ("consent:", "consnt:", "S101", 2),
        ("https://example.org", "https://example.org/letters", "S220", 3),
        ("https://example.org", "example.org", "S220", 3),
        ("https://example.org", '"*"', "S220", 3),
        ("https://example.org", '"https://x.org; script-src *"', "S220", 3),
        ("https://example.org", "https://x.org:80 https://y.org", "S220", 3),
        ("[https://example.org]", "https://example.org", "S103", 3),
    ],
)
def test_a_sign_up_that_is_written_wrongly_is_found(old: str, new: str, code: str, line: int) -> None:
    """Each fault stands in its line, and nothing but the address of a site comes into a header."""
    found = places_of(SMALL + SIGN_UP.replace(old, new))
    assert (SMALL.count("\n") + line, code) in {(at, kind) for at, _, kind in found}


def test_the_real_schedule_is_sound() -> None:
    """The checked-in roadmap has nothing but warnings about its example addresses."""
    schedule, problems = parsed(REAL)
    assert schedule is not None
    assert {"S212"} == {problem.code for problem in problems}
    course = schedule.courses["roadmap"]
    assert len(course.sequence) == 19
    assert len(course.numbers) == 16
    assert course.send.at == time(9)


def test_a_small_schedule_takes_the_defaults() -> None:
    """What is not written has a kind default."""
    schedule, problems = parsed(SMALL)
    assert problems == []
    assert schedule is not None
    course = schedule.courses["roadmap"]
    assert (course.min_gap, course.late, course.retention.left, course.send.days) == (2, 2, 30, ("tue",))


BROKEN = """courses:
  roadmap:
    titel: The Roadmap
    from: {name: "", email: letters.example.org}
    reply_to: hello@mydomain.net
    postal_address: 2024
    timezone: Europe/Lodnon
    send: {days: [tue, tuesday], at: 09:00, until: 23:00}
    allow: {days: [mon], from: "06:00", until: "22:00"}
    late: 2
    sending: {per_hour: 0, grow: fast}
    retention: {left: 0 days}
    program: {name: X, url: http://x.org}
    phases:
      - id: orient
        title: Bearings
        lessons:
          - {id: welcome, wait: 0 days, anytime: yes}
          - {id: loaded, wait: 3 dyas}
          - {id: loaded, wait: 1 day, anytime: true}
          - {id: Third_One, wait: 1 week, was: loaded}
          - {id: fourth, wait: 1 week, was: gone}
          - {id: fifth, wait: 1 week, was: gone}
          - {id: sixth}
          - seventh
      - id: orient
        title: Nothing
        lessons: []
    on_demand:
      - {id: fourth, mail_at_most_every: 750}
"""


def test_a_dozen_faults_show_in_one_run() -> None:
    """Every fault is told in one run, each at its own line and column, children that fail notwithstanding."""
    assert places_of(BROKEN) == [
        (2, 3, "S102"),
        (3, 5, "S101"),
        (4, 18, "S108"),
        (4, 29, "S211"),
        (6, 21, "S103"),
        (7, 15, "S203"),
        (8, 18, "S106"),
        (8, 52, "S204"),
        (10, 11, "S105"),
        (11, 25, "S108"),
        (11, 34, "S107"),
        (12, 23, "S215"),
        (13, 29, "S213"),
        (18, 50, "S103"),
        (19, 32, "S105"),
        (20, 18, "S201"),
        (20, 32, "S202"),
        (20, 39, "S214"),
        (21, 18, "S107"),
        (21, 48, "S209"),
        (23, 44, "S210"),
        (24, 13, "S102"),
        (25, 13, "S103"),
        (26, 9, "S208"),
        (26, 13, "S216"),
        (30, 14, "S201"),
        (30, 42, "S105"),
    ]


def test_every_fault_has_a_remedy() -> None:
    """No problem leaves the operator without a next step, and no schedule comes of it."""
    schedule, problems = parsed(BROKEN)
    assert schedule is None
    assert [problem for problem in problems if not problem.hint] == []
    hints = [problem.hint for problem in problems]
    assert "did you mean title?" in hints
    assert "did you mean Europe/London?" in hints


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("    phases:", "    phases: []\n    x:", (8, 5, "S207")),
        ("id: orient", "id: Orient", (9, 13, "S107")),
        ("wait: 3 days", "wait: 1 day", (13, 32, "S202")),
        ("wait: 3 days", "wait: 0 days", (13, 32, "S202")),
        ("wait: 3 days", "wait: 3 days, anyday: true}\n          - {id: extra, wait: 1 day", (14, 31, "S202")),
        ("id: second, wait: 3 days", "id: second, wait: 3", (13, 32, "S105")),
        ("timezone: Europe/London", "timezone: london", (7, 15, "S203")),
        ("timezone: Europe/London", "timezone: ../../etc/passwd", (7, 15, "S203")),
        ("    phases:", "    send: {until: 05:00}\n    phases:", (8, 19, "S204")),
        ("    phases:", "    send: {at: 20:30}\n    phases:", (8, 16, "S205")),
        ("    phases:", "    allow: {from: 09:30}\n    phases:", (8, 19, "S204")),
        ("    phases:", "    allow: {from: 22:30}\n    phases:", (8, 19, "S205")),
        ("    phases:", "    allow: {days: [mon]}\n    phases:", (8, 19, "S206")),
        ("    phases:", "    send: {at: 900}\n    phases:", (8, 16, "S104")),
        ("    phases:", "    send: {at: 9:00}\n    phases:", (8, 16, "S104")),
        ("    phases:", "    afterwards: [{id: booster, wait: 1 week, anytime: true}]\n    phases:", (8, 46, "S214")),
        ("    phases:", "    afterwards: [{id: third, wait: 1 week}]\n    phases:", (8, 23, "S201")),
        ("hello@letters.net", "hello@example.org", (5, 15, "S212")),
        ("hello@letters.net", "Sam <hello@letters.net>", (5, 15, "S211")),
        ("title: Bearings", "title:", (10, 15, "S103")),
        ("courses:", "curses:", (1, 1, "S101")),
    ],
)
def test_a_fault_has_its_place(before: str, after: str, place: tuple[int, int, str]) -> None:
    """Each kind of fault, alone, is found where it stands."""
    assert before in SMALL
    assert place in places_of(SMALL.replace(before, after, 1))


def test_the_first_lesson_needs_no_wait() -> None:
    """Nothing comes before the first letter, so its wait may be shorter than the gap."""
    assert places_of(SMALL.replace("wait: 0 days", "wait: 1 day")) == []


def test_a_second_later_letter_keeps_the_gap_too() -> None:
    """The letters afterwards are scheduled letters like all others."""
    text = SMALL.replace("    phases:", "    afterwards: [{id: a, wait: 8 weeks}, {id: b, wait: 1 day}]\n    phases:")
    assert places_of(text) == [(8, 56, "S202")]


@pytest.mark.parametrize(
    "text", ["", "a", "[]", "12", "courses:", "courses: []", "courses: {}", "courses: {a: }", "courses: {a: {}}", "{1: 2}"]
)
def test_nothing_much_is_a_problem(text: str) -> None:
    """A file with hardly anything in it gives a problem and no schedule."""
    schedule, problems = parsed(text)
    assert schedule is None
    assert problems


def test_only_the_words_of_the_file_are_known() -> None:
    """`from` is written `from`; the name it has in the program is not a key."""
    assert "S101" in {code for _, _, code in places_of(SMALL.replace("    from:", "    sender:"))}


@given(st.data())
def test_no_edit_of_the_real_schedule_raises(data: st.DataObject) -> None:
    """Whatever is cut, doubled or mistyped in the real schedule, it gives problems or a schedule, never a traceback."""
    text = REAL
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = (
            text[:start]
            + data.draw(
                st.sampled_from(
                    ["", "\n", " ", ":", "-", "{", "}", "[", "]", "'", "0", "x", "\t", "é", "null", "&a ", "*a", "<<: "]
                )
            )
            + text[end:]
        )
    schedule, problems = parsed(text)
    assert schedule is not None or problems


@given(st.randoms(use_true_random=False))
def test_no_value_in_any_place_raises(chance: random.Random) -> None:
    """Any plain value may stand in any place of the file."""
    document, _ = read_yaml(REAL, "schedules.yaml")
    path = chance.choice(sorted(document.marks.values, key=str))
    values = json.loads(json.dumps(document.values))
    here = values
    for step in path[:-1]:
        here = here[step]
    stranger: object = chance.choice(
        [None, True, 0, -1, 1.5, float("nan"), "", "x", [], [[]], {}, {"id": []}, [{"id": {}}], {3: 4}, "\ud800"]
    )
    if path:
        here[path[-1]] = stranger
    else:
        values = stranger
    parse_schedule(values, document.marks)


def test_the_schema_for_editors_is_fresh() -> None:
    """The checked-in schema is what `drip schema` prints."""
    written = (ROOT / "schedules.schema.json").read_text()
    assert written == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def test_the_schema_knows_what_the_schedule_is() -> None:
    """The real schedule is valid by it, and slips of an editor are not."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    values = read_yaml(REAL, "schedules.yaml")[0].values
    assert list(validator.iter_errors(values)) == []
    for before, after in (
        ("wait: 1 week", "wait: 7"),
        ('"09:00"', "900"),
        ("    from:", "    sender:"),
        ("min_gap: 2 days", "min_gap: two"),
    ):
        assert list(validator.iter_errors(read_yaml(REAL.replace(before, after, 1), "x")[0].values)), after


def test_every_default_of_the_schema_is_what_one_would_write() -> None:
    """A default in the schema is valid by the schema itself, and every field is described."""
    for name, model in json_schema()["$defs"].items():
        for key, field in model["properties"].items():
            assert field.get("description"), f"{name}.{key}"
            if field.get("default") is not None and "$ref" not in field:
                jsonschema.validate(field["default"], field | {"$defs": json_schema()["$defs"]})


@pytest.mark.parametrize("grow", ["fast", "1x daily", "0.5x daily", "12x daily", "1.5"])
def test_a_growth_that_does_not_grow_is_named_and_placed(grow: str) -> None:
    """The line and the column of the value, what is wrong with it, and how it is written."""
    text = SMALL.replace("    phases:", f"    sending: {{per_hour: 50, grow: {grow}}}\n    phases:", 1)
    schedule, (problem,) = parsed(text)
    assert (None, 8, 35, "S107") == (schedule, problem.line, problem.column, problem.code)
    assert problem.text.startswith("grow: ")
    assert problem.hint.endswith("such as 1.5x daily")
