"""Domains: SPF, DKIM and DMARC as mailboxes read them; silence is no answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drip.core.fitness.domain import DomainFacts, Silence, asked_for_dmarc, domain
from tests.core.fitness.said import levels, only

NAME = "letters.example.net"
KEY = ["k=rsa; t=s; p=MIGfMA0GCSqG SIb3"]
SILENT = Silence("no answer in time")
SOUND = DomainFacts(
    NAME,
    "sendgrid",
    spf=["v=spf1 include:sendgrid.net -all", "something-else=1"],
    dmarc={NAME: ["v=DMARC1; p=quarantine"]},
    dkim={"s1": KEY, "s2": KEY},
    reply_domain=NAME,
    takes_mail=True,
)
SMTP = replace(SOUND, door="smtp", dkim={})


def test_a_domain_that_mailboxes_believe_is_fine() -> None:
    """All three records are there."""
    assert ["fine"] * 3 == levels(domain(SOUND))


def test_a_mail_server_of_ones_own_hides_its_key() -> None:
    """Under which name it stands only the server knows."""
    assert ["fine", "not known", "fine"] == levels(domain(SMTP))


@pytest.mark.parametrize(
    ("level", "facts", "words"),
    [
        ("wrong", replace(SOUND, name="gmail.com"), "whose owner tells mailboxes to refuse"),
        ("not known", replace(SOUND, spf=SILENT), "the DNS gave no answer (no answer in time)"),
        ("not known", replace(SOUND, spf=[]), "em….letters.example.net"),
        ("wrong", replace(SMTP, spf=[]), "no SPF record"),
        ("wrong", replace(SOUND, spf=["v=spf1 -all", "v=spf1 ~all"]), "2 SPF records"),
        ("wrong", replace(SOUND, spf=["v=spf1 +all"]), "lets every machine"),
        ("wrong", replace(SOUND, dkim={"s1": [], "s2": []}), "no DKIM key"),
        ("wrong", replace(SOUND, dkim={"s1": KEY, "s2": []}), "s2 is missing"),
        ("wrong", replace(SOUND, dkim={"s1": KEY, "s2": ["v=DKIM1; p="]}), "s2 is missing"),
        ("not known", replace(SOUND, dkim={"s1": KEY, "s2": SILENT}), "its DKIM keys"),
        ("wrong", replace(SOUND, dmarc={NAME: [], "example.net": []}), "has no DMARC record"),
        ("wrong", replace(SOUND, dmarc={NAME: ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}), "2 DMARC records"),
        ("wrong", replace(SOUND, dmarc={NAME: ["v=DMARC1; p=maybe"]}), "no policy that is one"),
        ("not known", replace(SOUND, dmarc={NAME: SILENT}), "its DMARC record"),
        ("wrong", replace(SOUND, takes_mail=False), "where answers go, takes no mail"),
    ],
)
def test_what_mailboxes_would_not_believe_is_named(level: str, facts: DomainFacts, words: str) -> None:
    """One finding at a time, whatever else is well."""
    found = list(domain(facts))
    assert level in levels(found)
    assert words in only(found, level).text


def test_a_domain_stands_under_the_policy_of_the_one_above() -> None:
    """What it says of those below it counts there."""
    above = replace(SOUND, dmarc={NAME: [], "example.net": ["v=DMARC1; p=none; sp=reject"]})
    assert "example.net has a DMARC record: what others write in its name goes to nobody" in [one.text for one in domain(above)]
    own = replace(SOUND, dmarc={NAME: ["v=DMARC1; p=none; sp=reject"]})
    assert any("asks for nothing" in one.text for one in domain(own))


def test_where_a_policy_is_looked_for() -> None:
    """From the name upwards, never at the top itself."""
    assert ["example.net"] == asked_for_dmarc("example.net")
    assert [NAME, "example.net"] == asked_for_dmarc(NAME)
    assert ["a.b.c.d.example.net", "c.d.example.net", "d.example.net", "example.net"] == asked_for_dmarc("a.b.c.d.example.net")
