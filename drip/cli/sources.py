"""The options that name the files: the same for every command that reads them, and those of the settings when unset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def of_files(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--schedule` and `--emails` to *command*, by default what DRIP_SCHEDULE and DRIP_EMAILS name."""
    for name, default, words in (("emails", "emails", "The folder of letters."), ("schedule", "schedules.yaml", "The schedule.")):
        command = click.option(
            f"--{name}",
            type=click.Path(path_type=Path),
            default=Path(default),
            envvar=f"DRIP_{name.upper()}",
            show_default=True,
            help=words,
        )(command)
    return command


def schedule_path(ctx: click.Context) -> Path:
    """Return the schedule that a command line names, or DRIP_SCHEDULE, without reading any other setting."""
    named = ctx.params.get("schedule") or click.Option(["--schedule"], envvar="DRIP_SCHEDULE").resolve_envvar_value(ctx)
    return Path(named or "schedules.yaml")
