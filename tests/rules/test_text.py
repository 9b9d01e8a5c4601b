"""Which characters names and addresses may have."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pages.rendering import html
from service.pages.session_start import Person
from service.values.email_address import is_email
from service.values.text import EMAIL, ID, NAME, TEXT, id_fault, name_fault, unseen

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
JOINERS = "\u200c\u200d"


def test_what_nobody_sees_is_refused_but_for_the_joiners_that_languages_need():
    every = [chr(number) for number in range(sys.maxunicode + 1) if unicodedata.category(chr(number)) in UNSEEN]
    assert [c for c in every if unseen(f"Ada{c}") is None] == list(JOINERS)


@pytest.mark.parametrize("name", ["Evil\u202emoc.elgoog", "A\u200bda", "\ufeffAda", "a\u00adda@example.com"])
def test_the_published_patterns_say_the_same(name: str):
    assert unseen(name)
    assert not any(re.search(pattern, name) for pattern in (TEXT, NAME, ID, EMAIL))
    assert not is_email(name)


@pytest.mark.parametrize("name", ["Ada", "Ada King-Lovelace", "क्\u200dष", "👩\u200d🚀"])
def test_names_are_in_every_script(name: str):
    assert unseen(name) is None
    assert re.search(TEXT, name)
    assert re.search(NAME, name)
    assert name_fault(name) is None


@given(st.text(st.characters(max_codepoint=0x7F), max_size=4))
def test_a_name_or_an_id_in_ascii_has_the_fault_that_the_published_patterns_say(text: str):
    assert (name_fault(text) is None) == (re.fullmatch(NAME, text) is not None)
    assert (id_fault(text) is None) == (re.fullmatch(ID, text) is not None)


def test_a_secret_may_have_what_is_not_seen_for_it_is_shown_to_nobody():
    assert unseen("a\u200bb", secret=True) is None
    assert unseen("a\0b", secret=True) == "U+0000"


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_name_turns_nothing_around_it_on_a_page(language: str):
    person = Person(name="Ada <b>", email="ada@example.com")
    page = html("choose.html", language, client="A & B", person=person, base="", csrf="", request="", url=str)
    for name in ("A &amp; B", "Ada &lt;b&gt;", "ada@example.com"):
        assert f"<bdi>{name}</bdi>" in page


@pytest.mark.parametrize(
    "name", [" ", " Ada", "Ada ", "Ada\u3000", "\u3164", "\u2800", "\u200d", "Ada\u3164", "\ufe0fAda"]
)
def test_a_name_has_something_to_see_and_neither_begins_nor_ends_with_nothing(name: str):
    assert name_fault(name)
    assert not re.search(NAME, name)


@pytest.mark.parametrize(
    "blank", [" ", "\u3000", "\u3164", "\u2800", "\uffa0", "\u200d", "\u034f", "\ufe0f", "\U000e0100"]
)
def test_an_address_has_nothing_in_it_that_is_not_seen(blank: str):
    for address in (f"{blank}@example.com", f"ada{blank}@example.com", f"ada@exam{blank}ple.com"):
        assert not is_email(address)
        assert not re.search(EMAIL, address)
    assert is_email("адам@пример.example")
    assert re.search(EMAIL, "адам@пример.example")


def test_no_name_is_no_fault_and_joiners_may_end_one():
    assert name_fault("") is None
    assert name_fault("\u0d28\u0d4d\u200d") is None
