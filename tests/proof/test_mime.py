"""Every letter as a mail, taken apart again by the standard library."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from tests.proof.letters import BASE_URL, PERSON, SYSTEM, Letter, Shelf, every_letter


def read(letter: Letter) -> EmailMessage:
    """Return the mail as a mail program reads it."""
    return message_from_bytes(letter.mail.as_bytes(), policy=default)


def test_there_are_letters_of_every_kind() -> None:
    """The course's letters are here full and short, after a pause, with a program and without, and the system's."""
    letters = every_letter()
    assert {*Shelf().course().course.letter_ids, *SYSTEM} == {letter.id for letter in letters.values()}
    assert {"sleep-anchor", "sleep-anchor short", "sleep-anchor short after a pause", "completion with a program"} <= set(letters)
    assert set(SYSTEM) <= set(letters)


def test_it_is_read_without_a_defect() -> None:
    """No part and no header of a mail has a defect, and its two parts are those that were rendered, text first."""
    for name, letter in every_letter().items():
        parts = list(read(letter).walk())
        assert ["multipart/alternative", "text/plain", "text/html"] == [part.get_content_type() for part in parts], name
        assert [] == [defect for part in parts for defect in part.defects], name
        assert [] == [(header, value.defects) for part in parts for header, value in part.items() if value.defects], name
        text, html = parts[1:]
        assert isinstance(text, EmailMessage)
        assert isinstance(html, EmailMessage)
        assert letter.text.splitlines() == text.get_content().splitlines(), name
        assert letter.html.splitlines() == html.get_content().splitlines(), name


def test_its_lines_go_through_any_server() -> None:
    """Every line is plain ASCII of at most 998 characters, those of the parts of at most 76, and ends in CR LF."""
    for name, letter in every_letter().items():
        wire = letter.mail.as_bytes()
        assert wire.isascii(), name
        lines = wire.split(b"\r\n")
        assert [] == [line for line in lines if len(line) > 998 or b"\n" in line or b"\r" in line], name
        assert [] == [line for line in lines[lines.index(b"") :] if len(line) > 76], name


def test_its_headers_say_who_what_and_how_to_leave() -> None:
    """Headers decode to the words; a course letter has one-click leaving and a list's name, a system letter neither."""
    for name, letter in every_letter().items():
        mail = read(letter)
        (sender,) = mail["From"].addresses
        assert ("Sam from the Roadmap", "letters@example.org") == (sender.display_name, sender.addr_spec), name
        assert PERSON.address == mail["To"], name
        assert str(letter.mail["Subject"]) == mail["Subject"], name
        assert "x7drip" not in letter.mail.as_string(), name
        if letter.id in SYSTEM:
            assert not {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"} & set(mail.keys()), name
            continue
        assert re.fullmatch(rf"<{re.escape(BASE_URL)}/leave/[A-Za-z0-9._-]+>", mail["List-Unsubscribe"]), name
        assert "List-Unsubscribe=One-Click" == mail["List-Unsubscribe-Post"], name
        assert "<roadmap.example.org>" == mail["List-Id"], name
