"""The current time, and the last one that a date can be."""

from datetime import UTC, datetime

LATEST = 253_402_300_799
"""The last second of the year 9999, and of Python's dates."""


def utc_now() -> datetime:
    return datetime.now(UTC)
