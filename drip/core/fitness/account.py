"""What the provider's account looks like: whether the key works, what else it may do, and what is switched on there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drip.core.finding import Finding, fine, look, unknown, wrong

PROVIDER = "Provider"

NEEDED = "mail.send"
ERASURE = "recipients.erasejob.create"
CLEARING = "asm.suppressions.global.delete"
READING = "suppression.read"

POWERFUL = ("api_keys.", "billing.", "teammates.", "user.", "subusers.", "access_settings.")
"""What a key may never need: with these whoever finds it owns the account."""


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the provider answered. *trouble* is why it could not be asked, *refused* why it turned the key away, with *remedy*.

    *scopes* are what the key may do, None where the provider does not say. *tracking* are the switches of the account that
    watch people, by name, that are on; None where the key may not look.
    """

    door: str
    trouble: str = ""
    refused: str = ""
    remedy: str = ""
    scopes: Sequence[str] | None = None
    tracking: Sequence[str] | None = None


def provider(facts: AccountFacts) -> Iterator[Finding]:
    """Yield what is to be said of the provider."""
    name = {"sendgrid": "SendGrid", "smtp": "the mail server"}.get(facts.door, "the sandbox")
    if facts.trouble and facts.door == "sandbox":
        yield unknown(PROVIDER, "the sandbox does not run; it comes and goes with drip up", "drip up")
        return
    if facts.trouble:
        remedy = "letters wait and nobody loses one; see whether this machine reaches it, and its status page"
        yield wrong(PROVIDER, f"{name} does not answer: {facts.trouble}", remedy)
        return
    if facts.refused:
        yield wrong(PROVIDER, f"{name} turned us away: {facts.refused}", facts.remedy)
        return
    if facts.door == "smtp":
        yield fine(PROVIDER, "the mail server answers and takes the login")
        return
    yield from _scopes(facts.scopes, name)
    if facts.tracking is None:
        yield unknown(
            PROVIDER,
            "whether the account watches readers: this key may not look, and need not; each request switches it off",
            "in SendGrid: Settings, Tracking: switch all of it off there too",
        )
    elif facts.tracking:
        yield look(
            PROVIDER,
            f"the account watches readers ({', '.join(facts.tracking)}); each request of ours switches it off",
            "in SendGrid: Settings, Tracking: switch all of it off, for whatever else uses this account",
        )
    else:
        yield fine(PROVIDER, "the account watches nobody, and each request says so once more")


def _scopes(scopes: Sequence[str] | None, name: str) -> Iterator[Finding]:
    if scopes is None:
        yield unknown(
            PROVIDER, f"what the key may do: {name} does not say", "drip send-test LESSON ADDRESS shows whether it may send"
        )
        return
    if NEEDED not in scopes:
        remedy = "give it the permission Mail Send in SendGrid under Settings, API Keys"
        yield wrong(PROVIDER, f"{name} knows the key, and it may not send", remedy)
        return
    yield fine(PROVIDER, f"{name} knows the key, and it may send")
    missing = [
        words
        for scope, words in (
            (ERASURE, "ask for an erasure (Recipients Data Erasure)"),
            (CLEARING, "take somebody who is back off the list of unsubscribes (Suppressions)"),
            (READING, "read the lists for drip suppressions import --from-sendgrid (Suppressions, read)"),
        )
        if scope not in scopes
    ]
    if missing:
        remedy = "add these permissions to the key; what is not used may be left out"
        yield look(PROVIDER, f"the key may not {'; nor '.join(missing)}", remedy)
    strong = sorted({scope.partition(".")[0] for scope in scopes if scope.startswith(POWERFUL)})
    if strong:
        yield look(
            PROVIDER,
            f"the key may do far more than drip needs ({', '.join(strong)}): whoever finds it has the account",
            "make one with Mail Send, Suppressions and Recipients Data Erasure alone, and delete this one",
        )
