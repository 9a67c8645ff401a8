"""Who runs it: operators with their permission, and the browsers in which they are logged in."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this state of the tables."""
    op.create_table(
        "operators",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("permission", sa.String(length=8), nullable=False),
        _instant("added_at"),
        sa.Column("added_by", sa.Text(), server_default="", nullable=False),
        _instant("password_at"),
        _instant("logged_in_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("name", name=op.f("uq_operators_name")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("secret_key", sa.String(length=64), nullable=False),
        sa.Column("operator_id", _KEY, nullable=False),
        _instant("begun_at"),
        _instant("seen_at"),
        _instant("ends_at"),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_sessions_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("secret_key", name=op.f("uq_sessions_secret_key")),
    )
    op.create_index(op.f("ix_sessions_operator_id"), "sessions", ["operator_id"])


def downgrade() -> None:
    """Go back to the state before."""
    op.drop_table("sessions")
    op.drop_table("operators")


def _instant(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
