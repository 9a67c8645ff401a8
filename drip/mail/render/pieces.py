"""Pieces of a letter that drip itself writes: short sections, the list of sources, the helplines of a country."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drip.core.helpline import spoken
from drip.mail.render import markdown
from drip.mail.render.markdown import Part, Section
from drip.mail.render.templates import escape_markdown

if TYPE_CHECKING:
    from drip.core.schedule import Helpline


def said(kind: str, words: str) -> Section:
    """Return a section of a *kind* without a heading that shows the Markdown *words*."""
    return Section(kind, None, markdown.tokens_of(words))


def listed(lines: Sequence[str]) -> Section | None:
    """Return the list of sources, None when there are none."""
    return said("source", "\n".join(f"- {escape_markdown(line)}" for line in lines)) if lines else None


def helpline_part(helplines: Sequence[Helpline]) -> Part:
    """Return one paragraph that names *helplines*, each on a line of its own when there are several; a number can be tapped."""
    words = "\\\n".join(map(escape_markdown, spoken(helplines)))
    return markdown.part_with_ways("helpline", words, {line.unbroken: line.tel for line in helplines})
