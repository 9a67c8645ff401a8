"""How often forms are taken, and from where somebody presses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from drip.sandbox.valkey import EmbeddedValkey
from drip.store.wishes import ENOUGH
from drip.web.caps import ADDRESS_A_DAY, NETWORK_AN_HOUR, PROVIDER_AN_HOUR, SITE_AN_HOUR, Caps, Over, networks_of
from drip.web.whence import Whence
from tests.installation import free_port
from tests.web.forms import JOIN, SMALL, fill_in, stored

if TYPE_CHECKING:
    from tests.web.conftest import Start

PROXY = {"DRIP_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis on a socket, as `drip up` starts it."""
    with EmbeddedValkey(tmp_path_factory.mktemp("caps")) as server:
        yield server.celery_url


def caps(url: str, per_hour: int = 1000, namespace: str = "t") -> Caps:
    """Return counts of their own."""
    return Caps(url, namespace=namespace, per_hour=per_hour, key=b"key")


@pytest.mark.parametrize("where", ["here", "redis"])
def test_each_count_fills_by_itself(where: str, request: pytest.FixtureRequest) -> None:
    """Three a day for an address, twenty an hour for a network, and so many in total; each says when to come back."""
    url = request.getfixturevalue("redis_url") if where == "redis" else ""
    counting = caps(url, namespace=f"each-{where}")
    found = [counting.count("Ada@example.net" if number % 2 else "ada@example.net", "") for number in range(ADDRESS_A_DAY + 1)]
    assert [None] * ADDRESS_A_DAY == found[:-1]
    assert found[-1] is not None
    assert Over.ADDRESS is found[-1].over
    network = [counting.count(f"p{number}@example.net", f"8.8.8.{number}") for number in range(NETWORK_AN_HOUR + 1)]
    assert [None] * NETWORK_AN_HOUR == network[:-1]
    assert network[-1] is not None
    assert (Over.NETWORK, True) == (network[-1].over, 3500 < network[-1].retry_seconds <= 3601)
    assert None is counting.count("else@example.net", "8.8.9.1")
    few = caps(url, per_hour=2, namespace=f"few-{where}")
    totals = [few.count(f"q{number}@example.net", "") for number in range(3)]
    assert totals[:2] == [None, None]
    assert totals[2] is not None
    assert Over.TOTAL is totals[2].over


def test_redis_holds_no_address(redis_url: str) -> None:
    """Only keyed hashes lie there, and they are gone after a day."""
    import redis

    counting = caps(redis_url, namespace="hashed")
    counting.count("ada@example.net", "8.8.8.8")
    assert counting.claim("ada@example.net")
    with redis.Redis.from_url(redis_url.replace("redis+socket", "unix").partition("?")[0]) as client:
        names = [bytes(name).decode() for name in client.scan_iter("*hashed*")]
        lives = [client.ttl(name) for name in names]
    assert 4 == len(names)
    assert not any(part in name for name in names for part in ("ada", "8.8", "example"))
    assert all(0 < int(one) <= 86_400 for one in lives)


def test_without_redis_this_process_counts_alone() -> None:
    """It says so once, does not ask again for a while, and still refuses the fourth."""
    counting = caps(f"redis://127.0.0.1:{free_port()}/0")
    begun = time.monotonic()
    with capture_logs() as lines:
        found = [counting.count("ada@example.net", "") for _ in range(4)]
    assert ([None] * 3, ["caps-alone"]) == (found[:3], [line["event"] for line in lines])
    assert found[3] is not None
    assert time.monotonic() - begun < 5


def test_a_redis_that_hangs_costs_a_second(tmp_path: Path) -> None:
    """A server that takes the connection and says nothing holds no page up."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        counting = caps(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = time.monotonic()
        with capture_logs():
            assert [None, None] == [counting.count(f"{name}@example.net", "") for name in "ab"]
        assert time.monotonic() - begun < 8


def test_a_name_is_claimed_once_a_day() -> None:
    """By one alone, until it is given back; another name is another's."""
    counting = caps("")
    assert [True, False, True] == [counting.claim(name) for name in ("a", "a", "b")]
    counting.give_back("a")
    assert [True, False] == [counting.claim(name) for name in ("a", "b")]


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("8.8.4.9", ["8.8.4.0/24"]),
        ("::ffff:8.8.4.9", ["8.8.4.0/24"]),
        ("2a00:1450:4001:80b:1::1", ["2a00:1450:4001:80b::/64", "2a00:1450:4001::/48", "2a00:1450::/32"]),
        ("127.0.0.1", []),
        ("10.1.2.3", []),
        ("fe80::1%eth0", []),
        ("", []),
        ("somewhere", []),
    ],
)
def test_the_networks_of_an_address(address: str, networks: list[str]) -> None:
    """A /24, or a /64 within a /48 within a /32; neighbours and proxies are not counted together."""
    assert networks == [str(one) for one in networks_of(address)]


@pytest.mark.parametrize(
    ("address", "others", "room"),
    [
        # Another /64 each time, all of one /48; another /48 each time, all of one /32.
        ("2a00:1450:4001:{:x}::1", "2a00:1450:4002::1", SITE_AN_HOUR),
        ("2a00:1450:{:x}::1", "2a00:1451::1", PROVIDER_AN_HOUR),
    ],
)
def test_many_small_networks_are_one_large_one(address: str, others: str, room: int) -> None:
    """Whoever has a network with thousands of networks in it fills the count of the large one; a neighbour has room."""
    counting = caps("")
    found = [counting.count(f"p{number}@example.net", address.format(number + 1)) for number in range(room + 1)]
    assert [None] * room == found[:-1]
    assert found[-1] is not None
    assert Over.NETWORK is found[-1].over
    assert None is counting.count("else@example.net", others)


class _Request:
    """What `Whence` asks of a request."""

    def __init__(self, peer: str, *forwarded: str) -> None:
        from starlette.datastructures import Headers

        self.client = type("Client", (), {"host": peer})() if peer else None
        self.headers = Headers(raw=[(b"x-forwarded-for", one.encode()) for one in forwarded])


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("8.8.8.8", ["1.1.1.1"], "8.8.8.8"),
        ("127.0.0.1", ["1.1.1.1, 9.9.9.9"], "9.9.9.9"),
        ("127.0.0.1", ["1.1.1.1", "9.9.9.9, 10.0.0.7"], "9.9.9.9"),
        ("127.0.0.1", ["9.9.9.9:4711"], "9.9.9.9"),
        ("127.0.0.1", ["[2a00:1450::1]:4711"], "2a00:1450::1"),
        ("127.0.0.1", ["<script>, 10.0.0.7"], "10.0.0.7"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["10.0.0.8"], "10.0.0.8"),
        ("", ["1.1.1.1"], ""),
    ],
)
def test_only_a_trusted_proxy_is_believed(peer: str, forwarded: list[str], found: str) -> None:
    """And of what it says the last address that is no proxy; whatever anybody wrote before it does not count."""
    assert found == Whence(["127.0.0.1", "10.0.0.0/8"])(_Request(peer, *forwarded))  # type: ignore[arg-type]


def test_a_full_network_is_a_calm_429_and_a_full_address_the_usual_answer(start: Start) -> None:
    """Others are taken meanwhile; the address in the proof is the one behind the proxy."""
    site = start(roadmap=False, schedule=SMALL, environment=PROXY)
    for number in range(NETWORK_AN_HOUR):
        answer = fill_in(site, email=f"p{number % 4}@example.net", headers={"X-Forwarded-For": "1.2.3.4, 8.8.8.8"})
        assert 303 == answer.status
    full = fill_in(site, email="more@example.net", headers={"X-Forwarded-For": "8.8.8.9"})
    assert 429 == full.status
    assert 3000 < int(full.headers["Retry-After"]) <= 3601
    assert b"go back" in full.data
    assert 303 == fill_in(site, email="else@example.net", headers={"X-Forwarded-For": "9.9.9.9"}).status
    kept = stored(site)
    assert 4 * ADDRESS_A_DAY + 1 == sum(row["kind"] != ENOUGH for row in kept)
    assert NETWORK_AN_HOUR + 1 == len(kept)
    assert {"8.8.8.8", "9.9.9.9"} == {row["network_address"] for row in kept}


def test_all_forms_together_have_a_bound(start: Start) -> None:
    """`DRIP_SIGN_UPS_PER_HOUR` counts the form, the page and old links alike."""
    site = start(roadmap=False, schedule=SMALL, environment={"DRIP_SIGN_UPS_PER_HOUR": "2"})
    *taken, full = [fill_in(site, path) for path in (JOIN, "/page", f"{JOIN}/embed")]
    assert [303, 303, 429] == [answer.status for answer in (*taken, full)]
    assert 2 == len(stored(site))
    # In the frame it is read, too.
    assert "frame-ancestors https://example.org" in full.headers["Content-Security-Policy"]
