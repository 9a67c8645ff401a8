"""The real client for what SendGrid keeps about an address, against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from drip.mail.directory import Declined, NoDirectory, NotNow, Told
from drip.mail.sendgrid_directory import SendGridDirectory

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox

KEY = {"Authorization": "Bearer SG.sandbox.key"}
ODD = "a+b/c?d#%e@example.net"
"""An address whose every letter must arrive as it is, in a path too."""


@pytest.fixture
def directory(sandbox: Sandbox) -> Iterator[SendGridDirectory]:
    """The client, pointed at the sandbox."""
    client = SendGridDirectory("SG.sandbox.key", base_url=sandbox.url, request_timeout_seconds=1.0)
    yield client
    client.close()


def unsubscribe(sandbox: Sandbox, *addresses: str) -> None:
    """Put addresses on the list of global unsubscribes."""
    url = f"{sandbox.url}/v3/asm/suppressions/global"
    assert 201 == sandbox.pool.request("POST", url, json={"recipient_emails": list(addresses)}, headers=KEY).status


def test_an_erasure_names_every_address(sandbox: Sandbox, directory: SendGridDirectory) -> None:
    """All of them in one request, as they are written."""
    assert Told() == directory.erase(["ada@example.net", ODD])
    assert ["ada@example.net", ODD] == sandbox.get("/sandbox/erasures").json()


def test_one_address_is_taken_off_the_list_of_unsubscribes(sandbox: Sandbox, directory: SendGridDirectory) -> None:
    """That one and no other; one that is not on the list is none the worse."""
    unsubscribe(sandbox, ODD, "bea@example.net")
    assert Told() == directory.clear(ODD)
    assert ["bea@example.net"] == sandbox.get("/sandbox/unsubscribed").json()
    assert Told() == directory.clear("nobody@example.net")


@pytest.mark.parametrize("what", ["erase", "clear"])
@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"action": "401"}, Declined),
        ({"action": "403"}, Declined),
        ({"action": "400-all"}, Declined),
        ({"action": "429"}, NotNow),
        ({"action": "429-reset", "seconds": 40}, NotNow),
        ({"action": "500"}, NotNow),
        ({"action": "503"}, NotNow),
        ({"action": "reset-before"}, NotNow),
        ({"action": "hang"}, NotNow),
        ({"action": "delay", "seconds": 0.1}, Told),
    ],
)
def test_each_trouble_is_told_apart(
    sandbox: Sandbox, directory: SendGridDirectory, rule: dict[str, Any], kind: type, what: str
) -> None:
    """What somebody must mend is declined with a remedy, all else is asked again; no address is in what was said."""
    sandbox.order(rule)
    answer = directory.erase(["ada@example.net"]) if what == "erase" else directory.clear("ada@example.net")
    assert isinstance(answer, kind), answer
    assert "ada@" not in repr(answer)
    assert "SG." not in repr(answer)
    if isinstance(answer, Declined):
        assert answer.remedy.endswith(".")
        assert (rule["action"] == "400-all") is answer.one_of_them
    if rule["action"] == "429-reset":
        assert isinstance(answer, NotNow)
        assert answer.retry_after_seconds is not None
        assert 30 < answer.retry_after_seconds <= 41
    assert Told() == directory.erase(["ada@example.net"])


def test_a_wrong_key_is_declined_with_the_remedy(sandbox: Sandbox) -> None:
    """It names the setting."""
    client = SendGridDirectory("SG.another", base_url=sandbox.url)
    answer = client.clear("ada@example.net")
    client.close()
    assert isinstance(answer, Declined)
    assert "SENDGRID_API_KEY" in answer.remedy


def test_nobody_at_the_address_is_not_now() -> None:
    """A server that does not answer is asked again."""
    client = SendGridDirectory("SG.sandbox.key", base_url="http://127.0.0.1:9", request_timeout_seconds=0.5)
    assert isinstance(client.erase(["ada@example.net"]), NotNow)
    client.close()


def test_the_stand_in_answers_like_the_provider(sandbox: Sandbox) -> None:
    """Other methods are a 405, what is no JSON a 415, a list of the wrong shape a 400, and strangers get a 401."""
    erasures, unsubscribes = f"{sandbox.url}/v3/recipients/erasejob", f"{sandbox.url}/v3/asm/suppressions/global"
    ask = sandbox.pool.request
    assert [405, 405] == [ask("GET", url, headers=KEY).status for url in (erasures, unsubscribes)]
    assert [415, 415] == [ask("POST", url, body=b"x", headers=KEY).status for url in (erasures, unsubscribes)]
    assert 400 == ask("POST", unsubscribes, json={"recipient_emails": "ada"}, headers=KEY).status
    assert 400 == ask("POST", erasures, body=b"{", headers=KEY | {"Content-Type": "application/json"}).status
    assert [401, 401] == [ask("POST", url, json={}).status for url in (erasures, unsubscribes)]
    assert 401 == ask("DELETE", f"{unsubscribes}/ada@example.net").status


def test_a_provider_that_cannot_be_asked_is_told_at_once() -> None:
    """Over SMTP nothing is left to do; the manual says what remains there."""
    assert (Told(), Told()) == (NoDirectory().erase(["ada@example.net"]), NoDirectory().clear("ada@example.net"))
