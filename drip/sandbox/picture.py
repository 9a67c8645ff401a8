"""The demo as one sees it: the phases with how many people stand in each, and everybody with her letters so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from drip.core.enrollment import Stage
from drip.core.wording import day_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from drip.core.enrollment import Enrollment
    from drip.core.schedule import Course
    from drip.sandbox.cast import Guest


@dataclass(slots=True)
class Seen:
    """What is shown of one guest."""

    guest: Guest
    enrollment_id: int
    done: bool = False
    said: str = ""
    person: Enrollment | None = None


def picture(course: Course, people: Sequence[Seen], now: datetime, *, ascii_only: bool = False) -> Group:
    """Return the picture of the moment *now*; it fits into eighty columns."""
    title = Text(f"\n{course.title}, {day_in_words(now.date())} {now.year}\n", style="bold")
    return Group(title, _phases(course, people), Text(), _everybody(course, people, ascii_only=ascii_only))


def _phases(course: Course, people: Sequence[Seen]) -> Table:
    """Return the phases side by side, with how many of those on their way stand in each."""
    table = Table(box=None, padding=(0, 2, 0, 1), header_style="dim", pad_edge=False)
    stands = Counter(_phase_number(course, seen) for seen in people)
    for number, phase in enumerate(course.phases, start=1):
        table.add_column(f"{number} {phase.title}", no_wrap=True)
    counts = [stands[number] for number in range(1, len(course.phases) + 1)]
    table.add_row(*(Text(f"{count} here" if count else " ", style="bold green") for count in counts))
    return table


def _phase_number(course: Course, seen: Seen) -> int | None:
    """Return the number of the phase in which somebody stands; None for who is not on her way."""
    if seen.person is None or seen.person.state != Stage.ACTIVE:
        return None
    return course.phase_numbers.get(seen.person.place or "", 1)


def _everybody(course: Course, people: Sequence[Seen], *, ascii_only: bool) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    for number in range(1, len(course.phases) + 1):
        table.add_column(str(number), no_wrap=True)
    table.add_column(no_wrap=True)
    for seen in people:
        city = seen.guest.zone.rpartition("/")[2].replace("_", " ")
        table.add_row(seen.guest.name, city, *_dots(course, seen, *("*." if ascii_only else "●·")), _mood(seen))
    return table


def _dots(course: Course, seen: Seen, had: str, coming: str) -> list[Text]:
    """Return one cell per phase: a dot for every letter, filled as far as she is."""
    person = seen.person
    # Whoever stands behind the last phase has had all of it.
    place = -1 if person is None or person.place is None else course.places.get(person.place, len(course.sequence))
    cells, index = [], 0
    for phase in course.phases:
        cell = Text()
        for _ in phase.lessons:
            cell.append(had if index <= place else coming, style="green" if index <= place else "dim")
            index += 1
        cells.append(cell)
    return cells


def _mood(seen: Seen) -> Text:
    """Return what is to be said of a guest right now."""
    match seen.person.state if seen.person else "":
        case Stage.ENDED:
            return Text("mailbox is gone: no more", style="yellow")
        case Stage.LEFT:
            return Text("left: no more letters", style="yellow")
        case Stage.ASKED:
            return Text("asked to confirm", style="dim")
        case Stage.FINISHED:
            return Text("finished" + (f", {seen.said}" if seen.said else ""), style="green")
        case _:
            return Text(seen.said or seen.guest.note, style="bold" if seen.said else "dim")
