"""How many letters went in which hour, where a limit that grows stands, and the reports that say spam by their instant."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from drip import clock

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SPAM = sa.text("outcome = 'complained'")
_KEPT = timedelta(days=1)


def upgrade() -> None:
    """Go to this state of the tables."""
    op.create_table(
        "tallies",
        sa.Column("course", sa.String(length=60), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("letters", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("course", "hour", "owner", name=op.f("pk_tallies")),
    )
    op.create_table(
        "warmups",
        sa.Column("course", sa.String(length=60), nullable=False),
        sa.Column("began", sa.Integer(), nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("course", name=op.f("pk_warmups")),
    )
    op.create_index("ix_events_complaints", "events", ["received_at"], sqlite_where=_SPAM, postgresql_where=_SPAM)
    _count_the_last_day()


def downgrade() -> None:
    """Go back to the state before."""
    op.drop_index("ix_events_complaints", table_name="events")
    op.drop_table("warmups")
    op.drop_table("tallies")


def _count_the_last_day() -> None:
    """Count what went in the day before, so that its complaints are not held against a handful of letters.

    It stands in an hour that is over: no limit counts it.
    """
    since = clock.machine_now() - _KEPT
    hour = since.replace(minute=0, second=0, microsecond=0)
    # As the tables bind an instant: SQLite keeps text without a zone.
    at = hour.replace(tzinfo=None) if op.get_bind().dialect.name == "sqlite" else hour
    after = since.replace(tzinfo=None) if op.get_bind().dialect.name == "sqlite" else since
    op.get_bind().execute(
        sa.text(
            "INSERT INTO tallies (course, hour, owner, letters, last_at) "
            "SELECT course, :hour, '', count(*), max(state_at) FROM deliveries "
            "WHERE state IN ('submitted', 'uncertain') AND state_at > :after GROUP BY course"
        ).bindparams(
            sa.bindparam("hour", at, sa.DateTime(timezone=True)), sa.bindparam("after", after, sa.DateTime(timezone=True))
        )
    )
