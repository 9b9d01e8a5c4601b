"""How long a response may be kept (RFC 9111 section 4.2)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
_seconds = re.compile(r"[0-9]{1,18}", re.ASCII).fullmatch
LONGEST = 1000
"""Characters of a Cache-Control header. A longer one is nobody's, and counts as stale."""


class Kept(Struct, frozen=True):
    """The fewest and the most seconds for which a response is used, whatever it says. A server that says nothing gets the fewest."""

    least: int = 60
    most: int = 86400


def fresh_seconds(headers: Mapping[str, str], now: float, kept: Kept) -> float:
    """Return for how many seconds from now the response is fresh, within the bounds. `headers` finds names in any case."""
    return min(max(_lifetime(headers, now) - _age(headers), kept.least), kept.most)


def _lifetime(headers: Mapping[str, str], now: float) -> float:
    """A private cache, so s-maxage is not for it. A value that cannot be read counts as stale (section 4.2.1)."""
    control = headers.get("cache-control", "")
    named = _directives(control)
    if len(control) > LONGEST or "no-store" in named or "no-cache" in named:
        return 0
    if "max-age" in named:
        return int(named["max-age"]) if _seconds(named["max-age"]) else 0
    expires = _moment(headers.get("expires"))
    return 0 if expires is None else expires - (_moment(headers.get("date")) or now)


def _directives(control: str) -> dict[str, str]:
    """Return the values by their names in lower case. A stranger wrote them, so this takes linear time, which no search by a pattern does."""
    pairs = (each.partition("=") for each in control[:LONGEST].split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _age(headers: Mapping[str, str]) -> int:
    age = headers.get("age", "0")[:LONGEST].strip()
    return int(age) if _seconds(age) else 0


def _moment(text: str | None) -> float | None:
    """Only the form in which every server writes it (RFC 9110 section 5.6.7) is read."""
    try:
        return None if text is None else datetime.strptime(text, _HTTP_DATE).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
