"""The whole course in about a minute: a dozen people, the real worker, beat and client, into a mailbox on this machine."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
from rich.console import Console
from rich.live import Live

from drip import clock, config
from drip.errors import DripError, UsageError
from drip.flows import enrolling, forgetting, reporting
from drip.sandbox.cast import LATE, LATE_SINCE, Guest, cast
from drip.sandbox.machine import Machine, alone, free_port
from drip.sandbox.picture import Seen, picture
from drip.sandbox.visitor import Visitor
from drip.store import enrollments, stamps, versions
from drip.wiring import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Group

    from drip.config import Settings
    from drip.core.schedule import Course

REPORT_SECONDS_MAX = 30.0
OURS = (
    "drip.db",
    "drip.db-wal",
    "drip.db-shm",
    "mailbox.db",
    "mailbox.db-wal",
    "mailbox.db-shm",
    "log",
    "owners",
    "valkey",
    "beat",
    "seen",
    # Python keeps a shelf in one file or in three, as the machine has it.
    *(f"beat.{ending}" for ending in ("db", "bak", "dat", "dir")),
)


class Demo:
    """One run of the demo on a machine that is up."""

    def __init__(self, machine: Machine, console: Console) -> None:
        """Look on through *console*."""
        self._machine = machine
        self._console = console
        self._deployment = Deployment(machine.settings)
        self._visitor = Visitor()
        self._pool = urllib3.PoolManager(retries=False, timeout=120)
        self._people: list[Seen] = []

    def close(self) -> None:
        """Close what the demo opened."""
        self._visitor.close()
        self._pool.clear()
        self._deployment.database.dispose()

    def invite(self) -> None:
        """Enroll a dozen people."""
        forgetting.keep_everybody(self._deployment.database)
        self._enroll(cast(stamps.now(self._deployment.database).calendar))

    def half_way(self) -> None:
        """Let two more people join and some weeks pass, so that the links of somebody half-way can be tried."""
        begins = stamps.now(self._deployment.database).calendar
        self._enroll(LATE)
        with self._shown() as show:
            while (moment := self._post("/sandbox/time/step")["moment"]) is not None:
                self._look()
                show()
                if datetime.fromisoformat(moment) >= begins + LATE_SINCE:
                    break
            self._await_reports()

    def _enroll(self, guests: Sequence[Guest]) -> None:
        deployment = self._deployment
        for guest in guests:
            wish = enrolling.Wish(
                guest.mailbox,
                name=guest.name,
                timezone=guest.zone,
                pace=guest.pace,
                short=guest.short,
                send_at=guest.send_at,
                source="demo",
            )
            result = enrolling.enroll(
                deployment.database,
                deployment.library,
                wish,
                suppression_key=deployment.suppression_key,
                confirmed=guest.confirmed,
            )
            if result.enrollment_id is None:
                raise UsageError(result.say)
            self._people.append(Seen(guest, result.enrollment_id))

    def run(self) -> None:
        """Pass the whole course, moment by moment, with people acting on their letters on the way."""
        with self._shown() as show:
            self._look()
            show()
            while True:
                self._act()
                moment = self._post("/sandbox/time/step")["moment"]
                self._look()
                show()
                if moment is None and not self._act():
                    break
            self._await_reports()
            self._look()
            show()

    def summary(self) -> bool:
        """Print the sums and the audit, and return whether all holds."""
        deployment = self._deployment
        counts = self._get("/sandbox/counts")
        faults = reporting.audit(deployment.database, deployment.library)
        holds = not faults and counts["duplicates"] == 0
        say = self._console.print
        say()
        for course in reporting.report(deployment.database)["courses"]:
            parts = " + ".join(f"{course[name]} {name}" for name in ("submitted", "withheld", "failed", "uncertain", "open"))
            say(f"{course['due']} letters due = {parts}", style="bold" if course["adds_up"] else "bold red")
            told = ", ".join(f"{count} {name}" for name, count in sorted(course["outcomes"].items()))
            say(f"The provider says: {told}")
        say(f"Duplicates: {counts['duplicates']}")
        say(
            "The audit holds." if not faults else "The audit does not hold:\n" + "\n".join(faults),
            style="" if holds else "bold red",
        )
        return holds

    # What people do -------------------------------------------------------------------------------------------------

    def _act(self) -> bool:
        """Let everybody whose moment has come do what she does; return whether anybody did."""
        acted = False
        for seen in self._people:
            guest = seen.guest
            if seen.done or not guest.what:
                continue
            mails = self._get(f"/sandbox/mails?address={guest.mailbox}")
            if len(mails) < max(1, guest.after):
                continue
            seen.said = self._do(guest, mails)
            seen.done = acted = True
        return acted

    def _do(self, guest: Guest, mails: list[dict[str, Any]]) -> str:
        """Do what a guest does, by the links of her newest letter, and return it in words."""
        newest = max(mails, key=lambda mail: mail["id"])
        urls = [link["url"] for link in newest["links"]]

        def link(part: str) -> str:
            return str(next(url for url in urls if part in url))

        match guest.what:
            case "confirm":
                self._visitor.press(link("/confirm/"), "start my letters")
                return "confirmed"
            case "pause":
                self._visitor.press(link("/pause"), "2 weeks")
                return "paused two weeks"
            case "day":
                self._visitor.press(link("/settings"), "save", {"weekday": "thu"})
                return "moved to Thursdays"
            case "rough":
                self._visitor.press(link("/rough"), "hold")
                return "held a letter a week"
            case _:
                # The header that mail programs offer as a button, not the link in the text.
                header = newest["headers"]["List-Unsubscribe"].strip("<>")
                status = self._visitor.one_click(header)
                if status != 200:
                    msg = f"leaving was answered with {status}"
                    raise DripError(msg)
                return "left"

    # What one sees --------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Read how far everybody is."""
        with self._deployment.database.read() as connection:
            for seen in self._people:
                seen.person = enrollments.find(connection, seen.enrollment_id)

    @contextlib.contextmanager
    def _shown(self) -> Iterator[Any]:
        """Give a function that shows the present picture: live on a terminal, a line a month elsewhere."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            with Live(self._picture(), console=self._console, refresh_per_second=8) as live:
                yield lambda: live.update(self._picture())
            return
        months: set[str] = set()

        def line() -> None:
            now = stamps.now(self._deployment.database).calendar
            month = f"{now:%B %Y}"
            if month not in months:
                months.add(month)
                stages = [seen.person.state for seen in self._people if seen.person]
                self._console.print(f"{month}: {stages.count('active')} on their way, {stages.count('finished')} have finished")

        yield line

    def _picture(self) -> Group:
        ascii_only = not self._console.encoding.lower().startswith("utf")
        return picture(self._course(), self._people, stamps.now(self._deployment.database).calendar, ascii_only=ascii_only)

    def _course(self) -> Course:
        with self._deployment.database.read() as connection:
            state = next(iter(versions.running(connection).values()))
        return self._deployment.library.course(state.version_id, state.id).course

    # The sandbox ----------------------------------------------------------------------------------------------------

    def _await_reports(self) -> None:
        """Wait until the provider's last reports have come and are worked off."""
        deadline = clock.monotonic() + REPORT_SECONDS_MAX
        while (
            self._get("/sandbox/counts")["unreported"]
            or reporting.status(self._deployment.database, door="sandbox")["reports_waiting"]
        ):
            if clock.monotonic() > deadline:
                break
            clock.wait(0.1)

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return self._pool.request("GET", self._machine.settings.sandbox_url + path).json()

    def _post(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._pool.request("POST", self._machine.settings.sandbox_url + path)
        if answer.status != 200:
            msg = f"the time machine stopped: {answer.data.decode(errors='replace')[:300]}"
            raise DripError(msg)
        return answer.json()


def clean(state: Path) -> None:
    """Remove what an earlier demo left in its own folder, and nothing else."""
    for name in OURS:
        path = state / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def demo(settings: Settings, *, exit_when_done: bool) -> int:
    """Run the demo and return 0 when the audit holds; unless *exit_when_done*, stay up to be looked at."""
    console = _console()
    with alone(settings.state):
        clean(settings.state)
        addresses = {
            "base_url": f"http://127.0.0.1:{free_port(8000)}",
            "sandbox_url": f"http://127.0.0.1:{free_port(8025)}",
        }
        settings = config.with_local_keys(settings).model_copy(update=addresses)
        _prepared(settings)
        with Machine(settings, tell=lambda line: console.print(f"  {line}", style="dim")) as machine:
            show = Demo(machine, console)
            try:
                return _shown(show, machine, console, exit_when_done=exit_when_done)
            finally:
                show.close()


def _shown(show: Demo, machine: Machine, console: Console, *, exit_when_done: bool) -> int:
    """Run the course before everybody's eyes and return the exit code."""
    begun = clock.monotonic()
    show.invite()
    show.run()
    if exit_when_done:
        # Nothing is open any more: they may go while the sum is made.
        machine.wind_down()
    else:
        show.half_way()
    holds = show.summary()
    console.print(f"The course took {clock.monotonic() - begun:.0f} seconds.", style="dim")
    if exit_when_done:
        console.print("Without --exit the mailbox stays open in the browser, with every letter and its links.")
    else:
        console.print(f"\nMailbox: {machine.mailbox_url}", style="bold")
        names = " and ".join(guest.name for guest in LATE)
        console.print(f"{names} are half-way: try the links at the foot of their letters.")
        console.print("Or add somebody, and let the mailbox pass a week:")
        console.print(
            f"  DRIP_STATE={machine.settings.state} {config.command()} subscribers add you@example.net --confirmed",
            soft_wrap=True,
        )
        console.print("Everything stays up to be looked at; Ctrl-C ends it.")
        _until_interrupted(machine)
    return 0 if holds else 1


def _console() -> Console:
    """Return a console that prints words as they are."""
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=False)


def _prepared(settings: Settings) -> bool:
    """Prepare the database and return whether the files are the live ones."""
    deployment = Deployment(settings)
    try:
        return deployment.prepare()
    finally:
        deployment.database.dispose()


def _until_interrupted(machine: Machine) -> None:
    """Return when a signal asks to end; meanwhile processes that ended by themselves are started again."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    while not over.wait(1.0):
        machine.mind()


def up(settings: Settings, *, workers: int, to_stderr: bool = False) -> int:
    """Run a whole installation on this machine until a signal ends it."""
    console = _console()
    with alone(settings.state):
        settings = config.with_local_keys(settings)
        if not _prepared(settings):
            console.print("The files differ from the version that people get: look at drip plan.", style="yellow")
        with Machine(
            settings, workers=workers, tell=lambda line: console.print(f"  {line}", style="dim"), to_stderr=to_stderr
        ) as machine:
            console.print(f"Pages:   {settings.base_url}", style="bold")
            if machine.mailbox_url:
                console.print(f"Mailbox: {machine.mailbox_url}", style="bold")
                console.print("Nothing leaves this machine. Add somebody:")
                elsewhere = "" if settings.state == config.STATE else f"DRIP_STATE={settings.state} "
                console.print(f"  {elsewhere}{config.command()} subscribers add you@example.net --confirmed", soft_wrap=True)
            console.print("Ctrl-C ends everything.")
            _until_interrupted(machine)
    return 0
