"""Settings: every choice that is offered works, every other is answered beside its field, and what was chosen stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import pytest

from drip.core.wording import day_in_words
from drip.web.settings import zones

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start

ALL = {"weekday": "thu", "send_at": "18:00", "zone": "America/New_York", "pace": "2", "length": "short"}


def _form(page: str) -> dict[str, str]:
    """Return what a browser would post from the page untouched."""
    chosen = {
        name: "".join(re.findall(r'<option value="([^"]*)" selected>', inner))
        for name, inner in re.findall(r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL)
    }
    return chosen | dict(re.findall(r'type="radio" name="([^"]*)" value="([^"]*)" checked', page))


def test_all_choices_are_saved_and_the_new_date_is_named(site: Site) -> None:
    """One press sets day, hour, zone, pace and length; the answer names the date, and the form shows them from then on."""
    person = site.have_letters(site.enroll(), 2)
    path = f"{site.my(person)}/settings"

    saved = site.press(path, ALL)

    assert 200 == saved.status
    after = site.person(person.id)
    assert (3, "18:00", "America/New_York", 2, True) == (after.weekday, after.send_at, after.zone, after.pace, after.short)
    assert after.next_letter_on is not None
    assert f"Your next letter comes on <strong>{day_in_words(after.next_letter_on)}</strong>" in saved.data.decode()
    assert ALL == _form(site.page(path))


def test_saving_the_form_untouched_moves_nothing(site: Site) -> None:
    """Opening the page and pressing Save leaves her enrollment as it was."""
    person = site.have_letters(site.enroll(timezone="Pacific/Auckland", send_at="07:30"), 2)
    path = f"{site.my(person)}/settings"

    assert 200 == site.press(path, _form(site.page(path))).status
    assert person == site.person(person.id)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("send_at", "23:30", "Choose an hour from 06:00 to 21:00."),
        ("send_at", "noon", "Choose an hour from 06:00 to 21:00."),
        ("weekday", "someday", "Letters can come on mon, tue, wed, thu, fri, sat, sun."),
        ("zone", "Atlantis/Deep", "This is not a time zone we know"),
        ("zone", "../../etc/passwd", "This is not a time zone we know"),
        ("pace", "7", "There is no choice"),
        ("length", "<script>alert(1)</script>", "There is no choice"),
    ],
)
def test_what_is_not_offered_is_said_beside_its_field(site: Site, field: str, value: str, says: str) -> None:
    """The sentence stands at the field, the others keep what was chosen, and nothing is changed."""
    person = site.enroll()
    before = site.dump()

    answer = site.press(f"{site.my(person)}/settings", {**ALL, field: value})

    page = answer.data.decode()
    assert 422 == answer.status
    assert f'<p class="fault" id="{field}-fault">{says}' in page
    assert f'aria-describedby="{field}-fault"' in page
    assert "<script" not in page
    kept = _form(page)
    assert all(kept[name] == ALL[name] for name in ALL if name != field)
    assert before == site.dump()


def test_several_faults_are_said_at_once(site: Site) -> None:
    """Two wrong fields give two sentences, not one after the other."""
    answer = site.press(f"{site.my(site.enroll())}/settings", {**ALL, "send_at": "03:00", "zone": "Nowhere"})

    assert 2 == answer.data.decode().count('class="fault"')


def test_a_country_can_be_chosen_where_it_has_a_helpline(start: Start) -> None:
    """Offered are the countries with a line, and not to say; what she chose shows on her page and can be taken back."""
    site = start(helplines=True)
    person = site.have_letters(site.enroll(), 2)
    path = f"{site.my(person)}/settings"
    page = site.page(path)
    offered = re.findall(r'<option value="([^"]*)"', page.partition('id="country"')[2].partition("</select>")[0])
    assert ["", "NL", "GB"] == offered

    saved = site.press(path, {**_form(page), "country": "GB"}).data.decode()

    after = site.person(person.id)
    assert person._replace(country="GB") == after
    assert "<dd>United Kingdom</dd>" in saved
    assert "<dd>United Kingdom</dd>" in site.page(site.my(person))
    assert "GB" == _form(site.page(path))["country"]
    assert 200 == site.press(path, {"country": ""}).status
    assert "" == site.person(person.id).country
    assert 422 == site.press(path, {"country": "UK"}).status


def test_a_country_without_a_helpline_is_not_lost(start: Start) -> None:
    """An operator knows her country, which has no line: saving something else keeps it."""
    site = start(helplines=True)
    person = site.enroll(country="FR")
    path = f"{site.my(person)}/settings"

    site.press(path, {**_form(site.page(path)), "pace": "2"})

    assert ("FR", 2) == (site.person(person.id).country, site.person(person.id).pace)


def test_a_course_without_helplines_asks_for_no_country(site: Site) -> None:
    """Nothing is asked that nothing would use."""
    assert "country</label>" not in site.page(f"{site.my(site.enroll())}/settings")


def test_fields_that_are_left_out_stay(site: Site) -> None:
    """A form with the pace alone sets the pace alone."""
    person = site.enroll(weekday=4, send_at="08:00")

    site.press(f"{site.my(person)}/settings", {"pace": "2"})

    after = site.person(person.id)
    assert (4, "08:00", 2) == (after.weekday, after.send_at, after.pace)


def test_every_zone_that_is_offered_is_one(site: Site) -> None:
    """The list holds only zones that the settings take, each once, and every continent."""
    offered = [choice.value for choices in zones().values() for choice in choices]

    assert set(offered) <= available_timezones()
    assert len(offered) == len(set(offered))
    assert {"Europe", "Asia", "Africa", "The Americas"} <= set(zones())
    assert "Buenos Aires, Argentina" in site.page(f"{site.my(site.enroll())}/settings")
