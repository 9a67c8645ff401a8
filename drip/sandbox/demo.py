"""The whole course in about a minute: a dozen people, the real worker, beat and client, into a mailbox on this machine."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import urllib3
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from drip import clock
from drip.errors import DripError, UsageError
from drip.flows import enrolling, reporting
from drip.sandbox.cast import Guest, cast
from drip.sandbox.machine import Machine, free_port
from drip.sandbox.visitor import Visitor
from drip.store import enrollments, stamps, versions
from drip.wiring import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drip.config import Settings
    from drip.core.enrollment import Enrollment
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
)


@dataclass(slots=True)
class Seen:
    """What the display shows of one guest."""

    guest: Guest
    enrollment_id: int
    letters: int = 0
    done: bool = False
    said: str = ""
    person: Enrollment | None = field(default=None)


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
        deployment = self._deployment
        for guest in cast(stamps.now(deployment.database).calendar):
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
        if self._console.is_terminal:
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
        course = self._course()
        now = stamps.now(self._deployment.database).calendar
        table = Table(box=None, padding=(0, 1), header_style="dim")
        table.add_column("")
        table.add_column("zone", style="dim", no_wrap=True)
        for phase in course.phases:
            table.add_column(phase.title, no_wrap=True)
        table.add_column("")
        for seen in self._people:
            table.add_row(seen.guest.name, seen.guest.zone, *_dots(course, seen), _mood(seen))
        return Group(Text(f"\n{course.title}, {now:%A %-d %B %Y}", style="bold"), Text(""), table)

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


def _dots(course: Course, seen: Seen) -> list[Text]:
    """Return one cell per phase: a dot for every letter, filled as far as she is."""
    person = seen.person
    place = -1 if person is None or person.place is None else course.places.get(person.place, -1)
    cells, index = [], 0
    for phase in course.phases:
        cell = Text()
        for _ in phase.lessons:
            cell.append("●" if index <= place else "·", style="green" if index <= place else "dim")
            index += 1
        cells.append(cell)
    return cells


def _mood(seen: Seen) -> Text:
    """Return what is to be said of a guest right now."""
    state = seen.person.state if seen.person else ""
    if state == "ended":
        return Text("bounced: no more letters", style="yellow")
    if state == "left":
        return Text("left: no more letters", style="yellow")
    if state == "asked":
        return Text("asked to confirm", style="dim")
    if state == "finished":
        return Text("finished" + (f", {seen.said}" if seen.said else ""), style="green")
    return Text(seen.said or seen.guest.note, style="dim")


def clean(state_directory: Any) -> None:  # noqa: ANN401 - a path
    """Remove what an earlier demo left in its own folder, and nothing else."""
    for name in OURS:
        path = state_directory / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def demo(settings: Settings, *, exit_when_done: bool) -> int:
    """Run the demo and return 0 when the audit holds; unless *exit_when_done*, stay up to be looked at."""
    if settings.door != stamps.SANDBOX:
        msg = "the demo never runs with a real provider: unset SENDGRID_API_KEY and DRIP_SMTP_URL"
        raise UsageError(msg)
    console = Console(highlight=False)
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    clean(settings.state)
    settings = settings.model_copy(
        update={
            "base_url": f"http://127.0.0.1:{free_port(8000)}",
            "sandbox_url": f"http://127.0.0.1:{free_port(8025)}",
        }
    )
    Deployment(settings).prepare()
    with Machine(settings, tell=lambda line: console.print(f"  {line}", style="dim")) as machine:
        show = Demo(machine, console)
        try:
            show.invite()
            begun = clock.monotonic()
            show.run()
            holds = show.summary()
            console.print(f"The course took {clock.monotonic() - begun:.0f} seconds.\n", style="dim")
            console.print(f"Mailbox: {machine.mailbox_url}", style="bold")
            if not exit_when_done:
                console.print("Everything stays up to be looked at; Ctrl-C ends it.")
                _until_interrupted(machine)
        finally:
            show.close()
    return 0 if holds else 1


def _until_interrupted(machine: Machine) -> None:
    """Return when a signal asks to end; meanwhile processes that ended by themselves are started again."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    while not over.wait(1.0):
        machine.mind()


def up(settings: Settings, *, workers: int) -> int:
    """Run a whole installation on this machine until a signal ends it."""
    console = Console(highlight=False)
    fresh = Deployment(settings)
    current = fresh.prepare()
    if not current:
        console.print(
            "schedules.yaml or a letter differs from the live version; the live version is what is sent.", style="yellow"
        )
    with Machine(settings, workers=workers, tell=lambda line: console.print(f"  {line}", style="dim")) as machine:
        console.print(f"Pages:   {settings.base_url}", style="bold")
        if machine.mailbox_url:
            console.print(f"Mailbox: {machine.mailbox_url}", style="bold")
            console.print("Nothing leaves this machine. Add somebody: drip subscribers add you@example.net --confirmed")
        console.print("Ctrl-C ends everything.")
        _until_interrupted(machine)
    return 0
