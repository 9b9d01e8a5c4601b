"""Client-id metadata documents: which URLs name one, and what a document may say (draft-ietf-oauth-client-id-metadata-document-02)."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.oauth.document_client import MOST_BYTES, InvalidDocument, check_url, metadata_of, policy_of
from tests.rules.client_metadata import STOCK

URL = "https://app.example.com/client.json"
POLICY = policy_of("https://id.example.com", frozenset())
GOOD: dict[str, Any] = {
    "client_id": URL,
    "client_name": "My App",
    "redirect_uris": ["https://app.example.com/cb", "http://127.0.0.1/cb", "cursor://anysphere/cb"],
}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (URL, "app.example.com"),
        ("https://app.example.com:8443/client", "app.example.com"),
        ("https://app.example.com/", "app.example.com"),
        ("https://app.example.com/client?version=2", "app.example.com"),
        ("https://app.example.com/a.b/..c/%2E%2Ex", "app.example.com"),
        ("https://[2606:4700::1]/client", "2606:4700::1"),
        ("https://8.8.8.8/client", "8.8.8.8"),
    ],
)
def test_a_url_with_a_path_may_name_a_document(url: str, host: str):
    assert check_url(url) == host


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://app.example.com/client", "https://"),
        ("HTTPS://app.example.com/client", "https://"),
        ("https://app.example.com/client#x", "fragment"),
        ("https://app.example.com/" + "x" * 255, "255"),
        ("https://app.example.com/client\\x", "https://"),
        ("https://app.example.com/<script>", "https://"),
        ("https://app.example.com", "path"),
        ("https://app.example.com?x=/y", "path"),
        ("https://app.example.com/a/../client", "parts . and .."),
        ("https://app.example.com/a/./client", "parts . and .."),
        ("https://app.example.com/a/%2e%2E/client", "parts . and .."),
        ("https://app.example.com/.%2e", "parts . and .."),
        ("https://user@app.example.com/client", "user@"),
        ("https://user:pass@app.example.com/client", "user@"),
        ("https://app.example.com@evil.example/client", "user@"),
        ("https:///client", "host"),
        ("https://127.1/client", "host"),
        ("https://0x7f000001/client", "host"),
        ("https://a..b/client", "host"),
        ("https://app.example.com:0/client", "host"),
        ("https://app.example.com:99999/client", "read"),
        ("https://[::1/client", "read"),
        ("https://app.example.com[::1]/client", "read"),
    ],
)
def test_other_urls_do_not(url: str, why: str):
    with pytest.raises(InvalidDocument) as fault:
        check_url(url)
    assert why in fault.value.why


def body(**members: Any) -> bytes:
    return json.dumps({name: value for name, value in {**GOOD, **members}.items() if value is not None}).encode()


def test_a_document_has_the_settings_of_a_public_client():
    found = metadata_of(URL, body(), POLICY)
    assert (found.display_name, found.redirect_uris) == ("My App", tuple(GOOD["redirect_uris"]))
    assert (found.auth_method, found.scopes, found.login.first_party) == ("none", ("api:public",), False)


@pytest.mark.parametrize("name", STOCK)
def test_what_stock_clients_publish_is_taken(name: str):
    document = {**STOCK[name], "client_id": URL, "token_endpoint_auth_method": "none"}
    assert metadata_of(URL, json.dumps(document).encode(), POLICY).redirect_uris == tuple(document["redirect_uris"])


def test_this_server_sends_nothing_to_a_uri_that_a_stranger_chose():
    found = metadata_of(URL, body(backchannel_logout_uri="https://app.example.com/out"), POLICY)
    assert found.login.backchannel_logout_uri is None


DEEP = b'{"client_id":"' + URL.encode() + b'","x":' + b"[" * 5000 + b"]" * 5000 + b"}"
HOSTILE = [
    (b"\xef\xbb\xbf" + body(), "byte order mark", "a byte order mark"),
    (b"", "not JSON", "nothing"),
    (b"<html></html>", "not JSON", "a page"),
    (b"\xff\xfe{}", "not UTF-8", "another encoding"),
    (b"[]", "JSON object", "a list"),
    (b"null", "JSON object", "null"),
    (body()[:-1], "not JSON", "half a document"),
    (DEEP, "not JSON", "deep JSON"),
    (body()[:-1] + b',"client_name":"Other"}', "more than once: client_name", "a member twice"),
    (body()[:-1] + b',"x":NaN}', "not JSON", "a number that is none"),
    (body(client_id=None), "client_id must be its own URL", "no client_id"),
    (body(client_id=URL + "/"), "client_id must be its own URL", "another client_id"),
    (body(client_id="https://app.example.com:443/client.json"), "client_id must be its own URL", "an equivalent URL"),
    (body(client_id=[URL]), "client_id must be its own URL", "a client_id of another type"),
    (body(client_name=None), "client_name is required", "no name"),
    (body(client_name="Bank\u202e"), "client_name", "a name that is not what it seems"),
    (body(client_name=7), "client_name", "a name of another type"),
    (body(redirect_uris=None), "redirect_uris is required", "no redirect URI"),
    (body(redirect_uris=[]), "redirect_uris is required", "an empty list of redirect URIs"),
    (body(redirect_uris=["javascript:alert(1)"]), "redirect_uris", "a redirect URI that is a script"),
    (body(redirect_uris=["http://app.example.com/cb"]), "must be https", "a redirect URI without TLS"),
    (body(redirect_uris=["https://app.example.com/*"]), "wildcard", "a redirect URI with a wildcard"),
    (body(redirect_uris=["https://a.example/"] * 21), "redirect_uris", "too many redirect URIs"),
    (body(client_secret="hunter2"), "client_secret must not be in it", "a secret"),
    (body(client_secret_expires_at=0), "client_secret_expires_at must not be in it", "the end of a secret"),
    (body(token_endpoint_auth_method="client_secret_basic"), "token_endpoint_auth_method", "a shared secret"),
    (body(token_endpoint_auth_method="client_secret_jwt"), "token_endpoint_auth_method", "a shared secret as a key"),
    (body(grant_types=["client_credentials"]), "grant_types", "a machine"),
    (body(jwks={"keys": [{"kty": "EC", "d": "x"}]}), "public keys only", "a private key"),
    (body(jwks={"keys": [{"kty": "oct", "k": "x"}]}), "public keys only", "a shared key"),
    (body(client_uri="javascript:alert(1)"), "client_uri", "a page that is a script"),
    (body(id_token_encrypted_response_alg="RSA-OAEP"), "id_token_encrypted", "a protection that is not offered"),
]


@pytest.mark.parametrize(("text", "why"), [pytest.param(text, why, id=name) for text, why, name in HOSTILE])
def test_a_hostile_document_is_refused_with_words(text: bytes, why: str):
    with pytest.raises(InvalidDocument) as fault:
        metadata_of(URL, text, POLICY)
    assert why in fault.value.why
    assert "hunter2" not in fault.value.why
    assert fault.value.why[0].isupper()
    assert fault.value.why.endswith(".")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "jwks", "scope", "grant_types", "logo_uri", "contacts"]), json_values))
def test_whatever_the_members_are_a_document_is_taken_or_refused(members: dict[str, Any]):
    with suppress(InvalidDocument):
        metadata_of(URL, json.dumps({"client_id": URL, **members}).encode(), POLICY)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_they_are_refused(text: bytes):
    with pytest.raises(InvalidDocument):
        metadata_of(URL, text[:MOST_BYTES], POLICY)
