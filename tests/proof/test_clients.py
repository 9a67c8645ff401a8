"""Every letter by caniemail: what Gmail, Outlook and Apple Mail do with it, and why that is all right.

The judge goes by features and not by values: it names each client that lacks anything of a feature. So each exception
below names its clients and says what they lose. An exception that is no longer needed fails like a new finding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.proof.conftest import TOOLS, node, package
from tests.proof.letters import every_letter

CLIENTS = ["gmail.*", "outlook.*", "apple-mail.*"]
"""All of each family that it has data on: on the web, for Windows, macOS, iOS and Android."""

WORD = {"outlook.windows", "outlook.windows-mail"}
"""Those that show a letter with the engine of Word."""
GMAIL_PHONE = {"gmail.android", "gmail.ios"}
GMAIL_WEB = {"gmail.desktop-webmail", "gmail.mobile-webmail"}
GMAIL = GMAIL_PHONE | GMAIL_WEB
NEW_OUTLOOK = {"outlook.android", "outlook.ios", "outlook.outlook-com"}
APPLE = {"apple-mail.ios", "apple-mail.macos"}

Exceptions = dict[str, tuple[set[str], str]]
"""For each feature the clients that lack it, and what a reader loses there."""

ERRORS: Exceptions = {
    "<body> element": (
        {"outlook.macos"},
        "The first element inside has the same ground, language and direction.",
    ),
    "<style> element": (
        {"gmail.mobile-webmail"},
        "Every style that matters stands in its tag; the block holds the dark colours and the narrower margins of phones.",
    ),
    "@media": (
        WORD | {"gmail.mobile-webmail"},
        "The light colours and the margins of a wide window, which fit a phone as well.",
    ),
    "border-radius": (WORD, "Corners are square and the stops of the map are boxes."),
    "color-scheme CSS property": (
        GMAIL | NEW_OUTLOOK | {"outlook.macos", "outlook.windows"},
        "They leave the light colours as they are, or turn them round by themselves, which stays readable (test_layout).",
    ),
    "color-scheme meta tag": (
        GMAIL | NEW_OUTLOOK | WORD | {"outlook.macos", "apple-mail.ios"},
        "As above; the property says the same for Apple Mail.",
    ),
    "display:none": ({"gmail.mobile-webmail"}, "The preheader stands as a first line, as it does in the text part."),
    "overflow": (WORD, "The judge takes overflow-wrap for it; overflow itself is not used."),
    "overflow-wrap": (
        WORD | GMAIL_PHONE | NEW_OUTLOOK | {"gmail.desktop-webmail"},
        "A word longer than a line is not broken; letters hold none.",
    ),
    "role attribute": (
        {"outlook.windows-mail"},
        "Tables of the layout are announced as tables; they have one cell or one column of words, in reading order.",
    ),
    "table-layout": (WORD, "Widths are given by attributes too."),
    "word-break": ({"outlook.windows-mail"}, "As with overflow-wrap."),
}
"""Not supported at all."""

WARNINGS: Exceptions = {
    "<body> element": (GMAIL | NEW_OUTLOOK, "It becomes a div; what counts stands on the element inside it."),
    "<style> element": (
        GMAIL_PHONE | {"gmail.desktop-webmail"} | WORD,
        "The block stands in the head and is far below 16 KB; Gmail for other accounts drops it, like the web above.",
    ),
    "<ul>, <ol> and <dl>": (
        GMAIL | NEW_OUTLOOK | WORD | {"outlook.macos"},
        "Lists are not reversed, and their numbers are not set by hand.",
    ),
    "@media": (
        GMAIL_PHONE | {"gmail.desktop-webmail"} | NEW_OUTLOOK,
        "Queries ask for the width and the scheme alone and are not nested; without them the light colours stay.",
    ),
    "align attribute": ({"outlook.macos"}, "Tables are centred by it and never floated."),
    "background": (WORD, "Grounds are plain colours."),
    "border": (WORD, "Frames stand on cells and are 4 pixels at most; a link without its frame is underlined."),
    "color-scheme CSS property": ({"outlook.windows-mail"}, "It is read from the meta tag or not at all: light colours."),
    "dir attribute": (
        WORD | {"gmail.mobile-webmail"},
        "A letter has one direction; a name in another script may turn a line in Word's engine.",
    ),
    "display": (GMAIL_PHONE | WORD, "Of its values block, inline-block and none are used; in Word links lie closer together."),
    "display:none": (WORD, "The preheader holds no table and no image, and mso-hide hides it there too."),
    "font-size": (WORD, "Sizes are pixels."),
    "font-weight": (WORD, "Weights are normal and bold."),
    "height attribute": ({"outlook.windows"}, "There are no images; the document asks Word for 96 dots an inch."),
    "height property": ({"outlook.windows"}, "Heights stand on cells, and on rules, which have a thickness of their own there."),
    "line-height": (WORD, "The block for Outlook sets mso-line-height-rule."),
    "list-style": (GMAIL | WORD, "Only list-style-type is used."),
    "margin": (
        GMAIL | NEW_OUTLOOK | WORD,
        "No margin is negative; auto centres the column, which a table does in Word; grounds stand on cells without margins.",
    ),
    "max-width": (
        WORD | {"apple-mail.ios"},
        "It stands on the column, a table; Word gets a table of 600 pixels round it.",
    ),
    "overflow": (APPLE | GMAIL | NEW_OUTLOOK | {"outlook.macos"}, "As above, under errors."),
    "overflow-wrap": (APPLE | {"gmail.mobile-webmail"}, "word-break: normal stands beside it, as Apple Mail needs."),
    "padding": (WORD, "Whatever has a ground or a frame is a cell of a table; elsewhere there is less air."),
    "table-layout": ({"gmail.mobile-webmail"}, "Widths are given by attributes too."),
    "text-align": (
        WORD | {"gmail.android", "gmail.mobile-webmail", "outlook.android"},
        "Its values are left, right and center.",
    ),
    "text-decoration": (GMAIL_PHONE | WORD, "Its values are underline and none."),
    "width attribute": ({"outlook.windows"}, "As with the height."),
    "width property": ({"outlook.windows"}, "Widths stand on cells; the links at the foot follow one another without it."),
    "word-break": (
        APPLE | GMAIL_PHONE | NEW_OUTLOOK | {"gmail.mobile-webmail", "outlook.macos"},
        "Its value is normal, and in buttons break-word, which older clients ignore.",
    ),
}
"""Supported in part, or with faults."""


def judged(letters: dict[str, str], clients: list[str]) -> dict[str, dict[str, set[str]]]:
    """Return the clients that have trouble with a feature, by severity and feature, over all *letters*."""
    package("caniemail")
    answers = json.loads(node(TOOLS / "caniemail.mjs", stdin=json.dumps({"clients": clients, "letters": letters})))
    assert set(letters) == set(answers)
    found: dict[str, dict[str, set[str]]] = {"error": {}, "warning": {}}
    for answer in answers.values():
        for severity, feature, client in answer:
            found[severity].setdefault(feature, set()).add(client)
    return found


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, set[str]]]:
    """What it says about all letters together."""
    return judged({name: letter.html for name, letter in every_letter().items()}, CLIENTS)


def beyond(some: Mapping[str, set[str]], others: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return what *some* hold that *others* do not."""
    return {feature: more for feature, clients in some.items() if (more := clients - others.get(feature, set()))}


@pytest.mark.parametrize(("severity", "exceptions"), [("error", ERRORS), ("warning", WARNINGS)])
def test_every_finding_has_its_reason(verdicts: dict[str, dict[str, set[str]]], severity: str, exceptions: Exceptions) -> None:
    """What any of these clients does not know is an exception with a reason, and no exception is left over."""
    found, expected = verdicts[severity], {feature: clients for feature, (clients, _) in exceptions.items()}
    assert {} == beyond(found, expected), "without an exception"
    assert {} == beyond(expected, found), "an exception that is no longer needed"
    assert [] == [feature for feature, (_, reason) in exceptions.items() if not reason.endswith(".")]


def test_the_judge_is_awake() -> None:
    """What old clients do not know (grid, a modern colour, a video) is found."""
    html = '<div style="display: grid; color: oklch(50% 0.1 200)"><video></video></div>'
    found = judged({"modern": html}, ["outlook.windows"])["error"]
    assert {"display:grid", "<video> element"} <= set(found)
