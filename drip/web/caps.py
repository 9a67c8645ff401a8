"""How often forms for strangers are taken: per address, per network and in total, counted in Redis, else in this process."""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

import structlog
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from drip import clock
from drip.mail.rates import storage_url

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS_A_DAY = 3
NETWORK_AN_HOUR = 20
SITE_AN_HOUR = 60
PROVIDER_AN_HOUR = 200
NETWORKS = {4: ((24, NETWORK_AN_HOUR),), 6: ((64, NETWORK_AN_HOUR), (48, SITE_AN_HOUR), (32, PROVIDER_AN_HOUR))}
"""By version: how much of an address names a network, and how many forms an hour it may bring.

A /64 is what one customer usually has, a /48 what she may ask for, a /32 what a provider is given: whoever has many of the
one has few of the next.
"""

TRIES = 10
TRIES_MINUTES = 15
"""How many wrong passwords one network may bring for one name, and in how long."""
TRIES_AN_HOUR = 100
"""And how many all networks together: so many that nobody is kept out by somebody else's ten, and far too few to guess by."""

REDIS_SECONDS = 1.0
AWAY_SECONDS = 30.0
"""How long Redis is left alone once it did not answer."""

log = structlog.get_logger("drip.web")


class Over(StrEnum):
    """Which count is full."""

    ADDRESS = "address"
    NETWORK = "network"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Full:
    """A count that is full, and in how many seconds it takes the next one."""

    over: Over
    retry_seconds: int


class Caps:
    """Counts forms over moving windows; what it keeps of addresses is a keyed hash, for a day at most."""

    def __init__(self, redis_url: str, *, namespace: str, per_hour: int, key: bytes) -> None:
        """Count in the Redis at *redis_url* ('' for none), *per_hour* in total; hash with *key*."""
        self._url = storage_url(redis_url)
        self._namespace = f"{namespace}-forms"
        self._key = key
        self._total = RateLimitItemPerHour(per_hour, namespace=self._namespace)
        self._networks = {
            bits: RateLimitItemPerHour(an_hour, namespace=self._namespace)
            for steps in NETWORKS.values()
            for bits, an_hour in steps
        }
        self._address = RateLimitItemPerDay(ADDRESS_A_DAY, namespace=self._namespace)
        self._once = RateLimitItemPerDay(1, namespace=self._namespace)
        self._tries = RateLimitItemPerMinute(TRIES, TRIES_MINUTES, namespace=self._namespace)
        self._tries_in_all = RateLimitItemPerHour(TRIES_AN_HOUR, namespace=self._namespace)
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        self._away_until = 0.0

    def count(self, address: str, network_address: str) -> Full | None:
        """Count one form about *address* from somebody at *network_address*, and return which count is full, if any.

        A form that one count refuses is not counted by those after it.
        """
        counts: list[tuple[Over, RateLimitItem, str]] = [
            (Over.NETWORK, self._networks[one.prefixlen], str(one)) for one in networks_of(network_address)
        ]
        counts += [(Over.TOTAL, self._total, ""), (Over.ADDRESS, self._address, address.lower())]
        for over, item, what in counts:
            full = self._ask(partial(_hit, item, self._name(over, what)))
            if full:
                return Full(over, full)
        return None

    def count_try(self, name: str, network_address: str) -> int:
        """Count one try to log in as *name*, and return 0, or in how many seconds the next one is taken.

        While Redis does not answer, each process counts for itself: never without a bound.
        """
        networks = networks_of(network_address)
        counts: list[tuple[RateLimitItem, str]] = [
            (self._networks[one.prefixlen], self._name("try", str(one))) for one in networks
        ]
        counts += [(self._tries, self._pair(name, network_address)), (self._tries_in_all, self._name("try", name))]
        for item, key in counts:
            full = self._ask(partial(_hit, item, key))
            if full:
                return full
        return 0

    def forgive(self, name: str, network_address: str) -> None:
        """Forget the wrong tries of somebody who then knew the password."""
        pair = self._pair(name, network_address)

        def clear(limiter: MovingWindowRateLimiter) -> int:
            limiter.clear(self._tries, pair)
            return 0

        self._ask(clear)

    def _pair(self, name: str, network_address: str) -> str:
        """Return under what the tries of one network for one name are counted; a proxy that nobody named is one network."""
        networks = networks_of(network_address)
        return self._name("try", f"{name} {networks[0] if networks else network_address}")

    def claim(self, name: str) -> bool:
        """Take a name for a day; False when somebody has it."""
        hashed = self._name("once", name)
        return bool(self._ask(lambda limiter: limiter.hit(self._once, hashed)))

    def give_back(self, name: str) -> None:
        """Let a name be claimed again: what it was taken for has failed."""
        hashed = self._name("once", name)

        def clear(limiter: MovingWindowRateLimiter) -> int:
            limiter.clear(self._once, hashed)
            return 0

        self._ask(clear)

    def _name(self, kind: str, what: str) -> str:
        return f"{kind}/{hmac.digest(self._key, f'{kind}:{what}'.encode(), hashlib.sha256).hex()[:32]}"

    def _ask(self, question: Callable[[MovingWindowRateLimiter], int]) -> int:
        """Ask Redis; while it does not answer, ask what this process has counted by itself."""
        if self._url and clock.monotonic() >= self._away_until:
            try:
                return question(self._opened())
            except Exception as trouble:  # noqa: BLE001 - each storage has errors of its own
                self._away_until = clock.monotonic() + AWAY_SECONDS
                log.warning("caps-alone", why=type(trouble).__name__)
        return question(self._here)

    def _opened(self) -> MovingWindowRateLimiter:
        if self._shared is None:
            # A page must not hang with Redis.
            options = {"socket_timeout": REDIS_SECONDS}
            if "unix:" not in self._url:
                options["socket_connect_timeout"] = REDIS_SECONDS
            self._shared = MovingWindowRateLimiter(storage_from_string(self._url, **options))
        return self._shared


def _hit(item: RateLimitItem, name: str, limiter: MovingWindowRateLimiter) -> int:
    """Count one more under *name* and return 0, or the seconds until there is room."""
    if limiter.hit(item, name):
        return 0
    reset = limiter.get_window_stats(item, name).reset_time
    return max(1, math.ceil(reset - clock.machine_now().timestamp()))


def networks_of(address: str) -> list[IPv4Network | IPv6Network]:
    """Return the networks of a public address, the smallest first; none for one of this machine or house, as a proxy's is.

    Behind a proxy that is not named in the settings everybody has the proxy's address: they are not counted together.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return []
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if not found.is_global:
        return []
    return [ip_network((found, bits), strict=False) for bits, _ in NETWORKS[found.version]]
