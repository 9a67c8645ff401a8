"""Forms filled in by people who mean harm: nothing breaks, nothing typed is echoed in mail, and names stay names."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from drip.core.address import NAME_MAX, clean_name
from drip.store.tables import enrollments
from tests.web.forms import JOIN, SMALL, fill_in, stored, work

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start

CORPUS: dict[str, list[str]] = json.loads((Path(__file__).parent / "hostile.json").read_text(encoding="utf-8"))
"""What has hurt others, by field."""

FIELDS = ("email", "name", "zone", "country", "consent", "made", "topic")


@pytest.fixture
def site(start: Start) -> Site:
    """The pages of the small course, open for everybody, with helplines."""
    return start(roadmap=False, schedule=SMALL, helplines=True, environment={"DRIP_SIGN_UPS_PER_HOUR": "1000000"})


def test_the_corpus_breaks_nothing(site: Site) -> None:
    """Each address, name, zone and country of it is taken or told beside its field; none stands on a page as markup."""
    for field, values in CORPUS.items():
        for value in values:
            answer = fill_in(site, JOIN, {field: value})
            assert answer.status in {303, 422}, value
            page = answer.data.decode()
            assert not any(mark in page for mark in ("<img", "<svg", "alert(1)</script>", "3349076")), value
            assert "\n" not in answer.headers.get("Location", "")
    work(site)
    assert [] == stored(site)


@pytest.mark.parametrize("address", CORPUS["email"])
def test_no_address_of_the_corpus_reaches_two_people(site: Site, address: str) -> None:
    """What is taken at all is one address on one line."""
    fill_in(site, email=address)
    for wish in stored(site):
        kept = str(wish["address"])
        assert 1 == kept.count("@")
        assert not any(letter in kept for letter in "\r\n\0,;<> ")


@pytest.mark.parametrize("name", CORPUS["name"])
def test_a_name_is_in_no_letter_that_asks_and_is_only_a_name_in_the_others(site: Site, name: str) -> None:
    """The letter that asks and the one with the link hold nothing of it; later letters greet her by it, as text."""
    fill_in(site, name=name)
    work(site)
    fill_in(site, "/page")
    work(site)
    asked = site.mailbox()
    kept = clean_name(name)
    assert [] == [
        letter for letter in asked if kept and len(kept) > 2 and (kept in letter.text or html.escape(kept) in letter.html)
    ]
    with site.deployment.database.read() as connection:
        person = connection.execute(enrollments.select()).one()
    site.press(f"/confirm/{site.deployment.service_token('confirm', person.public_id)}")
    site.run()
    letter = site.mailbox()[-1]
    assert "About hello" == letter.subject
    assert not any(mark in letter.html for mark in ("<script", "<img", "<svg", 'href="https://evil'))
    assert not any(mark in letter.text + letter.html + letter.subject for mark in ("3349076", "\u202e", "\r", "\0"))
    if kept:
        assert kept in letter.text


_TEXT = st.text(max_size=120)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(typed=st.dictionaries(st.sampled_from(FIELDS), _TEXT))
@example({"email": "a@b.net", "name": "\ud7ff\0\u2028", "consent": "yes"})
def test_whatever_is_typed_is_answered(site: Site, typed: dict[str, str]) -> None:
    """The form again or the page that is the same for all; never a fault, and never more than was asked for."""
    before = len(stored(site))
    answer = fill_in(site, JOIN, typed)
    assert answer.status in {200, 303, 422}
    assert len(stored(site)) - before in {0, 1}


@pytest.mark.parametrize("body", [b"\xff\xfe", b"email=%FF%00", b"&" * 100, b"email=a&email=b@example.net", b"{}", b""])
def test_bodies_that_are_no_form_of_ours_are_answered(site: Site, body: bytes) -> None:
    """They have no time in them, so the form is shown again."""
    for path in (JOIN, f"{JOIN}/embed", "/page"):
        assert 200 == site.press(path, body).status
    assert [] == stored(site)


@given(st.text(max_size=200))
def test_a_cleaned_name_is_one_short_line(text: str) -> None:
    """No line break, no control, no override of the direction, not longer than a name; cleaning twice changes nothing."""
    cleaned = clean_name(text)
    assert len(cleaned) <= NAME_MAX
    assert not any(letter in cleaned for letter in "\r\n\t\0\u2028\u202a\u202e\u2066\ufeff")
    assert cleaned == clean_name(cleaned)
