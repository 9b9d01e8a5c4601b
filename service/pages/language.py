"""The languages of the pages, and the choice between them: gettext catalogues, compiled when they are first needed."""

import gettext
import io
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from service.values.languages import ENGLISH, LANGUAGES

DOMAIN = "muniment"
LOCALES = Path(__file__).parent / "locale"
MOST_TAGS = 10
"""The number of language tags that are read. A reader of so many languages has named one of ours by then."""

_is_weight = re.compile(r"[01](\.[0-9]{0,3})?").fullmatch
_tag = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*").fullmatch


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Compile the catalogue in memory, so that no build step and no writable file system is needed."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    with (LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as text:
        read = read_po(text, locale=language, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def chosen(ui_locales: Sequence[str], accept_language: str | None, offered: Sequence[str] = LANGUAGES) -> str:
    """Return the client's choice (ui_locales, OpenID Connect Core 1.0 section 3.1.2.1), else the browser's, else English."""
    for tag in (*ui_locales[:MOST_TAGS], *accepted(accept_language or "")):
        primary = _primary(tag)
        if primary in offered:
            return primary
    return ENGLISH


def accepted(header: str) -> list[str]:
    """Return the language tags of an Accept-Language header, most preferred first (RFC 9110 section 12.5.4)."""
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
    """Return the primary language subtag (RFC 5646 section 2.2.1), because only that one decides."""
    found = _tag(tag)
    return found[1].lower() if found else ""
