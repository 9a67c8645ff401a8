"""Settings and keys: what contradicts, what is dangerous as it stands, and never a key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drip.core.fitness.setting import KeyFacts, SettingFacts, keys, settings
from tests.core.fitness.said import levels, only

REAL = SettingFacts(
    (), 5, real=True, door="sendgrid", sendgrid_url="https://api.sendgrid.com", behind_proxy=True, trusts_proxies=True
)
GOOD = (43, 30)
SOUND = KeyFacts([GOOD], GOOD, shared=False, twice=False, stamped=True, real=True)


def test_settings_that_agree_are_fine() -> None:
    """Two lines: how many there are, and through which door letters go."""
    assert ["fine", "fine"] == levels(settings(REAL))


def test_each_fault_is_a_line_with_its_remedy() -> None:
    """What config says is wrong stands before the semicolon, what to do behind it."""
    found = list(
        settings(
            replace(REAL, faults=("DRIP_X is not a setting of drip; did you mean DRIP_LOG?", "DRIP_LOG must be plain or json"))
        )
    )
    assert ["wrong", "wrong", "fine"] == [one.level.value for one in found]
    assert ("DRIP_X is not a setting of drip", "did you mean DRIP_LOG?") == (found[0].text, found[0].remedy)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(REAL, sendgrid_url="http://127.0.0.1:8025"), "is not one of SendGrid's own addresses"),
        (replace(REAL, trusts_proxies=False), "DRIP_TRUSTED_PROXIES is not set"),
        (replace(REAL, files={"DRIP_SECRET_KEYS": 0o644}), "the file of DRIP_SECRET_KEYS can be read by everybody"),
        (replace(REAL, folder=0o755), "the state folder is open"),
    ],
)
def test_a_dangerous_default_is_worth_a_look(facts: SettingFacts, words: str) -> None:
    """It works, and is not what an operator would choose."""
    found = list(settings(facts))
    assert ["fine", "fine", "look"] == levels(found)
    assert words in found[-1].text


def test_a_file_for_one_group_is_no_fault() -> None:
    """A key that root keeps for the service's group is kept well."""
    assert ["fine", "fine"] == levels(settings(replace(REAL, files={"DRIP_SECRET_KEYS": 0o640}, folder=0o700)))


def test_sound_keys_are_fine() -> None:
    """One that signs, and the suppression key that the database knows."""
    assert ["fine", "fine"] == levels(keys(SOUND))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(SOUND, links=[(20, 15)]), "1 of the 1 keys for links are short"),
        (replace(SOUND, links=[GOOD, (60, 1)]), "1 of the 2 keys for links are short or monotonous"),
        (replace(SOUND, twice=True), "twice"),
        (replace(SOUND, shared=True), "the suppression key is one of the keys for links"),
        (replace(SOUND, suppression=(16, 16)), "the suppression key is short"),
    ],
)
def test_keys_that_are_weak_are_worth_a_look(facts: KeyFacts, words: str) -> None:
    """Short, monotonous, twice there, or used for two things."""
    assert words in only(keys(facts), "look").text


def test_another_suppression_key_is_wrong() -> None:
    """Whoever left would be written to again."""
    assert "nobody who left would be recognised" in only(keys(replace(SOUND, stamped=False)), "wrong").text
    assert ["fine", "not known"] == levels(keys(replace(SOUND, stamped=None)))


def test_a_sandbox_without_keys_has_nothing_wrong() -> None:
    """It makes its own; with a provider the settings have said it already."""
    none = replace(SOUND, links=[], suppression=None, stamped=None)
    assert ["not known"] == levels(keys(replace(none, real=False)))
    assert [] == levels(keys(none))
