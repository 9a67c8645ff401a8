"""What is held about a person, in words: every column that says something of her, and why each other one does not."""

from __future__ import annotations

ABOUT: dict[str, dict[str, str]] = {
    "subscribers": {
        "address": "Address",
        "name": "What to call you",
        "timezone": "Time zone you gave",
        "created_at": "Known since",
    },
    "consents": {
        "course": "Course",
        "action": "What you said",
        "at": "When",
        "wording": "The words you agreed to",
        "source": "Where",
        "network_address": "Network address",
        "form": "The form",
        "version_id": "Version of the letter that asked",
    },
    "enrollments": {
        "course": "Course",
        "state": "Where you stand",
        "zone": "Time zone",
        "country": "Country",
        "weekday": "Day of the week",
        "send_at": "Hour",
        "pace": "Weeks between letters",
        "short": "Short letters",
        "afterwards": "Later letters wanted",
        "keep": "Page to be kept",
        "run": "Time through the course",
        "place": "Last letter you had",
        "last_meant_on": "Day your letters are counted from",
        "last_letter_on": "Last letter on",
        "next_lesson": "Next letter",
        "next_meant_on": "Next letter meant for",
        "next_letter_on": "Next letter on",
        "next_due_at": "Next letter not before",
        "next_closes_at": "Next letter not after",
        "paused": "Pause",
        "pause_from_on": "Paused from",
        "resumed": "Back from a pause",
        "asked_on": "Last asked for a letter at once",
        "deliveries_due": "Letters written so far",
        "created_at": "Signed up",
        "confirmed_at": "Confirmed",
        "ended_at": "Ended",
        "ended_why": "Why it ended",
        "version_id": "Version of the course",
    },
    "omissions": {
        "run": "Time through the course",
        "letter": "Letter that will not come",
        "reason": "Why",
        "version_id": "Version of the course",
    },
    "deliveries": {
        "course": "Course",
        "letter": "Letter",
        "occasion": "Why this copy",
        "kind": "Kind",
        "version_id": "Version",
        "short": "Short",
        "resumed": "First after a pause",
        "asked": "Asked for at once",
        "country": "Country whose help line it names",
        "meant_on": "Meant for",
        "letter_on": "To go on",
        "not_before": "Not before",
        "closes_at": "Not after",
        "state": "What we did",
        "reason": "Why",
        "outcome": "What the mail provider reported",
        "outcome_at": "Reported for",
        "created_at": "Written",
        "state_at": "Last change",
        "went_on": "Went on",
        "detail": "Note",
    },
    "address_changes": {
        "address": "New address, not confirmed yet",
        "asked_at": "Asked",
    },
    "suppressions": {
        "course": "Course (empty: every course)",
        "reason": "Why no mail may go to your address",
        "at": "Since",
        "note": "Note",
    },
    "events": {
        "kind": "What the mail provider reported",
        "outcome": "What it means",
        "suppress": "Why no mail may follow",
        "at": "When it happened",
        "received_at": "When we heard",
    },
    "wishes": {
        "kind": "What the form asked",
        "course": "Course",
        "address": "Address",
        "name": "What to call you",
        "timezone": "Time zone",
        "country": "Country",
        "weekday": "Day of the week",
        "pace": "Weeks between letters",
        "wording": "The words you agreed to",
        "source": "Where",
        "form": "The form",
        "network_address": "Network address",
        "at": "When",
    },
    "askings": {
        "name": "What to call you",
        "timezone": "Time zone",
        "country": "Country",
        "weekday": "Day of the week",
        "pace": "Weeks between letters",
        "wording": "The words in the form",
        "at": "When",
    },
    "chores": {
        "kind": "What the mail provider is still to be told",
        "address": "Address",
        "reason": "Why",
        "asked_at": "Asked",
        "not_before": "Next try",
        "tries": "Tries",
        "detail": "Note",
    },
}
"""The columns that are shown, by table, each with the words that a page and a file say for it."""

TITLES = {
    "subscribers": "You",
    "consents": "What you agreed to, and what you took back",
    "enrollments": "Your courses and settings",
    "omissions": "Letters that will not come",
    "deliveries": "Letters",
    "address_changes": "A new address",
    "suppressions": "Why no mail may go to your address",
    "events": "Reports of the mail provider",
    "wishes": "Forms that wait to be read",
    "askings": "Forms that letters answered, until one of them is confirmed",
    "chores": "What the mail provider is still to be told",
}
"""What each table is called."""

_A_NUMBER = "a number of our own, which says nothing of her"
_A_HASH = "a keyed hash of the address, which is shown itself"
_OUR_WORK = "how our machines share their work"

LETTER_NOT_TOLD = frozenset({"state", "reason", "went_on", "outcome", "outcome_at", "state_at", "detail"})
"""What is left out of the letter that asks a new address to confirm.

What became of it would tell whether that address had complained, left or bounced before, and it may be somebody else's.
"""

NOT_SHOWN: dict[str, dict[str, str]] = {
    "subscribers": {
        "id": _A_NUMBER,
        "address_key": _A_HASH,
        "erased_at": "empty for everybody who can ask",
    },
    "consents": {"id": _A_NUMBER, "subscriber_id": _A_NUMBER},
    "enrollments": {
        "id": _A_NUMBER,
        "public_id": "a key to her pages, which a file should not carry",
        "subscriber_id": _A_NUMBER,
        "open_delivery": _A_NUMBER,
    },
    "omissions": {"enrollment_id": _A_NUMBER},
    "deliveries": {
        "id": _A_NUMBER,
        "nonce": _A_NUMBER,
        "subscriber_id": _A_NUMBER,
        "enrollment_id": _A_NUMBER,
        "is_open": "follows from what we did",
        "blocked": _OUR_WORK,
        "batch_id": _OUR_WORK,
        "owner": _OUR_WORK,
        "token": _OUR_WORK,
        "claims": _OUR_WORK,
        "message_id": "the provider's receipt number",
    },
    "address_changes": {
        "id": _A_NUMBER,
        "public_id": "a key to the page that confirms, which only the new mailbox may have",
        "subscriber_id": _A_NUMBER,
        "enrollment_id": _A_NUMBER,
        "address_key": _A_HASH,
    },
    "suppressions": {"address_key": _A_HASH},
    "events": {
        "id": _A_NUMBER,
        "key": "a hash by which a report is known when it comes twice",
        "delivery": _A_NUMBER,
        "address_key": _A_HASH,
        "worked_at": _OUR_WORK,
    },
    "wishes": {"id": _A_NUMBER},
    "askings": {
        "id": _A_NUMBER,
        "public_id": "a part of the link in the letter, which only the mailbox may have",
        "enrollment_id": _A_NUMBER,
    },
    "chores": {"id": _A_NUMBER, "address_key": _A_HASH, "subscriber_id": _A_NUMBER},
}
"""The columns that are not shown, each with the reason."""

NOT_ABOUT_HER = {
    "stamp": "one row about the installation",
    "versions": "the schedule and the letters, alike for everybody",
    "courses": "which version is live",
    "lesson_holds": "letters that an operator or a fault holds, for everybody",
    "tallies": "how many letters went in which hour",
    "warmups": "how many letters an hour may go",
    "batches": "how many letters go in one request",
    "owners": "our own processes",
    "senders": "whether the mail provider answers",
    "beats": "whether our clocks tick",
    "operators": "who runs this, and no subscriber",
    "sessions": "in which browsers they are logged in",
}
"""The tables that hold nothing about a person."""
