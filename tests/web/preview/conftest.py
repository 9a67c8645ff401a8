"""A preview of a copy of the real course, which the test may edit and break."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from drip.core.reader import SAMPLES, Reader
from drip.web.preview.bench import Bench, Sight
from drip.web.preview.pages import make_preview
from drip.web.preview.snapshot import Files
from drip.web.serve import serving

ROOT = Path(__file__).parents[3]
COURSE = "roadmap"
LETTER = "settle"


@dataclass
class Desk:
    """A bench with files that the test edits; it looks when it is told to."""

    bench: Bench
    files: Files

    @property
    def letter(self) -> Path:
        """The file of the letter that is edited."""
        return self.files.emails / "unload" / f"{LETTER}.md"

    def edit(self, before: str, after: str, path: Path | None = None) -> None:
        """Replace words in a file, and let the bench look."""
        path = path or self.letter
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        self.bench.look()

    def sight(self, reader: Reader = SAMPLES[0], *, full: bool = True) -> Sight:
        """Return the letter as it shows."""
        return self.bench.sight(COURSE, LETTER, reader, full=full)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A copy of the schedule and the letters."""
    shutil.copy(ROOT / "schedules.yaml", tmp_path / "schedules.yaml")
    shutil.copytree(ROOT / "emails", tmp_path / "emails")
    return Files(tmp_path / "schedules.yaml", tmp_path / "emails")


@pytest.fixture
def desk(files: Files) -> Desk:
    """A bench without threads."""
    return Desk(Bench(files), files)


@dataclass
class Preview(Desk):
    """Served pages over a bench."""

    url: str
    pool: urllib3.PoolManager

    def ask(self, path: str, method: str = "GET", **headers: str) -> urllib3.BaseHTTPResponse:
        """Ask for a path as it is written, and follow nothing."""
        return self.pool.request(method, self.url + path, headers=headers, redirect=False)

    def page(self, path: str = f"/letters/{COURSE}/{LETTER}", status: int = 200) -> str:
        """Return a page."""
        answer = self.ask(path)
        assert status == answer.status, answer.data
        return answer.data.decode()


@pytest.fixture
def preview(desk: Desk) -> Iterator[Preview]:
    """The pages, served on this machine; the bench looks when it is told to."""
    with serving(make_preview(desk.bench)) as url, urllib3.PoolManager(retries=False, timeout=20) as pool:
        yield Preview(desk.bench, desk.files, url, pool)
