"""Every address of the console, as the application itself knows them: no test can forget a new one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.web.routes import routes_of

if TYPE_CHECKING:
    from tests.web.conftest import Site

LOGIN = "/console/login"

FIELDS = {
    "reason": "a reason",
    "weeks": "1",
    "address": "sam@example.net",
    "course": "small",
    "password": "a wrong long password",
    "new-password": "another long password",
    "again-password": "another long password",
    "why": "the provider has it",
    "digest": "x",
}
"""Fields of every form at once, so that a press would change something if it were taken."""


def paths(site: Site, method: str, public_id: str) -> list[str]:
    """Return every address of the console that answers *method*, about one person."""
    found = [path for one, path in routes_of(site.app) if one == method and path.startswith("/console")]
    return [re.sub(r"{\w+(:\w+)?}", "1", path.replace("{public_id}", public_id)) for path in found]
