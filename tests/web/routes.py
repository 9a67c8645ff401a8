"""Every route of the pages, as the application itself knows them: no test can forget a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fastapi import FastAPI
    from starlette.routing import BaseRoute


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and path of each route, those of included routers too."""
    return sorted(set(_among(app.routes)))


def _among(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Route):
            yield from ((method, route.path) for method in route.methods or ())
        else:
            inner = getattr(route, "original_router", None)
            assert inner is not None, "a route of a new kind, which this function must get to know"
            yield from _among(inner.routes)
