"""Settings: what the environment says, checked as a whole; the only module that reads it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from drip.core.problem import did_you_mean
from drip.errors import SettingsError, UsageError
from drip.store.stamps import REAL, SANDBOX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

NAMES = {
    "DRIP_DATABASE_URL": "database_url",
    "DRIP_REDIS_URL": "redis_url",
    "DRIP_SENDGRID_URL": "sendgrid_url",
    "DRIP_SENDGRID_WEBHOOK_KEY": "webhook_key",
    "DRIP_SMTP_URL": "smtp_url",
    "DRIP_BASE_URL": "base_url",
    "DRIP_SECRET_KEYS": "secret_keys",
    "DRIP_SUPPRESSION_KEY": "suppression_key",
    "DRIP_SCHEDULE": "schedule",
    "DRIP_EMAILS": "emails",
    "DRIP_STATE": "state",
    "DRIP_SANDBOX_URL": "sandbox_url",
    "DRIP_LOG": "log",
    "DRIP_QUEUE": "queue",
    "DRIP_API_KEYS": "api_keys",
    "DRIP_TRUSTED_PROXIES": "trusted_proxies",
    "DRIP_SIGN_UPS_PER_HOUR": "sign_ups_per_hour",
    "SENDGRID_API_KEY": "sendgrid_key",
}
"""Every setting by its name in the environment; each may also be given as NAME_FILE, the path of a file that holds it."""

_LISTS = {"secret_keys", "api_keys", "trusted_proxies"}
"""Fields of which the environment gives several values, comma-separated."""

# It stands in a header of every letter, so it is plain ASCII: a name in other letters is written in its xn-- form.
_BASE_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
REAL_SENDGRID = "https://api.sendgrid.com"
KEY_LENGTH_MIN = 16

REQUEST_SECONDS = 20.0
"""The longest that one request to the provider may take."""

WATCHDOG_SECONDS = 20.0
"""How long a worker's heart may be silent before the worker is killed."""

RECORD_SECONDS = 60.0
"""How long a worker tries to record a result before it ends itself."""


STATE = Path("var")
"""The folder of an installation on one machine, where none is named."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a process waits for what may never come; tests have less of it."""

    request_seconds: float = REQUEST_SECONDS
    watchdog_seconds: float = WATCHDOG_SECONDS
    record_seconds: float = RECORD_SECONDS
    backoff_scale: float = 1.0
    """How much of its backoff a sender keeps."""


class Settings(BaseModel):
    """All settings of one process, frozen."""

    model_config = ConfigDict(frozen=True)

    database_url: str = ""
    redis_url: str = ""
    sendgrid_url: str = REAL_SENDGRID
    sendgrid_key: str = ""
    webhook_key: str = ""
    smtp_url: str = ""
    base_url: str = "http://127.0.0.1:8000"
    secret_keys: tuple[str, ...] = ()
    suppression_key: str = ""
    schedule: Path = Path("schedules.yaml")
    emails: Path = Path("emails")
    state: Path = STATE
    sandbox_url: str = "http://127.0.0.1:8025"
    log: str = "plain"
    queue: str = "drip"
    api_keys: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    sign_ups_per_hour: int = 1000

    @property
    def door(self) -> str:
        """`real` when a provider is set, else `sandbox`; a database is stamped with it at birth."""
        return REAL if self.sendgrid_key or self.smtp_url else SANDBOX

    @property
    def sender(self) -> str:
        """The name of the sender whose breaker guards the door: sendgrid, smtp or sandbox."""
        return "smtp" if self.smtp_url else "sendgrid" if self.sendgrid_key else "sandbox"

    @property
    def database(self) -> str:
        """The URL of the database; a SQLite file in the state folder when none is set."""
        return self.database_url or f"sqlite:///{(self.state / 'drip.db').resolve()}"

    @property
    def owners_directory(self) -> Path:
        """Where the workers of this host keep their locks."""
        return self.state.resolve() / "owners"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [*self._address_faults(), *self._key_faults(), *self._form_faults()]
        if self.sendgrid_key and self.smtp_url:
            faults.append("set either SENDGRID_API_KEY or DRIP_SMTP_URL, not both: letters leave by one door")
        if self.log not in {"plain", "json"}:
            faults.append("DRIP_LOG must be plain or json")
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _address_faults(self) -> list[str]:
        """Return what is wrong with the address under which people reach the pages."""
        address = urlsplit(self.base_url)
        if _BASE_URL.fullmatch(self.base_url) is None or not address.hostname:
            return ["DRIP_BASE_URL must be an address such as https://letters.example.com"]
        local = address.hostname in LOOPBACK
        if self.door == SANDBOX and not local:
            return ["DRIP_BASE_URL names a public address but no provider is set: set SENDGRID_API_KEY or DRIP_SMTP_URL"]
        if self.door == REAL and local and urlsplit(self.smtp_url).hostname not in LOOPBACK:
            return ["DRIP_BASE_URL is an address of this machine: people could not open a link nor leave; set the public one"]
        if self.door == REAL and address.scheme == "http" and not local:
            return ["DRIP_BASE_URL must begin with https:// : one-click unsubscribe is asked for over TLS only"]
        return []

    def _key_faults(self) -> list[str]:
        """Return what is wrong with the keys."""
        faults = []
        if self.door == REAL and not self.secret_keys:
            faults.append("DRIP_SECRET_KEYS is not set: links in letters are signed with it; make one with: drip keys")
        if self.door == REAL and not self.suppression_key:
            faults.append("DRIP_SUPPRESSION_KEY is not set: people who left are known by it alone; make one with: drip keys")
        keys = (*self.secret_keys, *self.api_keys, *filter(None, [self.suppression_key]))
        if any(len(key) < KEY_LENGTH_MIN for key in keys):
            faults.append(f"keys must have at least {KEY_LENGTH_MIN} characters; make one with: drip keys")
        return faults

    def _form_faults(self) -> list[str]:
        """Return what is wrong with what guards the forms for strangers."""
        faults = [] if self.sign_ups_per_hour > 0 else ["DRIP_SIGN_UPS_PER_HOUR must be at least 1"]
        for proxy in self.trusted_proxies:
            try:
                ip_network(proxy)
            except ValueError:
                faults.append(f"DRIP_TRUSTED_PROXIES: {proxy!r} is no address and no network such as 10.0.0.0/8")
        return faults


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process; in the sandbox with keys of its own where none are set.

    Raises SettingsError as `read` does.
    """
    return with_local_keys(read(environment))


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """Return what the environment says and nothing more; no file is written.

    Raises SettingsError that names every fault: unknown DRIP_* names, files that cannot be read, values that
    contradict each other.
    """
    return _validated(_given(environment))


@dataclass(frozen=True, slots=True)
class Examined:
    """What the environment says, faults and all: as much of the *settings* as can be read, and every one of the *faults*.

    *given* are the settings that it gives a value, *files* the paths of those that stand in a file.
    """

    settings: Settings
    faults: tuple[str, ...]
    given: frozenset[str]
    files: Mapping[str, Path]


def examine(environment: Mapping[str, str] | None = None) -> Examined:
    """Return what the environment says without raising for any of it; for whoever looks for faults."""
    given = os.environ if environment is None else environment
    values, faults = _read_values(given)
    try:
        settings = _validated(values)
    except SettingsError as fault:
        faults += str(fault).splitlines()
        # The faults are told; everything that has a use of its own can still be looked at.
        readable: dict[str, Any] = dict(values)
        readable |= {name: Path(str(values[name])) for name in ("schedule", "emails", "state") if name in values}
        settings = Settings.model_construct(**readable)
    files = {name: Path(given[f"{name}_FILE"].strip()) for name in NAMES if given.get(f"{name}_FILE", "").strip()}
    return Examined(settings, tuple(faults), frozenset(name for name, field in NAMES.items() if field in values), files)


def demo(state: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Return settings for the demo, which keeps everything, keys too, in *state* and touches nothing of the installation.

    Of the environment it heeds the files, the Redis and the log. Raises UsageError where a provider is set.
    """
    values = _given(environment)
    if values.get("sendgrid_key") or values.get("smtp_url"):
        msg = "the demo never runs with a real provider: unset SENDGRID_API_KEY and DRIP_SMTP_URL"
        raise UsageError(msg)
    heeded: dict[str, object] = {name: values[name] for name in ("schedule", "emails", "redis_url", "log") if name in values}
    return _validated({**heeded, "state": state, "queue": "drip-demo"})


def _given(environment: Mapping[str, str] | None) -> dict[str, object]:
    """Return the values that the environment gives, by field; raises SettingsError that names every fault."""
    values, faults = _read_values(os.environ if environment is None else environment)
    if faults:
        raise SettingsError("\n".join(faults))
    return values


def _read_values(given: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """Return the values that can be read, by field, and what is wrong with the others."""
    values: dict[str, object] = {}
    faults = [
        _unknown(name)
        for name in sorted(given)
        if name.startswith("DRIP_") and not name.startswith("DRIP_TEST_") and not _known(name)
    ]
    # The one name that is not ours and decides whether anything leaves this machine.
    alike = [name for name in sorted(given) if name.startswith("SENDGRID") and "KEY" in name and not _known(name)]
    faults += [f"{name} is not a setting of drip; did you mean SENDGRID_API_KEY?" for name in alike]
    for name, field in NAMES.items():
        text = given.get(name, "").strip()
        path = given.get(f"{name}_FILE", "").strip()
        if text and path:
            faults.append(f"{name} and {name}_FILE are both set; keep one")
        elif path:
            try:
                text = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeError) as trouble:
                faults.append(f"{name}_FILE: cannot read {path}: {type(trouble).__name__}")
        if text:
            values[field] = tuple(part.strip() for part in text.split(",") if part.strip()) if field in _LISTS else text
    return values, faults


def _validated(values: Mapping[str, object]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as fault:
        raise SettingsError(
            "\n".join(
                str(error["ctx"]["error"]) if error["type"] == "value_error" else _misread(error) for error in fault.errors()
            )
        ) from None


def _misread(error: ErrorDetails) -> str:
    """Return which setting cannot be read, and why."""
    named = {field: name for name, field in NAMES.items()}
    return f"{named.get(str(error['loc'][0]), '')}: {error['msg']}" if error["loc"] else error["msg"]


def _known(name: str) -> bool:
    return name in NAMES or name.removesuffix("_FILE") in NAMES


def _unknown(name: str) -> str:
    known = f"known are {', '.join(sorted(NAMES))}, each also with _FILE"
    return f"{name} is not a setting of drip; {did_you_mean(name.removesuffix('_FILE'), NAMES, otherwise=known)}"


def make_private(folder: Path) -> None:
    """Make *folder*, and whatever is missing above it, for the owner alone."""
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            one.mkdir(mode=0o700, exist_ok=True)


def with_local_keys(settings: Settings) -> Settings:
    """Return settings in which a sandbox has keys of its own, made once and kept in the state folder."""
    if settings.door == REAL or (settings.secret_keys and settings.suppression_key):
        return settings
    path = settings.state / "keys.json"
    if not path.exists():
        make_private(settings.state)
        keys = {"secret_keys": [secrets.token_urlsafe(32)], "suppression_key": secrets.token_urlsafe(32)}
        # Written aside and linked in place, so that two processes that start at once agree on the first.
        aside = path.with_suffix(f".{os.getpid()}")
        aside.unlink(missing_ok=True)
        # Exclusively and without following a link: nobody else's file is ever written to, and nobody else reads ours.
        with os.fdopen(
            os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(keys, file)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    keys = json.loads(path.read_text(encoding="utf-8"))
    return settings.model_copy(
        update={
            "secret_keys": settings.secret_keys or tuple(keys["secret_keys"]),
            "suppression_key": settings.suppression_key or keys["suppression_key"],
        }
    )


def environment_for(settings: Settings) -> dict[str, str]:
    """Return the environment in which a child process reads exactly *settings*; nothing else of drip's is passed on."""
    kept = {name: value for name, value in os.environ.items() if not _known(name) or not name.startswith(("DRIP_", "SENDGRID_"))}
    for name, field in NAMES.items():
        value = getattr(settings, field)
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        if text:
            kept[name] = text
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def python() -> str:
    """Return the Python that runs this process."""
    return sys.executable


def command() -> str:
    """Return what to type for `drip` in the present folder, when its environment is not on the path."""
    path = Path(sys.executable).parent / "drip"
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path) if path.exists() else "drip"


def typed() -> str:
    """Return what an operator types for `drip`: that of the path where there is one, else as `command`.

    On a server the one of the path brings the settings; the program behind it, called by itself, would not find them.
    """
    return "drip" if shutil.which("drip") else command()


def has_screen() -> bool:
    """Return whether a browser can be opened here: always on macOS, elsewhere where there is a display."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
