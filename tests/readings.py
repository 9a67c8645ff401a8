"""A deployment that reads equal files once for all tests of a process: to check and compile a course takes seconds."""

from __future__ import annotations

from functools import cached_property

from drip.core.plan import Edition
from drip.core.project import Project
from drip.errors import NotFound
from drip.files import read_project
from drip.mail.render import LetterBook
from drip.store import versions
from drip.store.versions import Version, digest_of
from drip.wiring import Deployment, Library, book_of, edition_of

_editions: dict[tuple[str, str], Edition] = {}
_projects: dict[str, Project] = {}
_books: dict[tuple[str, str, str], LetterBook] = {}


class ReadingOnce(Deployment):
    """A deployment whose files were checked, parsed and compiled by the first test that had the same ones.

    All of that follows from the files and the door alone. Files with faults are read anew each time.
    """

    @cached_property
    def library(self) -> Library:
        """The applied versions."""
        return _Readings(self.database, self.settings.base_url)

    def edition(self) -> Edition:
        """Return what the files say now."""
        source = read_project(self.settings.schedule, self.settings.emails)
        key = (self.settings.door, digest_of(source.schedule_text, source.letters))
        if key not in _editions:
            _editions[key] = super().edition()
        return _editions[key]


class _Readings(Library):
    """Versions from the database; what is made of their texts is shared by all databases that hold the same ones."""

    def book(self, version_id: int, course_id: str) -> LetterBook:
        with self._lock:
            if (version_id, course_id) not in self._books:
                project, version = self._project(version_id)
                key = (_digest(version), course_id, self._base_url)
                if key not in _books:
                    _books[key] = book_of(project, course_id, self._base_url)
                self._books[version_id, course_id] = _books[key]
            return self._books[version_id, course_id]

    def _project(self, version_id: int) -> tuple[Project, Version]:
        with self._lock:
            if version_id not in self._projects:
                with self._database.read() as connection:
                    version = versions.find(connection, version_id)
                if version is None:
                    raise NotFound(f"there is no version {version_id}")
                digest = _digest(version)
                if digest not in _projects:
                    _projects[digest] = edition_of(version).project
                self._projects[version_id] = (_projects[digest], version)
            return self._projects[version_id]


def _digest(version: Version) -> str:
    return digest_of(version.schedule_text, version.letters)
