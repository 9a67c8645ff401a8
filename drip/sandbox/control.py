"""The sandbox's own addresses for tests: order trouble, count, and look into the mailbox as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from drip.errors import DripError
from drip.sandbox.faults import Faults, Rule
from drip.sandbox.mailbox import Mail, Mailbox

if TYPE_CHECKING:
    from drip.sandbox.api import Traffic
    from drip.sandbox.courier import Courier
    from drip.sandbox.timemachine import TimeMachine


def as_json(mail: Mail, *, whole: bool = False) -> dict[str, Any]:
    """Return *mail* as a plain value; with its bodies and its raw request when *whole*."""
    brief = {
        "id": mail.id,
        "address": mail.address,
        "delivery": mail.delivery,
        "message_id": mail.message_id,
        "subject": mail.subject,
        "links": [asdict(link) for link in mail.links],
        "headers": mail.headers,
        "accepted_at": mail.accepted_at.isoformat(),
        "calendar_at": mail.calendar_at.isoformat(),
    }
    return brief | ({"text": mail.text, "html": mail.html, "raw": mail.raw} if whole else {})


def control_router(store: Mailbox, *, faults: Faults, courier: Courier | None, traffic: Traffic) -> APIRouter:
    """Return the routes below /sandbox."""
    router = APIRouter(prefix="/sandbox")

    @router.post("/faults")
    def order(rules: list[Rule]) -> list[Rule]:
        faults.add(rules)
        return faults.left()

    @router.get("/faults")
    def left() -> list[Rule]:
        return faults.left()

    @router.delete("/faults")
    def clear() -> list[Rule]:
        faults.clear()
        return []

    @router.get("/mails")
    def mails(
        address: str | None = None,
        delivery: str | None = None,
        after: int = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> list[dict[str, Any]]:
        found = store.mails(address=address, delivery=delivery, after=after, limit=limit)
        return [as_json(mail) for mail in found]

    @router.get("/mails/{number}")
    def mail(number: int) -> dict[str, Any]:
        found = store.mail(number)
        if found is None:
            raise HTTPException(404)
        return as_json(found, whole=True)

    @router.get("/counts")
    def counts() -> dict[str, Any]:
        totals = asdict(store.counts())
        if courier is None:
            totals["unreported"] = 0
        return {
            **totals,
            "requests": traffic.requests,
            "accepted": traffic.accepted,
            "waiting": traffic.waiting,
            "webhook": "" if courier is None else courier.failure,
        }

    @router.get("/erasures")
    def erasures() -> list[str]:
        return store.erasures()

    return router


def time_router(time_machine: TimeMachine) -> APIRouter:
    """Return the route that goes to the next due moment and answers when its letters went."""
    router = APIRouter(prefix="/sandbox/time")

    @router.post("/step")
    def step() -> dict[str, str | None]:
        try:
            moment = time_machine.step()
        except DripError as trouble:
            raise HTTPException(503, str(trouble)) from trouble
        return {"moment": moment.isoformat() if moment else None}

    return router
