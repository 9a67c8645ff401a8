"""A schedule together with its letters: whether each has what the other names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drip.core.coherence import written_lessons
from drip.core.letter import Letter, parse_letter, placed_blocks
from drip.core.problem import Problem, did_you_mean, has_errors, quoted
from drip.core.reference import refs_of
from drip.core.review import wording_of
from drip.core.schedule import Schedule, parse_schedule
from drip.core.shape import ID_PATTERN
from drip.core.source import Document, LetterText, Parsed

NEEDED = (
    "_base/letter.html",
    "_base/letter.txt",
    "_base/system.html",
    "_base/system.txt",
    "_system/address-change.md",
    "_system/confirm.md",
    "_system/my-link.md",
)
"""Files below `emails/` without which no course can run."""


@dataclass(frozen=True, slots=True)
class Project:
    """A schedule and its letters without faults, in the forms that their readers need.

    *letters* is by lesson id. *files* maps paths below `emails/` to texts, the front matter of letters replaced by as
    many newlines; *front* maps the same paths to their plain front matter; *references* maps ids to their lines.
    """

    schedule: Schedule
    letters: Mapping[str, Letter]
    files: Mapping[str, str]
    front: Mapping[str, Mapping[str, object]]
    references: Mapping[str, Mapping[str, str]]

    def wording(self, letter: str) -> str:
        """Return what tells this wording of a letter from another."""
        path = self.letters[letter].path
        return wording_of(self.front[path], self.files[path])


def project_of(parsed: Parsed) -> tuple[Project | None, list[Problem]]:
    """Return the project in *parsed*, and every problem in it, those of reading included; None when one is an error."""
    project, problems = readable_of(parsed)
    return (None if has_errors(problems) else project), problems


def readable_of(parsed: Parsed) -> tuple[Project | None, list[Problem]]:
    """Return what of a project can be read in spite of errors, for whoever only looks at it, and every problem.

    Letters whose front matter has faults are left out. None when the schedule cannot be read.
    """
    problems = list(parsed.problems)
    schedule: Schedule | None = None
    if not any(problem.file == parsed.schedule.file for problem in parsed.problems) or parsed.schedule.values is not None:
        schedule, found = parse_schedule(parsed.schedule.values, parsed.schedule.marks, file=parsed.schedule.file)
        problems += found
    references, found = _references(parsed)
    problems += found
    letters: dict[str, Letter] = {}
    for path, text in parsed.letters.items():
        if path in parsed.broken and text.front.values is None:
            continue
        letter, found = parse_letter(text)
        problems += found
        problems += _unknown_names(text, parsed, references)
        if letter is not None:
            letters[text.id] = letter
    problems += _unmatched(parsed)
    problems += _uncited(parsed, references)
    problems += [
        Problem(f"{parsed.emails}/{path}", 1, 1, "L212", "this file is missing", "every course needs it; restore it")
        for path in NEEDED
        if path not in parsed.source.letters and not _is_unread(parsed, path)
    ]
    problems = sorted(set(problems))
    if schedule is None:
        return None, problems
    readable = {path: text for path, text in parsed.letters.items() if text.id in letters}
    others = {path: text for path, text in parsed.source.letters.items() if path not in parsed.letters}
    bodies = {path: text.body for path, text in readable.items()}
    front = {path: _plain(text.front.values) for path, text in readable.items()}
    return Project(schedule, letters, {**others, **bodies}, front, references or {}), problems


def _plain(values: object) -> dict[str, object]:
    return {str(key): value for key, value in values.items()} if isinstance(values, Mapping) else {}


def _is_unread(parsed: Parsed, path: str) -> bool:
    """Return whether *path*, a folder around it, or a file of its name elsewhere could not be read.

    Then its absence is told already.
    """
    file, name = f"{parsed.emails}/{path}", path.rpartition("/")[2]
    unread = [problem.file for problem in parsed.source.unread]
    return any(file.startswith(f"{other}/") or other.rpartition("/")[2] == name for other in unread)


def _unmatched(parsed: Parsed) -> list[Problem]:
    """Return the lessons without a file, the files that share an id, and the letters that no course names."""
    problems: list[Problem] = []
    by_id: dict[str, LetterText] = {}
    for text in parsed.letters.values():
        if text.id in by_id:
            words = f"two files are the letter {text.id}"
            hint = f"the other is {by_id[text.id].front.file}; remove or rename one"
            problems.append(Problem(text.front.file, 1, 1, "L202", words, hint))
        by_id.setdefault(text.id, text)
    lessons = written_lessons(parsed.schedule.values)
    named = {lesson.id for lesson in lessons}
    unnamed = [text for text in by_id.values() if text.id not in named and not text.is_system]
    told: set[str] = set()
    for lesson in lessons:
        if lesson.id is None or lesson.id in told or re.fullmatch(ID_PATTERN, lesson.id) is None:
            continue
        told.add(lesson.id)
        found, path = by_id.get(lesson.id), f"{lesson.phase or 'extra'}/{lesson.id}.md"
        if found is None and not _is_unread(parsed, path):
            hint = did_you_mean(lesson.id, [text.id for text in unnamed], otherwise=f"write {parsed.emails}/{path}")
            place = (*lesson.path, "id")
            problems.append(parsed.schedule.problem("L201", place, f"the lesson {lesson.id} has no letter", hint))
        elif found is not None and found.is_system:
            words = f"{lesson.id} is the name of a letter of drip itself"
            problems.append(parsed.schedule.problem("L202", (*lesson.path, "id"), words, "choose another id"))
    if isinstance(parsed.schedule.values, Mapping) and lessons:
        hint = "add it to the schedule, or remove the file"
        problems += [Problem(text.front.file, 1, 1, "L203", "no course names this letter", hint, "warning") for text in unnamed]
    return problems


def _unknown_names(text: LetterText, parsed: Parsed, references: Mapping[str, Mapping[str, str]] | None) -> list[Problem]:
    """Return the references and the blocks that a letter names and that are not there."""
    values = text.front.values if isinstance(text.front.values, Mapping) else {}
    problems: list[Problem] = []
    for index, ref in enumerate(_listed(values.get("refs"))):
        if references is not None and ref not in references:
            hint = did_you_mean(ref, references, otherwise=f"add it to {parsed.emails}/references.yaml")
            problems.append(text.front.problem("L204", ("refs", index), f"there is no reference {quoted(ref)}", hint))
    known = parsed.block_names
    otherwise = f"write {parsed.emails}/_base/blocks/<name>.md"
    for index, name in enumerate(_listed(values.get("blocks"))):
        if name not in known:
            hint = did_you_mean(name, known, otherwise=otherwise)
            problems.append(text.front.problem("L205", ("blocks", index), f"there is no block {quoted(name)}", hint))
    for name, place in placed_blocks(text):
        if name not in known:
            hint = did_you_mean(name, known, otherwise=otherwise)
            problems.append(Problem(place.file, place.line, place.column, "L205", f"there is no block {quoted(name)}", hint))
    return problems


def _uncited(parsed: Parsed, references: Mapping[str, Mapping[str, str]] | None) -> list[Problem]:
    """Return the references that no letter names, once every letter could be read."""
    document = parsed.references
    if document is None or references is None or parsed.broken or parsed.source.unread:
        return []
    cited = {ref for text in parsed.letters.values() for ref in refs_of(_plain(text.front.values))}
    hint = "name it in the `refs` of a letter that rests on it, or remove it"
    return [
        document.problem("L213", (key,), f"no letter cites the reference {key}", hint, at_key=True, severity="warning")
        for key in references
        if key not in cited
    ]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _references(parsed: Parsed) -> tuple[dict[str, dict[str, str]] | None, list[Problem]]:
    """Return the references by id, None when they cannot be known, and what is wrong with them."""
    document = parsed.references
    if document is None:
        if _is_unread(parsed, "references.yaml"):
            return None, []
        cites = any(refs_of(_plain(text.front.values)) for text in parsed.letters.values())
        file, hint = f"{parsed.emails}/references.yaml", "write this file, with `R1:` and its lines below it"
        return (None, [Problem(file, 1, 1, "L211", "letters cite references, and there are none", hint)]) if cites else ({}, [])
    if document.values is None:
        # Either it is empty, or what is broken in it is told already.
        return ({} if document.file not in {problem.file for problem in parsed.problems} else None), []
    if not isinstance(document.values, Mapping):
        return None, [
            document.problem("L211", (), "the references are not a group of keys", "write `R1:` and its lines below it")
        ]
    return _reference_lines(document, document.values)


def _reference_lines(document: Document, values: Mapping[object, object]) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    references: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for key, entry in values.items():
        lines = entry if isinstance(entry, Mapping) else {}
        if not isinstance(lines.get("short"), str) or not lines["short"]:
            hint = "add `short:`, the line a reader sees under Source"
            problems.append(document.problem("L211", (str(key),), f"the reference {key} has no short line", hint, at_key=True))
        references[str(key)] = {str(name): "" if line is None else str(line) for name, line in lines.items()}
    return references, problems
