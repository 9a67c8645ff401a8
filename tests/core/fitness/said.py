"""How findings are compared: their levels in order, or those of one level with their words."""

from __future__ import annotations

from collections.abc import Iterable

from drip.core.finding import Finding


def levels(findings: Iterable[Finding]) -> list[str]:
    """Return the levels in order; every finding that is not fine and could be mended names a remedy."""
    found = list(findings)
    assert all(one.remedy for one in found if one.level in {"look", "wrong"}), found
    return [one.level.value for one in found]


def only(findings: Iterable[Finding], level: str) -> Finding:
    """Return the one finding of a level."""
    (found,) = (one for one in findings if one.level == level)
    return found
