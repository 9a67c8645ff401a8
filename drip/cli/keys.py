"""`drip keys` and `drip keys rotate`: fresh keys, and a new one for links while the old links live on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drip.config import Examined

FORMAT = 1
NAME = "DRIP_SECRET_KEYS"

RESTART = (
    "Restart whatever was started before: the pages first, on every host, and then the workers.\n"
    "A page that does not know the new key yet cannot open a link that a worker has signed with it. On one machine: drip up."
)
KEPT = "DRIP_SUPPRESSION_KEY stays as it is, for ever: who left or was erased is known by it alone."


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_context
def keys(ctx: click.Context, *, as_json: bool) -> None:
    """Print fresh secret keys; nothing is stored.

    One for DRIP_SECRET_KEYS and one for DRIP_SUPPRESSION_KEY.
    """
    if ctx.invoked_subcommand is not None:
        return
    import secrets

    made = {NAME: secrets.token_urlsafe(32), "DRIP_SUPPRESSION_KEY": secrets.token_urlsafe(32)}
    if as_json:
        click.echo(json.dumps({"format": FORMAT, **made}, indent=2))
    else:
        for name, key in made.items():
            click.echo(f"{name}={key}")
    click.echo("Keep both; the suppression key can never be changed: people who left are known by it alone.", err=True)


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def rotate(*, as_json: bool) -> None:
    """Make a new key that signs links from now on; the links in letters that went out open as before.

    Where the keys stand in a file (DRIP_SECRET_KEYS_FILE, or the sandbox's own), the file is written anew, for its owner
    alone. Where they stand in the environment, the new value is printed, for you to set.
    """
    import secrets

    from drip import config
    from drip.errors import SettingsError

    found = config.examine()
    file = _file_of(found)
    fresh = secrets.token_urlsafe(32)
    if file is not None:
        count = _add_to_file(file, fresh, as_json=NAME not in found.files)
        value = None
    elif found.settings.secret_keys:
        value = ",".join((*found.settings.secret_keys, fresh))
        count = len(found.settings.secret_keys) + 1
    else:
        raise SettingsError(
            "there is no key to rotate yet: drip keys makes the first ones, and a sandbox makes its own at its start"
        )
    if as_json:
        told = {"format": FORMAT, "setting": NAME, "keys": count, "file": None if file is None else str(file), "value": value}
        click.echo(json.dumps(told, indent=2))
    elif value is not None:
        click.echo(f"{NAME}={value}")
    if value is not None:
        click.echo(f"Set this where {NAME} is set now; nothing was changed. The last of the {count} keys signs.", err=True)
    else:
        click.echo(f"{file} has {count} keys now; the last of them signs, the others open older links.", err=True)
    click.echo(f"{RESTART}\n{KEPT}", err=True)


def _file_of(found: Examined) -> Path | None:
    """Return the file in which the keys stand; None where the environment itself has them, or nothing."""
    named = found.files.get(NAME)
    if named is not None:
        return named
    own = found.settings.state / "keys.json"
    return own if not found.settings.secret_keys and own.exists() else None


def _add_to_file(file: Path, fresh: str, *, as_json: bool) -> int:
    """Write a file of keys anew with *fresh* as the last, whole or not at all; return how many there are now."""
    from drip.errors import SettingsError

    # Through a link, so that the link stays one.
    place = file.resolve()
    aside = place.with_name(f".{place.name}.rotating")
    try:
        before = place.stat()
        # Exclusively: of two who rotate at once the second would throw away the key that the first has made.
        handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except FileExistsError as trouble:
        msg = f"{file} is being rotated by somebody else; where nobody is, delete what a rotation cut short has left: {aside}"
        raise SettingsError(msg) from trouble
    except OSError as trouble:
        raise SettingsError(_unwritable(file, trouble)) from trouble
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            text, count = _with(place.read_text(encoding="utf-8"), fresh, as_json=as_json)
            out.write(text)
            out.flush()
            if before.st_uid != os.geteuid() or before.st_gid != os.getegid():
                # As root one would else take the file away from the user that drip runs as.
                os.fchown(out.fileno(), before.st_uid, before.st_gid)
            # A group that was let in on purpose still reads it.
            os.fchmod(out.fileno(), 0o640 if before.st_mode & 0o044 == 0o040 else 0o600)
            os.fsync(out.fileno())
        aside.replace(place)
    except (OSError, UnicodeDecodeError) as trouble:
        raise SettingsError(_unwritable(file, trouble)) from trouble
    finally:
        aside.unlink(missing_ok=True)
    return count


def _with(text: str, fresh: str, *, as_json: bool) -> tuple[str, int]:
    """Return the text of a file of keys with one more, and how many there are."""
    from drip.errors import SettingsError

    if not as_json:
        found = [part.strip() for part in text.split(",") if part.strip()]
        return ",".join([*found, fresh]) + "\n", len(found) + 1
    try:
        held = json.loads(text)
        held["secret_keys"] = [*held["secret_keys"], fresh]
    except (ValueError, KeyError, TypeError) as trouble:
        raise SettingsError("the sandbox's keys.json cannot be read as it was written; nothing was changed") from trouble
    return json.dumps(held), len(held["secret_keys"])


def _unwritable(file: Path, trouble: OSError | UnicodeDecodeError) -> str:
    why = trouble.strerror if isinstance(trouble, OSError) else "it is no text"
    remedy = "add a key of drip keys, behind a comma, where that file is made"
    return f"{file} cannot be written anew: {why}; nothing was changed; {remedy}"
