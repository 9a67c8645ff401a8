"""What the settings and the keys look like: contradictions, dangerous defaults, keys that are short or alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drip.core.finding import Finding, fine, look, unknown, wrong

SETTINGS, KEYS = "Settings", "Keys"

LENGTH_GOOD = 32
"""`drip keys` makes longer ones; less can be guessed by whoever has a letter and much patience."""

DIFFERENT_MIN = 10
"""A made key has more than so many different characters; typed ones often have not."""

KNOWN_SENDGRID = frozenset({"https://api.sendgrid.com", "https://api.eu.sendgrid.com"})


@dataclass(frozen=True, slots=True)
class SettingFacts:
    """What the environment says; no key stands here, only what is known of each.

    *files* are the modes of the files that hold settings, by the name of the setting; *folder* is the mode of the state
    folder, None where there is none yet.
    """

    faults: Sequence[str]
    given: int
    real: bool
    door: str
    sendgrid_url: str
    behind_proxy: bool
    trusts_proxies: bool
    files: Mapping[str, int] = field(default_factory=dict)
    folder: int | None = None


def settings(facts: SettingFacts) -> Iterator[Finding]:
    """Yield what is to be said of the settings."""
    for fault in facts.faults:
        what, _, remedy = fault.partition("; ")
        yield wrong(SETTINGS, what, remedy)
    if not facts.faults:
        count = {0: "none is given: all are the defaults", 1: "1 is given and known"}
        yield fine(SETTINGS, count.get(facts.given, f"{facts.given} are given; each is known, and they agree"))
    if facts.real:
        yield fine(SETTINGS, f"letters leave by {facts.door}, to real people")
    else:
        yield fine(SETTINGS, "no provider is set: letters go into the local mailbox, and nothing leaves this machine")
    if facts.real and facts.door == "sendgrid" and facts.sendgrid_url.rstrip("/") not in KNOWN_SENDGRID:
        yield look(
            SETTINGS,
            "DRIP_SENDGRID_URL is not one of SendGrid's own addresses: the key and every letter go there",
            "unset it, or set https://api.eu.sendgrid.com for an account in the EU",
        )
    if facts.real and facts.behind_proxy and not facts.trusts_proxies:
        yield look(
            SETTINGS,
            "DRIP_TRUSTED_PROXIES is not set: behind a proxy all sign-ups seem to come from one network, and are capped as one",
            "set it to your proxy's address, as 127.0.0.1; see Behind a proxy in docs/operating.md",
        )
    for name, mode in sorted(facts.files.items()):
        if mode & 0o007:
            yield look(SETTINGS, f"the file of {name} can be read by everybody on this machine", "chmod o= on that file")
    if facts.folder is not None and facts.folder & 0o077:
        yield look(
            SETTINGS,
            "the state folder is open to other users of this machine, and it holds addresses or keys",
            "chmod 700 on the folder that DRIP_STATE names (var by default)",
        )


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """How long each key is and of how many different characters; never the keys.

    *links* are those that sign links, the last of which signs; *shared* when the suppression key is one of them, *twice*
    when one stands there twice. *stamped* tells whether the suppression key is the one that the database was made with;
    None where nobody could look.
    """

    links: Sequence[tuple[int, int]]
    suppression: tuple[int, int] | None
    shared: bool
    twice: bool
    stamped: bool | None
    real: bool


def keys(facts: KeyFacts) -> Iterator[Finding]:
    """Yield what is to be said of the keys."""
    if not facts.links or facts.suppression is None:
        if not facts.real:
            yield unknown(KEYS, "there are no keys yet: the sandbox makes its own when it first starts", "drip up")
        return  # With a real provider the settings have said so.
    count = "1 key signs links" if len(facts.links) == 1 else f"{len(facts.links)} keys open links, the last of them signs"
    weak = [one for one in facts.links if _weak(one)]
    if weak:
        yield look(
            KEYS,
            f"{len(weak)} of the {len(facts.links)} keys for links are short or monotonous: links could be forged by guessing",
            "drip keys rotate, and see Changing the key for links in docs/operating.md",
        )
    else:
        yield fine(KEYS, f"{count}; long enough")
    if facts.twice:
        yield look(KEYS, "the same key for links stands in DRIP_SECRET_KEYS twice", "take one of the two out")
    if facts.shared:
        yield look(
            KEYS,
            "the suppression key is one of the keys for links, so whoever learns one has both",
            "drip keys rotate; the suppression key stays as it is, because who left is known by it alone",
        )
    if _weak(facts.suppression):
        yield look(
            KEYS,
            "the suppression key is short or monotonous: who has the database could find out by guessing who left",
            "before the first real letter: drip keys, with a fresh database. Afterwards keep it: who left is known by it alone",
        )
    if facts.stamped:
        yield fine(KEYS, "the suppression key is the one that the database was made with")
    elif facts.stamped is None:
        yield unknown(KEYS, "whether the suppression key is the database's own")
    else:
        yield wrong(
            KEYS,
            "DRIP_SUPPRESSION_KEY is not the one that the database was made with: nobody who left would be recognised",
            "set the old one back; nothing starts before",
        )


def _weak(key: tuple[int, int]) -> bool:
    length, different = key
    return length < LENGTH_GOOD or different < DIFFERENT_MIN
