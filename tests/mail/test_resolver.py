"""The DNS asked for real, over UDP on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence

from drip.core.fitness.domain import Silence
from drip.mail.resolver import DnsResolver
from tests.nameserver import nameserver

ZONE = {
    ("letters.example.net", "TXT"): ['"v=spf1 include:sendgrid.net" " -all"', '"other=1"'],
    ("s1._domainkey.letters.example.net", "CNAME"): ["s1.domainkey.u1.wl.sendgrid.net."],
    ("s1.domainkey.u1.wl.sendgrid.net", "TXT"): ['"k=rsa; p=MIGf"'],
    ("letters.example.net", "MX"): ["10 mail.example.net."],
    ("nomail.example.net", "MX"): ["0 ."],
    ("bare.example.net", "A"): ["192.0.2.1"],
    ("nothing.example.net", "TXT"): ['"hello"'],
}


def texts(resolver: DnsResolver, name: str) -> Sequence[str]:
    """Return the texts under a name that somebody answered for."""
    found = resolver.texts(name)
    assert not isinstance(found, Silence)
    return found


def test_texts_are_read_whole_and_through_an_alias() -> None:
    """Parts of one record are one text, and a CNAME of SendGrid's leads to its key; no such name is no text."""
    with nameserver(ZONE) as (port, _):
        resolver = DnsResolver(["127.0.0.1"], port=port)
        assert ["other=1", "v=spf1 include:sendgrid.net -all"] == sorted(texts(resolver, "letters.example.net"))
        assert ["k=rsa; p=MIGf"] == resolver.texts("s1._domainkey.letters.example.net")
        assert [] == resolver.texts("s2._domainkey.letters.example.net")
        assert [] == resolver.texts("bare.example.net")


def test_whether_mail_has_somewhere_to_go() -> None:
    """An MX, or an address without one; a null MX says no, and so does a name that is not there."""
    with nameserver(ZONE) as (port, _):
        resolver = DnsResolver(["127.0.0.1"], port=port)
        found = {name: resolver.takes_mail(f"{name}.example.net") for name in ("letters", "bare", "nomail", "nothing", "gone")}
    assert {"letters": True, "bare": True, "nomail": False, "nothing": False, "gone": False} == found


def test_silence_is_waited_for_once() -> None:
    """After one question without an answer the rest is silence too, at once."""
    with nameserver(ZONE, silent=True) as (port, asked):
        resolver = DnsResolver(["127.0.0.1"], port=port, seconds=0.3)
        begun = time.monotonic()
        assert Silence("no answer in time") == resolver.texts("letters.example.net")
        assert Silence("no answer in time") == resolver.texts("_dmarc.letters.example.net")
        assert None is resolver.takes_mail("letters.example.net")
        assert 3.0 > time.monotonic() - begun
    assert {"letters.example.net"} == set(asked)


def test_a_broken_answer_is_silence_about_that_name_alone() -> None:
    """Its own servers fail; others may be well."""
    with nameserver(ZONE, broken=True) as (port, asked):
        resolver = DnsResolver(["127.0.0.1"], port=port)
        assert Silence("a broken answer") == resolver.texts("letters.example.net")
        assert Silence("a broken answer") == resolver.texts("bare.example.net")
    assert "bare.example.net" in asked


def test_nobody_listens() -> None:
    """A port where nothing is, and a name that is none, are silence and no trouble."""
    with nameserver(ZONE) as (port, _):
        pass
    resolver = DnsResolver(["127.0.0.1"], port=port, seconds=0.3)
    assert isinstance(resolver.texts("letters.example.net"), Silence)
    assert isinstance(DnsResolver(["127.0.0.1"], port=port, seconds=0.3).texts("a..b"), Silence)
