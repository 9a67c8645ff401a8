"""The sandbox on uvicorn: loopback only, and without an access log, because URLs hold tokens."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from drip import clock
from drip.errors import SettingsError, Unreachable
from drip.sandbox.connection import OpenHandedProtocol

START_SECONDS = 10.0


def serve(app: ASGIApp, host: str = "127.0.0.1", port: int = 8025) -> None:
    """Serve *app* until a signal ends the process."""
    with _listening(host, port) as listener:
        _server(app).run(sockets=[listener])


@contextlib.contextmanager
def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve *app* in a thread while the block runs, and give its address; port 0 takes a free one."""
    with _listening(host, port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
        thread.start()
        deadline = clock.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or clock.monotonic() > deadline:
                server.should_exit = True
                raise Unreachable("The sandbox does not start.")
            clock.wait(0.01)
        try:
            shown = f"[{host}]" if ":" in host else host
            yield f"http://{shown}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _server(app: ASGIApp) -> uvicorn.Server:
    """Return the server for *app*, not yet started."""
    config = uvicorn.Config(
        app,
        http=OpenHandedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        # As long as SendGrid's own front: a pooled client must not meet a line that was closed a moment ago all the time.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        backlog=512,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Give a bound socket on the loopback interface, and close it in the end."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsError(f"The sandbox holds other people's letters and is served on this machine only, not on {host}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as trouble:
            raise SettingsError(f"Port {port} on {host} is taken by another program.") from trouble
        listener.set_inheritable(False)
        yield listener
