"""When a new secret expires, by one rule for the API and the command line."""

from datetime import UTC, datetime

from service.endpoints.fields import Fields
from service.endpoints.secret_schemas import AddSecretRequest


def expiry(fields: Fields[AddSecretRequest], name: str, now: datetime) -> datetime | None:
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
