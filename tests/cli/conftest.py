"""The command line as an operator meets it: one command in, exit code, stdout and stderr out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from drip.cli import main
from drip.config import NAMES
from drip.sandbox.machine import free_port
from drip.wiring import Deployment
from tests.engine import Engine, engine_on

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs one command and returns exit code, stdout and stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(arguments)
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, said.out, said.err

    return command


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stand in an empty folder, with no setting in the environment."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))


@pytest.fixture
def engine(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, nowhere: None) -> Iterator[Engine]:
    """A prepared deployment of the small course that the environment names, with a door that remembers."""
    settings = deployment.settings
    given = {
        "DRIP_DATABASE_URL": settings.database_url,
        "DRIP_STATE": str(settings.state),
        "DRIP_SCHEDULE": str(settings.schedule),
        "DRIP_EMAILS": str(settings.emails),
        "DRIP_SECRET_KEYS": ",".join(settings.secret_keys),
        "DRIP_SUPPRESSION_KEY": settings.suppression_key,
        # Nobody is there; at the usual place somebody's own sandbox may be.
        "DRIP_SANDBOX_URL": f"http://127.0.0.1:{free_port(0)}",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with engine_on(deployment) as found:
        yield found
