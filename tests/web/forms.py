"""Filling in the forms for strangers, as a person would who needs a few seconds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from drip import clock
from drip.core.token import FORM
from drip.flows import asking
from drip.store.tables import deliveries, wishes
from tests.course import SCHEDULE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import urllib3

    from tests.web.conftest import Site

CONSENT = "Yes, please write to me. I agree that you keep my address & what it tells."
SIGN_UP = f"    sign_up:\n      consent: {CONSENT}\n      embed: [https://example.org]\n"
SMALL = SCHEDULE.replace("    phases:", f"{SIGN_UP}    phases:", 1)
"""The small course of the tests, open for everybody."""

JOIN = "/join/small"
GOOD = {"email": "sam@example.net", "name": "Sam", "zone": "Europe/Paris", "consent": "yes"}


def made(site: Site, path: str, seconds_ago: float = 10) -> str:
    """Return the token in the form at *path*, as if its page had been made so long ago."""
    [token] = re.findall(r'name="made" value="([^"]+)"', site.page(path))
    tokens, now = site.deployment.tokens, clock.machine_now()
    found = tokens.read_aged(FORM, token, now=now)
    assert found is not None
    return tokens.sign_dated(FORM, found[0], now=now - timedelta(seconds=seconds_ago))


def fill_in(
    site: Site,
    path: str = JOIN,
    typed: Mapping[str, str] | None = None,
    *,
    seconds_ago: float = 10,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> urllib3.BaseHTTPResponse:
    """Open the form at *path*, fill it in with `GOOD`, *typed* and *fields*, and press the button."""
    usual = GOOD if "join" in path else {"email": GOOD["email"]}
    values = {**usual, "made": made(site, path, seconds_ago), **(typed or {}), **fields}
    return site.post(path, values, **(headers or {}))


def stored(site: Site) -> list[dict[str, object]]:
    """Return the wishes that wait."""
    with site.deployment.database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(wishes.select().order_by(wishes.c.id))]


def work(site: Site) -> int:
    """Work off what waits, and hand over what comes of it."""
    deployment = site.deployment
    done = asking.work(deployment.database, deployment.library, suppression_key=deployment.suppression_key)
    site.run()
    return done


def letters(site: Site) -> list[str]:
    """Return the ids of all letters that were opened, in order."""
    with site.deployment.database.read() as connection:
        return [row.letter for row in connection.execute(deliveries.select().order_by(deliveries.c.id))]
