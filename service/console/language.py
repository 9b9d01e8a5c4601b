"""The languages of the console. The texts of each group of pages are in a file of their own, so that each can grow by itself."""

import gettext
import io
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locale"
ENGLISH = "en"
LANGUAGES = (ENGLISH, "de")


def N_(text: str) -> str:  # noqa: N802 - the name by which gettext's tools find texts that are translated elsewhere
    """Mark a text that a page translates when it shows it."""
    return text


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Compile all files of the language in memory."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    whole = Catalog(locale=language)
    for path in sorted((LOCALES / language).glob("*.po")):
        with path.open("rb") as text:
            for message in read_po(text, locale=language):
                if message.id:
                    whole.add(message.id, message.string)
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
