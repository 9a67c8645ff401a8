"""A plan as a page shows it, the form in which an operator agrees to it, and the press that applies just that."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drip.core.plan import Edition, Hazard, Plan
from drip.core.problem import Problem
from drip.errors import ProblemsFound, SettingsError
from drip.flows.applying import Accepting, Refused

if TYPE_CHECKING:
    from drip.flows.admitting import SignedIn
    from drip.web.console.room import Fields
    from drip.wiring import Deployment

SHOWN_MAX = 60
"""How many changes, problems or people a page shows before it sums up the rest."""

REASON_MAX = 200

FREE = "=free"
"""How the form marks what may be accepted and need not be."""

_COMMAND = "; look at drip plan again"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What may be applied, as it stands now: the plan, or why there is none.

    *problems* are those of the files; *trouble* is anything else that forbids a plan, with its remedy in it.
    """

    planned: Plan | None = None
    problems: tuple[Problem, ...] = ()
    trouble: str = ""

    @property
    def errors(self) -> int:
        """How many problems forbid a plan."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def told(self) -> list[list[Problem]]:
        """The problems, errors first, those together that say the same of several places."""
        alike: dict[tuple[str, str, str, str], list[Problem]] = {}
        for one in self.problems:
            alike.setdefault((one.severity, one.code, one.text, one.hint), []).append(one)
        return sorted(alike.values(), key=lambda found: found[0].severity != "error")

    @property
    def is_live(self) -> bool:
        """Whether all of it is live already."""
        return self.planned is not None and self.planned.base is not None and not self.planned.changes

    @property
    def shown(self) -> str:
        """The hazards with their counts as the form carries them, those that need not be accepted marked as such."""
        hazards = self.planned.hazards if self.planned else ()
        return " ".join(f"{one.name}={one.count}{'' if one.needed else FREE}" for one in hazards)

    @property
    def fullest(self) -> int:
        """How many letters the fullest day of the plan has, now or then."""
        load = self.planned.load if self.planned else ()
        return max((max(day.before, day.after + day.reopened) for day in load), default=0)


WAIT_SECONDS = 1.0
"""How long a page waits for another plan to be done."""


class Planner:
    """Works plans out, one at a time: each takes memory for everybody on the course."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lock = threading.Lock()

    def read(self) -> tuple[Edition | None, Proposal]:
        """Return what the files on this machine say now, and every problem in them; None where a fault forbids a plan."""
        try:
            result, edition = self._deployment.checked()
        except SettingsError as trouble:
            return None, Proposal(trouble=str(trouble))
        return edition, Proposal(problems=result.problems)

    def of_files(self) -> Proposal:
        """Return what the files on this machine would do now."""
        edition, found = self.read()
        return found if edition is None else self.of(edition, found.problems)

    def of(self, edition: Edition, problems: tuple[Problem, ...] = ()) -> Proposal:
        """Return what an edition would do now."""
        # With a million people a plan takes half a minute, and every thread that waits for it is one less for the readers.
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return Proposal(
                problems=problems, trouble="Another plan is being worked out just now. Please look again in a minute."
            )
        try:
            return Proposal(self._deployment.plan(edition), problems)
        except ProblemsFound as trouble:
            return refused_today(trouble)
        finally:
            self._lock.release()

    def apply(self, edition: Edition, form: Fields, operator: SignedIn, *, note: str = "") -> tuple[int | None, list[str]]:
        """Apply what an operator agreed to, and return its number; or None and why it was refused, with nothing changed."""
        planned, ticked, reason = _agreed(form), frozenset(form.all("accept")), " ".join(form.get("reason", "").split())
        if planned is None:
            return None, ["This form is not whole. Please look at the plan below."]
        needed = [one.name for one in planned.hazards if one.needed]
        lacks = [f"{name} is not ticked." for name in needed if name not in ticked]
        if not reason and (needed or ticked):
            lacks.append("Please say why this is right; the version keeps it.")
        if lacks:
            return None, lacks
        accepting = Accepting(ticked, by=operator.operator.name, reason=reason[:REASON_MAX])
        try:
            return self._deployment.apply(edition, planned, accepting, note=note), []
        except Refused as refused:
            # What a terminal is told to look at again stands below on the page.
            return None, [f"{line.removesuffix(_COMMAND)}." for line in str(refused).splitlines()]


def refused_today(trouble: ProblemsFound) -> Proposal:
    """Return what today's rules say of a version that they refuse."""
    return Proposal(problems=tuple(one for one in trouble.problems if isinstance(one, Problem)))


def _agreed(form: Fields) -> Plan | None:
    """Return the plan that a form speaks of: its base, its files and its hazards with the counts that were shown.

    Applying works everything out again and refuses what is more than this, so the form need not be believed. None when its
    parts do not belong together.
    """
    hazards = []
    for word in form.get("shown", "").split():
        name, _, count = word.removesuffix(FREE).rpartition("=")
        if not name or not (count.isascii() and count.isdecimal() and len(count) < 18):
            return None
        hazards.append(Hazard(name, int(count), "", needed=not word.endswith(FREE)))
    base = form.get("base", "")
    if base and not (base.isascii() and base.isdecimal() and len(base) < 18):
        return None
    found = Plan(int(base) if base else None, form.get("source", ""), (), tuple(hazards), (), 0)
    return found if found.digest == form.get("digest", "") else None
