"""The names that a command takes, for completion: courses and lessons of the files, without the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem


class Known(click.ParamType[str]):
    """A text that is taken as it is, and completed from the schedule in the present folder, or the one that is set."""

    name = "text"

    def __init__(self, offered: Callable[[dict[str, list[str]], str], list[str]]) -> None:
        """Offer what *offered* finds in an outline and a chosen course, '' for none."""
        self._offered = offered

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401, ARG002 - click's
        """Return the text as it is."""
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's
        """Return the names that begin so."""
        from drip.cli.sources import schedule_path
        from drip.files.outline import outline

        names = self._offered(outline(schedule_path(ctx)), str(ctx.params.get("course") or ""))
        return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _lessons(found: dict[str, list[str]], course: str) -> list[str]:
    return found.get(course) or [lesson for lessons in found.values() for lesson in lessons]


LESSON = Known(_lessons)
COURSE = Known(lambda found, _: list(found))
