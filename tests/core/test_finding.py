"""Findings: a level, a line and a remedy, and the exit code of them all."""

from __future__ import annotations

import pytest

from drip.core.finding import Finding, Level, exit_code_of, fine, look, unknown, wrong

GONE = Finding("Database", Level.WRONG, "it does not answer", "start it", unreachable=True)


@pytest.mark.parametrize(
    ("code", "findings"),
    [
        (0, []),
        (0, [fine("A", "well"), look("A", "odd", "see"), unknown("A", "who knows")]),
        (1, [fine("A", "well"), wrong("A", "broken", "mend it")]),
        (3, [wrong("A", "broken", "mend it"), GONE]),
    ],
)
def test_the_exit_code_is_that_of_the_worst(code: int, findings: list[Finding]) -> None:
    """A server that does not answer weighs more than what is wrong, and what is only worth a look weighs nothing."""
    assert code == exit_code_of(findings)


def test_a_finding_as_plain_values() -> None:
    """No remedy is said to be none."""
    assert {"group": "A", "level": "fine", "text": "well", "remedy": None} == fine("A", "well").as_json()
    assert {"group": "A", "level": "wrong", "text": "broken", "remedy": "mend it"} == wrong("A", "broken", "mend it").as_json()
