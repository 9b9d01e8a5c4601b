"""Moments that a person types: a day, a time (UTC unless it says otherwise), `now`, or `position:N`. Programs send RFC 3339.

What is typed is whole: a day has all its moments, and so have a minute and a second.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

NOW = "now"
WORDS = (NOW, "jetzt")
_is_position = re.compile(r"position:\s*[0-9]{1,18}", re.IGNORECASE).fullmatch
_is_time = re.compile(
    r"(?:(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]+(?=[0-9])|$))?"
    r"(?:(?P<time>[0-9]{2}:[0-9]{2}(?P<seconds>:[0-9]{2}(?P<fraction>\.[0-9]{1,6})?)?)\s*(?P<zone>Z|UTC|[+-][0-9]{2}:[0-9]{2})?)?",
    re.IGNORECASE,
).fullmatch
_a_microsecond = timedelta(microseconds=1)


class NoMoment(Exception):
    """The text is neither a day, nor a time, nor a position."""


class Future(Exception):
    """The moment has not come yet."""


def since(text: str, now: datetime) -> str:
    """Return the first moment of what was typed, as the API takes it. Raises NoMoment and Future."""
    if (place := _position(text)) is not None:
        return place
    first, _ = _span(text, now)
    if first > now:
        raise Future
    return _as_text(first)


def until(text: str, now: datetime) -> str | None:
    """Return the last moment of what was typed, as the API takes it; None if that is now, or later. Raises NoMoment."""
    if (place := _position(text)) is not None:
        return place
    _, last = _span(text, now)
    return None if last >= now else _as_text(last)


def at(text: str, now: datetime) -> str | None:
    """Return the moment of which the past is asked for; None: now. Raises NoMoment and Future."""
    if (place := _position(text)) is not None:
        return place
    first, last = _span(text, now)
    if first > now:
        raise Future
    return None if last >= now else _as_text(last)


def _position(text: str) -> str | None:
    return "".join(text.lower().split()) if _is_position(text.strip()) else None


def _span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the first and the last moment. A time without a day is one of today."""
    if text.strip().casefold() in WORDS:
        return now, now
    found = _is_time(text.strip())
    if found is None or not (found["day"] or found["time"]):
        raise NoMoment
    try:
        day = date.fromisoformat(found["day"]) if found["day"] else now.date()
        if found["time"] is None:
            return datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC)
        first = datetime.combine(day, time.fromisoformat(found["time"]), _zone(found["zone"])).astimezone(UTC)
        return first, first + _length(found) - _a_microsecond
    except (ValueError, OverflowError) as fault:
        raise NoMoment from fault


def _length(found: re.Match[str]) -> timedelta:
    if found["fraction"]:
        return _a_microsecond
    return timedelta(seconds=1) if found["seconds"] else timedelta(minutes=1)


def _zone(text: str | None) -> timezone:
    if text is None or text.upper() in ("Z", "UTC"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if text[0] == "-" else ahead)


def _as_text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
