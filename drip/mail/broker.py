"""What the Redis that carries the hints says of itself."""

from __future__ import annotations

import contextlib
from typing import Any

import redis

from drip.core.fitness.server import RedisFacts
from drip.mail.rates import storage_url

SECONDS = 3.0


def look(url: str, *, own: bool) -> RedisFacts:
    """Return what the Redis at *url* says of itself; *own* marks the one that `drip up` brings. Never raises for a server."""
    address = storage_url(url).removeprefix("redis+") if url.startswith("redis+socket://") else url
    try:
        with contextlib.closing(
            redis.Redis.from_url(address, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, decode_responses=True)
        ) as server:
            server.ping()
            told: dict[str, Any] = dict(server.info())
    except redis.AuthenticationError:
        return RedisFacts(own, trouble="it refuses the password")
    except (redis.RedisError, ValueError, OSError) as trouble:
        # The message of a driver may hold the address, and with it a password.
        return RedisFacts(own, trouble=type(trouble).__name__)
    return RedisFacts(
        own,
        version=str(told.get("valkey_version") or told.get("redis_version", "")),
        policy=str(told.get("maxmemory_policy", "")),
        memory=int(told.get("used_memory", 0)),
        memory_max=int(told.get("maxmemory", 0)),
        saving_failed=told.get("rdb_last_bgsave_status") == "err" or told.get("aof_last_write_status") == "err",
        saves=bool(told.get("aof_enabled")) or int(told.get("rdb_saves", 0)) > 0,
    )
