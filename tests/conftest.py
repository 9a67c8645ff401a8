"""What tests of every floor share: programs that may be missing on a machine, and how a test asks for them."""

from __future__ import annotations

import os
import shutil

import pytest


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
