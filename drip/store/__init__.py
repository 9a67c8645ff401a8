"""All SQL: what is remembered, and the one place that knows SQLAlchemy."""
