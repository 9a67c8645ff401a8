"""The place where the floors meet: `python -m drip` starts one process of an installation.

`python -m drip sandbox` and `python -m drip web` serve their pages with a line to the workers; anything else is the
command line. Nothing below knows that these are put together.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from drip import cli

if TYPE_CHECKING:
    from drip import config


def main(arguments: list[str]) -> int:
    """Start the process that the first argument names and return its exit code."""
    role = arguments[0] if arguments else ""
    if role not in {"sandbox", "web"}:
        cli.main(arguments)
    return _serve(role, arguments[1:])


def _serve(role: str, arguments: list[str]) -> int:
    """Serve the pages of a role until a signal ends the process, and return its exit code."""
    # A process loads only its own part; the command line's help needs none of this.
    import argparse  # noqa: PLC0415

    from drip import config  # noqa: PLC0415
    from drip.errors import DripError  # noqa: PLC0415
    from drip.wiring import log_to_stderr  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog=f"python -m drip {role}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    found = parser.parse_args(arguments)
    try:
        settings = config.load()
        log_to_stderr(settings.log)
        # uvicorn raises the signal that ended it once more when all answers are given: databases are closed all the same.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _leave)
        serve_sandbox(settings, found.host, found.port) if role == "sandbox" else serve_web(settings, found.host, found.port)
    except DripError as trouble:
        sys.stderr.write(f"drip {role}: {trouble}\n")
        return trouble.exit_code
    return 0


def _leave(_signal_number: int, _frame: object) -> None:
    """End the process by way of everything that waits to be closed."""
    raise SystemExit(0)


def serve_sandbox(settings: config.Settings, host: str, port: int) -> None:
    """Serve SendGrid's stand-in, its mailbox and the time machine until a signal ends the process."""
    from drip.sandbox import travel  # noqa: PLC0415 - a process loads only its own part
    from drip.tasks import Hints, make_app  # noqa: PLC0415

    travel.serve(settings, host, port, ask_for_tick=Hints(make_app(settings)).tick)


def serve_web(settings: config.Settings, host: str, port: int) -> None:
    """Serve the public pages and the webhook until a signal ends the process."""
    from drip.tasks import Hints, make_app  # noqa: PLC0415 - a process loads only its own part
    from drip.web import serve  # noqa: PLC0415

    serve.serve(settings, host=host, port=port, hint=Hints(make_app(settings)).listen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
