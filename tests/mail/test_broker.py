"""A real Valkey, asked what it says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from drip.mail.broker import look
from drip.sandbox.valkey import EmbeddedValkey


@pytest.mark.slow
def test_what_a_server_says_of_itself(tmp_path: Path) -> None:
    """By the address that Celery uses: its version, and whether it throws hints away."""
    with EmbeddedValkey(tmp_path / "valkey") as server:
        found = look(server.celery_url, own=True)
        assert ("", "noeviction", False, False) == (found.trouble, found.policy, found.saving_failed, found.saves)
        assert found.version
        client = redis.Redis.from_url(server.url)
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "64mb")
        client.close()
        found = look(server.celery_url, own=True)
        assert ("allkeys-lru", 64 * 1024**2) == (found.policy, found.memory_max)
        assert found.memory > 0


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """The trouble is named by its kind; the address, which may hold a password, is not repeated."""
    for url in (f"redis+socket://{tmp_path}/no.sock?virtual_host=0", "redis://:secret@127.0.0.1:1/0", "sentinel://somewhere"):
        found = look(url, own=False)
        assert found.trouble
        assert "secret" not in found.trouble
