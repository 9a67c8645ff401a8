"""Versions: numbered, never changed, and one of them live for each course."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drip.store import versions
from drip.store.session import Database
from tests.store.conftest import NOON

LETTERS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


def publish(database: Database, text: str) -> int:
    """Publish a version with one letter."""
    with database.write() as connection:
        return versions.publish(
            connection, schedule_text=text, letters={"a.md": "A"}, course_ids=["small"], first_ids={"small": {"b": "a"}}, now=NOON
        )


def test_a_version_is_kept_as_it_was(database: Database) -> None:
    """A second version changes what is live and not what the first one says."""
    assert [1, 2] == [publish(database, "one"), publish(database, "two")]
    with database.read() as connection:
        first = versions.find(connection, 1)
        assert first is not None
        assert ("one", {"a.md": "A"}, {"small": {"b": "a"}}) == (first.schedule_text, first.letters, first.first_ids)
        assert 2 == versions.running(connection)["small"].version_id
        assert (2, versions.digest_of("two", {"a.md": "A"})) == versions.newest(connection)
        assert None is versions.find(connection, 3)


@given(st.text(max_size=8), LETTERS, st.text(max_size=8), LETTERS)
def test_the_digest_is_equal_exactly_for_equal_files(
    text: str, letters: dict[str, str], other_text: str, other_letters: dict[str, str]
) -> None:
    """Neither order nor where one text ends and the next begins can be confused."""
    same = (text, letters) == (other_text, other_letters)
    assert same is (versions.digest_of(text, letters) == versions.digest_of(other_text, other_letters))
    backwards = dict(reversed(letters.items()))
    assert versions.digest_of(text, letters) == versions.digest_of(text, backwards)


def test_a_held_lesson_is_held_in_that_version_only(database: Database) -> None:
    """Another version of the letter lifts the hold by itself."""
    publish(database, "one")
    with database.write() as connection:
        for _ in range(2):
            versions.hold_lesson(connection, "small", "a", version_id=1, reason="broken-letter", detail="", now=NOON)
        assert versions.lesson_held(connection, "small", "a", version_id=1)
        assert not versions.lesson_held(connection, "small", "a", version_id=2)
        assert 1 == len(versions.held_lessons(connection))
        versions.release(connection, "small")
        assert [] == versions.held_lessons(connection)
