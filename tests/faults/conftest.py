"""One scene for each kind of database, used by one story after the other; a story that fails takes its scene with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.databases import Maker
from tests.faults.scene import Scene


class Stage:
    """Holds the scene of one kind of database while stories use it."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        """Build nothing yet."""
        self._factory = factory
        self._stack = ExitStack()
        self._scene: Scene | None = None
        self._kind: Maker | None = None

    def scene(self, databases: Maker) -> Scene:
        """Return the scene that stands, or a new one."""
        if self._scene is None or self._kind is not databases:
            self.clear()
            url = databases.migrated()
            self._stack.callback(databases.drop, url)
            self._scene = Scene(self._factory.mktemp("scene"), url, self._stack)
            self._kind = databases
        return self._scene

    def clear(self) -> None:
        """Stop everything that the scene started."""
        self._scene = None
        self._stack.close()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where scenes stand; the last one is taken down at the end."""
    found = Stage(tmp_path_factory)
    yield found
    found.clear()


@pytest.fixture
def scene(stage: Stage, databases: Maker, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A whole drip with one worker of two children and one beat, in which all is quiet."""
    failed_before = request.session.testsfailed
    found = stage.scene(databases)
    yield found
    found.faults.clear()
    found.orders.clear()
    if request.session.testsfailed > failed_before or not found.is_at_peace:
        stage.clear()
