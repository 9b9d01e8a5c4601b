"""How long something new is good for, as a form offers it: in days from the moment at which its page was shown."""

from datetime import UTC, datetime, timedelta

from service.pages.errors import BadForm

LIFETIMES = ("", "30", "90", "180", "365")
"""In days; "" is for ever."""


def end(since: str, days: int) -> datetime:
    """`since` is a hidden field of our own form, so that the form sent twice says the same. Raises BadForm if it is not as we wrote it."""
    try:
        return datetime.fromisoformat(since).astimezone(UTC) + timedelta(days=days)
    except (ValueError, OverflowError) as fault:
        raise BadForm from fault
