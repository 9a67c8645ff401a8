"""A process of its own that applies the files and is killed with kill -9 at a named point, or at none."""

from __future__ import annotations

import os
import signal
import sys

from drip import config
from drip.flows.applying import Accepting
from drip.wiring import Deployment


def main(end: str) -> None:
    """Apply the files, all hazards accepted, and die at *end*."""
    deployment = Deployment(config.load(os.environ))

    def at(point: str) -> None:
        if point == end:
            os.kill(os.getpid(), signal.SIGKILL)

    edition = deployment.edition()
    plan = deployment.plan(edition)
    names = frozenset(hazard.name for hazard in plan.hazards)
    deployment.apply(edition, plan, Accepting(names, by="Sam", reason="a test"), at=at)


if __name__ == "__main__":
    main(sys.argv[1])
