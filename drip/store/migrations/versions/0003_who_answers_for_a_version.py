"""A version keeps who answers for its unreviewed letters; people may name their country."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this state of the tables."""
    op.add_column("versions", sa.Column("accepted", sa.Text(), server_default="[]", nullable=False))
    op.add_column("enrollments", sa.Column("country", sa.String(length=2), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("country", sa.String(length=2), server_default="", nullable=False))


def downgrade() -> None:
    """Go back to the state before."""
    for table, column in (("deliveries", "country"), ("enrollments", "country"), ("versions", "accepted")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
