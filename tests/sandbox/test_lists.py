"""SendGrid's lists on this machine: as strict as SendGrid, and read by the real client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from drip.errors import SettingsError, Unreachable
from drip.mail import sendgrid_lists
from drip.mail.lists import SENDGRID_LISTS
from drip.mail.sendgrid_lists import SendGridLists
from drip.sandbox.lists import FIELDS

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox

KEY = "SG.sandbox.key"


def put(sandbox: Sandbox, name: str, *addresses: str) -> int:
    """Put addresses on a list, the first of them longest ago, and return the status."""
    entries = [{"email": address, "created": 1_000 + number} for number, address in enumerate(addresses)]
    return sandbox.pool.request("POST", f"{sandbox.url}/sandbox/lists/{name}", json=entries).status


def ask(sandbox: Sandbox, path: str, key: str = KEY) -> tuple[int, object]:
    """Return status and answer of a question."""
    answer = sandbox.pool.request("GET", f"{sandbox.url}/v3/suppression/{path}", headers={"Authorization": f"Bearer {key}"})
    return answer.status, json.loads(answer.data)


def test_each_list_tells_what_sendgrid_tells(sandbox: Sandbox) -> None:
    """Newest first, with the fields of that list and no other."""
    for name, fields in FIELDS.items():
        assert 204 == put(sandbox, name, "ada@example.net", "bob@example.net")
        status, found = ask(sandbox, name)
        assert isinstance(found, list)
        assert (200, ["bob@example.net", "ada@example.net"]) == (status, [one["email"] for one in found])
        assert set(fields) == set(found[0])
    assert set(FIELDS) == {one.name for one in SENDGRID_LISTS}


def test_pages_and_spans(sandbox: Sandbox) -> None:
    """limit, offset, start_time, end_time and email, together."""
    put(sandbox, "bounces", *(f"p{number}@example.net" for number in range(10)))

    def told(query: str) -> list[str]:
        found = ask(sandbox, f"bounces?{query}")[1]
        assert isinstance(found, list)
        return [one["email"].partition("@")[0] for one in found]

    assert ["p9", "p8", "p7"] == told("limit=3")
    assert ["p6", "p5", "p4"] == told("limit=3&offset=3")
    assert ["p0"] == told("limit=3&offset=9")
    assert [] == told("offset=10")
    assert ["p4", "p3"] == told("start_time=1003&end_time=1004")
    assert ["p2"] == told("email=P2%40example.net")


@pytest.mark.parametrize("query", ["limit=501", "limit=0", "limit=x", "offset=-1", "page=2", "start_time="])
def test_what_sendgrid_would_refuse_is_refused(sandbox: Sandbox, query: str) -> None:
    """A parameter that it does not have, or a figure out of bounds."""
    status, answer = ask(sandbox, f"bounces?{query}")
    assert 400 == status
    assert isinstance(answer, dict)
    assert answer["errors"]


def test_a_stranger_is_told_nothing(sandbox: Sandbox) -> None:
    """A wrong key, and a list that there is not."""
    put(sandbox, "bounces", "ada@example.net")
    assert 401 == ask(sandbox, "bounces", key="SG.other")[0]
    assert 404 == ask(sandbox, "nonsense")[0]
    assert 404 == put(sandbox, "nonsense")


def test_the_real_client_reads_every_page(sandbox: Sandbox) -> None:
    """Each address once, with its instant."""
    addresses = [f"p{number}@example.net" for number in range(7)]
    put(sandbox, "spam_reports", *addresses)
    lists = SendGridLists(KEY, sandbox.url, page=3)
    pages = list(lists.entries("spam_reports"))
    lists.close()
    assert [3, 3, 1] == [len(page) for page in pages]
    assert sorted(addresses) == sorted(entry.address for page in pages for entry in page)
    assert all(entry.at is not None and 1970 == entry.at.year for page in pages for entry in page)
    assert "p1@" not in repr(pages)


def test_a_provider_that_does_not_answer_is_asked_so_often(sandbox: Sandbox) -> None:
    """Then the message says that nothing is lost; a key that is refused is not asked again, and never shown."""
    waited: list[float] = []
    lists = SendGridLists(KEY, sandbox.url, wait=waited.append)
    sandbox.order({"action": "503", "times": sendgrid_lists.TRIES_MAX})
    with pytest.raises(Unreachable, match="Run the same command again later"):
        list(lists.entries("bounces"))
    assert [1.0, 2.0, 3.0, 4.0] == waited
    sandbox.order({"action": "403", "times": 1, "message": f"no {KEY}"})
    with pytest.raises(SettingsError, match="permission Suppressions") as refused:
        list(lists.entries("bounces"))
    assert KEY not in str(refused.value)
    assert [] == [entry for page in lists.entries("bounces") for entry in page]
    lists.close()
