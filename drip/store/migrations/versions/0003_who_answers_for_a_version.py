"""A version keeps who answers for its unreviewed letters, a course since when its dates hold; people may name a country."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this state of the tables."""
    op.add_column("courses", sa.Column("dates_from", _KEY, server_default="0", nullable=False))
    active = sa.text("state = 'active'")
    op.create_index("ix_enrollments_version", "enrollments", ["version_id"], sqlite_where=active, postgresql_where=active)
    op.add_column("versions", sa.Column("accepted", sa.Text(), server_default="[]", nullable=False))
    op.add_column("enrollments", sa.Column("country", sa.String(length=2), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("country", sa.String(length=2), server_default="", nullable=False))


def downgrade() -> None:
    """Go back to the state before."""
    op.drop_index("ix_enrollments_version", "enrollments")
    added = (("courses", "dates_from"), ("deliveries", "country"), ("enrollments", "country"), ("versions", "accepted"))
    for table, column in added:
        op.drop_column(table, column)
