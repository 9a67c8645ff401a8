"""The command line: every command lives in a small module and imports what it needs when it runs, so that help is instant."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from drip.errors import DripError, where

COMMANDS = {
    "up": "drip.cli.running:up",
    "demo": "drip.cli.running:demo",
    "check": "drip.cli.checking:check",
    "letters": "drip.cli.letters:letters",
    "preview": "drip.cli.preview:preview",
    "plan": "drip.cli.applying:plan",
    "apply": "drip.cli.applying:apply",
    "versions": "drip.cli.comparing:versions_",
    "rollback": "drip.cli.applying:rollback",
    "simulate": "drip.cli.simulating:simulate",
    "why": "drip.cli.why:why",
    "subscribers": "drip.cli.people:subscribers",
    "suppressions": "drip.cli.suppressions:suppressions",
    "send-test": "drip.cli.trying:send_test",
    "uncertain": "drip.cli.uncertain:uncertain",
    "restored": "drip.cli.restoring:restored",
    "corrections": "drip.cli.corrections:corrections",
    "doctor": "drip.cli.doctor:doctor",
    "status": "drip.cli.standing:status",
    "report": "drip.cli.standing:report",
    "hold": "drip.cli.standing:hold",
    "release": "drip.cli.standing:release",
    "operators": "drip.cli.operators:operators",
    "schema": "drip.cli.checking:schema",
    "shingles": "drip.cli.checking:shingles",
    "db": "drip.cli.standing:db",
    "keys": "drip.cli.keys:keys",
    "completion": "drip.cli.completion:completion",
}
"""Where each command is: the module and the name in it. Help shows them in this order."""


class Commands(click.Group):
    """A group whose commands are imported only when they are called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the shape that click asks for
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Return the command by its name, None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="drip")
def drip() -> None:
    """Send an email course, one kind letter at a time.

    Exit codes: 0 all is well, 1 something is wrong with what you wrote or asked, 2 the command was not understood,
    3 a server or a setting is missing.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; expected troubles are one message on stderr."""
    try:
        code = drip.main(args=None if arguments is None else list(arguments), prog_name="drip", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has read enough, as `head` does; what is still to be written goes nowhere. Click leaves so, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except click.ClickException as trouble:
        trouble.show()
        sys.exit(trouble.exit_code)
    except click.Abort:
        click.echo("drip: stopped", err=True)
        sys.exit(130)
    except DripError as trouble:
        click.echo(f"drip: {trouble}", err=True)
        sys.exit(trouble.exit_code)
    except KeyboardInterrupt:  # Before click listens, or after.
        click.echo("drip: stopped", err=True)
        sys.exit(130)
    except Exception as trouble:  # noqa: BLE001 - an operator reads one line, whatever happened
        message, code = _unexpected(trouble)
        click.echo(f"drip: {message}", err=True)
        sys.exit(code)
    sys.exit(code if isinstance(code, int) else 0)


def _unexpected(trouble: Exception) -> tuple[str, int]:
    """Return one line about what no command expected, and the exit code; never its own words, which may hold an address."""
    # Known by its module, because help must not load the database's driver.
    if type(trouble).__module__.startswith("sqlalchemy"):
        return f"the database failed ({type(trouble).__name__}); is it reachable, writable and up to date? drip doctor looks", 3
    if isinstance(trouble, OSError) and trouble.strerror:
        return f"{trouble.filename or 'a file or a line'}: {trouble.strerror}", 1
    return f"a fault in drip itself, please report it with these words: {type(trouble).__name__} in {where(trouble)}", 1
