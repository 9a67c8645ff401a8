"""Whom a command is about: the address on its line as the keyed hash by which everything is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drip.wiring import Deployment


def key_of(address: str, deployment: Deployment) -> str:
    """Return the keyed hash of an address; raises UsageError, which does not repeat it, for what is none."""
    from drip.core.address import address_key, normal_address
    from drip.errors import UsageError

    try:
        return address_key(normal_address(address), deployment.suppression_key)
    except ValueError as fault:
        raise UsageError(str(fault)) from fault
