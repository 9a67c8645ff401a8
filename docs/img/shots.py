"""The pictures of the documentation: `make shots` starts a demo of its own, looks at it with Chromium, and stops it.

Everything runs on this machine, on free ports, in a folder that is gone afterwards. The demo's calendar begins on the
first Monday of next year, so that pictures taken within one year show the same dates.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import html
import io
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from drip import clock, config
from drip.core.operator import Permission
from drip.core.reader import SAMPLES
from drip.errors import DripError, Unreachable
from drip.files import read_project
from drip.flows import admitting, scheduling
from drip.sandbox.demo import Demo
from drip.sandbox.machine import Machine, free_port
from drip.store import stamps
from drip.web.preview.bench import Bench
from drip.web.preview.pages import make_preview
from drip.web.preview.snapshot import Files
from drip.web.serve import serving
from drip.wiring import Deployment

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PICTURES = ("letter-and-map.png", "mailbox.png", "leave.png", "demo.png", "preview.png", "console.png")
CHROMIUMS = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
KB_MAX = 400

READER = "ada@example.net"
LESSON = "Letter 4:"
"""The letter on the phone."""
LATER = "Letter 14:"
"""When the reader has this one, people are in three different phases."""

COLUMNS = 100
TERMINAL = TerminalTheme(
    (27, 27, 27),
    (230, 227, 220),
    [
        (69, 66, 60),
        (240, 168, 132),
        (143, 186, 158),
        (217, 190, 132),
        (140, 170, 200),
        (190, 160, 190),
        (143, 186, 181),
        (230, 227, 220),
    ],
)

STYLE = """
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 "Helvetica Neue", Arial, sans-serif; color: #222; background: #e6e9e2; }
#picture { display: inline-flex; align-items: flex-start; }
img { display: block; }
.phone { border: 11px solid #33373a; border-radius: 46px; overflow: hidden; background: #faf8f3; }
.phone .ear { width: 84px; height: 5px; margin: 13px auto 11px; border-radius: 3px; background: #33373a; }
.phone .from { margin: 0; padding: 0 18px 13px; border-bottom: 1px solid #d5cdbb; font-size: 15px; color: #57534a; }
.phone .from b { display: block; color: #222; font-size: 17px; }
.page { border: 1px solid #d5cdbb; border-radius: 16px; overflow: hidden; background: #faf8f3; }
"""


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at."""

    width: int
    height: int = 0
    scheme: Literal["light", "dark"] = "light"
    scale: float = 1.5


class Walk(Demo):
    """The demo, stopped on the way to be looked at."""

    def until(self, subject: str) -> None:
        """Let time pass until the reader has a letter of this *subject* and all is quiet."""
        while not self.letter(subject):
            self._act()
            if self._post("/sandbox/time/step")["moment"] is None:
                raise Unreachable(f"the course ended before {READER} got {subject!r}")
        self._act()
        self._await_reports()
        self._look()

    def letter(self, subject: str) -> dict[str, Any]:
        """Return the reader's mail whose subject begins so, an empty one while it has not come."""
        mails = self._get(f"/sandbox/mails?address={READER}")
        return next((mail for mail in mails if mail["subject"].startswith(subject)), {})

    def terminal(self) -> str:
        """Return what `drip demo` shows right now as HTML."""
        console = Console(record=True, file=io.StringIO(), width=COLUMNS, force_terminal=True, color_system="truecolor")
        console.print("$ make demo", style="bold")
        console.print(self._picture())
        return console.export_html(theme=TERMINAL, inline_styles=True, code_format="<pre>{code}</pre>")


class Camera:
    """Takes pictures with one browser."""

    def __init__(self, browser: Browser) -> None:
        """Look through *browser*."""
        self._browser = browser

    @contextlib.contextmanager
    def _page(self, look: Look) -> Iterator[Page]:
        """Give a page to look at; nothing but this machine can be reached from it."""
        context = self._browser.new_context(
            viewport={"width": look.width, "height": look.height or 100}, color_scheme=look.scheme, device_scale_factor=look.scale
        )
        context.route("**/*", lambda route: route.continue_() if _is_near(route.request.url) else route.abort())
        try:
            yield context.new_page()
        finally:
            context.close()

    def see(self, url: str, look: Look, enter: Callable[[Page], None] | None = None) -> str:
        """Return what a window of that size shows at *url*, as an image for a page; without a height, all of it.

        *enter* does what must be done first, such as to log in; without a url it is looked where that ends.
        """
        with self._page(look) as page:
            if enter is not None:
                enter(page)
            if url:
                page.goto(url)
            shot = base64.b64encode(page.screenshot(full_page=not look.height)).decode()
        return f'<img width="{look.width}" alt="" src="data:image/png;base64,{shot}">'

    def keep(self, name: str, body: str, style: str, *, scale: float = 1.5) -> None:
        """Write the picture that *body* makes as *name*."""
        with self._page(Look(1400, 1000, scale=scale)) as page:
            page.set_content(f'<style>{STYLE}{style}</style><div id="picture">{body}</div>')
            page.locator("#picture").screenshot(path=HERE / name)
        size = (HERE / name).stat().st_size // 1000
        print(f"{name}: {size} kB" + (f", which is more than {KB_MAX} kB" if size > KB_MAX else ""))


def _is_near(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "about:"))


def letter_and_map(camera: Camera, walk: Walk, sandbox: str) -> None:
    """A letter on a phone beside the map of the course."""
    mail = walk.letter(LESSON)
    letter = camera.see(f"{sandbox}/mails/{mail['id']}/letter", Look(390, 862, scale=2))
    course = camera.see(_link(mail, "/my/"), Look(616, 1299, scale=2))
    sender = html.escape(mail["headers"]["From"].partition("<")[0].strip(' "'))
    subject = html.escape(mail["subject"])
    camera.keep(
        "letter-and-map.png",
        f'<div class="phone"><div class="ear"></div><p class="from"><b>{sender}</b>{subject}</p>{letter}</div>'
        f'<div class="page">{course}</div>',
        "#picture { width: 1120px; padding: 56px 0; gap: 68px; justify-content: center; } .page img { width: 462px; }"
        ".page { position: relative; } .page::after { content: ''; position: absolute; inset: auto 0 0 0; height: 80px;"
        " background: linear-gradient(#faf8f300, #faf8f3); }",
        scale=1.6,
    )


def leave(camera: Camera, walk: Walk) -> None:
    """The page for leaving, in the light and in the dark."""
    url = _link(walk.letter(LATER), "/leave/")
    light, dark = (camera.see(url, Look(320, scheme=scheme, scale=2)) for scheme in ("light", "dark"))
    camera.keep(
        "leave.png",
        f'<div class="page">{light}</div><div class="page dark">{dark}</div>',
        "#picture { padding: 36px; gap: 36px; } .dark { border: 0; background: #1b1b1b; }",
    )


def mailbox(camera: Camera, sandbox: str) -> None:
    """The letters of one person in the sandbox."""
    shown = camera.see(f"{sandbox}/mailbox?address={READER}", Look(960))
    camera.keep("mailbox.png", f'<div class="page">{shown}</div>', "#picture { padding: 36px; }")


def preview(camera: Camera) -> None:
    """The preview of a letter, for a reader whose letter goes on the first Tuesday of next year."""
    day = _begin().date() + timedelta(days=1)
    bench = Bench(Files(ROOT / "schedules.yaml", ROOT / "emails"))
    bench.check()
    bench.current.at = _begin()
    hers = {"roadmap": replace(SAMPLES[0], meant_on=day, letter_on=day)}
    with serving(make_preview(bench, hers)) as address:
        shown = camera.see(f"{address}/letters/roadmap/small-and-steady", Look(1280, 860))
    camera.keep("preview.png", f'<div class="page">{shown}</div>', "#picture { padding: 36px; }", scale=1.2)


def console(camera: Camera, settings: config.Settings, state: Path) -> None:
    """The map of the console with some hundred people on it, beside the page of one of them on a phone."""
    _import_people(state)
    deployment = Deployment(settings)
    try:
        admitting.add(
            deployment.database, "kim", password := secrets.token_urlsafe(), permission=Permission.SEND, by="make shots"
        )
    finally:
        deployment.database.dispose()
    home = f"{settings.base_url}/console"

    def enter(page: Page) -> None:
        page.goto(f"{home}/login")
        page.fill("#name", "kim")
        page.fill("#password", password)
        page.click("button")
        page.wait_for_url(home)

    def find(page: Page) -> None:
        enter(page)
        page.goto(f"{home}/people")
        page.fill("input[name=address]", READER)
        page.press("input[name=address]", "Enter")
        page.wait_for_url(f"{home}/people/*")

    wide = camera.see(f"{home}/map", Look(1120, 980), enter)
    phone = camera.see("", Look(390, 940, scheme="dark"), find)
    camera.keep(
        "console.png",
        f'<div class="page">{wide}</div><div class="page dark">{phone}</div>',
        "#picture { width: 1360px; padding: 36px; gap: 36px; } .page img { width: 900px; }"
        ".page.dark { border: 0; background: #17191a; } .page.dark img { width: 326px; }",
        scale=1.1,
    )


def _import_people(state: Path) -> None:
    """Let people come from another tool, each with the lesson that she had last."""
    chance = random.Random(7)  # noqa: S311 - for pictures
    source = read_project(ROOT / "schedules.yaml", ROOT / "emails")
    schedule = scheduling.check(source).schedule
    lessons = [lesson.id for lesson in schedule.courses["roadmap"].sequence][:-1] if schedule else []
    rows = [
        f"reader{number}@example.net,{lessons[int(len(lessons) * chance.random() ** 1.6)]},Europe/London" for number in range(400)
    ]
    file = state / "people.csv"
    file.write_text("\n".join(["email,last_lesson,timezone", *rows]) + "\n")
    words = ["subscribers", "import", str(file), "--consent-source", "a form of ours", "--confirmed"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DRIP_STATE": str(state)}
    subprocess.run([sys.executable, "-m", "drip", *words], cwd=ROOT, env=environment, check=True, capture_output=True)


def terminal(camera: Camera, walk: Walk) -> None:
    """The terminal while the demo runs."""
    camera.keep(
        "demo.png",
        walk.terminal(),
        "body { background: #1b1b1b; } #picture { padding: 26px 34px; color: #e6e3dc; }"
        'pre { margin: 0; font: 15px/1.45 "DejaVu Sans Mono", Menlo, monospace; }',
    )


def _link(mail: dict[str, Any], part: str) -> str:
    """Return the shortest link of a mail that holds *part*: the page itself and none below it."""
    return min((str(link["url"]) for link in mail["links"] if part in link["url"]), key=len)


def _begin() -> datetime:
    """Return the first Monday of next year, early in the morning."""
    day = datetime(clock.machine_now().year + 1, 1, 1, 6, tzinfo=UTC)
    return day + timedelta(days=-day.weekday() % 7)


def take(chromium: str, state: Path) -> None:
    """Take all pictures of a demo that lives in *state*."""
    settings = config.with_local_keys(
        config.load(
            {"DRIP_STATE": str(state), "DRIP_SCHEDULE": str(ROOT / "schedules.yaml"), "DRIP_EMAILS": str(ROOT / "emails")}
        )
    )
    sandbox = f"http://127.0.0.1:{free_port(0)}"
    settings = settings.model_copy(update={"base_url": f"http://127.0.0.1:{free_port(0)}", "sandbox_url": sandbox})
    deployment = Deployment(settings)
    deployment.prepare()
    with deployment.database.write() as connection:
        stamps.move_calendar(connection, _begin())
    deployment.database.dispose()
    with (
        Machine(settings) as machine,
        contextlib.closing(Walk(machine, Console(file=io.StringIO()))) as walk,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS])
        camera = Camera(browser)
        try:
            preview(camera)
            walk.invite()
            walk.until(LESSON)
            letter_and_map(camera, walk, sandbox)
            walk.until(LATER)
            mailbox(camera, sandbox)
            leave(camera, walk)
            terminal(camera, walk)
            console(camera, settings, state)
        finally:
            browser.close()


def main() -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(prog="make shots", description=f"Take {', '.join(PICTURES)} anew.")
    parser.add_argument("--chromium", help="the browser to look with; by default the one of this machine")
    found = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, [found.chromium] if found.chromium else CHROMIUMS)), None)
    if chromium is None:
        sys.stderr.write("make shots: there is no Chromium here. On Debian: apt install chromium. Else name one:\n")
        sys.stderr.write('  make shots ARGS="--chromium /path/to/chromium"\n')
        return 3
    try:
        with contextlib.chdir(ROOT), tempfile.TemporaryDirectory(prefix="drip-shots-") as state:
            take(chromium, Path(state))
    except DripError as trouble:
        sys.stderr.write(f"make shots: {trouble}\n")
        return trouble.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
