"""Rule files are read: every slip has its line, and the examples in them are tried."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from drip.core.editorial.rules import Rules
from drip.core.problem import Problem, Severity, did_you_mean, has_errors, quoted
from drip.core.shape import Codes, shape_problems
from drip.core.source import Document, Path


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The *rules* of a course, the *file* they were read from, and the hashed *shingles* of texts not to copy."""

    file: str
    rules: Rules
    shingles: frozenset[str] = frozenset()


_CODES = Codes(
    unknown="E101",
    missing="E102",
    wrong="E103",
    pattern="E104",
    bound="E105",
    choice="E106",
    regular_expression="E107",
)


def parse_rules(
    document: Document, *, letters: Collection[str], blocks: Collection[str], files: Mapping[str, str], folder: str = ""
) -> tuple[Rulebook | None, list[Problem]]:
    """Return the rules in *document*, and every fault of them; None when one is an error.

    *letters* are the ids of the course, *blocks* the fixed blocks there are. *files* maps paths below `emails/` to texts
    and *folder* is the part of that path in which the rule file lies.
    """
    if document.values is None:
        return None, [document.problem("E102", (), "this file is empty", "begin with `reading:` or `patterns:`")]
    try:
        rules = Rules.model_validate(document.values, context={"written": True})
    except ValidationError as trouble:
        return None, sorted(set(shape_problems(trouble, document, Rules, _CODES)))
    problems = [*_examples(document, rules), *_doubles(document, rules), *_unknown_letters(document, rules, letters)]
    problems += _unknown_blocks(document, rules, blocks)
    shingles: set[str] = set()
    for index, name in enumerate(rules.copy_of):
        text = files.get(f"{folder}{name}")
        if text is None:
            hint = "write it with `drip shingles`, beside this file"
            problems.append(document.problem("E109", ("copy_of", index), f"there is no file {quoted(name)}", hint))
        else:
            shingles |= set(text.split())
    book = Rulebook(document.file, rules, frozenset(shingles))
    return (None if has_errors(problems) else book), sorted(set(problems))


def _examples(document: Document, rules: Rules) -> Iterator[Problem]:
    """Yield a problem for each example that does not show what it should."""
    for path, pattern in rules.every_pattern:
        for index, example in enumerate(pattern.hit):
            if not any(pattern.finds(example)):
                text = f"{pattern.id} does not find its example {quoted(example)}"
                yield document.problem("E108", (*path, "hit", index), text, "mend the pattern or the example")
        for index, example in enumerate(pattern.miss):
            if any(pattern.finds(example)):
                text = f"{pattern.id} finds {quoted(example)}, which it should pass over"
                yield document.problem("E108", (*path, "miss", index), text, "mend the pattern or the example")


def _doubles(document: Document, rules: Rules) -> Iterator[Problem]:
    told: set[str] = set()
    for path, pattern in rules.every_pattern:
        if pattern.id in told:
            yield document.problem("E110", (*path, "id"), f"two rules are called {pattern.id}", "give one another id")
        told.add(pattern.id)
    others = [name for name, kind in rules.kinds.items() if not kind.letters]
    for name in others[1:]:
        text = f"two kinds name no letters, {others[0]} and {name}"
        yield document.problem("E110", ("kinds", name), text, "add `letters:` to one of them", at_key=True)


def _unknown_letters(document: Document, rules: Rules, letters: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each letter that is named and not there."""
    named: list[tuple[Path, tuple[str, ...]]] = [(("kinds", name, "letters"), kind.letters) for name, kind in rules.kinds.items()]
    if rules.blocks:
        named += [(("blocks", "demands", index, "letters"), one.letters) for index, one in enumerate(rules.blocks.demands)]
    if rules.apply:
        named.append((("apply", "letters"), rules.apply.letters))
    for path, ids in named:
        for index, letter in enumerate(ids):
            if letter not in letters:
                hint = did_you_mean(letter, letters, otherwise="name a letter of the course")
                yield document.problem("E109", (*path, index), f"the course has no letter {quoted(letter)}", hint)


def _unknown_blocks(document: Document, rules: Rules, blocks: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each block that is named and not there."""
    named: list[tuple[Path, str]] = []
    if rules.blocks:
        named += [(("blocks", "wording", name), name) for name in rules.blocks.wording]
        named += [(("blocks", "footer", index), name) for index, name in enumerate(rules.blocks.footer)]
        named += [(("blocks", "movement", index), name) for index, name in enumerate(rules.blocks.movement)]
        named += [(("blocks", "demands", index, "block"), one.block) for index, one in enumerate(rules.blocks.demands)]
    if rules.apply:
        named += [(("apply", "never_beside", index), name) for index, name in enumerate(rules.apply.never_beside)]
        named += [(("apply", "beside"), rules.apply.beside)] if rules.apply.beside else []
    for path, name in named:
        if name not in blocks:
            hint = did_you_mean(name, blocks, otherwise="write it in _base/blocks")
            yield document.problem("E109", path, f"there is no block {quoted(name)}", hint)


def severities_of(rules: Rules | None) -> dict[str, frozenset[Severity]]:
    """Return every rule that a letter can break, with what breaking it can be."""
    known: dict[str, frozenset[Severity]] = {name: frozenset(severities) for name, severities in MEASURED.items()}
    if rules is not None:
        known |= {pattern.id: frozenset({pattern.severity}) for _, pattern in rules.every_pattern}
    return known


_ERROR: tuple[Severity, ...] = ("error",)
_WARNING: tuple[Severity, ...] = ("warning",)
MEASURED: dict[str, tuple[Severity, ...]] = {
    "M-ALT": _ERROR,
    "M-COLOR": _ERROR,
    "M-CONTRAST": _ERROR,
    "M-SIZE": ("error", "warning"),
    "M-STYLE": _ERROR,
    "R-ALT": ("error", "warning"),
    "R-BLK": _ERROR,
    "R-COPY": _ERROR,
    "R-CTA": _ERROR,
    "R-EVID": _ERROR,
    "R-FK": ("error", "warning"),
    "R-FRONT": _ERROR,
    "R-HEAD": _ERROR,
    "R-LINK": _ERROR,
    "R-LIST": _WARNING,
    "R-MUST": _WARNING,
    "R-ONE": _ERROR,
    "R-PARA": _ERROR,
    "R-REF": _ERROR,
    "R-REV": _ERROR,  # Its warning, that nobody has looked yet, is a fact that no author may wave away.
    "R-SCORE": _ERROR,
    "R-SENT": _ERROR,
    "R-SHOUT": _ERROR,
    "R-STILL": _ERROR,
    "R-SUBJ": _ERROR,
    "R-TEXT": _ERROR,
    "R-TRACK": _ERROR,
    "R-WORDS": ("error", "warning"),
}
"""The rules that Python measures, with what breaking each can be for a waiver; patterns are named by the course's file."""
