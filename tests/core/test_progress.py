"""What an edit does to people half-way: each row of the table, and any sequence of edits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from drip.core.progress import first_ids, next_step, place_of
from drip.core.schedule import Course, Lesson, Phase, Sender

Entry = str | tuple[str, str]
"""A line of a schedule: an id, or an id and the one that it `was`."""


def _lessons(entries: tuple[Entry, ...]) -> tuple[Lesson, ...]:
    pairs = [(entry, None) if isinstance(entry, str) else entry for entry in entries]
    return tuple(Lesson(id=lesson_id, wait=7, was=was) for lesson_id, was in pairs)


def _course(*entries: Entry, afterwards: tuple[Entry, ...] = ()) -> Course:
    return Course(
        title="A course",
        sender=Sender(name="Sam", email="letters@example.org"),
        reply_to="hello@example.org",
        postal_address="1 Example Street",
        timezone="Europe/London",
        phases=(Phase(id="one", title="One", lessons=_lessons(entries)),),
        afterwards=_lessons(afterwards),
    )


def _renames(*versions: Course) -> dict[str, str]:
    """Return the first ids after *versions* were applied one after the other."""
    known: dict[str, str] = {}
    for course in versions:
        known = first_ids(course, known)
    return known


def _rest(course: Course, *history: str, firsts: dict[str, str] | None = None, afterwards: bool = False) -> list[str]:
    """Return what a person who had *history* (first ids) still gets, letter by letter."""
    known, had = firsts or {}, list(history)
    rest: list[str] = []
    for _ in range(100):
        step = next_step(course, place_of(course, had, known), frozenset(had), known, afterwards=afterwards)
        if step is None:
            return rest
        rest.append(step.lesson.id)
        had.append(known.get(step.lesson.id, step.lesson.id))
    raise AssertionError("the course does not end")


def test_without_an_edit_she_gets_the_rest_in_order() -> None:
    """Her next letter is the first one after her place, and the course ends after the last."""
    course = _course("a", "b", "c", "d")
    assert ["a", "b", "c", "d"] == _rest(course)
    assert ["c", "d"] == _rest(course, "a", "b")
    assert [] == _rest(course, "a", "b", "c", "d")


def test_a_lesson_inserted_before_her_place_passes_her_by() -> None:
    """She does not go back for it."""
    assert ["c"] == _rest(_course("a", "new", "b", "c"), "a", "b")


def test_a_lesson_inserted_after_her_place_comes_in_turn() -> None:
    """Directly after her place it is her next one."""
    assert ["new", "c"] == _rest(_course("a", "b", "new", "c"), "a", "b")


def test_an_appended_lesson_comes_to_active_people() -> None:
    """It is their last one; who has finished would get it too, which is why that must be accepted."""
    assert ["c", "new"] == _rest(_course("a", "b", "c", "new"), "a", "b")
    assert ["new"] == _rest(_course("a", "b", "c", "new"), "a", "b", "c")


def test_a_removed_lesson_comes_to_nobody() -> None:
    """Who had not had it yet goes on with the one after it."""
    assert ["d"] == _rest(_course("a", "b", "d"), "a", "b")


def test_when_her_place_is_removed_it_is_the_last_one_that_still_exists() -> None:
    """She had a, b and c; without c her place is b, and nothing comes twice."""
    course = _course("a", "b", "d")
    assert "b" == place_of(course, ["a", "b", "c"], {})
    assert ["d"] == _rest(course, "a", "b", "c")


def test_her_place_is_what_she_had_most_recently_and_not_what_stands_furthest() -> None:
    """After a reorder the two differ."""
    assert "b" == place_of(_course("b", "a", "c"), ["a", "b"], {})


def test_when_all_she_had_is_removed_she_begins_at_the_front() -> None:
    """She has no place any more, and everything in the course is new to her."""
    course = _course("x", "y")
    assert place_of(course, ["a", "b"], {}) is None
    assert ["x", "y"] == _rest(course, "a", "b")


def test_after_a_reorder_nobody_gets_a_lesson_twice() -> None:
    """Moved ahead of her, what she had is skipped; moved behind her, what she had not is not fetched back."""
    assert ["d"] == _rest(_course("c", "a", "b", "d"), "a", "b")
    assert ["c", "d"] == _rest(_course("b", "a", "c", "d"), "a", "b")
    assert ["d"] == _rest(_course("b", "c", "a", "d"), "b", "a")


def test_a_renamed_lesson_is_the_same_lesson() -> None:
    """Who had it under the old name does not get it under the new one, and keeps her place."""
    course = _course("a", ("better", "b"), "c")
    firsts = _renames(course)
    assert {"better": "b"} == firsts
    assert "better" == place_of(course, ["a", "b"], firsts)
    assert ["c"] == _rest(course, "a", "b", firsts=firsts)


def test_without_the_was_line_a_renamed_lesson_is_a_new_one() -> None:
    """That is why the plan suspects it and asks."""
    assert ["better", "c"] == _rest(_course("a", "better", "c"), "a", "b")


def test_deleting_the_was_line_later_harms_nobody() -> None:
    """A rename once applied is kept for ever."""
    course = _course("a", "better", "c")
    firsts = _renames(_course("a", ("better", "b"), "c"), course)
    assert {"better": "b"} == firsts
    assert ["c"] == _rest(course, "a", "b", firsts=firsts)


def test_a_chain_of_renames_leads_to_the_first_id() -> None:
    """From a to b to c in two versions, with or without the old lines, c is still a."""
    first, second, third = _course(("b", "a"), "z"), _course(("c", "b"), "z"), _course("c", "z")
    assert "a" == _renames(first, second)["c"]
    assert "a" == _renames(first, second, second, third, third)["c"]
    assert ["z"] == _rest(third, "a", firsts=_renames(first, second, third))


def test_a_rename_and_back_is_the_same_lesson() -> None:
    """From a to b and back to a, who had it has had it."""
    back = _course(("a", "b"), "z")
    firsts = _renames(_course("a", "z"), _course(("b", "a"), "z"), back, back, _course("a", "z"))
    assert ["z"] == _rest(back, "a", firsts=firsts)


def test_names_that_change_places_in_one_edit_are_each_read_as_before_it() -> None:
    """All `was` lines of a version speak of the version before, in whatever order they stand, and however often applied."""
    shifted = _course(("b", "a"), ("c", "b"), "d")
    assert {"b": "a", "c": "b"} == _renames(shifted) == _renames(shifted, shifted, shifted)
    assert ["c", "d"] == _rest(shifted, "a", firsts=_renames(shifted))
    swapped = _course(("b", "a"), ("a", "b"))
    assert {"b": "a", "a": "b"} == _renames(swapped) == _renames(swapped, swapped)


def test_the_later_letters_come_only_to_who_asked_for_them() -> None:
    """Without the wish the last lesson is the end; who takes the wish back in between is at the end too."""
    course = _course("a", "b", afterwards=("later", "latest"))
    assert ["b"] == _rest(course, "a")
    assert ["b", "later", "latest"] == _rest(course, "a", afterwards=True)
    assert ["latest"] == _rest(course, "a", "b", "later", afterwards=True)
    assert [] == _rest(_course("new", "a", "b", afterwards=("later", "latest")), "a", "b", "later")
    step = next_step(course, "b", frozenset({"a", "b"}), {}, afterwards=True)
    assert step is not None
    assert step.afterwards


# Any sequence of edits ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of the schedule that knows which lesson it truly is; *was* is written in the file, *names* are all it had."""

    truth: int
    name: str
    was: str | None = None
    names: frozenset[str] = frozenset()


@dataclass
class Person:
    """What one person had: as the engine knows it (first ids) and as it truly was."""

    history: list[str] = field(default_factory=list)
    truths: list[int] = field(default_factory=list)


def _edited(data: st.DataObject, lines: list[Line], removed: list[Line], fresh: list[int]) -> list[Line]:
    """Return the schedule after one edit; fresh ids and lessons are counted in *fresh*."""
    fresh[0] += 1
    edit = data.draw(st.sampled_from(("insert", "remove", "restore", "move", "rename", "rename back", "tidy")))
    place = data.draw(st.integers(0, len(lines)))
    before, after = lines[:place], lines[place:]
    if edit == "insert":
        return [*before, Line(fresh[0], f"lesson-{fresh[0]}"), *after]
    if edit == "restore" and removed:
        return [*before, removed.pop(), *after]
    if edit == "tidy":
        return [replace(line, was=None) for line in lines]
    if not after:
        return lines
    line, rest = after[0], after[1:]
    taken = {other.name for other in (*lines, *removed)}
    old_names = sorted(line.names - taken)
    if edit == "remove":
        removed.append(line)
        return [*before, *rest]
    if edit == "move":
        others = [*before, *rest]
        target = data.draw(st.integers(0, len(others)))
        return [*others[:target], line, *others[target:]]
    if edit == "rename" or (edit == "rename back" and old_names):
        name = old_names[0] if edit == "rename back" else f"lesson-{fresh[0]}"
        return [*before, Line(line.truth, name, line.name, line.names | {line.name}), *rest]
    return lines


def _due(lines: list[Line], person: Person) -> int | None:
    """Return which lesson she is truly to get next, told by the lessons themselves and not by their names."""
    order = [line.truth for line in lines]
    place = next((order.index(truth) for truth in reversed(person.truths) if truth in order), -1)
    return next((truth for truth in order[place + 1 :] if truth not in person.truths), None)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(1, 8), st.integers(0, 15))
def test_no_sequence_of_edits_repeats_a_lesson_or_strands_anybody(data: st.DataObject, size: int, versions: int) -> None:
    """Through any edits, at each step she gets the lesson that she is to get, none twice, and she reaches the end."""
    lines = [Line(number, f"lesson-{number}") for number in range(size)]
    fresh, removed, firsts, person = [size], list[Line](), dict[str, str](), Person()
    for version in range(versions + 1):
        course = _course(*(line.name if line.was is None else (line.name, line.was) for line in lines))
        firsts = first_ids(course, firsts)
        truth_of = {line.name: line.truth for line in lines}
        letters = data.draw(st.integers(0, 3)) if version < versions else len(lines) + 1
        for _ in range(letters):
            place = place_of(course, person.history, firsts)
            step = next_step(course, place, frozenset(person.history), firsts, afterwards=False)
            assert _due(lines, person) == (None if step is None else truth_of[step.lesson.id])
            if step is None:
                break
            assert truth_of[step.lesson.id] not in person.truths
            person.history.append(firsts.get(step.lesson.id, step.lesson.id))
            person.truths.append(truth_of[step.lesson.id])
        lines = _edited(data, lines, removed, fresh) if version < versions else lines
    assert len(person.history) == len(set(person.history))
    assert _due(lines, person) is None
