"""What was typed into a form stands beside the letter that answers it, so that no later form changes what a link confirms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this state of the tables."""
    op.create_table(
        "askings",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("enrollment_id", _KEY, nullable=False),
        _text("name"),
        _text("timezone"),
        sa.Column("country", sa.String(length=2), server_default="", nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("pace", sa.Integer(), server_default="1", nullable=False),
        _text("wording"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["enrollment_id"], ["enrollments.id"], name=op.f("fk_askings_enrollment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_askings")),
        sa.UniqueConstraint("public_id", name=op.f("uq_askings_public_id")),
    )
    op.create_index(op.f("ix_askings_enrollment_id"), "askings", ["enrollment_id"])


def downgrade() -> None:
    """Go back to the state before."""
    op.drop_table("askings")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)
