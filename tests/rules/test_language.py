"""The pages in each of their languages, wholly; and which of them somebody reads."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from service.console import language as console
from service.pages import language, rendering
from service.people.passwords import WeakPassword, fault_of
from service.values.languages import ENGLISH, LANGUAGES

PAGES = Path(language.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
CONSOLE = Path(console.__file__).parent
TRANSLATED = [each for each in LANGUAGES if each != ENGLISH]
PRIVATE_WORDS = re.compile(
    r"\b(anew|whoever|whose|somebody|recognize you|once more|e.mail|log ?(in|out|on)|take (it|this|that) back|is not right)\b",
    re.IGNORECASE,
)
"""Words that the glossary ("Words on the pages") has other ones for."""

each_language = pytest.mark.parametrize("spoken", TRANSLATED)

Text = str | tuple[str, ...]
"""Of a text that depends on a number: all of its forms."""


@cache
def texts() -> frozenset[Text]:
    """Every text of the pages that stands to be translated."""
    found = extract_from_dir(PAGES, METHODS, {"**/templates/**.html": {"extensions": "jinja2.ext.i18n"}})
    return frozenset(message for _, _, message, _, _ in found)


@cache
def texts_of_console() -> frozenset[Text]:
    found = extract_from_dir(CONSOLE, METHODS, {"**/templates/**.html": {"extensions": "jinja2.ext.i18n"}})
    return frozenset(message for _, _, message, _, _ in found)


@cache
def stored(spoken: str) -> Catalog:
    with (language.LOCALES / spoken / "LC_MESSAGES" / "muniment.po").open("rb") as file:
        return read_po(file, locale=spoken)


def translated(spoken: str) -> dict[Text, Text]:
    return {_text(each.id): _text(each.string) for each in stored(spoken) if each.id and not each.fuzzy}


def _text(given: str | Sequence[str] | None) -> Text:
    return given if isinstance(given, str) else tuple(given or ("",))


def forms(text: Text) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def places(text: str) -> list[str]:
    """What is put in, and the markup around it."""
    return sorted(re.findall(r"%\(\w+\)s|\{\w+\}|<[^>]+>", text))


def test_every_catalogue_that_is_there_is_offered_and_the_other_way_round():
    assert sorted(each.name for each in language.LOCALES.iterdir()) == sorted(TRANSLATED)
    assert rendering.DATES.keys() == set(LANGUAGES)


@each_language
def test_every_text_is_translated(spoken: str):
    assert len(texts()) > 100
    assert texts() - translated(spoken).keys() == set()


@each_language
def test_no_translation_has_lost_its_page(spoken: str):
    weak = {WeakPassword(fault).detail for fault in WEAK.values()}
    assert translated(spoken).keys() - texts() - weak == set()


@each_language
def test_a_catalogue_has_nothing_empty_unsure_or_left_over(spoken: str):
    assert [each.id for each in stored(spoken) if each.id and each.fuzzy] == []
    assert list(stored(spoken).obsolete) == []
    assert [text for text, said in translated(spoken).items() if not all(forms(said))] == []
    assert [
        text for text, said in translated(spoken).items() if any(form != form.strip() for form in forms(said))
    ] == []


@each_language
def test_a_text_that_depends_on_a_number_has_every_form_of_the_language(spoken: str):
    plural = {text: forms(said) for text, said in translated(spoken).items() if not isinstance(text, str)}
    assert plural != {}
    assert {len(said) for said in plural.values()} == {stored(spoken).num_plurals}


@each_language
def test_what_is_put_into_a_text_is_put_into_its_translation_too(spoken: str):
    for text, said in translated(spoken).items():
        assert {tuple(places(form)) for form in forms(said)} == {tuple(places(form)) for form in forms(text)}


def test_the_pages_say_it_in_the_words_of_the_glossary():
    assert [form for text in texts() for form in forms(text) if PRIVATE_WORDS.search(form)] == []


@pytest.mark.parametrize("spoken", console.LANGUAGES[1:])
def test_every_text_of_the_console_is_translated_once_and_wholly(spoken: str):
    said: dict[Text, Text] = {}
    for path in sorted((console.LOCALES / spoken).glob("*.po")):
        with path.open("rb") as file:
            found = {_text(each.id): _text(each.string) for each in read_po(file, locale=spoken) if each.id}
        assert said.keys() & found.keys() == set(), path
        said |= found
    assert texts_of_console() - said.keys() == set()
    assert said.keys() - texts_of_console() == set()
    for text, translation in said.items():
        assert all(forms(translation)), text
        assert {tuple(places(form)) for form in forms(translation)} == {tuple(places(form)) for form in forms(text)}
    assert [form for text in texts_of_console() for form in forms(text) if PRIVATE_WORDS.search(form)] == []


WEAK = {
    password: fault_of(password, "ada@example.com") or ""
    for password in ("short", "x1y2" * 100, "password", "ada@example.com")
}


@each_language
@pytest.mark.parametrize("fault", WEAK.values())
def test_what_is_said_of_a_weak_password_is_translated_too(fault: str, spoken: str):
    assert WeakPassword(fault).detail in translated(spoken)


@pytest.mark.parametrize(
    ("spoken", "ago", "day", "moment"),
    [
        ("en", "3 hours ago", "2 January 2026", "2 Jan 2026, 15:04 UTC"),
        ("de", "vor 3 Stunden", "2. Januar 2026", "02.01.2026, 15:04 UTC"),
        ("fr", "il y a 3\u00a0heures", "2 janvier 2026", "2 janv. 2026, 15:04 UTC"),
        ("es", "hace 3\u00a0horas", "2 de enero de 2026", "2 ene 2026, 15:04 UTC"),
    ],
)
def test_times_are_written_as_the_language_has_them(spoken: str, ago: str, day: str, moment: str):
    at, now = datetime(2026, 1, 2, 15, 4, tzinfo=UTC), datetime.now(UTC)
    assert rendering.ago(now - timedelta(hours=3), spoken).replace("\u00a0", " ") == ago.replace("\u00a0", " ")
    assert (rendering.day(at, spoken), rendering.moment(at, spoken)) == (day, moment)


@pytest.mark.parametrize(
    ("spoken", "said"), [("en", "just now"), ("de", "gerade eben"), ("fr", "à l\u2019instant"), ("es", "ahora mismo")]
)
def test_what_is_less_than_a_minute_old_happened_just_now(spoken: str, said: str):
    assert rendering.ago(datetime.now(UTC), spoken) == said
    assert rendering.ago(datetime.now(UTC) + timedelta(seconds=5), spoken) == said


@pytest.mark.parametrize(
    ("spoken", "one", "many"), [("en", "1 second,", "2 seconds,"), ("fr", "0 seconde,", "2 secondes,")]
)
def test_numbers_have_the_plural_of_the_language(spoken: str, one: str, many: str):
    text = next(each for each in texts() if not isinstance(each, str) and each[0].startswith("Wait"))
    for said in (one, many):
        number = int(said[0])
        assert said in language.catalogue(spoken).ngettext(text[0], text[1], number).format(seconds=number)


@pytest.mark.parametrize(
    ("ui_locales", "accept", "chosen"),
    [
        ((), None, "en"),
        ((), "", "en"),
        ((), "de", "de"),
        ((), "de-AT,en;q=0.5", "de"),
        ((), "en;q=0.5,de;q=0.8", "de"),
        ((), "ja,en;q=0.9,de;q=0.8", "en"),
        ((), "zh,ja", "en"),
        ((), "fr,ja", "fr"),
        ((), "es-MX,en;q=0.5", "es"),
        ((), "de;q=0,en;q=0.1", "en"),
        ((), "de;q=x", "en"),
        ((), "*;q=0.1,de_DE", "de"),
        ((), ";;,=,de-,\0,%", "en"),
        (("de",), "en", "de"),
        (("ja", "de-CH"), "en", "de"),
        (("fr-CA", "de-CH"), "en", "fr"),
        (("ja",), "de", "de"),
        (("x" * 1000, "de"), None, "de"),
        (("zh-Hant-XX",) * 9 + ("de-DE-1996",), None, "de"),
        (("zh-Hant-XX",) * 10 + ("de",), None, "en"),
        ((), "ja," * 9 + "de", "de"),
        ((), "ja," * 10 + "de", "en"),
    ],
)
def test_the_language(ui_locales, accept, chosen):
    assert language.chosen(ui_locales, accept) == chosen
