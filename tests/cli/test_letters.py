"""`drip letters` as an operator and a clinician meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.installation import ROOT


def test_letters_lists_how_each_review_stands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line a letter, and what only a clinician may let pass; the JSON has a format."""
    monkeypatch.chdir(ROOT)
    code, out, _ = run("letters")
    assert 0 == code
    assert "  4  sleep-anchor          not reviewed\n" in out
    assert "gentle-movement       not reviewed; real people get it only when it is" in out
    found = json.loads(run("letters", "--json")[1])
    assert (1, 22) == (found["format"], len(found["letters"]))
    assert {"letter": "flare-kit", "number": None, "review": "missing", "only_reviewed": True, "draft": False}.items() <= (
        next(row for row in found["letters"] if row["letter"] == "flare-kit").items()
    )


def test_the_review_sheet_is_written(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--review` writes one page; a place that cannot be written is named."""
    monkeypatch.chdir(ROOT)
    assert 0 == run("letters", "--review", str(tmp_path / "sheet.html"))[0]
    assert "Review sheet: The Roadmap" in (tmp_path / "sheet.html").read_text(encoding="utf-8")
    code, _, err = run("letters", "--review", str(tmp_path / "no" / "sheet.html"))
    assert 1 == code
    assert "cannot be written" in err
