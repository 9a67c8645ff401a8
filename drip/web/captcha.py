"""The place for a riddle from elsewhere in the forms for strangers; off unless whoever serves the pages hands one in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
import urllib3
from markupsafe import Markup

SECONDS = 5.0

log = structlog.get_logger("drip.web")


class Captcha(Protocol):
    """What a riddle must bring.

    *widget* is its HTML, *sources* the addresses that its page may load scripts, styles and frames from: they are told
    who looks at the form, which is the price.
    """

    @property
    def widget(self) -> Markup:
        """What stands above the button."""
        ...

    @property
    def sources(self) -> tuple[str, ...]:
        """Such as `https://challenges.example.com`."""
        ...

    def passes(self, form: Mapping[str, str], network_address: str) -> bool:
        """Whether the riddle in a posted *form* was solved."""
        ...


@dataclass(frozen=True, slots=True)
class SiteVerify:
    """A riddle of the kind that several providers speak alike: the answer goes to *verify_url* with a *secret*.

    *field* is the field that the widget puts into the form. While the provider does not answer everybody passes: the
    honeypot, the minimum time and the counts are still there, and nobody ill is kept out by somebody else's outage.
    """

    widget: Markup
    sources: tuple[str, ...]
    field: str
    verify_url: str
    secret: str

    def passes(self, form: Mapping[str, str], network_address: str) -> bool:
        """Ask the provider."""
        answer = form.get(self.field, "")
        if not answer:
            return False
        fields = {"secret": self.secret, "response": answer, "remoteip": network_address}
        try:
            with urllib3.PoolManager(retries=False, timeout=SECONDS) as pool:
                said = pool.request("POST", self.verify_url, fields=fields, encode_multipart=False, redirect=False)
                found = json.loads(said.data) if said.status == 200 else None
        except (urllib3.exceptions.HTTPError, ValueError) as trouble:
            log.warning("captcha-unknown", why=type(trouble).__name__)
            return True
        if not isinstance(found, dict):
            log.warning("captcha-unknown", why="not understood")
            return True
        return found.get("success") is True
