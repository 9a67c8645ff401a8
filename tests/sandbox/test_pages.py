"""The mailbox pages: readable on a phone and in the dark, without scripts, and nothing from elsewhere."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from drip import clock
from drip.errors import DripError
from drip.sandbox.pages import Reader
from drip.sandbox.timemachine import TimeStatus

if TYPE_CHECKING:
    from tests.sandbox.conftest import Sandbox, Start

Make = Callable[..., dict[str, Any]]

FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


@dataclass
class Machine:
    """A time machine that passes days when *gate* is open."""

    now: datetime = datetime(2026, 6, 9, 9, 0, tzinfo=UTC)
    gate: threading.Event = field(default_factory=threading.Event)
    trouble: str = ""
    moves: list[int] = field(default_factory=list)

    def pass_days(self, days: int) -> None:
        """Pass *days* days."""
        self.gate.wait(10)
        if self.trouble:
            raise DripError(self.trouble)
        self.moves.append(days)
        self.now += timedelta(days=days)

    def run(self) -> None:
        """Pass a whole course."""
        self.pass_days(112)

    def status(self) -> TimeStatus:
        """Say what it waits for."""
        return {"now": self.now, "running": False, "people": 12, "waiting_for": "the letters of Tuesday"}


def page(sandbox: Sandbox, path: str) -> str:
    """Return the page at *path*."""
    answer = sandbox.get(path)
    assert 200 == answer.status
    return answer.data.decode()


def press(sandbox: Sandbox, path: str, **headers: str) -> int:
    """Press a button, as a form does, and return the status."""
    return sandbox.pool.request("POST", sandbox.url + path, headers=headers, redirect=False).status


def until(holds: Callable[[], bool]) -> None:
    """Wait until *holds*."""
    deadline = clock.monotonic() + 5
    while not holds():
        assert clock.monotonic() < deadline
        clock.wait(0.01)


def test_an_empty_mailbox_says_so(sandbox: Sandbox) -> None:
    """Before the first letter the page explains itself, says that nothing leaves, and has no time machine."""
    text = page(sandbox, "/")

    assert "No letters yet" in text
    assert "nothing leaves this machine" in text
    assert "/time/" not in text
    assert 404 == press(sandbox, "/time/day")


def test_people_and_letters_are_listed(start: Start, letter: Make, person: Make) -> None:
    """The first page has each person once with her latest subject; hers has her letters, dated in her zone by the calendar."""
    calendar = datetime(2026, 6, 8, 21, 0, tzinfo=UTC)
    sandbox = start(calendar=lambda: calendar, reader_of=lambda _: Reader(ZoneInfo("Pacific/Auckland"), "left by a link"))
    sandbox.send(letter(person("ada@example.net"), person("bob@example.net"), subject="First <b>"))
    sandbox.send(letter(person("ada@example.net"), subject="Second"))

    people = page(sandbox, "/")
    assert people.index("ada<wbr>@") < people.index("bob<wbr>@")
    for words in ("Monday 8 June 2026", "2 people, 3 letters", "First &lt;b&gt;"):
        assert words in people
    assert "left by a link" in people
    hers = page(sandbox, "/mailbox?address=ada%40example.net")
    assert "left by a link" in hers
    assert hers.index("Second") < hers.index("First")
    assert "Tue 9 Jun 2026" in hers
    assert "Pacific/Auckland time" in hers
    assert 404 == sandbox.get("/mailbox?address=nobody@example.net").status
    assert 404 == sandbox.get("/mails/99").status


def test_many_people_are_paged_and_found(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """Fifty stand on a page, with a way to the others and a field that finds one."""
    sandbox.send(letter(*(person(f"p{n:03}@example.net") for n in range(120))))

    assert 50 == page(sandbox, "/").count('class="row"')
    assert 20 == page(sandbox, "/?page=3").count('class="row"')
    assert 1 == page(sandbox, "/?find=p007").count('class="row"')
    assert "No address contains" in page(sandbox, "/?find=nobody")


def test_a_letter_has_five_views(sandbox: Sandbox, letter: Make, person: Make) -> None:
    """Letter and phone show the HTML in a cage; text, headers and the raw request stand beside."""
    sandbox.send(letter(person("ada@example.net", headers={"List-Unsubscribe": "<http://x/u>"})))

    for view in ("html", "phone"):
        text = page(sandbox, f"/mails/1?view={view}")
        [cage] = re.findall(r'<iframe src="/mails/1/letter"[^>]* sandbox="([^"]*)"', text)
        assert "allow-top-navigation-by-user-activation" in cage
        assert not {"allow-scripts", "allow-same-origin", "allow-forms"} & set(cage.split())
    assert "Welcome. http://127.0.0.1:8000/u/t0" in page(sandbox, "/mails/1?view=text")
    assert "&lt;http://x/u&gt;" in page(sandbox, "/mails/1?view=headers")
    assert "&#34;personalizations&#34;" in page(sandbox, "/mails/1?view=raw")
    assert 422 == sandbox.get("/mails/1?view=other").status


def test_the_letter_is_shown_as_it_was_sent(sandbox: Sandbox, letter: Make) -> None:
    """Its frame has the HTML untouched but for one element that opens links in the whole window."""
    html = "<html><head lang=en><style>p{}</style></head><body><p>Hello</body></html>"
    sandbox.send(letter(content=[{"type": "text/html", "value": html}]))
    sandbox.send(letter(content=[{"type": "text/plain", "value": "Hello"}]))

    assert html == page(sandbox, "/mails/1/letter").replace('<base target="_top">', "")
    assert 404 == sandbox.get("/mails/2/letter").status
    assert "no HTML part" in page(sandbox, "/mails/2")


def test_every_page_is_sealed(sandbox: Sandbox, letter: Make) -> None:
    """No page runs a script, loads from elsewhere, tells where one came from, or is kept by a cache."""
    sandbox.send(letter())

    for path in ("/", "/mailbox?address=ada@example.net", "/mails/1", "/mails/1?view=raw", "/mails/99"):
        answer = sandbox.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert not re.search("script-src|unsafe", policy)
        assert ("no-referrer", "no-store") == (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"])
        assert b"<script" not in answer.data
        assert b"style=" not in answer.data
        assert [] == re.findall(rb'(?:src|href|action)="(?:https?:)?//', answer.data)
    frame = sandbox.get("/mails/1/letter").headers["Content-Security-Policy"]
    for words in ("default-src 'none'", "sandbox allow-popups", "img-src data:"):
        assert words in frame


def test_the_time_machine_has_three_buttons(start: Start) -> None:
    """Each passes its time and comes back to the list at once; the header shows the calendar's day."""
    machine = Machine()
    machine.gate.set()
    sandbox = start(time_machine=machine)
    assert "Tuesday 9 June 2026" in page(sandbox, "/")

    for moves, path in enumerate(("/time/day", "/time/week", "/time/run"), start=1):
        assert 303 == press(sandbox, path)
        until(lambda wanted=moves: wanted == len(machine.moves))  # type: ignore[misc]
        until(lambda: "Time is passing" not in page(sandbox, "/"))
    assert [1, 7, 112] == machine.moves
    assert "Wednesday 7 October 2026" in page(sandbox, "/")


def test_progress_is_shown_while_time_passes(start: Start, letter: Make) -> None:
    """The lists reload by themselves, buttons rest, a second press does nothing; a letter that is being read stays."""
    machine = Machine()
    sandbox = start(time_machine=machine)
    sandbox.send(letter())
    press(sandbox, "/time/week")

    text = page(sandbox, "/")
    assert '<meta http-equiv="refresh" content="1">' in text
    assert "Time is passing for 12 people; waiting for the letters of Tuesday" in text
    assert 3 == text.count("<button disabled>")
    assert "http-equiv" not in page(sandbox, "/mails/1")
    assert 303 == press(sandbox, "/time/day")
    machine.gate.set()
    until(lambda: "http-equiv" not in page(sandbox, "/"))
    assert [7] == machine.moves


def test_a_time_machine_that_fails_says_why(start: Start) -> None:
    """The sentence of the trouble stands on the page, until the next press."""
    machine = Machine(trouble="The worker does not answer.")
    machine.gate.set()
    sandbox = start(time_machine=machine)
    press(sandbox, "/time/day")

    until(lambda: "The time machine stopped: The worker does not answer." in page(sandbox, "/"))
    machine.trouble = ""
    press(sandbox, "/time/day")
    until(lambda: "stopped" not in page(sandbox, "/"))


def test_looking_moves_no_time(start: Start) -> None:
    """The buttons' addresses do nothing on GET, and a press from another site is refused."""
    machine = Machine()
    sandbox = start(time_machine=machine)

    assert 405 == sandbox.get("/time/day").status
    assert 403 == press(sandbox, "/time/day", **{"Sec-Fetch-Site": "cross-site"})
    assert [] == machine.moves


# In a real browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium that talks to this machine only."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield opened
        opened.close()


def opened(browser: Browser, url: str, width: int, scheme: str) -> tuple[Page, list[str]]:
    """Return the page at *url* and the list that fills with what the console says and what is asked for elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme="dark" if scheme == "dark" else "light")
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("request", lambda request: None if request.url.startswith("http://127.0.0.1") else complaints.append(request.url))
    tab.goto(url)
    return tab, complaints


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (320, "dark"), (1200, "light"), (1200, "dark")])
def test_pages_fit_and_follow_the_scheme(start: Start, letter: Make, browser: Browser, width: int, scheme: str) -> None:
    """At 320 px nothing scrolls sideways, the paper is light or dark as the system asks, and the console is silent."""
    machine = Machine()
    sandbox = start(time_machine=machine)
    address = "a-person.with-a-very-long-address@subdomain-of-a.long-domain-name.example.net"
    headers = {"List-Unsubscribe": f"<http://127.0.0.1:8000/u/{'x' * 200}>"}
    ada = {"to": [{"email": address}], "headers": headers}
    assert 202 == sandbox.send(letter(ada, subject="Letter 3: Real words for real pain, and why they matter")).status

    paths = [
        "/",
        f"/mailbox?address={address}",
        *(f"/mails/1?view={view}" for view in ("html", "phone", "text", "headers", "raw")),
    ]
    for path in paths:
        tab, complaints = opened(browser, sandbox.url + path, width, scheme)
        assert 0 == tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"), path
        paper = {"light": "rgb(250, 248, 243)", "dark": "rgb(27, 27, 27)"}[scheme]
        assert paper == tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert [] == complaints
        tab.context.close()


@pytest.mark.browser
def test_a_link_in_a_letter_opens_in_the_whole_window(start: Start, letter: Make, browser: Browser) -> None:
    """Clicking it in its frame leaves the mailbox for the page it names; the letter's own script never runs."""
    sandbox = start()
    html = f'<p><a href="{sandbox.url}/sandbox/counts?from=letter">Pause</a></p><script>document.title = "ran"</script>'
    sandbox.send(letter(content=[{"type": "text/html", "value": html}]))
    tab, _ = opened(browser, f"{sandbox.url}/mails/1", 800, "light")

    frame = tab.frame_locator("iframe")
    frame.get_by_text("Pause").click()
    tab.wait_for_url("**/sandbox/counts?from=letter")
    tab.context.close()


@pytest.mark.browser
def test_time_passes_by_a_press_without_scripts(start: Start, browser: Browser) -> None:
    """The button works in a browser with scripts switched off, and the page comes to rest by itself."""
    machine = Machine()
    sandbox = start(time_machine=machine)
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(sandbox.url)
    tab.get_by_role("button", name="Pass a week").click()
    tab.get_by_text("Time is passing").wait_for()
    machine.gate.set()
    tab.get_by_text("Tuesday 16 June 2026").wait_for()
    tab.get_by_text("Time is passing").wait_for(state="detached")
    context.close()
