"""What SendGrid says of a key and its account, asked by the real client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from drip.mail.sendgrid_account import SendGridAccount

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox

KEY = "SG.sandbox.key"


@pytest.fixture
def account(sandbox: Sandbox) -> Iterator[SendGridAccount]:
    """The client, pointed at the sandbox."""
    client = SendGridAccount(KEY, base_url=sandbox.url, request_timeout_seconds=1.0)
    yield client
    client.close()


def test_a_key_that_works(account: SendGridAccount) -> None:
    """What it may do, that nothing watches, and what time it is there."""
    found = account.look()
    assert ("", "", ()) == (found.trouble, found.refused, found.tracking)
    assert "mail.send" in (found.scopes or ())
    assert found.now is not None
    assert timedelta(seconds=30) > abs(datetime.now(UTC) - found.now)


def test_a_key_that_is_not_known(sandbox: Sandbox) -> None:
    """It is turned away, and the remedy names the setting; the key is not repeated."""
    other = SendGridAccount("SG.another.key", base_url=sandbox.url, request_timeout_seconds=1.0)
    found = other.look()
    other.close()
    assert found.refused.startswith("401")
    assert "SENDGRID_API_KEY" in found.remedy
    assert "another" not in repr(found)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"action": "429"}, "trouble"),
        ({"action": "503"}, "trouble"),
        ({"action": "500"}, "trouble"),
        ({"action": "reset-before"}, "trouble"),
        ({"action": "hang", "seconds": 3}, "trouble"),
        ({"action": "401"}, "refused"),
        ({"action": "400-all"}, "refused"),
    ],
)
def test_trouble_is_an_answer(sandbox: Sandbox, account: SendGridAccount, rule: dict[str, Any], field: str) -> None:
    """Whatever the provider does, nothing is raised, and nothing is taken for a key that works."""
    sandbox.order(rule)
    found = account.look()
    assert getattr(found, field)
    assert None is found.scopes


def test_a_key_that_may_not_look_may_still_send(sandbox: Sandbox, account: SendGridAccount) -> None:
    """A 403 says nothing about sending."""
    sandbox.order({"action": "403"})
    found = account.look()
    assert ("", "", None) == (found.trouble, found.refused, found.scopes)


def test_what_is_no_sendgrid(sandbox: Sandbox) -> None:
    """An address where something else answers."""
    other = SendGridAccount(KEY, base_url=f"{sandbox.url}/elsewhere", request_timeout_seconds=1.0)
    found = other.look()
    other.close()
    assert "DRIP_SENDGRID_URL" in found.remedy
