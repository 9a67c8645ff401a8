"""The proxies' examples in the documentation: what they write down names nobody."""

from __future__ import annotations

import re
from pathlib import Path

OPERATING = (Path(__file__).parents[1] / "docs" / "operating.md").read_text("utf-8")

TELLING = ("request_uri", "uri", "document_uri", "request", "args", "query_string", "http_referer", "http_cookie", "request_body")
"""Variables of nginx that hold the address of a page, or what was typed into it."""


def example(language: str) -> str:
    """Return the one example in a language."""
    found = re.findall(rf"```{language}\n(.*?)```", OPERATING, re.DOTALL)
    assert 1 == len(found)
    return str(found[0])


def test_nginx_writes_no_address_of_a_page_and_nobodys_own() -> None:
    """Its only log has a format of its own, without the request and without whoever asked; the log of errors is off."""
    text = example("nginx")
    formats = dict(re.findall(r"log_format (\w+) '([^']*)'", text))
    logs = re.findall(r"access_log (\S+) (\w+);", text)
    assert [("/var/log/nginx/drip.log", "drip")] == logs
    assert 1 == text.count("access_log")
    variables = set(re.findall(r"\$(\w+)", formats["drip"]))
    assert set() == variables & {*TELLING, "remote_addr", "http_user_agent", "http_x_forwarded_for"}
    assert {"status", "request_method"} <= variables
    assert "error_log /dev/null" in text


def test_caddy_writes_nothing_at_all() -> None:
    """It logs requests only when told to, and the example does not tell it."""
    assert "log" not in example("caddyfile").split()
