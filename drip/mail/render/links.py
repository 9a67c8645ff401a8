"""Where the links of letters lead; the tags in them stand for each person's own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drip.mail.render.person import tag_of
from drip.mail.render.templates import Trusted

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOOTER = {
    "Pause": "pause",
    "Change day or pace": "settings",
    "Rough patch?": "rough",
    "When to get care": "care",
    "All my letters": "page",
    "Unsubscribe": "leave",
}


def letter_links(base_url: str) -> dict[str, Trusted]:
    """Return the links that a letter of the course may name, by their short names."""
    my = f"{base_url}/my/{tag_of('MyToken')}"
    return {
        "page": Trusted(my),
        "pause": Trusted(f"{my}/pause"),
        "settings": Trusted(f"{my}/settings"),
        "rough": Trusted(f"{my}/rough"),
        "after": Trusted(f"{my}/after"),
        "care": Trusted(f"{base_url}/care"),
        "leave": Trusted(f"{base_url}/leave/{tag_of('LeaveToken')}"),
    }


def service_links(base_url: str) -> dict[str, Trusted]:
    """Return the links that a letter of drip itself may name: a page that is asked for, and what is to be confirmed."""
    asked = tag_of("ServiceToken")
    return {
        "page": Trusted(f"{base_url}/own/{asked}"),
        "care": Trusted(f"{base_url}/care"),
        "confirm": Trusted(f"{base_url}/confirm/{asked}"),
        "change": Trusted(f"{base_url}/change/{asked}"),
    }


def footer_links(links: Mapping[str, Trusted]) -> dict[str, Trusted]:
    """Return the links at the foot of every letter of the course, by their words."""
    return {words: links[name] for words, name in _FOOTER.items()}
