"""The papers that letters rest on: what each is, how far it was checked, and which letters lean on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

DOI = "https://doi.org/"


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of `references.yaml` that *letters* cite: its full citation, how far it was checked, and where it is found.

    *link* is '' where the entry names neither a DOI nor an https address.
    """

    id: str
    cite: str
    checked: str
    link: str
    letters: tuple[str, ...]


def refs_of(front: Mapping[str, object]) -> tuple[str, ...]:
    """Return the ids of the references in the front matter of a letter."""
    refs = front.get("refs")
    return tuple(map(str, refs)) if isinstance(refs, list | tuple) else ()


def cited(
    references: Mapping[str, Mapping[str, str]], fronts: Iterable[tuple[str, Mapping[str, object]]]
) -> tuple[Reference, ...]:
    """Return the *references* that letters cite, in the order of their file; *fronts* pairs letters with front matter."""
    users: dict[str, list[str]] = {}
    for letter, front in fronts:
        for reference in dict.fromkeys(refs_of(front)):
            users.setdefault(reference, []).append(letter)
    return tuple(
        Reference(
            reference,
            lines.get("cite") or lines.get("short") or reference,
            lines.get("how_verified", ""),
            _link(lines),
            tuple(users[reference]),
        )
        for reference, lines in references.items()
        if reference in users
    )


def _link(lines: Mapping[str, str]) -> str:
    doi = lines.get("doi", "").strip().removeprefix(DOI)
    if doi:
        return DOI + quote(doi, safe="/().;:-_")
    url = lines.get("url", "").strip()
    return url if url.startswith("https://") and len(url.split()) == 1 else ""
