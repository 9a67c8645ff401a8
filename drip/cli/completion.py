"""`drip completion`: what a shell needs to complete commands, options, courses and lessons."""

from __future__ import annotations

import click

INSTALL = {
    "bash": "drip completion bash > ~/.local/share/bash-completion/completions/drip",
    "zsh": 'drip completion zsh > "${fpath[1]}/_drip"',
    "fish": "drip completion fish > ~/.config/fish/completions/drip.fish",
}
"""How each shell takes it in, for every session that begins afterwards."""


@click.command()
@click.argument("shell", type=click.Choice(tuple(INSTALL)))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print what completes drip in a shell: commands, options, and the courses and lessons of the files.

    On stderr stands the line that installs it.
    """
    from click.shell_completion import get_completion_class

    root = ctx.find_root()
    found = get_completion_class(shell)
    if found is None:  # pragma: no cover - click knows all three
        raise click.UsageError(f"there is no completion for {shell}")
    script = found(root.command, {}, "drip", "_DRIP_COMPLETE")
    # Click would run a bash to learn its version and refuse an old one, also where the script is for another machine.
    click.echo(script.source_template % script.source_vars())
    click.echo(f"To install it: {INSTALL[shell]}", err=True)
