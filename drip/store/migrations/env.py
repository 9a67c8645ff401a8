"""Run migrations in the transaction that was handed over, see `drip.store.migrations.upgrade`."""

from __future__ import annotations

from alembic import context

from drip.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
