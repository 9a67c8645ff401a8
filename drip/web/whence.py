"""From where somebody presses: the peer, or what a proxy that we trust says of it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request


class Whence:
    """Tells the network address of whoever presses; *trusted* are the proxies whose word counts."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Keep the addresses and networks of the proxies."""
        self._trusted = [ip_network(one) for one in trusted]

    def __call__(self, request: Request) -> str:
        """Return the address: the last one in `X-Forwarded-For` that is no proxy of ours, else the peer's."""
        peer = request.client.host if request.client else ""
        if not self._is_trusted(_address(peer)):
            return peer
        found = peer
        # From the right: each proxy writes at the end whom it saw, and anybody may have written what stands before.
        for said in reversed(",".join(request.headers.getlist("x-forwarded-for")).split(",")):
            address = _address(said)
            if address is None:
                return found
            found = str(address)
            if not self._is_trusted(address):
                return found
        return found

    def _is_trusted(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address as proxies write it, with or without a port; None when it is none."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
