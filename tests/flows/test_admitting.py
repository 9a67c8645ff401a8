"""Admitting operators, and for how long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from drip.flows import admitting
from drip.flows.admitting import Secrets, Taken

if TYPE_CHECKING:
    from drip.store.session import Database
    from drip.wiring import Deployment

PASSWORD = "correct horse battery"
OLD, NEW = "a-key-that-signs-links", "another-key-that-signs"


@pytest.fixture
def database(deployment: Deployment) -> Database:
    """The database of a prepared deployment, with nobody who may log in."""
    return deployment.database


def test_two_at_once_by_one_name(database: Database) -> None:
    """One is admitted, the other is told."""

    def add(_: int) -> bool:
        try:
            admitting.add(database, "kim", PASSWORD, permission="look", by="a test")
        except Taken:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert [False, False, False, True] == sorted(pool.map(add, range(4)))
    assert ["kim"] == [one.name for one in admitting.listed(database)]


def test_sessions_live_while_keys_rotate(database: Database) -> None:
    """A new key changes nothing for those who are in; once the old one is taken out, they log in again."""
    admitting.add(database, "kim", PASSWORD, permission="send", by="a test")
    signed = admitting.log_in(database, Secrets([OLD]), "kim", PASSWORD)
    assert signed is not None
    assert admitting.find(database, Secrets([OLD, NEW]), signed.secret) is not None
    assert admitting.find(database, Secrets([NEW]), signed.secret) is None
    again = admitting.log_in(database, Secrets([OLD, NEW]), "kim", PASSWORD)
    assert again is not None
    assert admitting.find(database, Secrets([NEW]), again.secret) is not None


def test_a_password_has_one_spelling(database: Database) -> None:
    """Typed on a keyboard that composes its letters otherwise it is the same; in other capitals it is not."""
    admitting.add(database, "kim", "schöne lange Wörter", permission="look", by="a test")
    made = Secrets([OLD])
    assert admitting.log_in(database, made, " KIM", "scho\u0308ne lange Wo\u0308rter") is not None
    assert admitting.log_in(database, made, "kim", "Schöne lange Wörter") is None


def test_no_two_sessions_share_a_token(database: Database) -> None:
    """What stands in the forms of one is nothing to the other, and says nothing of the secret."""
    admitting.add(database, "kim", PASSWORD, permission="look", by="a test")
    made = Secrets([OLD])
    found = [admitting.log_in(database, made, "kim", PASSWORD) for _ in range(2)]
    tokens = {one.token for one in found if one is not None}
    assert 2 == len(tokens)
    assert not any(one.secret in one.token for one in found if one is not None)
