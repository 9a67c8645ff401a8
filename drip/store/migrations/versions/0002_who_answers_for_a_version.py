"""A version keeps who answers for its unreviewed letters; people may name their country."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this state of the tables."""
    op.add_column("versions", sa.Column("accepted", sa.Text(), server_default="[]", nullable=False))
    op.add_column("enrollments", sa.Column("country", sa.String(length=2), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("country", sa.String(length=2), server_default="", nullable=False))
