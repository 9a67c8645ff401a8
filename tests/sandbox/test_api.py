"""The stand-in for SendGrid's API: what it refuses, accepts and reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox

Make = Callable[..., dict[str, Any]]

BAD_ADDRESSES = (
    "",
    "nobody",
    "a b@example.net",
    "two@@example.net",
    "ada@localhost",
    "ada@example",
    "á@example.net",
    ".a@example.net",
    f"{'a' * 65}@example.net",
)
RESERVED = (
    *("x-sg-id", "X-SG-EID", "received", "DKIM-Signature", "Content-Type", "content-transfer-encoding"),
    *("To", "From", "Subject", "Reply-To", "CC", "BCC"),
)


def fields_of(answer: urllib3.BaseHTTPResponse) -> list[str | None]:
    """Return the fields that a refusal names, after looking at its shape."""
    errors = json.loads(answer.data)["errors"]
    assert all({"message", "field", "help"} == set(each) and each["help"] is None and each["message"] for each in errors)
    return [each["field"] for each in errors]


# Acceptance ----------------------------------------------------------------------------------------------------------


def test_a_good_request_is_accepted(sandbox: Sandbox, letter: Make) -> None:
    """The answer is 202 with an empty body and a receipt, and the mail lies in the mailbox."""
    answer = sandbox.send(letter())

    assert (202, b"") == (answer.status, answer.data)
    assert ["Letter 1: Welcome"] == [mail.subject for mail in sandbox.store.mails(address="ada@example.net")]
    assert answer.headers["X-Message-Id"] == sandbox.store.mails()[0].message_id


def test_one_line_serves_many_requests(sandbox: Sandbox, letter: Make) -> None:
    """The connection is kept open, as a pooled client expects."""
    for _ in range(5):
        sandbox.send(letter())

    host = sandbox.pool.connection_from_url(sandbox.url)
    assert (1, 5) == (host.num_connections, host.num_requests)


def test_five_hundred_people_share_a_request(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """Each of them gets her own mail with her own values."""
    people = [person(f"p{n}@example.net", substitutions={"zNameTz": f"N{n}"}) for n in range(500)]

    assert 202 == sandbox.send(letter(*people, subject="For zNameTz")).status
    assert 500 == sandbox.store.counts().mails
    assert ["For N77"] == [mail.subject for mail in sandbox.store.mails(address="p77@example.net")]


def test_provider_side_sandbox_mode_keeps_nothing(sandbox: Sandbox, letter: Make) -> None:
    """A request in SendGrid's own sandbox mode is answered 200 and reaches nobody."""
    answer = sandbox.send(letter(mail_settings={"sandbox_mode": {"enable": True}}))

    assert (200, 0) == (answer.status, sandbox.store.counts().mails)


def test_substitution_reaches_subject_reply_to_and_both_bodies(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """The same raw value stands in all of them, and custom_args keep their tags."""
    ada = person("ada@example.net", "zNameTz", substitutions={"zNameTz": "<Ada>"})
    content = [{"type": "text/plain", "value": "Hi zNameTz"}, {"type": "text/html", "value": "<p>Hi zNameTz</p>"}]
    sandbox.send(letter(ada, subject="To zNameTz", reply_to={"email": "r@example.org", "name": "zNameTz"}, content=content))

    [mail] = sandbox.store.mails()
    assert ("To <Ada>", "Hi <Ada>", "<p>Hi <Ada></p>") == (mail.subject, mail.text, mail.html)
    assert ("<Ada> <r@example.org>", "zNameTz") == (mail.headers["Reply-To"], mail.delivery)


def test_substitution_does_not_nest(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """A tag inside a value stays as it is, and of two tags that begin alike the longer one wins."""
    ada = person("ada@example.net", substitutions={"zA": "zB", "zB": "two", "zAA": "three"})
    sandbox.send(letter(ada, subject="zA zB zAA"))

    assert "zB two three" == sandbox.store.mails()[0].subject


# Strictness ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "SG.another"])
def test_a_wrong_key_is_refused(sandbox: Sandbox, letter: Make, key: str | None) -> None:
    """Without the right bearer key the answer is 401 in SendGrid's shape."""
    answer = sandbox.send(letter(), key=key)

    assert (401, [None], 0) == (answer.status, fields_of(answer), sandbox.store.counts().mails)


def test_only_json_is_read(sandbox: Sandbox, letter: Make) -> None:
    """Another content type is refused, and so is a body that is not JSON."""
    assert 415 == sandbox.send(letter(), content_type="text/plain").status
    assert 202 == sandbox.send(letter(), content_type="application/json; charset=utf-8").status
    broken = sandbox.send(b'{"personalizations": [')
    assert (400, [None]) == (broken.status, fields_of(broken))
    assert 400 == sandbox.send([]).status


def test_unknown_keys_are_refused(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """A misspelt key is refused wherever it stands, and the place is named."""
    cases = {
        None: letter(subjct="x"),
        "personalizations.0": letter(person("ada@example.net", substitution={})),
        "personalizations.0.to.0": letter({"to": [{"email": "ada@example.net", "nam": "Ada"}]}),
        "content.0": letter(content=[{"type": "text/plain", "value": "x", "charset": "utf-8"}]),
        "tracking_settings": letter(tracking_settings={"click": {"enable": False}}),
        "tracking_settings.click_tracking": letter(tracking_settings={"click_tracking": {"enabled": False}}),
    }
    for field_name, payload in cases.items():
        answer = sandbox.send(payload)
        assert (400, [field_name]) == (answer.status, fields_of(answer))


def test_wrong_types_are_refused(sandbox: Sandbox, letter: Make) -> None:
    """A value of another type is refused by name; a number is not a truth value."""
    cases = {
        "subject": letter(subject=7),
        "headers": letter(headers=[]),
        "tracking_settings.click_tracking.enable": letter(tracking_settings={"click_tracking": {"enable": 0}}),
        "personalizations.0": letter("ada@example.net"),
    }
    for field_name, payload in cases.items():
        assert field_name in fields_of(sandbox.send(payload))


def test_a_request_needs_one_to_a_thousand_people(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """None, and a thousand and one, are refused; a thousand are accepted."""
    people = [person(f"p{n}@example.net") for n in range(1001)]

    for payload in (letter(personalizations=[]), letter(personalizations=None), letter(*people)):
        answer = sandbox.send(payload)
        assert (400, ["personalizations"]) == (answer.status, fields_of(answer))
    assert 202 == sandbox.send(letter(*people[:1000])).status


def test_an_address_may_stand_once_in_a_request(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """The same address in two personalizations refuses the request, whatever its letters' case."""
    answer = sandbox.send(letter(person("ada@example.net"), person("Ada@Example.net")))

    assert (400, ["personalizations.1.to"]) == (answer.status, fields_of(answer))


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_one_bad_address_refuses_everybody(sandbox: Sandbox, letter: Make, person: Make, address: str) -> None:
    """The refusal names the person, and nobody gets the letter."""
    answer = sandbox.send(letter(person("ada@example.net"), person(address)))

    assert (400, ["personalizations.1.to.0.email"]) == (answer.status, fields_of(answer))
    assert 0 == sandbox.store.counts().mails


def test_somebody_must_be_written_to(sandbox: Sandbox, letter: Make) -> None:
    """A missing or empty `to`, and one without an address, are refused."""
    assert ["personalizations.0.to"] == fields_of(sandbox.send(letter({"custom_args": {}})))
    assert ["personalizations.0.to"] == fields_of(sandbox.send(letter({"to": []})))
    assert ["personalizations.0.to.0.email"] == fields_of(sandbox.send(letter({"to": [{"name": "Ada"}]})))


@pytest.mark.parametrize("place", ["custom_args", "substitutions"])
@pytest.mark.parametrize("value", [7, None, True, ["x"], {"a": "b"}])
def test_values_are_strings(sandbox: Sandbox, letter: Make, person: Make, place: str, value: object) -> None:
    """Anything else gets a cryptic refusal that names no field."""
    answer = sandbox.send(letter(person("ada@example.net", **{"custom_args": {}, place: {"zATz": value}})))

    assert (400, [None]) == (answer.status, fields_of(answer))


@pytest.mark.parametrize("place", ["custom_args", "substitutions"])
def test_values_have_a_budget(sandbox: Sandbox, letter: Make, person: Make, place: str) -> None:
    """Ten thousand bytes a person are accepted and more are refused; characters outside ASCII count as their bytes."""
    for fill, status in (("x" * 9_980, 202), ("x" * 10_000, 400), ("é" * 5_100, 400)):
        answer = sandbox.send(letter(person("ada@example.net", **{"custom_args": {}, place: {"zATz": fill}})))
        assert status == answer.status
        if status == 400:
            assert [f"personalizations.0.{place}"] == fields_of(answer)


def test_there_are_at_most_150_substitutions(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """The hundred and fifty-first is refused."""
    tags = {f"z{n}Tz": "x" for n in range(151)}

    assert ["personalizations.0.substitutions"] == fields_of(sandbox.send(letter(person("a@example.net", substitutions=tags))))
    del tags["z0Tz"]
    assert 202 == sandbox.send(letter(person("a@example.net", substitutions=tags))).status


@pytest.mark.parametrize("tag", ["", "z a", "z<", "z>", "z&"])
def test_tags_are_plain(sandbox: Sandbox, letter: Make, person: Make, tag: str) -> None:
    """A tag that SendGrid's documents forbid is refused instead of being left unreplaced in a letter."""
    answer = sandbox.send(letter(person("ada@example.net", substitutions={tag: "x"})))

    assert ["personalizations.0.substitutions"] == fields_of(answer)


def test_bodies_are_present_in_order_and_not_empty(sandbox: Sandbox, letter: Make) -> None:
    """No body, an empty one, the same kind twice, and HTML before text are refused."""
    text, html = {"type": "text/plain", "value": "x"}, {"type": "text/html", "value": "<p>x"}

    assert ["content"] == fields_of(sandbox.send(letter(content=None)))
    assert ["content"] == fields_of(sandbox.send(letter(content=[])))
    assert ["content.1.value"] == fields_of(sandbox.send(letter(content=[text, {**html, "value": ""}])))
    assert ["content"] == fields_of(sandbox.send(letter(content=[html, text])))
    assert ["content"] == fields_of(sandbox.send(letter(content=[text, text])))
    assert 202 == sandbox.send(letter(content=[html])).status


@pytest.mark.parametrize("name", RESERVED)
def test_reserved_headers_are_refused(sandbox: Sandbox, letter: Make, person: Make, name: str) -> None:
    """Neither the request nor a person may set them."""
    assert [f"headers.{name}"] == fields_of(sandbox.send(letter(headers={name: "x"})))
    mine = sandbox.send(letter(person("ada@example.net", headers={name: "x"})))
    assert [f"personalizations.0.headers.{name}"] == fields_of(mine)


def test_list_headers_are_allowed(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """List-Id for all and List-Unsubscribe for one arrive as they were sent; a line break or a number is refused."""
    own = {"List-Unsubscribe": "<http://127.0.0.1/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    sandbox.send(letter(person("ada@example.net", headers=own), headers={"List-Id": "<letters.example.org>"}))

    assert own.items() | {("List-Id", "<letters.example.org>")} <= sandbox.store.mails()[0].headers.items()
    assert ["headers.X-A"] == fields_of(sandbox.send(letter(headers={"X-A": "b\r\nBcc: c"})))
    assert ["headers.X-A"] == fields_of(sandbox.send(letter(headers={"X-A": 1})))


def test_a_sender_is_needed(sandbox: Sandbox, letter: Make) -> None:
    """A missing or implausible sender is refused; reply_to is looked at too and stands alone."""
    assert ["from.email"] == fields_of(sandbox.send(letter(**{"from": None})))
    assert ["from.email"] == fields_of(sandbox.send(letter(**{"from": {"email": "Sam"}})))
    assert ["reply_to.email"] == fields_of(sandbox.send(letter(reply_to={"email": "Sam"})))
    assert ["reply_to"] == fields_of(sandbox.send(letter(reply_to_list=[{"email": "a@example.org"}])))


def test_a_subject_is_needed(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """A letter without one is refused unless each person has her own."""
    assert ["subject"] == fields_of(sandbox.send(letter(subject=None)))
    assert 202 == sandbox.send(letter(person("ada@example.net", subject="Yours"), subject=None)).status


def test_categories_are_few_and_different(sandbox: Sandbox, letter: Make) -> None:
    """Eleven, or the same twice, are refused."""
    assert ["categories"] == fields_of(sandbox.send(letter(categories=[f"c{n}" for n in range(11)])))
    assert ["categories"] == fields_of(sandbox.send(letter(categories=["a", "a"])))


@pytest.mark.parametrize("feature", ["template_id", "batch_id", "ip_pool_name"])
def test_what_is_not_played_is_refused(sandbox: Sandbox, letter: Make, feature: str) -> None:
    """A feature that the sandbox would ignore is refused, so that nobody builds on it unseen."""
    assert [feature] == fields_of(sandbox.send(letter(**{feature: "some-text"})))


def test_more_than_thirty_megabytes_are_refused_in_html(sandbox: Sandbox, letter: Make) -> None:
    """What stands before SendGrid's API answers 413 with a page, not with JSON."""
    answer = sandbox.send(letter(content=[{"type": "text/plain", "value": "x" * (30 * 1024 * 1024)}]))

    assert (413, "text/html") == (answer.status, answer.headers["Content-Type"].partition(";")[0])
    assert b"<center><h1>413 Request Entity Too Large</h1></center>" in answer.data


def test_every_fault_of_a_request_is_named(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """A refusal lists all that is wrong, each with its place."""
    answer = sandbox.send(letter(person("x"), person("y"), subject=None))

    assert ["subject", "personalizations.0.to.0.email", "personalizations.1.to.0.email"] == fields_of(answer)


def test_other_addresses_answer_like_the_provider(sandbox: Sandbox) -> None:
    """An unknown path is a 404 and a wrong method a 405, both in SendGrid's shape."""
    assert (404, [None]) == ((answer := sandbox.get("/v3/nothing")).status, fields_of(answer))
    assert (405, [None]) == ((answer := sandbox.get("/v3/mail/send")).status, fields_of(answer))


def test_erasure_is_taken_and_remembered(sandbox: Sandbox) -> None:
    """Up to 5,000 addresses are answered 202 with a job, and a test can see that they were named."""
    url = f"{sandbox.url}/v3/recipients/erasejob"
    headers = {"Authorization": "Bearer SG.sandbox.key"}

    answer = sandbox.pool.request("POST", url, json={"email_addresses": ["ada@example.net"]}, headers=headers)
    assert (202, ["job_id"]) == (answer.status, list(answer.json()))
    assert ["ada@example.net"] == sandbox.get("/sandbox/erasures").json()
    refused: list[dict[str, list[str]]] = [{"email_addresses": ["a@example.net"] * 5001}, {"email_addresses": []}, {}]
    for body in refused:
        assert 400 == sandbox.pool.request("POST", url, json=body, headers=headers).status
    assert 401 == sandbox.pool.request("POST", url, json={"email_addresses": ["ada@example.net"]}).status


def test_other_sites_and_names_are_kept_out(sandbox: Sandbox) -> None:
    """A press that comes from another site, and a host name that is not this machine's, are refused."""
    url = f"{sandbox.url}/sandbox/faults"

    assert 403 == sandbox.pool.request("POST", url, json=[], headers={"Sec-Fetch-Site": "cross-site"}).status
    assert 403 == sandbox.pool.request("POST", url, json=[], headers={"Origin": "http://evil.example"}).status
    assert 403 == sandbox.pool.request("GET", url, headers={"Host": "evil.example"}).status
    assert 200 == sandbox.pool.request("POST", url, json=[], headers={"Origin": sandbox.url}).status


# What tests look at --------------------------------------------------------------------------------------------------


def test_mails_are_listed_as_json(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """A test finds a mail by address, delivery or number, with its links and both instants."""
    sandbox.send(letter(person("ada@example.net", "d1"), person("bob@example.net", "d2")))

    [mail] = sandbox.get("/sandbox/mails?delivery=d1").json()
    assert ("ada@example.net", "d1", "Letter 1: Welcome") == (mail["address"], mail["delivery"], mail["subject"])
    assert [{"text": "Unsubscribe", "url": "http://127.0.0.1:8000/u/t0"}] == mail["links"]
    assert {"accepted_at", "calendar_at", "headers"} <= set(mail)
    assert ["d2"] == [each["delivery"] for each in sandbox.get(f"/sandbox/mails?after={mail['id']}").json()]
    assert [] == sandbox.get("/sandbox/mails?address=nobody@example.net").json()
    assert "Welcome. http://127.0.0.1:8000/u/t0" == sandbox.get(f"/sandbox/mails/{mail['id']}").json()["text"]
    assert 404 == sandbox.get("/sandbox/mails/99").status


def test_duplicates_are_counted(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """Two mails of one delivery are one duplicate; the counts name mails and people too."""
    sandbox.send(letter(person("ada@example.net", "d1")))
    sandbox.send(letter(person("ada@example.net", "d2")))
    assert 0 == sandbox.get("/sandbox/counts").json()["duplicates"]
    sandbox.send(letter(person("ada@example.net", "d1")))
    sandbox.send(letter(person("ada@example.net", "d1")))

    counts = sandbox.get("/sandbox/counts").json()
    assert (4, 1, 1) == (counts["mails"], counts["people"], counts["duplicates"])
    assert (4, 4, 0) == (counts["requests"], counts["accepted"], counts["waiting"])
