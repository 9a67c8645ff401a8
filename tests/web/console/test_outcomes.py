"""Outcomes: every letter in one column, told by lesson or by version, over the time that was asked for."""

from __future__ import annotations

import html
import re
from collections import Counter
from datetime import timedelta

import pytest

from drip.core.survey import ENDS, end_of
from drip.store import tables
from drip.web.console.charts import columns, percent, share, stacked
from drip.web.console.outcomes import WORDS
from tests.web.conftest import Site
from tests.web.console.conftest import Visitor
from tests.web.console.crowd import gather


def table(page: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the heads of the columns, and the cells of each line by its head."""
    [found] = re.findall(r'<table class="grid">.*?</table>', page, re.DOTALL)
    heads = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', found)
    lines = re.findall(r'<tr><th scope="row">([^<]*)</th>(.*?)</tr>', found, re.DOTALL)
    return heads, {head: re.findall(r"<td[^>]*>(?:<a [^>]*>)?([^<]*)", line) for head, line in lines}


def figure(cell: str) -> int:
    """Return the number in a cell."""
    return 0 if cell == "–" else int(cell.replace(",", ""))


def test_every_letter_is_in_one_column(site: Site, kim: Visitor) -> None:
    """The table adds up to the rows of the database, letter by letter, and its last line is the sum of all."""
    gather(site.deployment, 300)
    with site.deployment.database.read() as connection:
        rows = connection.execute(tables.deliveries.select()).all()
    heads, lines = table(kim.page("/console/outcomes?days=all"))
    expected = Counter((row.letter, end_of(row.state, row.outcome)) for row in rows)
    shown = [name for name in ENDS if WORDS[name] in heads]
    assert ["Letter", "Submitted", *(WORDS[name] for name in shown)] == heads
    for letter in ("hello", "breathe", "walk", "rest", "goodbye"):
        cells = lines[f"The letter {letter}"]
        assert [expected[letter, name] for name in shown] == [figure(cell) for cell in cells[1:]]
        assert sum(row.letter == letter and row.state == "submitted" for row in rows) == figure(cells[0])
    sums = [
        sum(figure(cells[column]) for name, cells in lines.items() if name != "All letters") for column in range(len(heads) - 1)
    ]
    assert sums == [figure(cell) for cell in lines["All letters"]]
    assert len(rows) == sum(sums[1:])


def test_a_picture_says_its_figures(site: Site, kim: Visitor) -> None:
    """Each bar is named with the letter and its counts, so that nobody must see it or tell its patterns apart."""
    gather(site.deployment, 300)
    page = kim.page("/console/outcomes?days=all")
    _, lines = table(page)
    titles = [html.unescape(one) for one in re.findall(r'<title id="f-\d+">([^<]*)</title>', page)]
    assert [name for name in lines if name != "All letters"] == [title.partition(":")[0] for title in titles]
    told = sum(int(number) for title in titles for number in re.findall(r" (\d+)[,.]", title.partition(":")[2]))
    assert sum(figure(cell) for cell in lines["All letters"][1:]) == told


def test_by_version_and_by_time(site: Site, kim: Visitor) -> None:
    """Told by version each line names its version; what is older than asked for is left out; nonsense asks for the usual."""
    gather(site.deployment, 300)
    with site.deployment.database.write() as connection:
        connection.execute(tables.deliveries.update().where(tables.deliveries.c.id % 2 == 0).values(version_id=7))
    heads, _ = table(kim.page("/console/outcomes?by=version&days=all"))
    assert ["Letter", "Version", "Submitted"] == heads[:3]
    whole = {days: figure(table(kim.page(f"/console/outcomes?days={days}"))[1]["All letters"][0]) for days in ("28", "91", "all")}
    with site.deployment.database.read() as connection:
        rows = connection.execute(tables.deliveries.select().where(tables.deliveries.c.state == "submitted")).all()
    # The newest letters of the crowd are a week old, and so on by weeks.
    since = max(row.created_at for row in rows)
    assert [sum(row.created_at > since - timedelta(days=days) for row in rows) for days in (15, 78)] == [whole["28"], whole["91"]]
    assert len(rows) == whole["all"]
    assert table(kim.page("/console/outcomes")) == table(kim.page("/console/outcomes?days=x&by=x"))


@pytest.mark.parametrize("course", ["nothing", "<b>", "small' OR 1=1"])
def test_a_course_that_is_not_there_is_said(site: Site, kim: Visitor, course: str) -> None:
    """Without a word of what was asked."""
    assert "There is no such course." in kim.page(f"/console/outcomes?course={course}".replace(" ", "%20"), 404)


def test_nobody_is_watched(site: Site, kim: Visitor) -> None:
    """No opens and no clicks, neither as a column nor as a word that promises them."""
    gather(site.deployment, 50)
    heads, _ = table(kim.page("/console/outcomes?days=all"))
    assert not {"opened", "opens", "clicked", "clicks"} & {word.lower() for head in heads for word in head.split()}


def test_bars_stay_inside_and_small_ones_are_seen() -> None:
    """However one end outweighs the others, each has some width and all together the whole; the same upright."""
    parts = stacked({"delivered": 100_000, "bounced": 1, "failed": 1}, ENDS, 100_002)
    assert ["delivered", "bounced", "failed"] == [part.name for part in parts]
    widths = [float(part.width.rstrip("%")) for part in parts]
    assert 100 >= sum(widths) > 99.9
    assert min(widths) >= 1
    ends = [float(part.x.rstrip("%")) + width for part, width in zip(parts, widths, strict=True)]
    assert sorted(ends) == ends
    bars = columns([0, 1, 100_000], 100_000)
    assert [(1, "4.00%"), (2, "100.00%")] == [(bar.at, bar.height) for bar in bars]
    assert [] == columns([0] * 24, 0)
    assert ("0.00%", "2.00%", "100.00%") == (share(0, 0), share(1, 100_000), share(5, 5))
    assert ("0.09 %", "1.2 %", "94 %") == (percent(0.0009), percent(0.0123), percent(0.942))
