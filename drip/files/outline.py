"""The ids in a schedule that may be half-edited: for completion, which must be quick and never complain."""

from __future__ import annotations

from pathlib import Path

import yaml

BYTES_MAX = 1_000_000


def outline(path: Path) -> dict[str, list[str]]:
    """Return the ids of the letters of each course in the order of the file; nothing for a file that cannot be read."""
    try:
        if path.stat().st_size > BYTES_MAX:
            return {}
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError):
        return {}
    courses = found.get("courses") if isinstance(found, dict) else None
    if not isinstance(courses, dict):
        return {}
    return {str(course): _letters(facts) for course, facts in courses.items() if isinstance(facts, dict)}


def _letters(course: dict[object, object]) -> list[str]:
    lessons: list[object] = []
    for phase in _listed(course.get("phases")):
        lessons += _listed(phase.get("lessons")) if isinstance(phase, dict) else []
    lessons += [*_listed(course.get("on_demand")), *_listed(course.get("afterwards"))]
    return [str(lesson["id"]) for lesson in lessons if isinstance(lesson, dict) and isinstance(lesson.get("id"), str)]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
