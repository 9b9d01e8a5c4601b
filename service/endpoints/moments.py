"""The moment of the past that a read asks for: `as_of` in the query is a time (RFC 3339) or `position:N`."""

import re
from datetime import UTC, date, datetime, time

from msgspec import ValidationError, convert

AS_OF = "as_of"
POSITION = "position:"
MOST_DIGITS = 18
NO_MOMENT = (
    "must be a time such as 2026-03-03T14:02:00Z (in a URL, + is written %2B), a day, or position: and a whole number"
)

_is_position = re.compile(rf"0|[1-9][0-9]{{0,{MOST_DIGITS - 1}}}").fullmatch

Moment = datetime | int
"""A time, or a position of the log."""


class NoMoment(Exception):
    """The text is neither a time, nor a day, nor a position."""

    def __init__(self) -> None:
        super().__init__(NO_MOMENT)


def position_of(text: str) -> int | None:
    """Return the position that a header has in the one form that this server writes, or None."""
    return int(text) if _is_position(text) else None


def moment_of(text: str, of_a_day: time = time.max) -> Moment:
    """Return the moment. A day stands for its moment `of_a_day`. Raises NoMoment."""
    if text.startswith(POSITION):
        digits = text.removeprefix(POSITION)
        if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS:
            return int(digits)
        raise NoMoment
    try:
        if len(text) == len("2026-03-03"):
            return datetime.combine(date.fromisoformat(text), of_a_day, UTC)
        moment = convert(text, datetime)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValidationError, OverflowError, ValueError) as fault:
        raise NoMoment from fault
    raise NoMoment


def as_text(position: int) -> str:
    return f"{POSITION}{position}"
