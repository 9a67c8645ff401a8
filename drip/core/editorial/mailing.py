"""What any mail program breaks; nothing is asked yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from drip.core.editorial.proof import Manuscript, Proof
from drip.core.problem import Problem


def findings(proofs: Sequence[Proof], raw: Mapping[str, str], emails: str) -> Iterator[Problem]:
    yield from ()


def letter_findings(proof: Proof, manuscript: Manuscript) -> Iterator[Problem]:
    yield from ()
