"""How long something new is good for, as a form offers it: in days from the moment at which its page was shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from service.pages.errors import BadForm

LIFETIMES = ("", "30", "90", "180", "365")
"""In days; "" is for ever."""

OVERLAPS = ("", "1", "7", "30")
"""The days after which the others expire; "": they stay as they are."""


def expiry(form: Mapping[str, str], offered: Sequence[str] = LIFETIMES) -> Mapping[str, str]:
    """Return the end of what the form makes, as the API names it. Raises BadForm."""
    return _chosen(form, "days", offered, "expiresUtc")


def expiry_of_others(form: Mapping[str, str]) -> Mapping[str, str]:
    """Return the end of the others, as the API names it. Raises BadForm."""
    return _chosen(form, "others", OVERLAPS, "othersExpireUtc")


def _chosen(form: Mapping[str, str], field: str, offered: Sequence[str], name: str) -> Mapping[str, str]:
    days = form.get(field, "")
    return {name: _end(form.get("since", ""), int(days)).isoformat()} if days and days in offered else {}


def _end(since: str, days: int) -> datetime:
    """`since` is a hidden field of our own form, so that the form sent twice says the same. Raises BadForm if it is not as we wrote it."""
    try:
        return datetime.fromisoformat(since).astimezone(UTC) + timedelta(days=days)
    except (ValueError, OverflowError) as fault:
        raise BadForm from fault
