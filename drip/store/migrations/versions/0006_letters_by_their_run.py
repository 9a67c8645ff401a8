"""The letters of one run are found without reading the whole table: for her pages, and before a run is deleted."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this state of the tables."""
    op.create_index("ix_deliveries_enrollment", "deliveries", ["enrollment_id"])


def downgrade() -> None:
    """Go back to the state before."""
    op.drop_index("ix_deliveries_enrollment", "deliveries")
