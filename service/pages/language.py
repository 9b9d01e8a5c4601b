"""The languages of the pages, and which of them somebody reads: gettext catalogues, compiled when they are first needed."""

import gettext
import io
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

DOMAIN = "muniment"
LOCALES = Path(__file__).parent / "locale"
ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "fr", "es")
"""English is what the templates are written in."""

MOST_TAGS = 10
"""Who reads more languages than these has named one of ours by then."""

_is_weight = re.compile(r"[01](\.[0-9]{0,3})?").fullmatch
_tag = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*").fullmatch


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Compiled in memory: no build step stands between a translation and its page, and no file system need be writable."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    with (LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as text:
        read = read_po(text, locale=language, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def chosen(ui_locales: Sequence[str], accept_language: str | None) -> str:
    """What the client asked for (ui_locales of OpenID Connect Core 1.0 section 3.1.2.1), else what the browser does, else English."""
    for tag in (*ui_locales[:MOST_TAGS], *accepted(accept_language or "")):
        primary = _primary(tag)
        if primary in LANGUAGES:
            return primary
    return ENGLISH


def accepted(header: str) -> list[str]:
    """The language tags of an Accept-Language header, most wanted first (RFC 9110 section 12.5.4)."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(",", MOST_TAGS)[:MOST_TAGS]:
        tag, _, parameter = part.partition(";")
        weight = _weight(parameter)
        if tag.strip() and weight > 0:
            weighed.append((weight, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    return float(value) if _is_weight(value) else 0.0


def _primary(tag: str) -> str:
    """The language alone (RFC 5646 section 2.2.1), for it alone is chosen by."""
    found = _tag(tag)
    return found[1].lower() if found else ""
