"""Lists that people type: commas, spaces and lines separate."""

import pytest

from service.values import typed_lists


@pytest.mark.parametrize(
    ("text", "scopes"),
    [
        pytest.param("", [], id="empty"),
        pytest.param(" ,\n", [], id="separators alone"),
        pytest.param("crm:read crm:write", ["crm:read", "crm:write"], id="spaces, as RFC 6749 has it"),
        pytest.param("crm:read, crm:write", ["crm:read", "crm:write"], id="a comma and a space"),
        pytest.param("crm:read,crm:write,", ["crm:read", "crm:write"], id="commas alone, and one at the end"),
        pytest.param("crm:read\r\ncrm:write\n", ["crm:read", "crm:write"], id="lines"),
        pytest.param("b a, b", ["b", "a"], id="each once, in the order given"),
    ],
)
def test_a_list_of_scopes_is_read_as_a_person_means_it(text, scopes):
    assert typed_lists.scopes(text) == scopes


@pytest.mark.parametrize(
    ("text", "uris"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("https://a/cb\r\n\r\n https://b/cb \n", ["https://a/cb", "https://b/cb"], id="one a line"),
        pytest.param("https://a/cb, https://b/cb,", ["https://a/cb", "https://b/cb"], id="commas and spaces"),
        pytest.param("https://a/cb,HTTPS://b/cb", ["https://a/cb", "HTTPS://b/cb"], id="a comma before a scheme"),
        pytest.param(
            "https://a/cb,com.example.app:/cb", ["https://a/cb", "com.example.app:/cb"], id="an app's own scheme"
        ),
        pytest.param("https://a/cb?ids=1,2", ["https://a/cb?ids=1,2"], id="a comma inside of a URI is its own"),
        pytest.param("not-a-uri", ["not-a-uri"], id="what is no URI is for the API to refuse"),
    ],
)
def test_a_list_of_uris_is_read_as_a_person_means_it(text, uris):
    assert typed_lists.uris(text) == uris
