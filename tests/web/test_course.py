"""My course: the map, the letters again, pauses whose dates come true, and the kit for rough days."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from drip.core.newcomer import HAD_ELSEWHERE
from drip.core.turn import PASSED_BY
from drip.core.wording import day_in_words
from drip.flows import holding
from drip.flows.adjusting import BEGAN_LATER
from drip.store import enrollments, tables, versions

if TYPE_CHECKING:
    from tests.web.conftest import Site, Start


def test_a_date_ahead_is_a_plan_while_the_course_is_held(site: Site) -> None:
    """Nothing is promised for a day on which letters may still rest; released, it is her date again."""
    person = site.have_letters(site.enroll(), 1)
    holding.hold(site.deployment.database, None, reason="a wrong word")
    page = site.page(site.my(person))
    assert "Letters rest for a little while just now. Yours is planned for" in page
    assert "Your next letter comes" not in page
    holding.release(site.deployment.database, None)
    assert "Your next letter comes on" in site.page(site.my(person))


def test_the_map_shows_what_she_had_what_is_next_and_what_comes_later(site: Site) -> None:
    """Letters she had are links, one is next, all others are named; the next date stands on top."""
    person = site.have_letters(site.enroll(), 5)
    page = site.page(site.my(person))

    assert person.next_letter_on is not None
    assert f"<strong>{day_in_words(person.next_letter_on)}</strong>" in page
    assert 5 == page.count('<li class="had">')
    assert 1 == page.count('<li class="next" aria-current="step">')
    assert 13 == page.count('<li class="later">')
    titles = ("Get your bearings", "Lower the load", "Unwind the loop", "Widen your life", "Europe/London".partition("/")[2])
    assert all(words in page for words in titles)


@pytest.mark.parametrize(
    ("reason", "says"), [(HAD_ELSEWHERE, "Had before"), (BEGAN_LATER, "Not in this round"), (PASSED_BY, "Did not come")]
)
def test_the_map_says_why_a_letter_did_not_come(site: Site, reason: str, says: str) -> None:
    """Had in another tool, before where she began, or passed by an edit: each has its own calm words, and only its own."""
    person = site.enroll()
    with site.deployment.database.write() as connection:
        enrollments.note_omissions(connection, person, ["welcome"], reason)
        enrollments.change(connection, person.id, {"place": "welcome", "next_lesson": "loaded-and-locked"})

    page = site.page(site.my(person))

    for words in ("Had before", "Not in this round", "Did not come"):
        assert (words == says) == (f'<span class="note">{words}</span>' in page)
    assert (says == "Had before") == ("you had this before you came here" in page)


def test_her_page_shows_neither_address_nor_name(site: Site) -> None:
    """Only the first letter of the address and its domain can be seen, on her page and in her letters shown again."""
    person = site.have_letters(site.enroll("samantha.smith@example.net", name="Samantha Smith"), 2)
    my = site.my(person)

    assert "s…@example.net" in site.page(my)
    hers = ("", "/pause", "/settings", "/rough", "/rough/save", "/letters/welcome", "/letters/welcome/mail", "/next", "/again")
    for path in (*hers, "/fresh", "/calendar.ics"):
        page = site.page(my + path)
        assert "amantha" not in page
        assert "Smith" not in page


@pytest.mark.parametrize("state", ["asked", "finished", "left", "ended"])
def test_every_stage_has_a_kind_page(site: Site, state: str) -> None:
    """Before, after and outside the course all her pages open and say what is true."""
    person = site.have_letters(site.enroll(), 2)
    with site.deployment.database.write() as connection:
        connection.execute(tables.enrollments.update().values(state=state, ended_at=site.now(), next_due_at=None))

    for path in ("", "/pause", "/pause/done", "/settings", "/rough", "/next", "/again", "/fresh"):
        page = site.page(site.my(person) + path)
        assert "Your next letter comes" not in page
        assert 1 == len(re.findall("<h1[ >]", page))
    assert 200 == site.press(f"{site.my(person)}/settings", {"pace": "2"}).status
    assert 303 == site.post(f"{site.my(person)}/pause", {"weeks": "1"}).status


def test_the_whole_course_is_read_again(site: Site) -> None:
    """After the last letter each of the nineteen opens, and no later one is promised."""
    person = site.have_letters(site.enroll(), 19)

    page = site.page(site.my(person))
    letters = re.findall(r'href="([^"]*/letters/[^"/]*)"', page)
    assert 19 == len(letters)
    assert "You have had all the letters" in page
    for letter in letters:
        assert "<h1" in site.page(letter)


def test_a_letter_is_shown_in_the_version_she_got(start: Start) -> None:
    """After an edit her old letter reads as it came, with the next date that it came with."""
    site = start(roadmap=False)
    person = site.have_letters(site.enroll(), 2)
    hello, _ = site.mailbox()
    database = site.deployment.database
    with database.write() as connection:
        newest = versions.newest(connection)
        assert newest is not None
        version = versions.find(connection, newest[0])
        assert version is not None
        changed = {path: text.replace("Small steps.", "CHANGED") for path, text in version.letters.items()}
        versions.publish(
            connection,
            schedule_text=version.schedule_text,
            letters=changed,
            course_ids=["small"],
            first_ids=version.first_ids,
            now=site.now(),
        )

    page = site.page(f"{site.my(person)}/letters/hello")

    assert "Small steps." in page
    assert "CHANGED" not in page
    [promised] = re.findall(r"The next letter comes on ([^<.]*)", hello.html)
    assert f"The next letter comes on {promised}" in page
    assert f'href="{site.my(person)}"' in page


def test_whoever_gets_short_letters_finds_the_rest_on_her_page(site: Site) -> None:
    """The short mail says that the rest is on her page, and there the letter is whole."""
    person = site.have_letters(site.enroll(short=True), 1)
    [welcome] = site.mailbox()

    assert "Read the rest on your page" in welcome.html
    assert "How sure are we?" not in welcome.html
    assert "How sure are we?" in site.page(f"{site.my(person)}/letters/welcome")


def test_only_her_own_letters_open(site: Site) -> None:
    """A letter that she has not had yet, or that is no letter, is not shown."""
    person = site.have_letters(site.enroll(), 2)

    for letter in ("settle", "confirm", "nothing", "..%2fwelcome"):
        assert 404 == site.get(f"{site.my(person)}/letters/{letter}").status


@pytest.mark.parametrize("weeks", [1, 2, 4])
@pytest.mark.parametrize("paused_before", ["", "2", "open"])
def test_the_date_on_a_pause_button_comes_true(site: Site, weeks: int, paused_before: str) -> None:
    """From the road or out of another pause: what the button says is what her page says, and when the letter comes."""
    person = site.have_letters(site.enroll(), 2)
    path = f"{site.my(person)}/pause"
    if paused_before:
        assert 303 == site.post(path, {"weeks": paused_before}).status
    label = "1 week" if weeks == 1 else f"{weeks} weeks"
    [date] = re.findall(rf"<span>{label}</span><span class=\"note\">Next letter on ([^<]*)<", site.page(path))

    answer = site.post(path, {"weeks": str(weeks)})

    assert (303, f"{path}/done") == (answer.status, answer.headers["Location"])
    for said in (path, f"{path}/done"):
        assert f"Your next letter comes on <strong>{date}</strong>" in site.page(said)
    after = site.person(person.id)
    assert after.next_due_at is not None
    site.pass_to(after.next_due_at)
    assert date == day_in_words(after.next_due_at.date())
    assert 3 == len(site.mailbox())


def test_until_i_say_and_go_on(site: Site) -> None:
    """No letter is dated while she rests; the button to go on says the date that comes true."""
    person = site.have_letters(site.enroll(), 2)
    path = f"{site.my(person)}/pause"
    site.post(path, {"weeks": "open"})
    paused = site.page(path)
    assert "No letter comes until you say." in paused
    [date] = re.findall(r"<span>Go on now</span><span class=\"note\">Next letter on ([^<]*)<", paused)

    assert 303 == site.post(path, {"resume": "yes"}).status

    assert "" == site.person(person.id).paused
    assert f"Your next letter comes on <strong>{date}</strong>" in site.page(path)


@pytest.mark.parametrize("form", [{"weeks": "1"}, {"weeks": "open"}, {"resume": "yes"}])
def test_a_second_tap_on_the_same_spot_changes_nothing(site: Site, form: dict[str, str]) -> None:
    """The page after a pause, and after its end, says what is so now and has no button to press."""
    person = site.have_letters(site.enroll(), 2)
    my = site.my(person)
    if "resume" in form:
        site.post(f"{my}/pause", {"weeks": "open"})

    answer = site.post(f"{my}/pause", form)

    assert (303, f"{my}/pause/done") == (answer.status, answer.headers["Location"])
    page = site.page(answer.headers["Location"])
    assert "<form" not in page
    assert ("You go on" if "resume" in form else "Your letters are paused") in page
    on = site.person(person.id).next_letter_on
    assert on is not None
    says = "No letter comes until you say." if form.get("weeks") == "open" else f"comes on <strong>{day_in_words(on)}</strong>"
    assert says in page


@pytest.mark.parametrize("form", [{}, {"weeks": "3"}, {"weeks": "-1"}, {"weeks": "²"}, {"weeks": "1e9"}, {"other": "1"}])
def test_a_pause_that_is_not_offered_changes_nothing(site: Site, form: dict[str, str]) -> None:
    """It is answered kindly with 400."""
    person = site.enroll()
    before = site.dump()

    assert 400 == site.post(f"{site.my(person)}/pause", form).status
    assert before == site.dump()


def test_a_pause_under_a_letter_that_is_being_handed_over_is_not_acknowledged(site: Site) -> None:
    """Pause and settings answer 503 with Retry-After, and say that nothing was changed."""
    person = site.enroll()
    site.deployment.ticker().tick()
    site.handing_over(person)

    for path, form in (("pause", {"weeks": "1"}), ("settings", {"weekday": "thu"})):
        answer = site.press(f"{site.my(person)}/{path}", form)
        assert 503 == answer.status
        assert answer.headers["Retry-After"].isdigit()
        assert "nothing was changed" in answer.data.decode()
    assert person.weekday == site.person(person.id).weekday


def test_the_kit_opens_at_once_and_as_often_as_she_likes(site: Site) -> None:
    """Before it one button holds the next letter for a week, the care list comes first in it, and no letter is mailed."""
    person = site.have_letters(site.enroll(), 2)
    before = site.dump()

    pages = [site.page(f"{site.my(person)}/rough") for _ in range(3)]

    assert before == site.dump()
    kit = pages[0]
    order = [
        "← My course",
        "Hold my next letter for a week",
        "<h1",
        "Get emergency help now",
        "befrienders.org",
        "Mail me this kit",
    ]
    assert order == sorted(order, key=kit.index)
    assert kit.index(">Unsubscribe<") < kit.index("Mail me this kit") < kit.index("</main>")
    assert f'action="{site.my(person)}/pause"' in kit
    assert '<input type="hidden" name="weeks" value="1">' in kit


def test_a_course_without_a_kit_has_a_kind_page_with_the_button(start: Start) -> None:
    """Where the course has no letter to ask for, the page says where to get care, then when the next letter comes."""
    from tests.course import SCHEDULE

    site = start(roadmap=False, schedule=SCHEDULE.replace("    on_demand:\n      - {id: kit}\n", ""))
    person = site.have_letters(site.enroll(), 1)

    page = site.page(f"{site.my(person)}/rough")

    order = ["when to get care", "cannot keep yourself safe", "Let today be small", "Your next letter comes on", "Hold my next"]
    assert order == sorted(order, key=page.index)
    assert "It then comes on" in page


def test_the_facts_of_her_letters_are_shown_with_how_far_they_were_checked(site: Site) -> None:
    """Every reference of the course stands there in full, with a plain link, and names only letters that she has had."""
    person = site.have_letters(site.enroll(), 2)
    library, version = site.deployment.library, person.version_id
    book = library.book(version, "roadmap")
    assert f'{site.my(person)}/sources"' in site.page(site.my(person))

    page = unescape(site.page(f"{site.my(person)}/sources"))

    assert book.references()
    for reference in book.references():
        assert f"<p>{reference.cite}</p>" in page
        assert f"<dd>{reference.checked}</dd>" in page
        assert not reference.link or f'<a class="tap" href="{reference.link}"' in page
    assert f'{site.my(person)}/letters/loaded-and-locked">{book.title("loaded-and-locked")}</a>' in page
    assert "later letters" in page
    for letter in set(library.course(version, "roadmap").course.letter_ids) - {"welcome", "loaded-and-locked"}:
        assert book.title(letter) not in page


def test_a_course_that_cites_nothing_says_so(start: Start) -> None:
    """Where no letter names a paper, the page is there and says that."""
    site = start(roadmap=False)

    assert "name no papers" in site.page(f"{site.my(site.enroll())}/sources")


def test_her_pages_name_the_helpline_of_her_country(start: Start) -> None:
    """Letters read again, the kit and the care page from her own pages name it before the fixed words; others do not."""
    site = start(helplines=True)
    person = site.have_letters(site.enroll(country="GB"), 2)
    other = site.have_letters(site.enroll("bo@example.net"), 2)

    for path in ("/letters/welcome", "/rough"):
        page = unescape(site.page(site.my(person) + path))
        seen = re.sub(r"<[^>]+>", "", page)
        assert seen.index("The Listeners, 000\u00a0111 (day & night).") < seen.index("If you are thinking of ending")
        assert "The Listeners" not in site.page(site.my(other) + path)
    care = site.page(f"{site.my(person)}/care")
    line = 'In the United Kingdom: The Listeners, <a class="tap" href="tel:000111">000\u00a0111</a> (day &amp; night).'
    assert care.index(line) < care.index("If you are thinking of ending")
    assert line not in site.page(f"{site.my(other)}/care")
    assert f'{site.my(person)}/care"' in site.page(site.my(person))


def test_an_old_letter_names_the_number_of_today(start: Start) -> None:
    """A number that was wrong is right on her pages once the schedule says so, also in letters she had before."""
    site = start(helplines=True)
    person = site.have_letters(site.enroll(country="GB"), 1)
    deployment = site.deployment
    with deployment.database.write() as connection:
        old = versions.find(connection, person.version_id)
        assert old is not None
        text = old.schedule_text.replace("000 111", "000 222")
        versions.publish(
            connection, schedule_text=text, letters=old.letters, course_ids=["roadmap"], first_ids=old.first_ids, now=site.now()
        )

    page = unescape(site.page(f"{site.my(person)}/letters/welcome"))

    assert "000\u00a0222" in page
    assert "000\u00a0111" not in page


def test_unknown_links_are_answered_kindly(site: Site) -> None:
    """A forged or cut link to any of her pages is a page of 404 that says what to do; it never changes anything."""
    cut = site.my(site.enroll())[:-3]
    before = site.dump()

    for path in ("", "/pause", "/settings", "/rough", "/sources", "/care", "/letters/welcome"):
        assert "Please open the newest letter" in site.page(cut + path, 404)
    for path in ("/pause", "/settings"):
        assert 404 == site.post(cut + path, {"weeks": "1", "pace": "2"}).status
    assert before == site.dump()
