"""What the DNS says of the domains that letters come from; a question that nobody answers soon is let go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from drip.core.fitness.domain import Silence, Texts

SECONDS = 2.0
"""How long one question may take."""


class Resolver(Protocol):
    """Answers questions about names; silence is an answer of its own and never an exception."""

    def texts(self, name: str) -> Texts:
        """Return the TXT records under a name, also where an alias leads to them; none when there is no such name."""
        ...

    def takes_mail(self, domain: str) -> bool | None:
        """Return whether mail to a domain has somewhere to go; None when nobody answers."""
        ...


class DnsResolver:
    """The resolver of this machine, or the one at *servers* and *port*; each question takes at most *seconds*.

    Once one was met by silence the others are not asked: an examination must not wait for each in turn.
    """

    def __init__(self, servers: Sequence[str] = (), *, port: int = 53, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._silent: Silence | None = None
        try:
            self._resolver = dns.resolver.Resolver(configure=not servers)
        except dns.exception.DNSException as trouble:  # No /etc/resolv.conf that could be read.
            self._resolver = dns.resolver.Resolver(configure=False)
            self._silent = Silence(type(trouble).__name__)
        if servers:
            self._resolver.nameservers = list(servers)
            self._resolver.port = port

    def texts(self, name: str) -> Texts:
        """Return the TXT records under a name, also where an alias leads to them; none when there is no such name."""
        found = self._asked(name, dns.rdatatype.TXT)
        if isinstance(found, Silence):
            return found
        return [b"".join(record.strings).decode("utf-8", "replace") for record in found or ()]

    def takes_mail(self, domain: str) -> bool | None:
        """Return whether mail to a domain has somewhere to go; None when nobody answers."""
        found = self._asked(domain, dns.rdatatype.MX)
        if isinstance(found, Silence):
            return None
        if found:
            # A single MX at the root says that the domain takes no mail (RFC 7505).
            return any(record.exchange != dns.name.root for record in found)
        # Without one, mail goes to the address of the domain itself (RFC 5321, 5.1).
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
            address = self._asked(domain, kind)
            if isinstance(address, Silence):
                return None
            if address:
                return True
        return False

    def _asked(self, name: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer | Silence | None:
        """Return the records of one kind under a name, None when there are none, or silence."""
        if self._silent is not None:
            return self._silent
        try:
            return self._resolver.resolve(f"{name}.", kind, lifetime=self._seconds, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        except dns.resolver.NoNameservers:
            # This name's own servers are broken; those of others may be well.
            return Silence("a broken answer")
        except dns.exception.DNSException as trouble:
            self._silent = Silence("no answer in time" if isinstance(trouble, dns.exception.Timeout) else type(trouble).__name__)
            return self._silent
        except (OSError, UnicodeError) as trouble:
            return Silence(type(trouble).__name__)
