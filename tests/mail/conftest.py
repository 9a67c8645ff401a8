"""The shipped course, read once for all tests of what its letters say."""

from __future__ import annotations

import pytest

from drip.core.project import Project, project_of
from drip.files import parse_source, read_project
from tests.installation import ROOT


@pytest.fixture(scope="session")
def roadmap() -> Project:
    """The shipped project; it has no errors."""
    project, problems = project_of(parse_source(read_project(ROOT / "schedules.yaml", ROOT / "emails")))
    assert project is not None, problems
    return project
