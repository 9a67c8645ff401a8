"""`drip subscribers import` as an operator meets it."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from drip.core.delivery import form_of
from drip.core.newcomer import HAD_ELSEWHERE, NO_WELCOME
from drip.flows import asking, enrolling
from drip.store import wishes
from drip.store.tables import consents, omissions, subscribers
from tests.cli.conftest import Run
from tests.engine import Engine

SOURCE = ("--consent-source", "the form on the old site", "--no-suppressions")
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes a file of people and returns its path."""

    def lines(*rows: str, name: str = "people.csv") -> str:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return str(path)

    return lines


def said(out: str) -> dict[str, Any]:
    """Return the document that a command printed."""
    found: dict[str, Any] = json.loads(out)
    return found


def passed(engine: Engine, who: str) -> dict[str, str]:
    """Return the lessons that somebody will not get, each with the reason."""
    with engine.database.read() as connection:
        rows = connection.execute(
            sa.select(omissions.c.letter, omissions.c.reason).where(omissions.c.enrollment_id == engine.person(who).id)
        )
        return {row.letter: row.reason for row in rows}


def proof(engine: Engine, who: str) -> Any:  # noqa: ANN401 - a row
    """Return the newest consent of somebody."""
    with engine.database.read() as connection:
        return connection.execute(
            sa.select(consents)
            .where(consents.c.subscriber_id == engine.person(who).subscriber_id)
            .order_by(consents.c.id.desc())
            .limit(1)
        ).one()


def count(engine: Engine) -> int:
    """Return how many subscribers there are."""
    with engine.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(subscribers)).scalar_one())


# Where people go on --------------------------------------------------------------------------------------------------


def test_somebody_in_the_middle_goes_on_where_she_was(engine: Engine, run: Run, write: Write) -> None:
    """Her place is the lesson she had last; the next comes on her own weekday at her hour, two days away or more."""
    file = write(
        "email,name,timezone,weekday,hour,last_lesson,consented_at", "ada@example.net,Ada,Asia/Tokyo,thu,07:30,breathe,2025-01-02"
    )
    code, out, err = run("subscribers", "import", file, *SOURCE)
    assert (0, "") == (code, out), err
    ada = engine.person("ada")
    assert ("active", "breathe", "walk", "Asia/Tokyo", 3, "07:30") == (
        ada.state,
        ada.place,
        ada.next_lesson,
        ada.zone,
        ada.weekday,
        ada.send_at,
    )
    assert ada.next_due_at is not None
    local = ada.next_due_at.astimezone(ada.rhythm(engine.library.course(1, "small").course).zone)
    assert ("Thursday", "07:30") == (f"{local:%A}", f"{local:%H:%M}")
    assert timedelta(days=1) < ada.next_due_at - engine.now().calendar < timedelta(days=9)
    assert {"hello": HAD_ELSEWHERE, "breathe": HAD_ELSEWHERE} == passed(engine, "ada")
    assert [] == engine.audit()
    engine.run_to_the_end()
    assert ["walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


def test_nobody_imported_gets_a_welcome(engine: Engine, run: Run, write: Write) -> None:
    """Without a last lesson she begins with the first that is no welcome; --welcome begins with it, and not at once either."""
    file = write("email,consented_at", "ada@example.net,2025-01-02")
    assert 0 == run("subscribers", "import", file, *SOURCE)[0]
    other = write("email,consented_at", "bob@example.net,2025-01-02", name="more.csv")
    assert 0 == run("subscribers", "import", other, *SOURCE, "--welcome")[0]
    assert ("hello", "breathe") == (engine.person("ada").place, engine.person("ada").next_lesson)
    assert {"hello": NO_WELCOME} == passed(engine, "ada")
    assert (None, "hello") == (engine.person("bob").place, engine.person("bob").next_lesson)
    assert engine.person("ada").next_due_at == engine.person("bob").next_due_at
    engine.work()
    assert [] == engine.mailer.reached
    engine.run_to_the_end()
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    assert ["hello", "breathe", "walk", "rest", "goodbye"] == engine.subjects("bob")
    engine.assert_sound()


def test_the_wait_since_her_last_letter_is_kept(engine: Engine, run: Run, write: Write) -> None:
    """With the date of her last letter the next keeps its wait from it, and never comes sooner than a start that is given."""
    today = engine.now().calendar.date()
    last = today - timedelta(days=1)
    day = f"{last + timedelta(days=7):%a}".lower()
    file = write(
        "email,weekday,last_lesson,last_letter_on,consented_at",
        f"ada@example.net,{day},breathe,{last},2025-01-02",
    )
    later = write(
        "email,weekday,last_lesson,last_letter_on,consented_at", f"bob@example.net,{day},breathe,{last},2025-01-02", name="b.csv"
    )
    assert 0 == run("subscribers", "import", file, *SOURCE)[0]
    assert 0 == run("subscribers", "import", later, *SOURCE, "--start", str(today + timedelta(days=30)))[0]
    assert last + timedelta(days=7) == engine.person("ada").next_letter_on
    begins = engine.person("bob").next_letter_on
    assert begins is not None
    assert today + timedelta(days=30) <= begins < today + timedelta(days=37)
    assert begins.weekday() == engine.person("bob").weekday


def test_a_later_edit_of_the_course_brings_no_welcome(engine: Engine, run: Run, write: Write) -> None:
    """Another weekday or pace chosen later recounts from where she came in."""
    file = write("email,consented_at", "ada@example.net,2025-01-02")
    run("subscribers", "import", file, *SOURCE)
    engine.choose("ada", pace="2")
    engine.choose("ada", weekday="fri")
    engine.run_to_the_end()
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("ada")
    engine.assert_sound()


# Proof ---------------------------------------------------------------------------------------------------------------


def test_the_proof_says_where_she_comes_from(engine: Engine, run: Run, write: Write) -> None:
    """File, digest and line, the source that was named or the line's own, and the instant she agreed; the file stays nowhere."""
    file = write(
        "email,consented_at,consent_source",
        "ada@example.net,2025-01-02T03:04:05Z,",
        "bob@example.net,2025-01-02,a card at the clinic",
    )
    assert 0 == run("subscribers", "import", file, *SOURCE)[0]
    ada, bob = proof(engine, "ada"), proof(engine, "bob")
    assert ("agreed", "import", "the form on the old site") == (ada.action, ada.source, ada.wording)
    assert datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC) == ada.at
    assert ada.form.startswith("people.csv sha256:")
    assert ada.form.endswith(" line 2")
    assert ("a card at the clinic", True) == (bob.wording, bob.form.endswith(" line 3"))


def test_without_a_proof_nobody_comes_in(engine: Engine, run: Run, write: Write) -> None:
    """A line without a date of consent is refused with both remedies; --confirmed answers for it."""
    file = write("email,consented_at", "ada@example.net,", "bob@example.net,2025-01-02")
    code, _, err = run("subscribers", "import", file, *SOURCE)
    assert 1 == code
    assert "line 2, consented_at: no proof of when she agreed" in err
    assert 1 == count(engine)
    assert 0 == run("subscribers", "import", file, *SOURCE, "--confirmed")[0]
    assert "active" == engine.person("ada").state


def test_whoever_is_asked_goes_on_once_she_says_yes(engine: Engine, run: Run, write: Write) -> None:
    """One letter asks her; nothing else comes; when she confirms, she goes on after her last lesson."""
    file = write("email,last_lesson", "ada@example.net,breathe", "bob@example.net,")
    code, _, err = run("subscribers", "import", file, *SOURCE, "--ask")
    assert 0 == code, err
    assert "2 are asked by a letter" in err
    assert ("asked", None) == (engine.person("ada").state, engine.person("ada").next_due_at)
    assert ("asked", "") == (proof(engine, "ada").action, proof(engine, "ada").wording)
    assert [] == engine.audit()
    engine.go_on(days=1)
    engine.work()
    assert {"confirm": "submitted"} == engine.states("ada")
    for who in ("ada", "bob"):
        assert enrolling.confirm(engine.database, engine.library, engine.person(who).public_id, source="page")
    engine.run_to_the_end()
    # The confirmation's subject is no lesson's.
    assert ["walk", "rest", "goodbye"] == engine.subjects("ada")[1:]
    assert ["breathe", "walk", "rest", "goodbye"] == engine.subjects("bob")[1:]
    engine.assert_sound()


# Refusals ------------------------------------------------------------------------------------------------------------

HEADER = "email,timezone,country,weekday,hour,pace,last_lesson,consented_at,status"
BAD = {
    "nobody,,,,,,,2025-01-02,": ("email", "this is not an email address"),
    ",Europe/London,,,,,,2025-01-02,": ("email", "there is no address"),
    "b@example.net,Europe/Lodnon,,,,,,2025-01-02,": ("timezone", "did you mean Europe/London?"),
    "c@example.net,,UK,,,,,2025-01-02,": ("country", "did you mean GB?"),
    "d@example.net,,,tuesdays,,,,2025-01-02,": ("weekday", "write mon, tue"),
    "e@example.net,,,,23:30,,,2025-01-02,": ("hour", "choose an hour from 06:00 to 21:00"),
    "f@example.net,,,,,3,,2025-01-02,": ("pace", "write 1 for a letter a week"),
    "g@example.net,,,,,,breath,2025-01-02,": ("last_lesson", "did you mean breathe?"),
    "h@example.net,,,,,,goodbye,2025-01-02,": ("last_lesson", "nothing would follow"),
    "i@example.net,,,,,,,01/02/2025,": ("consented_at", "write it as 2026-11-30"),
    "j@example.net,,,,,,,2999-01-02,": ("consented_at", "lies in the future"),
    "k@example.net,,,,,,,2025-01-02,unsubscribed": ("status", "drip suppressions import"),
    "l@example.net,,,,,,,2025-01-02,cleaned": ("status", "drip suppressions import"),
    "m@example.net,,,,,,,2025-01-02,unconfirmed": ("status", "--ask"),
    "n@example.net,,,,,,,2025-01-02,activ": ("status", "did you mean active?"),
    "o@example.net,,,": ("", "this line has 4 fields and the first line 9"),
    "p@example.net,,,,,,,2025-01-02,,extra": ("", "this line has 10 fields and the first line 9"),
    "z@EXAMPLE.net,,,,,,,2025-01-02,": ("email", "line 2 has the same address"),
    # In at the start of the course she would stay there when line 10 is corrected.
    "G@example.net,,,,,,,2025-01-02,": ("email", "line 10 has the same address and was refused; correct that line"),
}


def test_each_refused_line_says_where_and_what_to_do(engine: Engine, run: Run, write: Write, tmp_path: Path) -> None:
    """Line, column and remedy, on the screen and in a file that is readable by its owner alone; the others come in."""
    file = write(HEADER, "z@example.net,,,,,,,2025-01-02,active", *BAD)
    refused = tmp_path / "refused.csv"
    code, out, err = run("subscribers", "import", file, *SOURCE, "--refused", str(refused), "--json")
    answer = said(out)
    assert (1, 1, len(BAD), len(BAD) + 1) == (code, answer["entered"], answer["refused"], answer["lines"])
    assert 0o600 == stat.S_IMODE(refused.stat().st_mode)
    with refused.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(BAD) == [row["original"] for row in rows]
    for number, (row, (column, why)) in enumerate(zip(rows, BAD.values(), strict=True), start=3):
        assert (str(number), column) == (row["line"], row["column"])
        assert why in row["why"]
        assert f"line {number}" in err
    assert 1 == count(engine)
    assert "@example" not in err


def test_one_bad_cell_is_one_refused_line(engine: Engine, run: Run, write: Write, tmp_path: Path) -> None:
    """A quote that swallowed half a megabyte, a byte that no database takes: the others come in, and nothing stops."""
    file = write(
        HEADER,
        f"a@example.net,{'x' * 500_000},,,,,,2025-01-02,active",
        "b@example.net,,,,,,,2025-01-02,active",
    )
    code, out, err = run("subscribers", "import", file, *SOURCE, "--json")
    assert (1, 1, 1) == (code, said(out)["entered"], said(out)["refused"])
    assert "500000 characters are too many" in err
    other = tmp_path / "other.csv"
    other.write_bytes(b"email,consented_at,consent_source\nc@example.net,2025-01-02,a form\x00 of ours\n")
    code, out, _ = run("subscribers", "import", str(other), *SOURCE, "--json")
    assert (0, 1) == (code, said(out)["entered"])


def test_a_refused_line_is_no_formula(engine: Engine, run: Run, write: Write, tmp_path: Path) -> None:
    """Whoever opens the refused lines in a spreadsheet runs nothing."""
    refused = tmp_path / "refused.csv"
    run("subscribers", "import", write(HEADER, "=1+1,a,,,,,,,"), *SOURCE, "--refused", str(refused))
    with refused.open(encoding="utf-8", newline="") as lines:
        assert ["'=1+1,a,,,,,,,"] == [row["original"] for row in csv.DictReader(lines)]


def test_everything_wrong_with_a_line_is_said_at_once(engine: Engine, run: Run, write: Write) -> None:
    """One look, one correction."""
    file = write(HEADER, "nobody,Europe/Lodnon,UK,,,,,,")
    _, _, err = run("subscribers", "import", file, *SOURCE)
    assert "this is not an email address" in err
    assert "also: there is no time zone 'Europe/Lodnon'" in err
    assert "also: there is no country 'UK'" in err


def test_an_address_in_the_wrong_column_is_not_repeated(engine: Engine, run: Run, write: Write) -> None:
    """Columns that slipped would put addresses on the screen."""
    file = write(
        HEADER,
        "Ada,ada@example.net,ada@example.net,ada@example.net,ada@example.net,ada@example.net,ada@example.net,ada@example.net,ada@example.net",
    )
    code, out, err = run("subscribers", "import", file, *SOURCE, "--json")
    assert 1 == code
    assert "ada@" not in err + out


def test_who_must_not_be_mailed_never_comes_in(engine: Engine, run: Run, write: Write) -> None:
    """Whoever left or complained stays out whatever the file says, and the counts say why."""
    engine.join("ada", "bob")
    engine.work()
    engine.leave("ada")
    listed = write("email", "cyd@example.net", "bob@example.net", name="complaints.csv")
    assert 0 == run("suppressions", "import", listed, "--reason", "complained")[0]
    file = write("email,consented_at", "ada@example.net,2025-01-02", "bob@example.net,2025-01-02", "CYD@example.net,2025-01-02")
    for more in ((), ("--confirmed",), ("--ask",)):
        code, out, err = run("subscribers", "import", file, *SOURCE, "--json", *more)
        assert (1, {"complaint": 2, "left": 1}) == (code, said(out)["suppressed_by_reason"])
        assert "only she can come back" in err
    assert ("left", "ended") == (engine.person("ada").state, engine.person("bob").state)
    assert 2 == count(engine)


def test_who_is_on_the_course_is_left_alone(engine: Engine, run: Run, write: Write) -> None:
    """She keeps her name, her day and her place, and is no refusal."""
    engine.join("ada", timezone="Asia/Tokyo")
    engine.work()
    before = engine.person("ada")
    file = write("email,name,timezone,last_lesson,consented_at", "ADA@example.net,Eve,Europe/London,rest,2025-01-02")
    code, out, err = run("subscribers", "import", file, *SOURCE, "--json")
    assert (0, 1, 0, 0) == (code, said(out)["already"], said(out)["already_from_this_file"], said(out)["refused"])
    assert "1 are on the course already" in err
    assert before == engine.person("ada")


# The file ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"email,name\nada@example.net,caf\xe9\n", "people.csv:2:20: C102 this is not UTF-8 text"),
        (b'email,name\nada@example.net,"Ada\nbob@example.net,Bob\n', "people.csv:2:17: C103 a quote is opened here"),
        (b'email,name\nada@example.net,"A"da\n', "people.csv:2:19: C103 a quoted field goes on"),
        ("email\nada@example.net\n".encode("utf-16"), "people.csv:1:1: C102 this file is UTF-16"),
        (b"", "people.csv:1:1: C104 this file is empty"),
        (b"ada@example.net,Ada\n", "people.csv:1:1: C104 the first line holds an address"),
        (b"email,Email\n", "people.csv:1:2: C104 two columns are called"),
        (b"name,mail\nAda,ada@example.net\n", "people.csv:1:1: C104 no column is called email"),
    ],
)
def test_what_is_no_csv_is_named_by_its_place(engine: Engine, run: Run, tmp_path: Path, raw: bytes, where: str) -> None:
    """A broken file brings nobody in; the fault has line, column and remedy, and no address."""
    file = tmp_path / "people.csv"
    file.write_bytes(raw)
    code, out, err = run("subscribers", "import", str(file), *SOURCE)
    assert (1, "") == (code, out)
    assert where in err
    assert "ada@" not in err
    assert 0 == count(engine)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(engine: Engine, run: Run, tmp_path: Path, delimiter: str, ending: str) -> None:
    """A mark of byte order, three delimiters, two line ends, and quoted fields with all of them inside."""
    rows = [["Email", "Name", "Consented At"], ["ada@example.net", f'"A{delimiter}{ending}""da"""', "2025-01-02"]]
    file = tmp_path / "people.csv"
    file.write_bytes(b"\xef\xbb\xbf" + ending.join(delimiter.join(row) for row in rows).encode())
    code, _, err = run("subscribers", "import", str(file), *SOURCE)
    assert 0 == code, err
    with engine.database.read() as connection:
        name = connection.execute(sa.select(subscribers.c.name)).scalar_one()
    assert name in {'A, "da"', 'A; "da"', 'A "da"'}


def test_columns_of_ones_own(engine: Engine, run: Run, write: Write) -> None:
    """--map names them, and a slip in it is told with the nearest name; what is read from nowhere is told too."""
    file = write("Mail,When,Shoe size", "ada@example.net,2025-01-02,39")
    code, _, err = run("subscribers", "import", file, *SOURCE, "--map", "mail=email", "--map", "When=consented_at")
    assert 0 == code
    assert "nothing was read from 1 of the columns: Shoe size" in err
    for wrong, remedy in {
        "Mial=email": "did you mean Mail?",
        "Mail=e-mail": "did you mean email?",
        "Mail": "COLUMN=FIELD",
    }.items():
        code, out, err = run("subscribers", "import", file, *SOURCE, "--map", wrong)
        assert (2, "") == (code, out)
        assert remedy in err


@pytest.mark.parametrize("answers_the_form", [True, False])
def test_a_form_about_somebody_imported_waits_beside_its_own_letter(
    engine: Engine, run: Run, write: Write, *, answers_the_form: bool
) -> None:
    """The letter of the import confirms the file; that of the form confirms the form, and her place and hour stay in both."""
    head = "email,name,timezone,weekday,hour,last_lesson"
    run("subscribers", "import", write(head, "ada@example.net,Ada,Asia/Tokyo,thu,07:30,breathe"), *SOURCE, "--ask")
    now = engine.now().machine
    typed = wishes.Wish(wishes.SIGN_UP, "small", "ada@example.net", now, name="Else", timezone="Europe/Paris", wording="Yes.")
    asking.store(engine.database, typed)
    asking.work(engine.database, engine.library, suppression_key=engine.deployment.suppression_key)
    of_import, of_form = (form_of(one.occasion) for one in engine.deliveries("ada"))
    assert "" == of_import
    answers = of_form if answers_the_form else of_import
    assert enrolling.confirm(engine.database, engine.library, engine.person("ada").public_id, source="page", answers=answers)
    ada = engine.person("ada")
    assert ("breathe", "walk", "07:30") == (ada.place, ada.next_lesson, ada.send_at)
    with engine.database.read() as connection:
        name = connection.execute(sa.select(subscribers.c.name)).scalar_one()
    expected = ("Else", "Europe/Paris", None) if answers_the_form else ("Ada", "Asia/Tokyo", 3)
    assert expected == (name, ada.zone, ada.weekday)


@pytest.mark.parametrize("rehearsal", [True, False])
def test_columns_that_nothing_is_read_from_are_told_last(engine: Engine, run: Run, write: Write, *, rehearsal: bool) -> None:
    """Each with the field it seems to hold and the --map that would read it; a field that is read already is not offered."""
    file = write(
        "email,Zone,First Name,lastlesson,tags,Email address,consented_at", "ada@example.net,UTC,Ada,walk,x,y,2025-01-02"
    )
    dry = ("--dry-run",) if rehearsal else ()
    code, _, err = run("subscribers", "import", file, *SOURCE, *dry)
    assert 0 == code, err
    assert [
        "  nothing was read from 5 of the columns: Zone, First Name, lastlesson, tags, Email address",
        '  Zone: did you mean timezone? Then add --map "Zone=timezone"',
        '  First Name: did you mean name? Then add --map "First Name=name"',
        '  lastlesson: did you mean last_lesson? Then add --map "lastlesson=last_lesson"',
    ] == err.rstrip().splitlines()[-4:]
    maps = ("--map", "Zone=timezone", "--map", "First Name=name", "--map", "lastlesson=last_lesson")
    code, out, _ = run("subscribers", "import", file, *SOURCE, *dry, *maps, "--json")
    alone = [{"column": name, "seems": ""} for name in ("tags", "Email address")]
    assert alone == said(out)["columns_left_alone"]


def test_the_refused_lines_never_overwrite_the_file(engine: Engine, run: Run, write: Write) -> None:
    """Naming the same file twice is a slip that would cost the list."""
    file = write("email,consented_at", "ada@example.net,2025-01-02")
    code, _, err = run("subscribers", "import", file, *SOURCE, "--refused", file)
    assert 2 == code
    assert "name another one" in err
    assert "ada@example.net" in Path(file).read_text(encoding="utf-8")


def test_the_lists_come_first(engine: Engine, run: Run, write: Write) -> None:
    """Until a list of people who must not be mailed was imported, the command says so, kindly, and goes on."""
    file = write("email,consented_at", "ada@example.net,2025-01-02")
    code, _, err = run("subscribers", "import", file, "--consent-source", "a form")
    assert 0 == code
    assert "drip suppressions import FILE" in err
    assert 0 == run("suppressions", "import", write("email", "bob@example.net", name="left.csv"), "--reason", "left")[0]
    _, _, err = run("subscribers", "import", file, "--consent-source", "a form")
    assert "No list of people" not in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--consent-source"),
        (("--consent-source", " "), "where and how"),
        ((*SOURCE, "--ask", "--confirmed"), "exclude each other"),
        ((*SOURCE, "--recipe", "keila"), "keila"),
        ((*SOURCE, "--start", "soon"), "soon"),
    ],
)
def test_what_is_not_understood_exits_with_two(
    engine: Engine, run: Run, write: Write, options: tuple[str, ...], words: str
) -> None:
    """Nothing is read and nobody comes in."""
    code, out, err = run("subscribers", "import", write("email", "ada@example.net"), *options)
    assert (2, "") == (code, out)
    assert words in err
    assert 0 == count(engine)


def test_an_unknown_course_is_named(engine: Engine, run: Run, write: Write) -> None:
    """The message says which courses there are."""
    code, out, err = run("subscribers", "import", write("email", "ada@example.net"), *SOURCE, "--course", "large")
    assert (1, "") == (code, out)
    assert "there is no course 'large'; running are: small" in err


# Rehearsals and second runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--ask",), ("--confirmed", "--welcome")])
def test_a_rehearsal_changes_nothing_and_tells_what_a_run_does(
    engine: Engine, run: Run, write: Write, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Word for word the same report and the same refused lines."""
    engine.join("ada")
    engine.work()
    rows = [f"p{number}@example.net,Europe/{'Berlin' if number % 3 else 'Lodnon'},2025-01-02" for number in range(50)]
    file = write("email,timezone,consented_at", *rows, "ada@example.net,,", "p1@example.net,,", "q@example.net,,")
    before = count(engine)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    code, out, err = run("subscribers", "import", file, *SOURCE, *more, "--json", "--dry-run", "--refused", str(first))
    rehearsed = said(out)
    assert "nothing was changed" in err
    assert before == count(engine)
    again, out, _ = run("subscribers", "import", file, *SOURCE, *more, "--json", "--refused", str(second))
    done = said(out)
    volatile = {"dry_run", "asked_until"}
    assert {key: value for key, value in done.items() if key not in volatile} == {
        key: value for key, value in rehearsed.items() if key not in volatile
    }
    assert code == again
    assert first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")
    assert before + done["entered"] + done["asked"] == count(engine)


def test_a_second_run_brings_nobody_in_twice(engine: Engine, run: Run, write: Write) -> None:
    """It says who came in from this very file before."""
    file = write("email,consented_at", *(f"p{number}@example.net,2025-01-02" for number in range(30)))
    assert 30 == said(run("subscribers", "import", file, *SOURCE, "--json")[1])["entered"]
    code, out, err = run("subscribers", "import", file, *SOURCE, "--json")
    answer = said(out)
    assert (0, 0, 30, 30) == (code, answer["entered"], answer["already"], answer["already_from_this_file"])
    assert "30 are on the course already (30 came from this very file)" in err
    assert 30 == count(engine)
    assert [] == engine.audit()


def test_the_fullest_day_is_told(engine: Engine, run: Run, write: Write) -> None:
    """How many begin on which day stands in the report, and nobody is due before her own weekday."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    rows = [f"p{number}@example.net,{days[number % 7]},2025-01-02" for number in range(70)]
    code, out, err = run("subscribers", "import", write("email,weekday,consented_at", *rows), *SOURCE, "--json")
    found = {date.fromisoformat(day): people for day, people in said(out)["first_days"].items()}
    assert (0, [10] * 7) == (code, list(found.values()))
    today = engine.now().calendar.date()
    assert all(timedelta(days=1) <= day - today <= timedelta(days=9) for day in found)
    assert "70 go on; most of them, 10, on" in err
