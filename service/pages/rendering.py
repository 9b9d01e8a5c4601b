"""Renders templates as pages: in the reader's language, with the headers that every page has."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from service.http.origin import form_target
from service.pages import assets
from service.pages.language import catalogue

TEMPLATES = Path(__file__).parent / "templates"

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

DATES = {"en": "en_GB", "de": "de", "fr": "fr", "es": "es"}
"""English is read in many countries. A date with the month as a word is clear in all of them."""


def policy(*form_targets: str) -> str:
    """Return the Content-Security-Policy of a page whose forms may lead to these redirect URIs.

    Browsers check every redirect after a form against form-action, and the last redirect goes to the client.
    """
    targets = " ".join(dict.fromkeys(("'self'", *(form_target(uri) for uri in form_targets))))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self';"
        f" form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def environment(
    templates: Path, finalize: Callable[[object], object] | None = None, kind: type[Environment] = Environment
) -> Environment:
    """Return an environment in which every value is escaped, and one that is missing is an error."""
    return kind(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
        extensions=["jinja2.ext.i18n"],
    )


@cache
def _environment(language: str) -> Environment:
    made = environment(TEMPLATES)
    # Jinja cannot type the values of a template.
    untyped: Any = made
    untyped.install_gettext_translations(catalogue(language), newstyle=True)
    untyped.globals.update(language=language, asset=assets.paths())
    untyped.filters.update(ago=partial(ago, language=language), day=partial(day, language=language), bdi=_bdi)
    untyped.filters.update(moment=partial(moment, language=language))
    return made


def ago(at: datetime, language: str) -> str:
    """Return the time since then in words, which are true in every time zone."""
    return since(datetime.now(UTC) - at, language)


def since(passed: timedelta, language: str) -> str:
    return catalogue(language).gettext("just now") if passed < MINUTE else words(-passed, language)


def words(ahead: timedelta, language: str) -> str:
    """Return a time from now in words, such as "in 2 hours"; they say nothing of parts of a second."""
    return _words(ahead // SECOND, language)


@lru_cache(maxsize=1024)
def _words(seconds: int, language: str) -> str:
    return format_timedelta(timedelta(seconds=seconds), add_direction=True, locale=language)


def day(at: datetime, language: str) -> str:
    return format_date(at, "long", locale=DATES[language])


def moment(at: datetime, language: str) -> str:
    """Return the time to the minute, for things of which a user may have several in a day."""
    date = format_date(at, "medium", locale=DATES[language])
    return f"{date}, {format_datetime(at, 'HH:mm', tzinfo=UTC, locale=DATES[language])} UTC"


def _bdi(name: str) -> Markup:
    """Isolate a name from outside, so that it does not change the text direction around it."""
    return Markup("<bdi>{}</bdi>").format(name)


def html(template: str, language: str, **context: Any) -> str:
    return _environment(language).get_template(template).render(context)


def page(text: str, *form_targets: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers={**HEADERS, "Content-Security-Policy": policy(*form_targets)})
