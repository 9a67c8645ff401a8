"""What only the owner of the mailbox may do, by a link that was mailed to her today: take away, move elsewhere, erase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from drip.core.token import CHANGE, CHANGE_DAYS, MY
from drip.errors import UsageError
from drip.flows import exporting, forgetting, moving, requesting
from drip.flows.moving import Asked, Moved
from drip.flows.requesting import Requested
from drip.flows.showing import Shown
from drip.web.course import mailed_word, my_page, new_nonce
from drip.web.desk import Desk, Form, unstuck

FILE_NAME = "what-is-held.json"

ADDRESS_PAGES = {Asked.ON_ITS_WAY: "asked", Asked.SAME: "same", Asked.ENOUGH: "enough"}
"""How the page is called that says what became of a wish for another address."""


def own_router(desk: Desk) -> APIRouter:
    """Return the pages behind a fresh link, and the button that asks for one."""
    router = APIRouter()

    @router.api_route("/own/{token}", methods=["GET", "HEAD"])
    def own(token: str) -> Response:
        found = desk.find_own(token)
        if found is None:
            return desk.trouble(404)
        shown, old = found
        return my_page(desk, shown, own="" if old else unstuck(token), old=old)

    _add_fresh(router, desk)
    _add_mailed(router, desk)
    _add_data(router, desk)
    _add_address(router, desk)
    _add_change(router, desk)
    _add_moved(router, desk)
    _add_erase(router, desk)
    return router


def _page(desk: Desk, token: str, template: str, **values: Any) -> Response:  # noqa: ANN401 - the template's own
    """Return a page that only a fresh link opens; an old one leads to the button that asks for another."""
    found = desk.find_own(token)
    if found is None:
        return desk.trouble(404)
    shown, old = found
    if old:
        return _grown_old(desk, shown)
    return desk.person_page(template, shown, own=unstuck(token), **values)


def _grown_old(desk: Desk, shown: Shown) -> Response:
    return desk.person_page("fresh.html", shown, status=410, old=True, nonce=new_nonce())


def _add_fresh(router: APIRouter, desk: Desk) -> None:
    """Add the button that mails a fresh link to whoever has the mailbox."""
    deployment = desk.deployment

    @router.api_route("/my/{token}/fresh", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        return desk.person_page("barred.html" if shown.barred else "fresh.html", shown, old=False, nonce=new_nonce())

    @router.post("/my/{token}/fresh")
    def press(token: str, form: Form) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        nonce = form.get("nonce", "")
        came = requesting.link(deployment.database, deployment.library, shown.person.public_id, nonce=nonce)
        if came is Requested.NOTHING:
            return desk.trouble(400)
        return desk.lead(f"{desk.links(shown).my}/fresh/{mailed_word(came)}")


def _add_mailed(router: APIRouter, desk: Desk) -> None:
    """Add the pages that say what became of a fresh link."""

    def result(token: str, *, enough: bool) -> Response:
        shown = desk.find(MY, token)
        if shown is None:
            return desk.trouble(404)
        if shown.barred:
            return desk.person_page("barred.html", shown)
        return desk.person_page("mailed.html", shown, enough=enough, what="", count=requesting.LINKS_A_DAY)

    @router.api_route("/my/{token}/fresh/done", methods=["GET", "HEAD"])
    def done(token: str) -> Response:
        return result(token, enough=False)

    @router.api_route("/my/{token}/fresh/enough", methods=["GET", "HEAD"])
    def enough(token: str) -> Response:
        return result(token, enough=True)


def _add_data(router: APIRouter, desk: Desk) -> None:
    """Add what is held about her, to read and to take away."""
    database = desk.deployment.database

    @router.api_route("/own/{token}/data", methods=["GET", "HEAD"])
    def data(token: str) -> Response:
        found = desk.find_own(token)
        told = [] if found is None else exporting.account(database, desk.deployment.library, found[0].person.public_id)
        return _page(desk, token, "data.html", chapters=told)

    @router.api_route("/own/{token}/data.json", methods=["GET", "HEAD"])
    def download(token: str) -> Response:
        found = desk.find_own(token)
        if found is None:
            return desk.trouble(404)
        shown, old = found
        if old:
            return _grown_old(desk, shown)
        body = exporting.document(database, shown.person.public_id, made=shown.now.machine)
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
        return Response(body, media_type="application/json", headers=headers)


def _add_address(router: APIRouter, desk: Desk) -> None:
    """Add the form for another address; its answer is the same whether or not somebody has it already."""
    deployment = desk.deployment

    @router.api_route("/own/{token}/address", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        return _page(desk, token, "address.html", fault="", typed="")

    @router.post("/own/{token}/address")
    def ask(token: str, form: Form) -> Response:
        found = desk.find_own(token)
        if found is None:
            return desk.trouble(404)
        shown, old = found
        if old:
            return _grown_old(desk, shown)
        own, typed = unstuck(token), form.get("address", "")
        try:
            came = moving.ask(
                deployment.database,
                deployment.library,
                shown.person.public_id,
                typed,
                suppression_key=deployment.suppression_key,
            )
        except UsageError:
            fault = "This does not look like an email address. Please look at it once more."
            return desk.person_page("address.html", shown, status=422, own=own, fault=fault, typed=typed)
        if came is Asked.NOTHING:
            return desk.trouble(400)
        return desk.lead(f"{desk.links(shown, own).own}/address/{ADDRESS_PAGES[came]}")

    def result(came: Asked) -> Callable[[str], Response]:
        def shown(token: str) -> Response:
            return _page(desk, token, "address-asked.html", came=came.value)

        return shown

    for came, word in ADDRESS_PAGES.items():
        router.add_api_route(f"/own/{{token}}/address/{word}", result(came), methods=["GET", "HEAD"])


def _add_change(router: APIRouter, desk: Desk) -> None:
    """Add the page of the letter to the new address: one button, which moves her letters there."""
    deployment = desk.deployment

    @router.api_route("/change/{token}", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        change = _read_change(desk, token)
        if change is None:
            return desk.trouble(404)
        return (
            _button(desk, token)
            if moving.is_open(deployment.database, change)
            else desk.page("moved.html", came=Moved.OVER.value)
        )

    @router.post("/change/{token}")
    def move(token: str) -> Response:
        change = _read_change(desk, token)
        if change is None:
            return desk.trouble(404)
        person = moving.whose(deployment.database, change)
        if person is None:
            return desk.page("moved.html", came=Moved.OVER.value)
        came = moving.confirm(deployment.database, deployment.library, change, wait_seconds=desk.wait_seconds)
        if came is Moved.NOT_YET:
            return desk.page("not-yet.html", status=503, headers={"Retry-After": "60"})
        if came is Moved.MOVED:
            # No letter lies in the new mailbox yet that leads to her page, so this one does.
            return desk.lead(f"{desk.prefix}/my/{deployment.tokens.sign(MY, person)}/moved")
        return desk.lead(f"{desk.prefix}/change/{unstuck(token)}/done")


def _add_moved(router: APIRouter, desk: Desk) -> None:
    """Add the pages after that press."""
    deployment = desk.deployment

    @router.api_route("/change/{token}/done", methods=["GET", "HEAD"])
    def done(token: str) -> Response:
        change = _read_change(desk, token)
        if change is None:
            return desk.trouble(404)
        came = moving.standing(deployment.database, change)
        return _button(desk, token) if came is None else desk.page("moved.html", came=came.value)

    @router.api_route("/my/{token}/moved", methods=["GET", "HEAD"])
    def moved(token: str) -> Response:
        shown = desk.find(MY, token)
        return desk.trouble(404) if shown is None else desk.person_page("here.html", shown)


def _read_change(desk: Desk, token: str) -> str | None:
    """Return the change that a link names; None when it is forged or cut, '' once it has grown old."""
    found = desk.read_dated(CHANGE, token, days=CHANGE_DAYS)
    return None if found is None else "" if found[1] else found[0]


def _button(desk: Desk, token: str) -> Response:
    return desk.page("move.html", action=f"{desk.prefix}/change/{unstuck(token)}")


def _add_erase(router: APIRouter, desk: Desk) -> None:
    """Add the page that erases her, and says before what goes and what stays."""
    deployment = desk.deployment

    @router.api_route("/own/{token}/erase", methods=["GET", "HEAD"])
    def show(token: str) -> Response:
        return _page(desk, token, "erase.html")

    @router.post("/own/{token}/erase")
    def erase(token: str) -> Response:
        owner = desk.read_own(token)
        if owner is None:
            return desk.trouble(404)
        if owner.old:
            return desk.trouble(404) if owner.shown is None else _grown_old(desk, owner.shown)
        # Whoever presses twice may find nobody, or an erasure that still waits for a letter: both are for the flow to say.
        erasing = forgetting.erase(
            deployment.database, deployment.library, owner.public_id, source="my course", wait_seconds=desk.wait_seconds
        )
        if not erasing.acknowledged:
            return desk.page("erased.html", status=503, headers={"Retry-After": "60"}, acknowledged=False)
        if not erasing.known:
            return desk.page("erased.html", acknowledged=True)
        return desk.lead(f"{desk.prefix}/own/{unstuck(token)}/erase/done")

    @router.api_route("/own/{token}/erase/done", methods=["GET", "HEAD"])
    def erased(token: str) -> Response:
        owner = desk.read_own(token)
        # Our own hand signed it for somebody, and nobody is there any more.
        return desk.page("erased.html", acknowledged=True) if owner and owner.shown is None else show(token)
