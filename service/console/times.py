"""Times on the console's pages: near ones in words, and exactly where the time is evidence. All are in UTC."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_datetime
from markupsafe import Markup

from service.pages import rendering as pages

NONE = Markup('<span class="none">&mdash;</span>')
DAY = 24 * 3600
"""Seconds. A time that is less than one from now is near."""

MOST_KNOWN = 4096
"""Texts of times that are kept: a page of a list has hundreds, mostly those that it had before. They take five megabytes at most."""


def when(at: datetime | None, language: str) -> Markup:
    """Return a near time in words, another as its day, with the exact time as its title; a dash if there is none."""
    if at is None:
        return NONE
    ahead = at - datetime.now(UTC)
    return _near(at, ahead.seconds + DAY * ahead.days, language) if ahead.days in (-1, 0) else _far(at, language)


def exactly(at: datetime | None, language: str) -> Markup:
    """Return the time to the second, and in words; a dash if there is none."""
    if at is None:
        return NONE
    shown, words = _time(at, text(at, language), language), in_words(at, language)
    return Markup('<span class="exactly">{} <span class="sub">{}</span></span>').format(shown, words)


def clock(at: datetime, language: str) -> str:
    """Return the time of the day."""
    return format_datetime(at, "HH:mm:ss 'UTC'", tzinfo=UTC, locale=pages.DATES[language])


def day(on: date, language: str) -> str:
    return format_date(on, "medium", locale=pages.DATES[language])


@lru_cache(maxsize=MOST_KNOWN)
def text(at: datetime, language: str) -> str:
    return f"{_day(at, language)}, {clock(at, language)}"


def in_words(at: datetime, language: str) -> str:
    return _words((at - datetime.now(UTC)) // pages.SECOND, language)


@lru_cache(maxsize=MOST_KNOWN)
def _words(seconds: int, language: str) -> str:
    ahead = timedelta(seconds=seconds)
    return pages.since(-ahead, language) if ahead < pages.MINUTE else pages.words(ahead, language)


@lru_cache(maxsize=MOST_KNOWN)
def _day(at: datetime, language: str) -> str:
    return format_date(at.astimezone(UTC), "medium", locale=pages.DATES[language])


@lru_cache(maxsize=MOST_KNOWN)
def _near(at: datetime, ahead: int, language: str) -> Markup:
    """`ahead` is in whole seconds."""
    return _time(at, _words(ahead, language), language)


@lru_cache(maxsize=MOST_KNOWN)
def _far(at: datetime, language: str) -> Markup:
    return _time(at, _day(at, language), language)


@lru_cache(maxsize=MOST_KNOWN)
def _time(at: datetime, shown: str, language: str) -> Markup:
    exact = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, text(at, language), shown)
