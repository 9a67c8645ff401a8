"""The smallest receiver of the provider's reports: verifies, stores, answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sqlalchemy.exc import DBAPIError

from drip.flows import listening
from drip.mail.sendgrid import verify_signature
from drip.sandbox.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER
from drip.store.session import Database


class Receiver(ThreadingHTTPServer):
    """Takes reports once it knows a database; until then, and while the database is away, it asks to come again."""

    daemon_threads = True

    def __init__(self, public_key: str) -> None:
        """Listen on a free port of the loopback interface."""
        super().__init__(("127.0.0.1", 0), _Call)
        self.public_key = public_key
        self.database: Database | None = None
        self.suppression_key = b""

    @property
    def url(self) -> str:
        """Where the provider posts to."""
        return f"http://127.0.0.1:{self.server_port}/"


class _Call(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Store the reports of one call."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        signed = verify_signature(self.server.public_key, self.headers[SIGNATURE_HEADER], self.headers[TIMESTAMP_HEADER], raw)
        if not signed:
            self.send_error(403)
            return
        if self.server.database is None:
            self.send_error(503)
            return
        try:
            listening.receive(self.server.database, raw, suppression_key=self.server.suppression_key)
        except DBAPIError:
            self.send_error(503)
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the class above
        """Say nothing."""


@contextmanager
def receiving(public_key: str) -> Iterator[Receiver]:
    """Give a receiver that runs in a thread while the block does."""
    with Receiver(public_key) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05}, name="webhook", daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()
