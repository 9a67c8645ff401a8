"""Joining by the form: what it asks, what it keeps, what it answers, and to whom."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.web.forms import CONSENT, GOOD, JOIN, SMALL, fill_in, letters, made, stored, work

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start


@pytest.fixture
def site(start: Start) -> Site:
    """The pages of the small course, open for everybody."""
    return start(roadmap=False, schedule=SMALL)


def test_from_the_form_to_the_first_letter(site: Site) -> None:
    """She fills in the form, gets the letter that asks, presses its button, and her first letter greets her in her zone."""
    answer = fill_in(site)
    assert (303, f"{JOIN}/asked") == (answer.status, answer.headers["Location"])
    page = site.page(f"{JOIN}/asked")
    assert all(words in page for words in ("letters@example.org", "About your letters", "spam", "30 days"))
    for form in (JOIN, f"{JOIN}/embed"):
        assert f'Look at your address and <a href="{form}">ask again</a>' in site.page(f"{form}/asked")
    assert 1 == work(site)
    [path] = re.findall(r"/confirm/[\w.-]+", site.mailbox()[-1].text)
    confirm = site.page(path)
    assert html.escape(CONSENT) in confirm
    assert 200 == site.press(path).status
    site.run()
    letter = site.mailbox()[-1]
    assert ("About hello", True) == (letter.subject, "Sam" in letter.text)
    [row] = site.dump()["enrollments"]
    assert {"active", "Europe/Paris"} <= set(row)


def test_the_proof_of_consent_is_whole(site: Site) -> None:
    """Asked and agreed: the words, the page, the network address, the version, and the instants are kept."""
    fill_in(site)
    work(site)
    [path] = re.findall(r"/confirm/[\w.-]+", site.mailbox()[-1].text)
    site.post(path)

    asked, agreed = site.dump()["consents"]
    kept = [(row[3], *row[5:]) for row in (asked, agreed)]
    base = "http://127.0.0.1:8000"
    assert [
        ("asked", CONSENT, "sign-up page", "127.0.0.1", f"{base}{JOIN}", 1),
        ("agreed", CONSENT, "confirmation page", "127.0.0.1", f"{base}/confirm", 1),
    ] == kept
    assert asked[4] < agreed[4]


def test_faults_stand_beside_their_fields_and_nothing_is_lost(site: Site) -> None:
    """A malformed address, no consent and a zone that is none are said; what was typed is still there."""
    answer = fill_in(site, email="sam example", name='S"am', zone="Mars/Olympus", consent="")

    page = answer.data.decode()
    assert 422 == answer.status
    for field in ("email", "zone", "consent"):
        assert f'id="{field}-fault"' in page
        assert f'aria-describedby="{field}-fault' in page
    assert 'value="sam example"' in page
    assert "S&#34;am" in page
    assert "checked" not in page
    assert "Mars" not in page
    assert [] == stored(site)
    # It may be put right at once: the time already spent counts.
    [token] = re.findall(r'name="made" value="([^"]+)"', page)
    assert 303 == site.post(JOIN, {**GOOD, "made": token}).status
    assert 1 == len(stored(site))


def test_the_box_is_never_ticked_beforehand(site: Site) -> None:
    """Also for whoever comes back with a form that grew old; the words beside it are those of the course."""
    page = site.page(JOIN)
    assert html.escape(CONSENT) in page
    assert "checked" not in page
    assert "checked" not in fill_in(site, seconds_ago=90_000).data.decode()


@pytest.mark.parametrize("changes", [{"topic": "x"}, {"seconds_ago": 1}])
def test_a_program_gets_the_same_answer_and_nothing_is_kept(site: Site, changes: dict[str, object]) -> None:
    """Whoever fills in what people do not see, or presses within three seconds, learns nothing of it."""
    good = fill_in(site, email="jo@example.net")
    answer = fill_in(site, **changes)  # type: ignore[arg-type]

    assert _shown(good) == _shown(answer)
    assert ["jo@example.net"] == [row["address"] for row in stored(site)]


def _shown(answer: object) -> tuple[object, ...]:
    """Return everything of an answer that its reader can see, but for the second in which it was given."""
    status, headers, data = answer.status, dict(answer.headers), answer.data  # type: ignore[attr-defined]
    headers.pop("date", None)
    return status, sorted(headers.items()), data


@pytest.mark.parametrize("token", ["", "x", "old", "other"])
def test_a_form_that_is_too_old_is_shown_again(site: Site, token: str) -> None:
    """So is one whose time is forged or missing, or on which other words stood.

    The next press is taken at once where the form was a page of ours; who made it up waits like everybody.
    """
    values = {"": "", "x": "x.y.z", "old": made(site, JOIN, 86_401), "other": made(site, "/page")}
    answer = site.post(JOIN, {**GOOD, "made": values[token]})

    page = answer.data.decode()
    assert (200, []) == (answer.status, stored(site))
    assert 'value="sam@example.net"' in page
    assert "press once more" in page
    [fresh] = re.findall(r'name="made" value="([^"]+)"', page)
    assert 303 == site.post(JOIN, {**GOOD, "made": fresh}).status
    assert (token in {"old", "other"}) == (1 == len(stored(site)))


def test_without_the_section_nobody_joins(start: Start) -> None:
    """The page says so kindly, the front page offers nothing, a press is refused, and nothing is kept."""
    site = start(roadmap=False)
    assert "Closed for now" in site.page(JOIN)
    assert "join" not in site.page("/")
    assert 409 == site.post(JOIN, GOOD).status
    assert [] == stored(site)


def test_a_closed_course_says_so(start: Start) -> None:
    """`closed: true` takes nobody new, and the page after the form is still there for whoever is on it."""
    site = start(roadmap=False, schedule=SMALL.replace("      embed", "      closed: true\n      embed"))
    assert "Closed for now" in site.page(JOIN)
    assert "Closed for now" in site.page(f"{JOIN}/embed")
    assert 200 == site.get(f"{JOIN}/asked").status


def test_an_unknown_course_is_not_there(site: Site) -> None:
    """Neither its form, nor its answer."""
    for path in ("/join/other", "/join/other/asked", "/join/other/embed", "/join/%3Cscript%3E"):
        assert 404 == site.get(path).status
    assert 404 == site.post("/join/other", GOOD).status


# In a frame ----------------------------------------------------------------------------------------------------------


def test_only_the_sites_of_the_course_may_frame_the_form(site: Site) -> None:
    """The form in the frame and its answer name them; the form itself, and every other page, nobody."""
    for path in (f"{JOIN}/embed", f"{JOIN}/embed/asked"):
        assert "frame-ancestors https://example.org;" in site.get(path).headers["Content-Security-Policy"] + ";"
    for path in (JOIN, f"{JOIN}/asked", "/", "/page"):
        assert "frame-ancestors 'none'" in site.get(path).headers["Content-Security-Policy"]


def test_nobody_frames_a_form_without_sites(start: Start) -> None:
    """A course that names no site has its form for itself."""
    site = start(roadmap=False, schedule=SMALL.replace("      embed: [https://example.org]\n", ""))
    assert "frame-ancestors 'none'" in site.get(f"{JOIN}/embed").headers["Content-Security-Policy"]


def test_a_press_in_the_frame_is_taken_and_leads_on_within_it(site: Site) -> None:
    """It comes from our own page; one from the page around it, or from another site, is refused."""
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    answer = fill_in(site, f"{JOIN}/embed", headers=own)
    assert (303, f"{JOIN}/embed/asked") == (answer.status, answer.headers["Location"])
    [wish] = stored(site)
    assert ("embedded form", f"http://127.0.0.1:8000{JOIN}/embed") == (wish["source"], wish["form"])
    for path in (JOIN, f"{JOIN}/embed", "/page"):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://example.org"}):
            assert 403 == fill_in(site, path, headers=headers).status
    assert 1 == len(stored(site))


def test_one_script_of_ours_on_the_form_alone(site: Site) -> None:
    """The form may run scripts of this host and has one; no other page may run any."""
    for path in (JOIN, f"{JOIN}/embed"):
        answer = site.get(path)
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        [source] = re.findall(r'<script src="([^"]+)" defer></script>', answer.data.decode())
        assert "text/javascript; charset=utf-8" == site.get(source).headers["Content-Type"]
    for path in ("/", "/page", f"{JOIN}/asked", f"{JOIN}/embed/asked", "/care"):
        answer = site.get(path)
        assert "script" not in answer.headers["Content-Security-Policy"]
        assert b"<script" not in answer.data


# The real course -----------------------------------------------------------------------------------------------------


def test_the_shipped_course_asks_for_a_consent_that_names_health_data(start: Start) -> None:
    """The sentence beside the box says what being here tells about her; the front page leads to it and names no illness."""
    site = start()
    assert 'href="/join/roadmap"' in site.page("/")
    page = site.page("/join/roadmap")
    [sentence] = re.findall(r'name="consent".*?<span>(.*?)</span>', page)
    assert "my health" in sentence
    assert "at any time" in sentence
    assert " ".join(sentence.split()) in " ".join((ROOT / "schedules.yaml").read_text().split())


def test_a_country_is_asked_only_where_there_is_a_helpline(start: Start) -> None:
    """Then it goes with her, and what is not offered is refused."""
    site = start(roadmap=False, schedule=SMALL, helplines=True)
    assert "Your country" in site.page(JOIN)
    assert "country-fault" in fill_in(site, country="FR").data.decode()
    fill_in(site, country="NL")
    work(site)
    assert "NL" in site.dump()["enrollments"][0]
    assert ["confirm"] == letters(site)
