"""A wish may say a weekday and a pace: another site asks for them by the API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this state of the tables."""
    op.add_column("wishes", sa.Column("weekday", sa.Integer()))
    op.add_column("wishes", sa.Column("pace", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    """Go back to the state before."""
    op.drop_column("wishes", "pace")
    op.drop_column("wishes", "weekday")
