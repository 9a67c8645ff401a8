"""The console: an operator's pages, each behind a login; what goes out is changed by those alone who may send."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends

from drip.web.caps import Caps
from drip.web.console.account import account_router
from drip.web.console.back import back_router
from drip.web.console.files import files_router
from drip.web.console.login import login_router
from drip.web.console.map import map_router
from drip.web.console.outcomes import outcomes_router
from drip.web.console.people import people_router
from drip.web.console.room import HOME, Entry, Room, Turned, in_console, turned
from drip.web.console.sender import sender_router
from drip.web.console.static import static_router
from drip.web.console.today import today_router
from drip.web.console.uncertain import uncertain_router
from drip.web.console.versions import versions_router
from drip.web.console.week import week_router
from drip.web.desk import Desk
from drip.web.whence import Whence

__all__ = ["HOME", "Turned", "console_router", "in_console", "static_router", "turned"]

ROOMS: tuple[tuple[str, str, Callable[[Room], APIRouter]], ...] = (
    ("Today", "", today_router),
    ("People", "/people", people_router),
    ("Map", "/map", map_router),
    ("Week", "/week", week_router),
    ("Outcomes", "/outcomes", outcomes_router),
    ("Uncertain", "/uncertain", uncertain_router),
    ("Files", "/files", files_router),
    ("Versions", "/versions", versions_router),
    ("Sender", "/sender", sender_router),
)
"""What the navigation shows, in its order: a title, the path below /console, and what makes the pages.

Each router has its whole path as its prefix, so that whoever lists the routes sees where they are.
"""


def console_router(desk: Desk, caps: Caps, whence: Whence) -> APIRouter:
    """Return all pages of the console; each press in it is looked at in one place before it reaches its page."""
    entries = [Entry(title, f"{desk.prefix}{HOME}{path}") for title, path, _ in ROOMS]
    room = Room(desk, caps, whence, entries)
    router = APIRouter(dependencies=[Depends(room.guard)])
    for make in (login_router, account_router, back_router, *(make for _, _, make in ROOMS)):
        router.include_router(make(room))
    return router
