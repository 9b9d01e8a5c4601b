"""Ids that are UUIDs (RFC 9562), as others write them."""

from uuid import UUID

DIGITS = 32


def uuid_of(text: str) -> UUID | None:
    """Return the UUID that is written in any way that Python reads, or None."""
    if len(text) < DIGITS:  # no exception for each id that is none
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def is_uuid(text: str) -> bool:
    """Return whether the text is a UUID as this server writes it, in lower case and with hyphens."""
    return str(uuid_of(text)) == text
