"""Chores: what the provider must still be told about an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.store.session import add_new
from drip.store.tables import chores

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection


def ask(
    connection: Connection,
    kind: str,
    *,
    address: str,
    address_key: str,
    subscriber_id: int | None,
    reason: str,
    now: datetime,
) -> None:
    """Store what the provider is to be told (`erase` or `clear`), once for each address; *now* is machine time."""
    row = {
        "kind": kind,
        "address": address,
        "address_key": address_key,
        "subscriber_id": subscriber_id,
        "reason": reason,
        "asked_at": now,
        "not_before": now,
    }
    add_new(connection, chores, [row])
