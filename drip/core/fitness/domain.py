"""What the DNS says of the domains that letters come from: SPF, DKIM and DMARC, as mailboxes ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drip.core.finding import Finding, fine, unknown, wrong

DOMAIN = "Domain"

SELECTORS = ("s1", "s2")
"""The names under which SendGrid's domain authentication puts its keys; an operator may have chosen others."""

FREE_MAIL = frozenset(
    {
        "gmail.com",
        "googlemail.com",
        "yahoo.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "icloud.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
    }
)
"""Their owners tell mailboxes to refuse letters from them that came by somebody else."""

AUTHENTICATION = (
    "in SendGrid: Settings, Sender Authentication, Authenticate Your Domain; put the records that it shows into the DNS"
)


@dataclass(frozen=True, slots=True)
class Silence:
    """The DNS gave no answer to a question, which is no answer that there is nothing; *why* in a word."""

    why: str


Texts = Sequence[str] | Silence
"""The TXT records under a name, none when there is no such name; or silence."""


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """The records of one domain: its own texts, those of `_dmarc` by the domain that was asked, and DKIM keys by selector.

    *parents* are the domains that DMARC looks at, the domain itself first. *takes_mail* tells whether the domain of the
    answers has a mailbox; None where nobody could tell.
    """

    name: str
    door: str
    spf: Texts
    dmarc: Mapping[str, Texts] = field(default_factory=dict)
    dkim: Mapping[str, Texts] = field(default_factory=dict)
    reply_domain: str = ""
    takes_mail: bool | None = None


def domain(facts: DomainFacts) -> Iterator[Finding]:
    """Yield what is to be said of one domain; a DNS that does not answer is nobody's fault."""
    if facts.door == "sendgrid" and facts.name in FREE_MAIL:
        yield wrong(
            DOMAIN,
            f"letters come from {facts.name}, whose owner tells mailboxes to refuse what came by SendGrid",
            "write from a domain of your own: courses.….from in schedules.yaml",
        )
        return
    silent = [one.why for one in (facts.spf, *facts.dmarc.values(), *facts.dkim.values()) if isinstance(one, Silence)]
    if silent and isinstance(facts.spf, Silence):
        remedy = f"ask by hand from another machine: dig TXT {facts.name}, dig TXT _dmarc.{facts.name}"
        yield unknown(DOMAIN, f"{facts.name}: the DNS gave no answer ({silent[0]})", remedy)
        return
    yield from _spf(facts)
    yield from _dkim(facts)
    yield from _dmarc(facts)
    if facts.takes_mail is False:
        remedy = "set reply_to in schedules.yaml to an address that somebody reads"
        yield wrong(DOMAIN, f"{facts.reply_domain}, where answers go, takes no mail", remedy)


def _spf(facts: DomainFacts) -> Iterator[Finding]:
    if isinstance(facts.spf, Silence):
        yield unknown(DOMAIN, f"{facts.name}: its SPF record; the DNS gave no answer ({facts.spf.why})")
        return
    records = [text for text in facts.spf if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
    terms = [term.lower() for record in records for term in record.split()]
    if len(records) > 1:
        text = f"{facts.name} has {len(records)} SPF records, and mailboxes then heed none"
        yield wrong(DOMAIN, text, "make one of them: a single TXT record that begins with v=spf1")
    elif {"+all", "all"} & set(terms):
        text = f"{facts.name} lets every machine on the internet write in its name (+all in its SPF record)"
        yield wrong(DOMAIN, text, "end the record with ~all or -all")
    elif records:
        yield fine(DOMAIN, f"{facts.name} has an SPF record")
    elif facts.door == "sendgrid":
        # The envelope's address is em….domain, a name that only the account knows; the domain itself needs none for that.
        text = (
            f"{facts.name} has no SPF record of its own; SendGrid's stands under em….{facts.name}, which only the account shows"
        )
        yield unknown(DOMAIN, text, "in SendGrid: Settings, Sender Authentication: the domain must be Verified")
    else:
        text = f"{facts.name} has no SPF record: mailboxes cannot tell which machines may write in its name"
        yield wrong(DOMAIN, text, "add the TXT record that your mail server's provider names, such as v=spf1 include:… -all")


def _dkim(facts: DomainFacts) -> Iterator[Finding]:
    if facts.door != "sendgrid":
        yield unknown(
            DOMAIN,
            f"whether letters from {facts.name} are signed by DKIM: only your mail server knows under which name its key stands",
            "drip send-test to a mailbox of yours; its original must say dkim=pass, for this domain",
        )
        return
    keys = {selector: _key(texts) for selector, texts in facts.dkim.items()}
    there = [selector for selector, found in keys.items() if found]
    if there and all(keys.values()):
        yield fine(DOMAIN, f"{facts.name} has SendGrid's DKIM keys ({', '.join(there)})")
    elif None in keys.values():
        yield unknown(DOMAIN, f"{facts.name}: its DKIM keys; the DNS gave no answer", f"dig CNAME s1._domainkey.{facts.name}")
    elif there:
        missing = ", ".join(selector for selector in keys if selector not in there)
        text = (
            f"{facts.name} has one of SendGrid's two DKIM keys; {missing} is missing, and letters fail when it is that one's turn"
        )
        yield wrong(DOMAIN, text, AUTHENTICATION)
    else:
        text = (
            f"{facts.name} has no DKIM key under SendGrid's usual names ({', '.join(keys)}): Gmail and Yahoo refuse such letters"
        )
        yield wrong(DOMAIN, text, f"{AUTHENTICATION}. With names of your own: drip send-test, and look for dkim=pass")


def _key(texts: Texts) -> bool | None:
    """Return whether a DKIM key stands under a name; None when nobody answered."""
    if isinstance(texts, Silence):
        return None
    # An empty p= takes a key back (RFC 6376, 3.6.1).
    tags = (_tags(text) for text in texts)
    return any(found.get("p") for found in tags)


def _dmarc(facts: DomainFacts) -> Iterator[Finding]:
    for asked, texts in facts.dmarc.items():
        if isinstance(texts, Silence):
            yield unknown(DOMAIN, f"{facts.name}: its DMARC record; the DNS gave no answer ({texts.why})")
            return
        records = [found for text in texts if (found := _tags(text)).get("v") == "DMARC1"]
        if len(records) > 1:
            remedy = f"leave one of them at _dmarc.{asked}"
            yield wrong(DOMAIN, f"{asked} has {len(records)} DMARC records, and mailboxes then heed none", remedy)
            return
        if records:
            yield from _policy(asked, records[0], inherited=asked != facts.name)
            return
    remedy = f'a TXT record at _dmarc.{facts.name}: "v=DMARC1; p=none"; p=quarantine once letters pass'
    yield wrong(DOMAIN, f"{facts.name} has no DMARC record: Gmail and Yahoo ask for one of whoever writes to many", remedy)


def _policy(asked: str, record: Mapping[str, str], *, inherited: bool) -> Iterator[Finding]:
    policy = (record.get("sp") or record.get("p", "") if inherited else record.get("p", "")).lower()
    if policy in {"quarantine", "reject"}:
        where = "to spam" if policy == "quarantine" else "to nobody"
        yield fine(DOMAIN, f"{asked} has a DMARC record: what others write in its name goes {where}")
    elif policy == "none":
        yield fine(
            DOMAIN, f"{asked} has a DMARC record that asks for nothing (p=none); p=quarantine keeps others from using its name"
        )
    else:
        remedy = f'write it anew: "v=DMARC1; p=none" at _dmarc.{asked}'
        yield wrong(DOMAIN, f"the DMARC record of {asked} says no policy that is one", remedy)


def _tags(text: str) -> dict[str, str]:
    """Return the tags of a record such as `v=DMARC1; p=none`."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, mark, value in pairs if mark}


def asked_for_dmarc(name: str) -> list[str]:
    """Return the domains at which DMARC looks for a policy: the name itself, then what stands above it, at most four.

    The tree walk of DMARC: no list of public suffixes is needed, for they have no record of their own, or a good one.
    """
    labels = name.split(".")
    above = [".".join(labels[start:]) for start in range(1, len(labels) - 1)]
    return [name, *above[-3:]]
