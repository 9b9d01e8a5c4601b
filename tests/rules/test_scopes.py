"""Scopes: their form, and lists of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values.scopes import INTROSPECT_ALL, MANAGEMENT, NEW_CLIENT, OPERATORS, is_scope, split


@pytest.mark.parametrize("scope", [*OPERATORS, "a", "!", "~", "https://api.example.com/read", "#[]^_`{|}"])
def test_these_are_scopes(scope):
    assert is_scope(scope)


@pytest.mark.parametrize(
    "scope", ["", " ", "a b", 'a"', "a\\b", "a\x00", "a\x7f", "a\n", "\n", "é", "a\u00a0b", "\ud800"]
)
def test_these_are_not(scope):
    assert not is_scope(scope)


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        pytest.param(None, (), id="none"),
        pytest.param("", (), id="empty"),
        pytest.param("a", ("a",), id="one"),
        pytest.param("b a b", ("b", "a"), id="each once, in the order given"),
        pytest.param("  a  b ", ("a", "b"), id="spaces around and between them"),
        pytest.param(" ", (), id="spaces alone"),
        pytest.param("a\u00a0b\tc", ("a\u00a0b\tc",), id="nothing else separates them"),
    ],
)
def test_a_list_is_split_at_spaces(text, scopes):
    assert split(text) == scopes


@given(st.text())
def test_what_was_split_and_is_well_formed_can_be_put_together_again(text):
    scopes = split(text)
    if all(is_scope(scope) for scope in scopes):
        assert split(" ".join(scopes)) == scopes


def test_a_new_client_may_nothing_in_this_api():
    assert not set(NEW_CLIENT) & set(MANAGEMENT)
    assert set(OPERATORS) == {*MANAGEMENT, *NEW_CLIENT, INTROSPECT_ALL}
