"""What tests of the flows share: the engine with a door that remembers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drip.wiring import Deployment
from tests.engine import Engine, engine_on


@pytest.fixture
def engine(deployment: Deployment) -> Iterator[Engine]:
    """The engine on the small course."""
    with engine_on(deployment) as found:
        yield found
