"""The console's one stylesheet and its one script, which is a file of ours."""

from __future__ import annotations

import hashlib
from importlib import resources

from fastapi import APIRouter, Response

_HERE = resources.files("drip.web").joinpath("static")

HTMX = "htmx-2.0.11.min.js"
_STYLE = _HERE.joinpath("console.css").read_bytes()
_HTMX = _HERE.joinpath("vendor", HTMX).read_bytes()

_KEPT = {"Cache-Control": "public, max-age=86400"}


def style_path(prefix: str) -> str:
    """Return where the stylesheet is, with a mark of what it holds."""
    return f"{prefix}/static/console.css?v={hashlib.sha256(_STYLE).hexdigest()[:12]}"


def script_path(prefix: str) -> str:
    """Return where the script is; its version stands in its name."""
    return f"{prefix}/static/{HTMX}"


def static_router() -> APIRouter:
    """Return both files."""
    router = APIRouter()

    @router.api_route("/static/console.css", methods=["GET", "HEAD"])
    def style() -> Response:
        return Response(_STYLE, media_type="text/css", headers=_KEPT)

    @router.api_route(f"/static/{HTMX}", methods=["GET", "HEAD"])
    def script() -> Response:
        return Response(_HTMX, media_type="text/javascript", headers=_KEPT)

    return router
