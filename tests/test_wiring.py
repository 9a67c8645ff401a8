"""Wiring: a deployment is prepared once, whoever starts first, and never at the wrong door."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from drip.core.schedule import Schedule
from drip.errors import NotFound, ProblemsFound, SettingsError, WrongDoor
from drip.store.tables import versions
from drip.wiring import Deployment, require_own_addresses
from tests.conftest import Prepare


def test_files_become_the_first_version_once(prepare: Prepare) -> None:
    """A second start finds them live; changed files are told apart and do not go live by themselves."""
    deployment = prepare()
    assert deployment.prepare()
    changed = prepare(changed={"references.yaml": "# new\n{}\n"})
    assert not changed.prepare()
    with deployment.database.read() as connection:
        assert 1 == connection.execute(sa.select(sa.func.count()).select_from(versions)).scalar()


def test_broken_files_become_no_version(prepare: Prepare) -> None:
    """Every problem is told and nothing is live."""
    with pytest.raises(ProblemsFound, match="hello"):
        prepare(changed={"one/hello.md": "no front matter"})


def test_the_other_door_is_refused(prepare: Prepare) -> None:
    """A database of the sandbox is never used with a provider."""
    prepare()
    with pytest.raises(WrongDoor, match="sandbox"):
        prepare(environment={"SENDGRID_API_KEY": "SG.key", "DRIP_BASE_URL": "https://letters.example.net"})


def test_three_that_start_at_once_publish_one_version(deployment: Deployment, prepare: Prepare) -> None:
    """Web, worker and beat may all prepare an empty database."""
    with deployment.database.write() as connection:
        connection.execute(sa.text("DELETE FROM courses"))
        connection.execute(sa.text("DELETE FROM versions"))
        connection.execute(sa.text("DELETE FROM stamp"))
    troubles: list[Exception] = []
    barrier = threading.Barrier(3)

    def start() -> None:
        other = Deployment(deployment.settings)
        barrier.wait()
        try:
            other.prepare()
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            troubles.append(trouble)
        other.database.dispose()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == troubles
    with deployment.database.read() as connection:
        assert 1 == connection.execute(sa.select(sa.func.count()).select_from(versions)).scalar()


def test_a_version_is_parsed_once_and_an_unknown_one_is_not_found(deployment: Deployment) -> None:
    """The library keeps what it read."""
    assert deployment.library.course(1, "small") is deployment.library.course(1, "small")
    assert deployment.library.book(1, "small") is deployment.library.book(1, "small")
    for version, course in ((1, "other"), (9, "small")):
        with pytest.raises(NotFound):
            deployment.library.course(version, course)


def test_a_placeholder_address_is_refused_with_a_provider() -> None:
    """Nobody real gets a letter from an address that is nobody's; the message names the place in the schedule."""
    schedule = Schedule.model_validate(
        {
            "courses": {
                "small": {
                    "title": "Small",
                    "from": {"name": "Sam", "email": "letters@drip.test"},
                    "reply_to": "hello@example.org",
                    "postal_address": "1 Street",
                    "timezone": "Europe/London",
                    "phases": [],
                }
            }
        }
    )
    with pytest.raises(SettingsError, match=r"courses\.small\.reply_to"):
        require_own_addresses(schedule)
