"""The editorial lint: what each letter breaks of the rules of its course, and what any mail program would break.

Everything here is pure. Proofs, rules and today's date come in, problems go out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from drip.core.editorial import mailing, measure, safety, wording
from drip.core.editorial.desk import Desk
from drip.core.editorial.proof import Manuscript, Proof
from drip.core.editorial.rulebook import Rulebook, severities_of
from drip.core.editorial.rules import Rules
from drip.core.letter import LessonFront, Letter
from drip.core.problem import Problem, did_you_mean, quoted
from drip.core.source import Document, LetterText, Path

__all__ = ["Office", "folded", "read_course", "shown_names"]

_RULES: tuple[Callable[[Desk], Iterator[Problem]], ...] = (measure.findings, wording.findings, safety.findings)


@dataclass(frozen=True, slots=True)
class Office:
    """What the editor of one course works with.

    *texts* are the letters taken apart and *letters* the same parsed, both by id; *raw* maps paths below the folder
    *emails* to texts as they are on the disk. *book* is None for a course without rules of its own, or whose rules
    cannot be read; in the second case *waivers* is false, since they cannot be judged.
    """

    book: Rulebook | None
    texts: Mapping[str, LetterText]
    letters: Mapping[str, Letter]
    raw: Mapping[str, str]
    emails: str
    today: date
    waivers: bool = True


def read_course(office: Office, proofs: Sequence[Proof]) -> list[Problem]:
    """Return every finding in the *proofs* of one course; a letter may come as several proofs, and is told once."""
    problems: list[Problem] = []
    by_letter: dict[str, list[Proof]] = {}
    for proof in proofs:
        by_letter.setdefault(proof.letter, []).append(proof)
    for letter, versions in by_letter.items():
        front = office.letters[letter].lesson
        found = set[Problem]()
        for proof in versions:
            found.update(_of_proof(office, proof, front, is_first=proof is versions[0]))
        if office.waivers:
            problems += _waived(found, front, office.texts[letter], office.book.rules if office.book else None)
        else:
            problems += found
    if office.book is not None:
        problems += safety.changed_blocks(office.book, office.raw, office.emails)
        problems += wording.in_layout(office.book, office.raw, office.emails)
    # A fault of the layout shows in every letter, with another example each time.
    return list({(one.file, one.line, one.column, one.code, one.text): one for one in sorted(set(problems))}.values())


def _of_proof(office: Office, proof: Proof, front: LessonFront | None, *, is_first: bool) -> Iterator[Problem]:
    text = office.texts[proof.letter]
    manuscript = Manuscript(text, office.raw.get(text.path, ""))
    yield from mailing.findings(proof, manuscript, office.raw, office.emails)
    if office.book is None:
        return
    desk = Desk(proof, manuscript, front, office.book, office.today)
    if front is None:
        yield from wording.findings(desk)
        return
    yield from safety.missing_from_foot(desk, office.raw, office.emails)
    for rule in _RULES:
        # How much there is to read is measured as it really is; a program that the course lacks adds nothing to it.
        if is_first or rule is not measure.findings:
            yield from rule(desk)


def shown_names(book: Rulebook | None, schedule: Document, course_id: str) -> list[Problem]:
    """Return what the names that a course mails under would show on a lock screen: sender, answer address, list."""
    course = ("courses", course_id)
    shown: list[tuple[Path, str, bool]] = [(course, course_id, True)]
    for path in ((*course, "from", "name"), (*course, "from", "email"), (*course, "reply_to")):
        value = schedule.at(path)
        if isinstance(value, str):
            shown.append((path, value.partition("@")[0], False))
    return [
        schedule.problem(
            pattern.id,
            path,
            f"{quoted(match[0])} in {path[-1]}: {pattern.why}",
            "choose another name",
            at_key=at_key,
            severity=pattern.severity,
        )
        for path, words, at_key in shown
        for pattern in (book.rules.lock_screen if book else ())
        for match in pattern.finds(words.replace("-", " ").replace(".", " "))
    ]


# Waivers -------------------------------------------------------------------------------------------------------------


def _waived(found: Iterable[Problem], front: LessonFront | None, text: LetterText, rules: Rules | None) -> Iterator[Problem]:
    """Yield what is left of *found* once the letter has waived its warnings, and what is wrong with its waivers."""
    waivers = {} if front is None else front.lint_ok
    known = severities_of(rules)
    used: Counter[str] = Counter()
    for problem in found:
        if problem.severity == "warning" and waivers.get(problem.code, "").strip() and "warning" in known.get(problem.code, ()):
            used[problem.code] += 1
        else:
            yield problem
    for name, reason in waivers.items():
        place = ("lint_ok", name)
        if name not in known:
            hint = did_you_mean(name, known, otherwise="docs/problems.md and the rule file list the rules")
            yield text.front.problem("E201", place, f"there is no rule {quoted(name)}", hint, at_key=True)
        elif "warning" not in known[name]:
            yield text.front.problem("E202", place, f"{name} cannot be waived", "mend the letter, and remove this", at_key=True)
        elif not reason.strip():
            yield text.front.problem("E203", place, f"{name} is waived without a reason", "say why, for the next editor")
        elif not used[name]:
            words = f"{name} is waived, and there is nothing to waive"
            yield text.front.problem("E204", place, words, "remove this line", at_key=True, severity="warning")


# Drafts --------------------------------------------------------------------------------------------------------------


def folded(problems: Iterable[Problem], findings: Iterable[Problem], drafts: Iterable[str]) -> list[Problem]:
    """Return *problems* and *findings* together, those in *drafts* told in one warning for each file.

    A draft is unfinished on purpose, so what waits in it is counted where L207 says that it is a draft.
    """
    files = set(drafts)
    waiting: Counter[str] = Counter()
    kept = []
    for finding in findings:
        if finding.file in files:
            waiting[finding.file] += 1
        else:
            kept.append(finding)
    for problem in problems:
        count = waiting.get(problem.file, 0)
        if problem.code == "L207" and count:
            words = f"draft; {count} editorial finding{'' if count == 1 else 's'} wait{'s' if count == 1 else ''}"
            kept.append(replace(problem, text=words, hint="run drip check --drafts"))
        else:
            kept.append(problem)
    return sorted(set(kept))
