"""When a new secret expires, by one rule for the API and the command line."""

from datetime import UTC, datetime
from typing import Any

from service.endpoints.fields import Fields


def expiry(fields: Fields[Any], name: str, now: datetime) -> datetime | None:
    """Return the requested time in UTC, if it is in the future."""
    asked: datetime | None = fields.good(name)
    if asked is None:
        return None
    if asked <= now:
        fields.fault(name, "must be in the future")
        return None
    try:
        return asked.astimezone(UTC)
    except OverflowError:
        fields.fault(name, "must be before the year 10000 in UTC")
        return None
