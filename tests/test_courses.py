"""docs/courses.md makes a course, as it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from drip.core.plan import Edition, hazards_of, refusals_of
from drip.core.project import Project
from drip.files import read_project
from drip.flows import scheduling
from drip.mail.render.book import LetterBook
from tests.installation import ROOT, environment

BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"\A(?:# |<!-- )(?P<path>\S+)(?: -->)?\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which somebody did what the page says."""
    shutil.copytree(ROOT / "emails", tmp_path / "emails")
    shutil.copy(ROOT / "worker.py", tmp_path)
    blocks = [(match["kind"], match["text"]) for match in BLOCK.finditer((ROOT / "docs" / "courses.md").read_text())]
    subprocess.run(["/bin/sh", "-euc", blocks[0][1]], cwd=tmp_path, check=True)
    course = tmp_path / "bread"
    for kind, text in blocks[1:]:
        if kind != "sh":
            name = NAMED.match(text)
            assert name is not None, text
            file = course / name["path"]
            file.parent.mkdir(exist_ok=True)
            file.write_text(text if kind == "yaml" else text[name.end() :])
    return course


def edition(folder: Path) -> Edition:
    """Return the course in *folder* as it would be applied."""
    source = read_project(folder / "schedules.yaml", folder / "emails")
    result = scheduling.check(source)
    assert result.project is not None
    return Edition(result.project, source.schedule_text, source.letters)


def book_of(project: Project) -> LetterBook:
    """Return the letters of the course."""
    course = project.schedule.courses["bread"]
    return LetterBook(project.files, course, "https://bread.example", front=project.front, references=project.references)


def test_the_course_of_the_page_has_no_fault(folder: Path) -> None:
    """`drip check` is content with it and shows its two dates."""
    command = [sys.executable, "-m", "drip", "check", "--json"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (True, []) == (answer["ok"], answer["problems"])
    assert "bread" in done.stdout


def test_its_letters_say_nothing_of_another_course(folder: Path) -> None:
    """No clinician, no care list and no Roadmap in them; without a place to stop the short letter is the whole one."""
    book = book_of(edition(folder).project)
    assert [] == book.faults()
    for letter in ("hello", "flour"):
        rendered = book.render(letter)
        for word in ("clinician", "Roadmap", "fibromyalgia", "emergency"):
            assert word not in rendered.html + rendered.text
    assert "long strands" in book.render("flour").text
    assert "long strands" not in book.render("flour", full=False).text
    assert "Nothing more is needed today" in book.render("hello", full=False).text


def test_nobody_need_review_it(folder: Path) -> None:
    """Going live, it has no hazard for real people; the very same course with reviews has one for each letter."""
    today = date(2026, 11, 23)
    assert [] == hazards_of(None, edition(folder), (), real=True, today=today)
    assert [] == refusals_of(None, edition(folder), real=True, today=today)
    schedule = folder / "schedules.yaml"
    schedule.write_text("".join(line for line in schedule.read_text().splitlines(keepends=True) if "reviews:" not in line))
    names = [hazard.name for hazard in hazards_of(None, edition(folder), (), real=True, today=today)]
    assert ["unreviewed:flour", "unreviewed:hello"] == names
    assert "No clinician has checked" in book_of(edition(folder).project).render("hello").text
