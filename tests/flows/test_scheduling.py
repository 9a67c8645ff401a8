"""Checking a whole project: schedule against letters, letters against blocks and references, and the renderer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from drip.core.project import Project
from drip.core.source import Source
from drip.errors import RenderFault
from drip.files import read_project
from drip.flows.scheduling import CheckResult, Editor, check
from drip.wiring import proofs

ROOT = Path(__file__).parents[2]
SOURCE = read_project(ROOT / "schedules.yaml", ROOT / "emails")


def edited(letters: dict[str, str | None], schedule: str = SOURCE.schedule_text) -> Source:
    """Return the real project with some letters changed, or gone where None."""
    texts = {path: text for path, text in {**SOURCE.letters, **letters}.items() if text is not None}
    return Source(schedule, texts)


def errors_of(result: CheckResult) -> list[tuple[str, int, int, str]]:
    """Return the place and code of each problem that is more than a warning."""
    return [(each.file, each.line, each.column, each.code) for each in result.problems if each.severity == "error"]


def test_the_real_project_is_sound() -> None:
    """The checked-in course has no errors; what a version keeps is checked the same way as files."""
    result = check(SOURCE)
    assert errors_of(result) == []
    assert result.is_sound
    assert result.schedule is not None
    assert result.project is not None
    assert set(result.schedule.courses["roadmap"].letter_ids) <= set(result.project.letters)


def test_a_project_carries_what_the_renderer_needs() -> None:
    """Bodies keep their lines, blocks are there, and references are lines by id."""
    project = check(SOURCE).project
    assert project is not None
    welcome = SOURCE.letters["orient/welcome.md"]
    assert project.files["orient/welcome.md"].count("\n") == welcome.count("\n")
    assert "_base/blocks/FX-CARE.md" in project.files
    assert project.references["R1"]["short"]
    assert project.front["orient/welcome.md"]["minutes"] == 2


def test_a_lesson_without_a_letter_is_found_in_the_schedule() -> None:
    """The place is the lesson's id, and the remedy the file to write."""
    result = check(edited({"unload/settle.md": None}))
    (problem,) = (each for each in result.problems if each.severity == "error")
    assert (problem.file, problem.code) == ("schedules.yaml", "L201")
    assert problem.hint == "write emails/unload/settle.md"
    assert "settle" in SOURCE.schedule_text.split("\n")[problem.line - 1][problem.column - 1 :]
    assert result.schedule is None


def test_a_reference_that_no_letter_cites_is_a_warning() -> None:
    """The place is its key; while a letter cannot be read nothing is said, since that one may cite it."""
    references = f"{SOURCE.letters['references.yaml']}\nR99:\n  short: Nobody, 2020\n"
    result = check(edited({"references.yaml": references}))
    (problem,) = (each for each in result.problems if each.code == "L213")
    assert (problem.file, problem.severity, problem.column) == ("emails/references.yaml", "warning", 1)
    assert references.split("\n")[problem.line - 1] == "R99:"
    broken = check(edited({"references.yaml": references, "unload/settle.md": "no front matter"}))
    assert "L213" not in {each.code for each in broken.problems}


def test_every_reference_of_the_real_course_is_cited() -> None:
    """The checked-in references hold nothing that no letter leans on."""
    assert "L213" not in {each.code for each in check(SOURCE).problems}


def with_line(checked_on: str) -> Source:
    """Return the real project with one helpline, checked on that day."""
    line = f'    helplines:\n      - {{country: GB, name: A line, number: "000 111", checked_on: {checked_on}}}\n'
    return replace(SOURCE, schedule_text=SOURCE.schedule_text.replace("    phases:", f"{line}    phases:", 1))


def test_helplines_are_looked_at_every_quarter() -> None:
    """After ninety days there is a warning, a day to come is an error, and both name the line; a live version has neither."""
    today = date(2026, 11, 30)
    editor = Editor(lambda _: {"roadmap": []}, today)

    def found(day: str) -> list[tuple[str, str]]:
        problems = check(with_line(day), editor=editor).problems
        return [(each.code, each.severity) for each in problems if each.code in {"S218", "S219"}]

    assert [] == found("2026-11-30") == found("2026-09-01")
    assert ([("S219", "warning")], [("S218", "error")]) == (found("2026-08-31"), found("2026-12-01"))
    (old,) = (each for each in check(with_line("2026-08-31"), editor=editor).problems if each.code == "S219")
    assert "'A line' was checked 91 days ago" in old.text
    assert with_line("2026-08-31").schedule_text.split("\n")[old.line - 1][old.column - 1 :].startswith("2026-08-31")
    assert check(with_line("2026-12-01")).is_sound


def test_a_helpline_that_makes_a_mail_too_long_is_a_warning() -> None:
    """The longest mails are measured with the longest helpline, which is fixed text: it never makes a letter an error."""
    editor = Editor(proofs, date(2026, 11, 30))
    words = "one two three four five six seven eight nine ten"
    short = with_line("2026-11-30")
    long = replace(short, schedule_text=short.schedule_text.replace("name: A line", f"name: {words}, hours: {words[:38]}"))
    whole = [each for each in check(long, editor=editor).problems if each.code == "R-WORDS"]
    assert whole
    assert all(each.severity == "warning" and "with a helpline" in each.text for each in whole)
    assert "R-WORDS" not in {each.code for each in check(SOURCE, editor=editor).problems}


def test_a_letter_may_lie_in_any_folder() -> None:
    """A letter is found by its id, so that moving a lesson to another phase moves no file."""
    assert check(edited({"unload/settle.md": None, "elsewhere/settle.md": SOURCE.letters["unload/settle.md"]})).is_sound


def test_a_misspelt_file_is_recognised() -> None:
    """A lesson without a letter beside a letter without a lesson: perhaps they belong together."""
    result = check(edited({"unload/settle.md": None, "unload/setle.md": SOURCE.letters["unload/settle.md"]}))
    assert [each.hint for each in result.problems if each.code == "L201"] == ["did you mean setle?"]
    assert [each.severity for each in result.problems if each.code == "L203"] == ["warning"]


def test_two_files_cannot_be_one_letter() -> None:
    """The second file is the fault, and it names the first."""
    result = check(edited({"widen/settle.md": SOURCE.letters["unload/settle.md"]}))
    assert errors_of(result) == [("emails/widen/settle.md", 1, 1, "L202")]


def test_names_must_exist() -> None:
    """References and blocks that are not there are found in the letter, with the nearest that is."""
    text = SOURCE.letters["orient/welcome.md"]
    text = text.replace("refs: [R12, R3]", "refs: [R12, R33]").replace('block("FX-CARE")', 'block("FX-CAER")')
    result = check(edited({"orient/welcome.md": text}))
    codes = [code for _, _, _, code in errors_of(result)]
    assert sorted(codes) == ["L204", "L205", "L206", "L206"]
    assert "did you mean FX-CARE?" in [each.hint for each in result.problems if each.code == "L205"]


def test_a_reference_needs_its_line_for_readers() -> None:
    """A reference without `short` is a fault at its id; without the file there is one fault, not fifty."""
    result = check(edited({"references.yaml": SOURCE.letters["references.yaml"] + "\nR99:\n  cite: Somebody\n"}))
    assert [code for _, _, _, code in errors_of(result)] == ["L211"]
    assert [code for _, _, _, code in errors_of(check(edited({"references.yaml": None})))] == ["L211"]


def test_a_missing_layout_or_system_letter_is_told() -> None:
    """No course runs without a confirmation."""
    result = check(edited({"_system/confirm.md": None, "_base/letter.txt": None}))
    assert errors_of(result) == [("emails/_base/letter.txt", 1, 1, "L212"), ("emails/_system/confirm.md", 1, 1, "L212")]


def test_a_lesson_cannot_take_the_name_of_a_system_letter() -> None:
    """A lesson called confirm would be the same letter to the database."""
    result = check(edited({}, SOURCE.schedule_text.replace("id: settle,", "id: confirm,")))
    assert "L202" in [code for _, _, _, code in errors_of(result)]


def test_faults_of_schedule_and_letters_show_together() -> None:
    """A broken schedule does not hide a broken letter, nor the other way round."""
    broken = edited(
        {"orient/welcome.md": "---\ntitle: [\n---\n"}, SOURCE.schedule_text.replace("wait: 3 days", "wait: 3 dyas", 1)
    )
    assert {"S105", "Y101"} == {code for _, _, _, code in errors_of(check(broken))}


def test_a_schedule_that_is_no_yaml_hides_no_letter() -> None:
    """Letters are checked by themselves, and none is called a stray because the schedule cannot be read."""
    result = check(edited({"orient/welcome.md": "Hello"}, "courses: ["))
    assert errors_of(result) == [("emails/orient/welcome.md", 1, 1, "L101"), ("schedules.yaml", 2, 1, "Y101")]
    assert "L203" not in {each.code for each in result.problems}


def test_what_could_not_be_read_is_told_once() -> None:
    """A letter that could not be read is not called missing as well, and its course is not sound."""
    whole = check(SOURCE)
    unread = replace(whole.problems[0], file="emails/unload/settle.md", code="F104", severity="error")
    letters = {path: text for path, text in SOURCE.letters.items() if path != "unload/settle.md"}
    result = check(Source(SOURCE.schedule_text, letters, (unread,)))
    assert [code for _, _, _, code in errors_of(result)] == ["F104"]
    assert not result.is_sound


def test_a_template_fault_is_a_problem_of_the_letter() -> None:
    """What the renderer reports is shown with the file's name and line, and makes the check fail."""

    def broken(project: Project) -> list[RenderFault]:
        return [RenderFault("orient/welcome.md", 27, "'nmae' is undefined")]

    result = check(SOURCE, render_check=broken)
    assert errors_of(result) == [("emails/orient/welcome.md", 27, 1, "L210")]
    assert ["did you mean name?"] == [one.hint for one in result.problems if one.code == "L210"]
    assert result.schedule is None


def test_letters_are_not_rendered_for_a_broken_schedule() -> None:
    """Numbers and neighbours come from the schedule, so without one the renderer is not asked."""

    def never(project: Project) -> list[RenderFault]:
        raise AssertionError

    assert not check(Source("courses: 1", SOURCE.letters), render_check=never).is_sound


def test_problems_name_the_files_the_operator_named() -> None:
    """With other paths on the command line the problems carry those."""
    result = check(Source("courses: 1", {"a/b.md": "x"}), schedule_file="my/plan.yaml", emails="my/mail")
    assert {"my/plan.yaml", "my/mail/a/b.md"} <= {each.file for each in result.problems}
