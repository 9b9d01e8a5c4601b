"""The pages speak English and German, wholly; and whichever of them somebody reads."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from service.pages import language
from service.people.passwords import WeakPassword, fault_of

PAGES = Path(language.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]


def texts() -> set[str]:
    """Every text of the pages that stands to be translated."""
    found = extract_from_dir(PAGES, METHODS, {"**/templates/**.html": {"extensions": "jinja2.ext.i18n"}})
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def german() -> dict[str, str]:
    with (language.LOCALES / "de" / "LC_MESSAGES" / "muniment.po").open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file) if each.id and not each.fuzzy}


def places(text: str) -> list[str]:
    """What is put in, and the markup around it."""
    return sorted(re.findall(r"%\(\w+\)s|\{\w+\}|<[^>]+>", text))


def test_every_text_has_a_german_one():
    assert len(texts()) > 100
    assert texts() - german().keys() == set()


def test_no_german_text_has_lost_its_page():
    weak = {WeakPassword(fault).detail for fault in WEAK.values()}
    assert german().keys() - texts() - weak == set()


def test_what_is_put_into_a_text_is_put_into_its_german_too():
    assert {text: places(text) for text in german()} == {text: places(said) for text, said in german().items()}
    assert all(german().values())


WEAK = {
    password: fault_of(password, "ada@example.com") or ""
    for password in ("short", "x1y2" * 100, "password", "ada@example.com")
}


@pytest.mark.parametrize("fault", WEAK.values())
def test_what_is_said_of_a_weak_password_is_said_in_german_too(fault):
    assert WeakPassword(fault).detail in german()


@pytest.mark.parametrize(
    ("ui_locales", "accept", "chosen"),
    [
        ((), None, "en"),
        ((), "", "en"),
        ((), "de", "de"),
        ((), "de-AT,en;q=0.5", "de"),
        ((), "en;q=0.5,de;q=0.8", "de"),
        ((), "fr,en;q=0.9,de;q=0.8", "en"),
        ((), "fr,ja", "en"),
        ((), "de;q=0,en;q=0.1", "en"),
        ((), "de;q=x", "en"),
        ((), "*;q=0.1,de_DE", "de"),
        ((), ";;,=,de-,\0,%", "en"),
        (("de",), "en", "de"),
        (("fr-CA", "de-CH"), "en", "de"),
        (("fr",), "de", "de"),
        (("x" * 1000, "de"), None, "de"),
        (("zh-Hant-XX",) * 9 + ("de-DE-1996",), None, "de"),
        (("zh-Hant-XX",) * 10 + ("de",), None, "en"),
        ((), "fr," * 9 + "de", "de"),
        ((), "fr," * 10 + "de", "en"),
    ],
)
def test_the_language(ui_locales, accept, chosen):
    assert language.chosen(ui_locales, accept) == chosen
