"""What a subscriber does herself: forms that wait for a look-up, new addresses, and what the provider must still be told."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this state of the tables."""
    op.add_column("consents", sa.Column("form", sa.Text(), server_default="", nullable=False))
    op.add_column("consents", sa.Column("version_id", _KEY, nullable=True))
    op.add_column("enrollments", sa.Column("asked_on", sa.Date(), nullable=True))
    op.add_column("enrollments", sa.Column("keep", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("deliveries", sa.Column("asked", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _wishes()
    _address_changes()
    _chores()


def downgrade() -> None:
    """Go back to the state before."""
    for table in ("chores", "address_changes", "wishes"):
        op.drop_table(table)
    added = (("deliveries", "asked"), ("enrollments", "keep"), ("enrollments", "asked_on"), ("consents", "version_id"))
    for table, column in (*added, ("consents", "form")):
        op.drop_column(table, column)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _instant(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _wishes() -> None:
    op.create_table(
        "wishes",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("course", sa.String(length=60), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        _text("name"),
        _text("timezone"),
        sa.Column("country", sa.String(length=2), server_default="", nullable=False),
        _text("wording"),
        _text("source"),
        _text("form"),
        _text("network_address"),
        _instant("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wishes")),
    )


def _address_changes() -> None:
    op.create_table(
        "address_changes",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("subscriber_id", _KEY, nullable=False),
        sa.Column("enrollment_id", _KEY, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        _instant("asked_at"),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_address_changes_enrollment_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscribers.id"], name=op.f("fk_address_changes_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_changes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_address_changes_public_id")),
    )
    op.create_index(op.f("ix_address_changes_subscriber_id"), "address_changes", ["subscriber_id"])


def _chores() -> None:
    op.create_table(
        "chores",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("subscriber_id", _KEY, nullable=True),
        _text("reason"),
        _instant("asked_at"),
        _instant("not_before"),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        _text("detail"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chores")),
        sa.UniqueConstraint("address_key", "kind", name="one_chore_of_a_kind"),
    )
