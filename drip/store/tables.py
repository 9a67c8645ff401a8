"""The tables, once: names, types, keys and the indexes that the tick and the claims live on."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@lru_cache(maxsize=4096)
def _instant_in(stored: str) -> datetime:
    """Return the instant in what SQLite stores; people of one zone and hour share most of theirs."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An instant: aware and in UTC on both sides, whatever the database thinks of zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """Return what makes the driver's value; a naive datetime is a bug and raises ValueError."""
        as_text = dialect.name == "sqlite"

        def process(value: datetime | None) -> Any:  # noqa: ANN401 - each driver stores its own
            if value is None:
                return None
            if value.tzinfo is None:
                msg = "an instant must be aware"
                raise ValueError(msg)
            value = value.astimezone(UTC)
            # As SQLAlchemy writes it: all of one length, so that text sorts as time does.
            return value.replace(tzinfo=None).isoformat(" ", "microseconds") if as_text else value

        return process

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002 - inherited
        """Return what makes the stored instant of the driver's value, aware and in UTC."""
        # Each batch reads thousands of these, so this is one call and no chain of them.
        if dialect.name == "sqlite":
            return lambda value: None if value is None else _instant_in(value)
        return lambda value: value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


# SQLite numbers rows only in a column that is exactly INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")

OPEN_STATES = "state IN ('pending', 'claimed', 'submitting')"
IS_OPEN = text("deliveries.is_open")
"""Spelled out, beside whatever else is asked: a partial index is used only where its condition can be read in the query."""


def _key() -> Column[Any]:
    return Column("id", Key, primary_key=True, autoincrement=True)


def _instant(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, Instant(), nullable=nullable)


def _text(name: str, default: str = "") -> Column[Any]:
    return Column(name, Text(), nullable=False, server_default=default)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean(), nullable=False, server_default=text("false"))


def _count(name: str, default: int = 0) -> Column[Any]:
    return Column(name, Integer(), nullable=False, server_default=str(default))


stamp = Table(
    "stamp",
    metadata,
    # One row: which door this database was born for, and how far the sandbox's calendar has been moved.
    Column("id", Integer(), primary_key=True, autoincrement=False),
    Column("door", String(20), nullable=False),
    _instant("born_at", nullable=False),
    Column("calendar_offset_seconds", Float(), nullable=False, server_default="0"),
    # A hash of a known word under the suppression key: another key would forget everybody who left.
    _text("suppression_check"),
    CheckConstraint("id = 1", name="one_row"),
)

versions = Table(
    "versions",
    metadata,
    _key(),
    _instant("applied_at", nullable=False),
    _text("applied_by"),
    _text("note"),
    Column("digest", String(64), nullable=False),
    # The schedule and every letter, exactly as they were in the files.
    Column("source", Text(), nullable=False),
    # JSON: lesson id -> first id, over all renames so far.
    _text("first_ids", "{}"),
    # JSON: who answers for which wording of a letter that no clinician has checked, and who accepted which other hazard.
    _text("accepted", "[]"),
)

courses = Table(
    "courses",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("version_id", Key, ForeignKey("versions.id"), nullable=False),
    # The version that last changed when or in which order letters come; enrollments before it are turned to it.
    Column("dates_from", Key, nullable=False, server_default="0"),
    _instant("held_at"),
    _text("held_reason"),
)

lesson_holds = Table(
    "lesson_holds",
    metadata,
    Column("course", String(60), primary_key=True),
    Column("letter", String(60), primary_key=True),
    _instant("held_at", nullable=False),
    _text("reason"),
    _text("detail"),
    # The version whose letter was at fault; another version lifts the hold by itself.
    Column("version_id", Key, nullable=False),
)

subscribers = Table(
    "subscribers",
    metadata,
    _key(),
    # Null once she is erased.
    Column("address", Text()),
    Column("address_key", String(64), nullable=False, unique=True),
    _text("name"),
    Column("timezone", Text()),
    _instant("created_at", nullable=False),
    _instant("erased_at"),
)

consents = Table(
    "consents",
    metadata,
    _key(),
    Column("subscriber_id", Key, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("course", String(60), nullable=False),
    Column("action", String(20), nullable=False),
    _instant("at", nullable=False),
    _text("wording"),
    # Where it came from: a page, the command line, a file with what it says of itself.
    _text("source"),
    _text("network_address"),
    # The address of the form.
    _text("form"),
    # The version that was live: its letter is the one she confirmed in.
    Column("version_id", Key),
)

wishes = Table(
    "wishes",
    metadata,
    # What a stranger typed into a form. Its handler only stores it; a task looks up who it is, and deletes it.
    _key(),
    Column("kind", String(12), nullable=False),
    Column("course", String(60), nullable=False),
    Column("address", Text(), nullable=False),
    _text("name"),
    _text("timezone"),
    Column("country", String(2), nullable=False, server_default=""),
    _text("wording"),
    _text("source"),
    _text("form"),
    _text("network_address"),
    # What another site asked for her by the API; a form of ours leaves them alone.
    Column("weekday", Integer()),
    _count("pace", 1),
    _instant("at", nullable=False),
)

askings = Table(
    "askings",
    metadata,
    # What was typed into a form that a letter answers: the link in that letter confirms this and nothing else. Only of
    # people who never confirmed; deleted once one of the letters is.
    _key(),
    Column("public_id", String(24), nullable=False, unique=True),
    Column("enrollment_id", Key, ForeignKey("enrollments.id"), nullable=False, index=True),
    _text("name"),
    _text("timezone"),
    Column("country", String(2), nullable=False, server_default=""),
    Column("weekday", Integer()),
    _count("pace", 1),
    _text("wording"),
    _instant("at", nullable=False),
)

address_changes = Table(
    "address_changes",
    metadata,
    # A new address that nobody has confirmed yet; deleted once it is, or has grown old.
    _key(),
    Column("public_id", String(24), nullable=False, unique=True),
    Column("subscriber_id", Key, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("enrollment_id", Key, ForeignKey("enrollments.id"), nullable=False),
    Column("address", Text(), nullable=False),
    Column("address_key", String(64), nullable=False),
    _instant("asked_at", nullable=False),
)

chores = Table(
    "chores",
    metadata,
    # What the provider must still be told about an address: `erase` it, or take it off its lists (`clear`).
    _key(),
    Column("kind", String(12), nullable=False),
    Column("address", Text(), nullable=False),
    Column("address_key", String(64), nullable=False),
    # The subscriber whose rows are still here; null once nothing of hers is.
    Column("subscriber_id", Key),
    _text("reason"),
    _instant("asked_at", nullable=False),
    # Machine time of the next try.
    _instant("not_before", nullable=False),
    _count("tries"),
    _text("detail"),
    UniqueConstraint("address_key", "kind", name="one_chore_of_a_kind"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_key", String(64), primary_key=True),
    # Empty: every course.
    Column("course", String(60), primary_key=True),
    Column("reason", String(40), nullable=False),
    _instant("at", nullable=False),
    _text("note"),
)

enrollments = Table(
    "enrollments",
    metadata,
    _key(),
    # Opaque; stands in links and nowhere else.
    Column("public_id", String(24), nullable=False, unique=True),
    Column("subscriber_id", Key, ForeignKey("subscribers.id"), nullable=False),
    Column("course", String(60), nullable=False),
    # asked -> active -> finished | left | ended
    Column("state", String(12), nullable=False),
    Column("zone", Text(), nullable=False),
    # ISO 3166, "" when she did not say; a helpline of hers then stands first.
    Column("country", String(2), nullable=False, server_default=""),
    Column("weekday", Integer()),
    Column("send_at", String(5)),
    _count("pace", 1),
    _flag("short"),
    _flag("afterwards"),
    _count("run", 1),
    Column("place", String(60)),
    Column("last_meant_on", Date()),
    Column("last_letter_on", Date()),
    Column("next_lesson", String(60)),
    Column("next_meant_on", Date()),
    Column("next_letter_on", Date()),
    # Null while a delivery is open, while paused until she says, before she confirmed, and after the end.
    _instant("next_due_at"),
    _instant("next_closes_at"),
    Column("open_delivery", Key),
    Column("version_id", Key, ForeignKey("versions.id"), nullable=False),
    # '', 'weeks' or 'open'; the original meant date is what a second press and a resume count from.
    Column("paused", String(6), nullable=False, server_default=""),
    Column("pause_from_on", Date()),
    _flag("resumed"),
    # The local date on which she last asked for the next letter at once: one a day.
    Column("asked_on", Date()),
    # She wants her page kept after the last letter.
    _flag("keep"),
    # How many deliveries were ever opened for her: the audit counts them a second time from the rows.
    _count("deliveries_due"),
    _instant("created_at", nullable=False),
    _instant("confirmed_at"),
    _instant("ended_at"),
    _text("ended_why"),
    UniqueConstraint("subscriber_id", "course", name="one_enrollment_per_course"),
    Index(
        "ix_enrollments_version",
        "version_id",
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
    Index(
        "ix_enrollments_due",
        "next_due_at",
        sqlite_where=text("next_due_at IS NOT NULL"),
        postgresql_where=text("next_due_at IS NOT NULL"),
    ),
    # Each letter writes its enrollment twice; where the versions share a page, PostgreSQL clears them away by itself.
    postgresql_with={"fillfactor": 50},
)

omissions = Table(
    "omissions",
    metadata,
    # Lessons she will not get: an edit put them before her place.
    Column("enrollment_id", Key, ForeignKey("enrollments.id"), primary_key=True),
    Column("run", Integer(), primary_key=True),
    Column("letter", String(60), primary_key=True),
    Column("version_id", Key, nullable=False),
    _text("reason"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _key(),
    # Random, so that an id of a database restored from a backup never names another letter.
    Column("nonce", String(12), nullable=False),
    Column("subscriber_id", Key, ForeignKey("subscribers.id"), nullable=False),
    Column("enrollment_id", Key, ForeignKey("enrollments.id"), nullable=False),
    Column("course", String(60), nullable=False),
    # The first id the lesson ever had.
    Column("letter", String(60), nullable=False),
    Column("occasion", String(40), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("version_id", Key, nullable=False),
    _flag("short"),
    _flag("resumed"),
    # She asked for this lesson now: no window and no gap, and a pause does not stop it.
    _flag("asked"),
    # The country whose helpline stands first; "" for a letter without one.
    Column("country", String(2), nullable=False, server_default=""),
    Column("meant_on", Date(), nullable=False),
    Column("letter_on", Date(), nullable=False),
    # Null while it waits for somebody: a pause until she says, an undone leave.
    _instant("not_before"),
    _instant("closes_at"),
    Column("state", String(12), nullable=False),
    # Once false, it seldom comes back. PostgreSQL would write all indexes anew at each step if they named the state.
    Column("is_open", Boolean(), Computed(OPEN_STATES, persisted=True)),
    _text("reason"),
    _flag("blocked"),
    Column("outcome", String(12)),
    _instant("outcome_at"),
    Column("batch_id", String(32)),
    Column("owner", String(32)),
    Column("token", String(32)),
    # Claims that ended without a result; a letter that kills workers is parked after five.
    _count("claims"),
    _instant("created_at", nullable=False),
    _instant("state_at", nullable=False),
    Column("went_on", Date()),
    Column("message_id", String(100)),
    _text("detail"),
    UniqueConstraint("subscriber_id", "course", "letter", "occasion", name="one_delivery_per_occasion"),
    Index(
        "ix_deliveries_pending",
        "not_before",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("is_open"),
    ),
    # All letters of one run: her pages list them, and a run that is deleted is looked for here.
    Index("ix_deliveries_enrollment", "enrollment_id"),
    Index("ix_deliveries_batch", "batch_id", sqlite_where=text("is_open"), postgresql_where=text("is_open")),
    # A delivery is written four times: the versions that follow stand on the same page, and need no index entries.
    postgresql_with={"fillfactor": 50},
)

batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    _count("size"),
    _instant("made_at", nullable=False),
    # Machine time of the last hint to a worker, and how many there were.
    _instant("published_at"),
    _count("publishes"),
    _flag("probe"),
)

events = Table(
    "events",
    metadata,
    _key(),
    Column("key", String(64), nullable=False, unique=True),
    Column("delivery", String(40)),
    Column("address_key", String(64)),
    Column("kind", String(40), nullable=False),
    Column("outcome", String(12)),
    Column("suppress", String(40)),
    _instant("at"),
    _instant("received_at", nullable=False),
    _instant("worked_at"),
    Index("ix_events_unworked", "id", sqlite_where=text("worked_at IS NULL"), postgresql_where=text("worked_at IS NULL")),
    # The few that say spam: whether they are too many is asked after every page of reports.
    Index(
        "ix_events_complaints",
        "received_at",
        sqlite_where=text("outcome = 'complained'"),
        postgresql_where=text("outcome = 'complained'"),
    ),
)

tallies = Table(
    "tallies",
    metadata,
    # How many letters of a course one process handed over in one hour: a row that nobody else writes.
    Column("course", String(60), primary_key=True),
    # By the calendar, which at a real door is the machine's clock; the last letter of it by the machine's.
    Column("hour", Instant(), primary_key=True),
    Column("owner", String(32), primary_key=True),
    _count("letters"),
    _instant("last_at", nullable=False),
)

warmups = Table(
    "warmups",
    metadata,
    # Where the limit of a course stands that grows: with how many an hour it began, and how many it is on that day.
    Column("course", String(60), primary_key=True),
    Column("began", Integer(), nullable=False),
    Column("per_hour", Integer(), nullable=False),
    Column("day", Date(), nullable=False),
)

owners = Table(
    "owners",
    metadata,
    # One incarnation of one worker process.
    Column("id", String(32), primary_key=True),
    Column("host", Text(), nullable=False),
    Column("boot", Text(), nullable=False),
    Column("pid", Integer(), nullable=False),
    Column("lock_path", Text(), nullable=False),
    Column("advisory_key", BigInteger(), nullable=False),
    _instant("started_at", nullable=False),
    _instant("beat_at", nullable=False),
    _instant("dead_at"),
)

senders = Table(
    "senders",
    metadata,
    Column("door", String(20), primary_key=True),
    Column("state", String(10), nullable=False),
    _text("reason"),
    _text("remedy"),
    _instant("since", nullable=False),
    _instant("retry_at"),
    _count("failures"),
    Column("probe_batch", String(32)),
)

beats = Table(
    "beats",
    metadata,
    Column("name", String(40), primary_key=True),
    _instant("machine_at", nullable=False),
    _instant("calendar_at", nullable=False),
    _text("detail"),
)

operators = Table(
    "operators",
    metadata,
    # Whoever runs this: people of the house, and never a subscriber.
    _key(),
    Column("name", String(40), nullable=False, unique=True),
    # Argon2, with its parameters in it.
    Column("password", Text(), nullable=False),
    # look | send
    Column("permission", String(8), nullable=False),
    _instant("added_at", nullable=False),
    _text("added_by"),
    _instant("password_at", nullable=False),
    _instant("logged_in_at"),
)

sessions = Table(
    "sessions",
    metadata,
    # A browser in which an operator is logged in; without a row here its cookie opens nothing.
    _key(),
    # A keyed hash of the secret in the cookie: whoever reads this table can log in as nobody.
    Column("secret_key", String(64), nullable=False, unique=True),
    Column("operator_id", Key, ForeignKey("operators.id"), nullable=False, index=True),
    # Machine time; seen is the last press, for a look writes nothing.
    _instant("begun_at", nullable=False),
    _instant("seen_at", nullable=False),
    _instant("ends_at", nullable=False),
)
