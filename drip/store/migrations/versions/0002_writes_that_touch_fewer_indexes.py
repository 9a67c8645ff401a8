"""Writes that touch fewer indexes.

PostgreSQL writes every index of a row anew when a column changes that an index or its condition names. The state did,
at each step of a hand-over; whether a delivery is open changes once. Half of each page stays free for the new versions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = "state IN ('pending', 'claimed', 'submitting')"
OWNED = "state IN ('claimed', 'submitting')"
PENDING = "state = 'pending'"


def upgrade() -> None:
    """Go to this state of the tables."""
    for name in ("ix_deliveries_owner", "ix_deliveries_pending", "ix_deliveries_batch"):
        op.drop_index(name, "deliveries")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_open", sa.Boolean(), sa.Computed(OPEN, persisted=True), nullable=True))
    _index("ix_deliveries_batch", "batch_id", sqlite="is_open", postgresql="is_open")
    _index("ix_deliveries_pending", "not_before", sqlite=PENDING, postgresql="is_open")
    if op.get_bind().dialect.name != "sqlite":
        for table in ("deliveries", "enrollments"):
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def downgrade() -> None:
    """Go back to the state before."""
    for name in ("ix_deliveries_pending", "ix_deliveries_batch"):
        op.drop_index(name, "deliveries")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_column("is_open")
    _index("ix_deliveries_batch", "batch_id", sqlite=OPEN, postgresql=OPEN)
    _index("ix_deliveries_pending", "not_before", sqlite=PENDING, postgresql=PENDING)
    _index("ix_deliveries_owner", "owner", sqlite=OWNED, postgresql=OWNED)
    if op.get_bind().dialect.name != "sqlite":
        for table in ("deliveries", "enrollments"):
            op.execute(f"ALTER TABLE {table} RESET (fillfactor)")


def _index(name: str, column: str, *, sqlite: str, postgresql: str) -> None:
    op.create_index(name, "deliveries", [column], sqlite_where=sa.text(sqlite), postgresql_where=sa.text(postgresql))
