"""The workbench: what is saved shows, what is broken leaves the last good letter, and nothing half-done is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from drip.core.reader import SAMPLES
from drip.errors import ProblemsFound
from drip.web.preview import bench as benches
from drip.web.preview.bench import Bench
from drip.web.preview.snapshot import Files
from tests.web.preview.conftest import COURSE, LETTER, ROOT, Desk


def html(desk: Desk) -> str:
    """Return the letter as it shows."""
    rendered = desk.sight().rendered
    assert rendered is not None
    return rendered.html


def test_what_is_saved_shows_and_the_stamp_moves(desk: Desk) -> None:
    """New words are in the letter at the next look, and a page can tell by the stamp; a look without an edit moves nothing."""
    before = desk.bench.stamp
    assert not desk.bench.look()
    assert before == desk.bench.stamp
    desk.edit("There is no", "Believe us: there is no")
    assert before != desk.bench.stamp
    assert "Believe us: there is no" in html(desk)
    assert not desk.sight().stale


def test_a_touched_file_that_says_the_same_is_nothing_new(desk: Desk) -> None:
    """Saving without a change moves no stamp, so no page flickers."""
    before = desk.bench.stamp
    os.utime(desk.letter, (1, 1))
    assert not desk.bench.look()
    assert before == desk.bench.stamp


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("minutes: 5", "minutes: soon"),
        ("minutes: 5", "minutes: [5"),
        ("## In one line", "{{ nonsense }}\n\n## In one line"),
        ("## In one line", "{% if %}\n\n## In one line"),
        ("---\n## In one line", "## In one line"),
    ],
    ids=["value", "yaml", "name", "syntax", "front"],
)
def test_a_broken_letter_stays_as_it_last_was(desk: Desk, before: str, after: str) -> None:
    """What was good is shown, said to be stale, and a fault names the file; once it is mended the letter follows."""
    good = html(desk)
    desk.edit(before, after)
    assert desk.sight().stale
    assert good == html(desk)
    file = desk.bench.current.file(LETTER)
    found = desk.bench.current.problems_of(COURSE, LETTER, today=desk.bench.current.at.date())
    assert [] != [one for one in found if one.file == file and one.severity == "error"]
    desk.edit(after, before)
    assert not desk.sight().stale
    assert good == html(desk)


def test_a_letter_that_broke_unseen_is_shown_as_it_was(desk: Desk) -> None:
    """Whoever opens a letter only after it broke, or after the layout of all did, still sees how it was before."""
    desk.edit("minutes: 5", "minutes: soon")
    sight = desk.sight()
    assert (True, True) == (sight.stale, sight.rendered is not None)
    desk.edit("{{ title }}", "{{ titel }}", desk.files.emails / "_base" / "letter.html")
    sight = desk.bench.sight(COURSE, "welcome", SAMPLES[0], full=True)
    assert (True, True) == (sight.stale, sight.rendered is not None)


def test_a_schedule_that_cannot_be_read_takes_no_letter_away(desk: Desk) -> None:
    """Every letter stays to be seen, those that were never opened too."""
    desk.edit("phases:", "phases: [", desk.files.schedule)
    assert desk.bench.current.project is None
    for letter in (LETTER, "welcome", "confirm"):
        sight = desk.bench.sight(COURSE, letter, SAMPLES[0], full=True)
        assert sight.stale
        assert sight.rendered is not None, letter


def test_a_file_that_is_gone_and_comes_back(desk: Desk) -> None:
    """An editor that deletes and writes anew shows the old letter meanwhile, and then the new one."""
    good, text = html(desk), desk.letter.read_text(encoding="utf-8")
    desk.letter.unlink()
    assert desk.bench.look()
    assert (True, good) == (desk.sight().stale, html(desk))
    desk.letter.write_text(text.replace("There is no", "There was no"), encoding="utf-8")
    desk.bench.look()
    assert "There was no" in html(desk)


def test_a_file_written_aside_and_renamed_into_place(desk: Desk) -> None:
    """What editors write aside is no letter and no change; the rename is."""
    before = desk.bench.stamp
    for name in (".settle.md.swp", "settle.md~", "#settle.md#", ".#settle.md"):
        (desk.letter.parent / name).write_text("half", encoding="utf-8")
    assert not desk.bench.look()
    assert before == desk.bench.stamp
    aside = desk.letter.parent / ".settle.md.new"
    aside.write_text(desk.letter.read_text(encoding="utf-8").replace("There is no", "There was no"), encoding="utf-8")
    aside.replace(desk.letter)
    assert desk.bench.look()
    assert "There was no" in html(desk)


def test_a_file_that_is_still_being_written_is_waited_for(files: Files) -> None:
    """While the files go on changing they are not read: the half of a letter is never shown."""
    letter = files.emails / "unload" / f"{LETTER}.md"
    text = letter.read_text(encoding="utf-8")
    rest: list[str] = []

    def writing(files: Files) -> benches.Signature:
        found = benches.signature(files)
        if rest:
            letter.write_text(rest.pop(0), encoding="utf-8")
        return found

    bench = Bench(files, signed=writing)
    rest += [text[:100], text[:400], f"{text} "]
    letter.write_text("", encoding="utf-8")
    assert bench.look()
    assert [] == rest
    assert not bench.sight(COURSE, LETTER, SAMPLES[0], full=True).stale


def test_a_new_letter_and_block_are_seen(desk: Desk) -> None:
    """A file that was not there before is read like the others."""
    (desk.files.emails / "_base" / "blocks" / "FX-NEW.md").write_text("Words of a new block.\n", encoding="utf-8")
    desk.edit("blocks: []", "blocks: [FX-NEW]")
    desk.edit("## Take care\n", '## Take care\n\n{{ block("FX-NEW") }}\n')
    assert "Words of a new block." in html(desk)


def test_the_faults_of_one_letter_do_not_wait_for_all(desk: Desk) -> None:
    """Findings of the editor are there at once; when all letters are read, they are those of `drip check --drafts`."""
    desk.edit("There is no wrong choice", "You must win!! There is no wrong choice")
    current = desk.bench.current
    waiting = current.checked
    today = current.at.date()
    mine = [one for one in current.problems_of(COURSE, LETTER, today=today) if one.file == current.file(LETTER)]
    assert waiting is None
    assert "R-SHOUT" in {one.code for one in mine}
    desk.bench.check()
    assert current.checked is not None
    assert mine == [one for one in current.problems_of(COURSE, LETTER, today=today) if one.file == current.file(LETTER)]
    assert mine == [one for one in current.checked if one.file == current.file(LETTER)]


JUNK = ["{{", "{% if %}", "{{ name }}", "{{ block('X') }}", "---", "[", "\t", "\x00", "\u202e", "<b>", "{{ 1/0 }}", "refs: [R0]"]
LAYOUTS = ("_base/letter.html", "_base/letter.txt", "_base/blocks/FX-CARE.md")
TOUCHED = ("unload/settle.md", *LAYOUTS, "references.yaml", "schedules.yaml")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.data())
def test_whatever_is_saved_the_letter_or_a_fault_is_there(desk: Desk, data: some.DataObject) -> None:
    """Half a file, a lost line, junk anywhere in the letter, the layouts, the blocks or the schedule: nothing breaks off.

    What cannot be shown as it is has a fault that says why.
    """
    name = data.draw(some.sampled_from(TOUCHED))
    path = desk.files.schedule if name == "schedules.yaml" else desk.files.emails / name
    good = (ROOT / name if name == "schedules.yaml" else ROOT / "emails" / name).read_text(encoding="utf-8")
    place = data.draw(some.integers(0, len(good)))
    path.write_text(data.draw(some.sampled_from([good[:place], *(good[:place] + junk + good[place:] for junk in JUNK)])), "utf-8")
    desk.bench.look()
    current = desk.bench.current
    problems = current.problems_of(COURSE, LETTER, today=current.at.date())
    for reader in SAMPLES:
        for full in (True, False):
            sight = desk.sight(reader, full=full)
            assert sight.rendered is not None
            assert not sight.stale or any(problem.severity == "error" for problem in problems)
    path.write_text(good, encoding="utf-8")
    desk.bench.look()
    assert not desk.sight().stale


def test_files_that_are_not_there_are_said_at_once(tmp_path: Path) -> None:
    """Whoever starts it in the wrong folder reads which file is missing and how to name it."""
    with pytest.raises(ProblemsFound, match=r"schedules\.yaml:1:1: F101"):
        Bench(Files(tmp_path / "schedules.yaml", tmp_path / "emails"))
