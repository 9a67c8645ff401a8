"""Previewing as a subscriber: what is taken of her, and that nothing of hers is touched."""

from __future__ import annotations

import pytest

from drip.core.address import address_key
from drip.errors import NotFound
from drip.flows import previewing
from tests.engine import Engine


def test_her_settings_and_the_day_of_her_next_letter_are_taken(engine: Engine) -> None:
    """Name, pace, length, zone and the dates of her next letter make the reader; looking writes nothing."""
    engine.join("ada", pace=2, short=True, timezone="Asia/Tokyo")
    engine.work()
    before = engine.person("ada")
    key = address_key("ada@example.net", engine.deployment.suppression_key)
    subscriber = previewing.subscriber_behind(engine.database, key)
    (reader,) = previewing.readers_of(engine.database, engine.deployment.library, subscriber).values()
    assert ("Ada", 2, True, "Asia/Tokyo") == (reader.name, reader.pace, reader.short, reader.zone)
    assert (before.next_lesson, before.next_letter_on) == (reader.next_lesson, reader.letter_on)
    assert not reader.resting
    assert before == engine.person("ada")


def test_somebody_paused_until_she_says_has_no_date(engine: Engine) -> None:
    """She rests, and no day is made up for her next letter."""
    engine.join("ada")
    engine.work()
    engine.pause("ada", None)
    subscriber = engine.person("ada").subscriber_id
    (reader,) = previewing.readers_of(engine.database, engine.deployment.library, subscriber).values()
    assert reader.resting
    assert reader.letter_on is None


def test_nobody_is_told_with_what_the_register_knows(engine: Engine) -> None:
    """An unknown address is no person; somebody without a course cannot be read as."""
    with pytest.raises(NotFound, match="nobody by this address"):
        previewing.subscriber_behind(engine.database, address_key("zoe@example.net", engine.deployment.suppression_key))
    with pytest.raises(NotFound, match="on no course"):
        previewing.readers_of(engine.database, engine.deployment.library, 77)
