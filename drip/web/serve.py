"""The pages on uvicorn: without an access log, because addresses hold tokens."""

from __future__ import annotations

import argparse
import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from drip import clock, config
from drip.errors import DripError, SettingsError, Unreachable
from drip.web.app import make_web
from drip.wiring import Deployment, log_to_stderr

PORT = 8000
START_SECONDS = 10.0
STOP_SECONDS = 5
"""How long a stop waits for answers under way; a leave is committed before it waits, so nothing is lost."""


def serve(
    settings: config.Settings, *, host: str = "127.0.0.1", port: int | None = None, hint: Callable[[], None] | None = None
) -> None:
    """Serve the pages of an installation until a signal ends the process; *port* is by default that of its address."""
    deployment = Deployment(settings)
    deployment.check_door()
    try:
        serve_app(make_web(deployment, hint=hint), host=host, port=port_of(settings) if port is None else port)
    finally:
        deployment.database.dispose()


def serve_app(app: ASGIApp, *, host: str = "127.0.0.1", port: int = PORT) -> None:
    """Serve pages that were put together elsewhere until a signal ends the process."""
    with _listening(host, port) as listener:
        _server(app).run(sockets=[listener])


def port_of(settings: config.Settings) -> int:
    """Return the port in the public address of an installation, 8000 where it names none."""
    return urlsplit(settings.base_url).port or PORT


@contextlib.contextmanager
def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve *app* in a thread while the block runs, and give its address; port 0 takes a free one."""
    with _listening(host, port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
        thread.start()
        deadline = clock.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or clock.monotonic() > deadline:
                server.should_exit = True
                raise Unreachable("The pages do not start.")
            clock.wait(0.01)
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _server(app: ASGIApp) -> uvicorn.Server:
    """Return the server for *app*, not yet started."""
    # `access_log=False` takes its handlers away; whoever gives it one again would still have tokens in a file.
    logging.getLogger("uvicorn.access").disabled = True
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Give a bound socket, and close it in the end."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as trouble:
            raise SettingsError(f"the pages cannot be served on {host}, port {port}: {trouble}") from trouble
        listener.set_inheritable(False)
        yield listener


def main(arguments: list[str] | None = None) -> int:
    """Serve the pages as `python -m drip.web` and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m drip.web", description="Serve the public pages and the webhook.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help=f"by default that of DRIP_BASE_URL, or {PORT}")
    found = parser.parse_args(arguments)
    try:
        settings = config.load()
        log_to_stderr(settings.log)
        serve(settings, host=found.host, port=found.port)
    except DripError as trouble:
        sys.stderr.write(f"drip web: {trouble}\n")
        return trouble.exit_code
    return 0
