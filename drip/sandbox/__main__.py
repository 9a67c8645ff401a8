"""`python -m drip.sandbox up` and `demo`: what `drip up` and `drip demo` become."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from drip import config
from drip.errors import DripError
from drip.sandbox.demo import demo, up
from drip.wiring import log_to_stderr


def main(arguments: list[str]) -> int:
    """Run what the command line says and return its exit code."""
    parser = argparse.ArgumentParser(prog="drip")
    roles = parser.add_subparsers(dest="role", required=True)
    running = roles.add_parser("up")
    running.add_argument("--workers", type=int, default=2)
    running.add_argument("--log-to-stderr", action="store_true")
    showing = roles.add_parser("demo")
    showing.add_argument("--exit", action="store_true")
    found = parser.parse_args(arguments)
    try:
        settings = config.read() if found.role == "up" else config.demo(Path("var/demo"))
        log_to_stderr(settings.log)
        # Whatever was started is stopped in order on the way out.
        signal.signal(signal.SIGTERM, _leave)
        if found.role == "up":
            return up(settings, workers=found.workers, to_stderr=found.log_to_stderr)
        return demo(settings, exit_when_done=found.exit)
    except DripError as trouble:
        sys.stderr.write(f"drip: {trouble}\n")
        return trouble.exit_code
    except KeyboardInterrupt:
        return 130


def _leave(signal_number: int, _frame: object) -> None:
    """End the process by way of everything that waits to be closed."""
    raise SystemExit(128 + signal_number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
