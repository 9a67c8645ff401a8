"""Trouble to order: each fault does to a client what SendGrid could do to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from drip import clock

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox

Make = Callable[..., dict[str, Any]]


def waiting(sandbox: Sandbox) -> int:
    """Return how many requests wait for an answer."""
    number: int = sandbox.get("/sandbox/counts").json()["waiting"]
    return number


def test_an_address_can_be_refused(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """`400-address` names the person's place in this very request, and only requests with her in it fail."""
    sandbox.order({"action": "400-address", "times": 2, "match": {"address": "Bob@example.net"}})

    assert 202 == sandbox.send(letter(person("ada@example.net"))).status
    for place, people in ((1, ["ada@example.net", "bob@example.net"]), (0, ["bob@example.net", "cy@example.net"])):
        answer = sandbox.send(letter(*map(person, people)))
        assert (400, f"personalizations.{place}.to.0.email") == (answer.status, answer.json()["errors"][0]["field"])
    assert 202 == sandbox.send(letter(person("bob@example.net"))).status
    assert 2 == sandbox.store.counts().mails


@pytest.mark.parametrize(
    ("action", "status", "field"),
    [
        ("400-all", 400, None),
        ("401", 401, None),
        ("403", 403, "from"),
        ("429", 429, None),
        ("500", 500, None),
        ("503", 503, None),
    ],
)
def test_a_request_can_be_refused(sandbox: Sandbox, letter: Make, action: str, status: int, field: str | None) -> None:
    """The refusal comes in SendGrid's shape and only as often as ordered; nothing was accepted."""
    sandbox.order({"action": action})

    answer = sandbox.send(letter())
    assert (status, field, 0) == (answer.status, answer.json()["errors"][0]["field"], sandbox.store.counts().mails)
    assert "X-RateLimit-Reset" not in answer.headers
    assert 202 == sandbox.send(letter()).status


def test_too_large_can_be_ordered(sandbox: Sandbox, letter: Make) -> None:
    """`413` answers with a page and not with JSON."""
    sandbox.order({"action": "413"})

    answer = sandbox.send(letter())
    assert (413, True) == (answer.status, answer.data.startswith(b"<html>"))


def test_a_rate_limit_can_say_when_it_ends(sandbox: Sandbox, letter: Make) -> None:
    """`429-reset` carries the unix second of the reset."""
    sandbox.order({"action": "429-reset", "seconds": 7})

    answer = sandbox.send(letter())
    assert 429 == answer.status
    assert 5 <= int(answer.headers["X-RateLimit-Reset"]) - clock.machine_now().timestamp() <= 9


def test_words_and_field_can_be_chosen(sandbox: Sandbox, letter: Make) -> None:
    """Spent credits are a 401 with other words, and a 400 may name what is the same for everybody."""
    sandbox.order(
        {"action": "401", "message": "Maximum credits exceeded"},
        {"action": "400-all", "field": "subject", "message": "Too dull."},
    )

    assert "Maximum credits exceeded" == sandbox.send(letter()).json()["errors"][0]["message"]
    assert {"message": "Too dull.", "field": "subject", "help": None} == sandbox.send(letter()).json()["errors"][0]


def test_a_server_error_may_have_accepted(sandbox: Sandbox, letter: Make) -> None:
    """With `accept` a 500 comes after the mail was stored: nobody can tell from outside."""
    sandbox.order({"action": "500", "accept": True})

    assert (500, 1) == (sandbox.send(letter()).status, sandbox.store.counts().mails)


@pytest.mark.parametrize(("action", "mails"), [("reset-before", 0), ("reset-after", 1)])
def test_the_line_can_be_cut(sandbox: Sandbox, letter: Make, action: str, mails: int) -> None:
    """The client meets a reset, not an orderly end; the mail was stored or not, as ordered, and the next request is served."""
    sandbox.order({"action": action})

    with pytest.raises(urllib3.exceptions.ProtocolError) as caught:
        sandbox.send(letter())
    assert isinstance(caught.value.args[1], ConnectionResetError)
    assert mails == sandbox.store.counts().mails
    assert 202 == sandbox.send(letter()).status


@pytest.mark.parametrize("accept", [False, True])
def test_the_provider_can_fall_silent(sandbox: Sandbox, letter: Make, *, accept: bool) -> None:
    """`hang` gives no answer until its seconds are over, and a client that waits shorter runs into its timeout."""
    sandbox.order({"action": "hang", "seconds": 30, "accept": accept})
    body = json.dumps(letter()).encode()
    headers = {"Authorization": "Bearer SG.sandbox.key", "Content-Type": "application/json"}

    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        sandbox.pool.request("POST", f"{sandbox.url}/v3/mail/send", body=body, headers=headers, timeout=0.3)
    assert int(accept) == sandbox.store.counts().mails
    deadline = clock.monotonic() + 5
    while waiting(sandbox) and clock.monotonic() < deadline:
        clock.wait(0.01)
    assert 0 == waiting(sandbox)


def test_silence_is_bounded(sandbox: Sandbox, letter: Make) -> None:
    """After its seconds a hanging request is cut off."""
    sandbox.order({"action": "hang", "seconds": 0.2})

    with pytest.raises(urllib3.exceptions.ProtocolError):
        sandbox.send(letter())


def test_an_answer_can_be_late(sandbox: Sandbox, letter: Make) -> None:
    """`delay` stores the mail at once and answers later, so that its events may come before the answer."""
    sandbox.order({"action": "delay", "seconds": 0.3})
    began = clock.monotonic()

    assert 202 == sandbox.send(letter()).status
    assert 0.3 <= clock.monotonic() - began
    [mail] = sandbox.store.mails()
    assert (clock.machine_now() - mail.accepted_at).total_seconds() >= 0.25


def test_rules_are_used_up_in_order(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """The first rule that matches acts; `times` null acts until the rules are cleared."""
    sandbox.order(
        {"action": "503", "match": {"delivery": "d9"}},
        {"action": "500"},
        {"action": "401", "times": None},
    )

    assert [500, 401, 401] == [sandbox.send(letter()).status for _ in range(3)]
    assert 503 == sandbox.send(letter(person("ada@example.net", "d9"))).status
    assert ["401"] == [rule["action"] for rule in sandbox.get("/sandbox/faults").json()]
    sandbox.pool.request("DELETE", f"{sandbox.url}/sandbox/faults")
    assert 202 == sandbox.send(letter()).status


def test_trouble_never_hides_strictness(sandbox: Sandbox, letter: Make) -> None:
    """A request that SendGrid would refuse anyway is refused, and uses no rule up."""
    sandbox.order({"action": "503"})

    assert (400, 401) == (sandbox.send(letter(subject=None)).status, sandbox.send(letter(), key="SG.another").status)
    assert 503 == sandbox.send(letter()).status


def test_a_misspelt_rule_is_refused(sandbox: Sandbox) -> None:
    """An unknown action or key is an error, not a quiet nothing."""
    for rule in ({"action": "404"}, {"action": "500", "time": 1}, {"action": "500", "times": 0}):
        answer = sandbox.pool.request("POST", f"{sandbox.url}/sandbox/faults", json=[rule])
        assert 422 == answer.status


def test_a_waiting_request_can_be_seen(sandbox: Sandbox, letter: Make) -> None:
    """While a request hangs it counts as waiting, so that a test can act in the middle of it."""
    sandbox.order({"action": "hang", "seconds": 30, "accept": True})
    body = json.dumps(letter()).encode()
    with urllib3.HTTPConnectionPool("127.0.0.1", int(sandbox.url.rpartition(":")[2])) as pool:
        connection = pool._get_conn()
        headers = {"Authorization": "Bearer SG.sandbox.key", "Content-Type": "application/json"}
        connection.request("POST", "/v3/mail/send", body=body, headers=headers)
        deadline = clock.monotonic() + 5
        while not waiting(sandbox) and clock.monotonic() < deadline:
            clock.wait(0.01)
        assert (1, 1) == (waiting(sandbox), sandbox.store.counts().mails)
        connection.close()
