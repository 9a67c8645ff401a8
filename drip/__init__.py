"""A self-hosted email course: one templated lesson a week, at the reader's own hour, exactly once."""

__version__ = "0.1.0"
