"""Client metadata of a registration or of a document: what is taken, what is left out, and what is refused (RFC 7591 section 2)."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from msgspec import structs

from events.client_security import Security
from service.oauth.client_metadata import ClientMetadata, Policy, client_metadata
from service.oauth.client_metadata_members import Members, parse
from service.oauth.errors import InvalidClientMetadata, InvalidRedirectUri
from tests.rules.client_metadata import STOCK

OPEN = Policy(issuer="https://id.example.com")
TRUSTED = Policy(
    issuer="https://id.example.com",
    scopes=frozenset({"api:public", "mcp:read"}),
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    backchannel=True,
)
WEB = {"redirect_uris": ["https://app.example.com/cb"]}


def checked(given: dict[str, Any], policy: Policy = OPEN) -> ClientMetadata:
    return client_metadata(parse(json.dumps(given).encode()), policy)


def refusal(given: dict[str, Any], policy: Policy = OPEN) -> InvalidRedirectUri | InvalidClientMetadata:
    with pytest.raises((InvalidRedirectUri, InvalidClientMetadata)) as caught:
        checked(given, policy)
    return caught.value


@pytest.mark.parametrize("name", STOCK)
def test_what_stock_clients_send_is_registered(name):
    sent = STOCK[name]
    found = checked(sent)
    assert found.redirect_uris == tuple(sent["redirect_uris"])
    assert found.display_name == sent["client_name"]
    assert found.auth_method == (sent.get("token_endpoint_auth_method") or "client_secret_basic")
    assert "authorization_code" in found.about.grant_types


def test_an_omitted_member_has_the_default_of_the_specification():
    found = checked(WEB)
    assert (found.auth_method, found.about.grant_types) == ("client_secret_basic", ("authorization_code",))
    assert (found.about.application_type, found.login.id_token_alg) == ("web", "RS256")
    assert (found.display_name, found.scopes, found.public) == (None, ("api:public",), False)


@pytest.mark.parametrize("name", Members.__struct_fields__)
@pytest.mark.parametrize("nothing", [None, "unknown"])
def test_null_and_unknown_members_count_as_omitted(name, nothing):
    given = {**WEB, name + ("#de" if nothing else ""): nothing}
    if name == "redirect_uris" and nothing is None:
        assert refusal(given).description == (
            "The client metadata has faults: redirect_uris is required for the grant type authorization_code."
        )
    else:
        assert checked(given) == checked(WEB)


@pytest.mark.parametrize(
    ("asked", "own", "shown"),
    [
        ("openid email", (), ("openid", "email")),
        ("openid api:public", ("api:public",), ("openid", "api:public")),
        ("claudeai", ("api:public",), ()),
        ("", ("api:public",), ()),
        ("clients:write operate introspect:all users:read openid", (), ("openid",)),
        ("mcp:read", ("api:public",), ()),
    ],
)
def test_a_client_gets_those_of_the_scopes_it_asks_for_that_it_may_have(asked, own, shown):
    found = checked({**WEB, "scope": asked})
    assert (found.scopes, found.about.scope) == (own, shown)


EC = ECKey.generate_key("P-256").as_dict(private=False)


def test_a_client_may_sign_its_assertions_with_keys_here_or_elsewhere():
    by_key = {**WEB, "token_endpoint_auth_method": "private_key_jwt"}
    found = checked({**by_key, "jwks": {"keys": [{**EC, "kid": "one", "alg": "ES256"}, {**EC, "use": "enc"}]}})
    assert ([key.kid for key in found.keys], found.has_secret, found.public) == (["one"], False, False)
    assert found.security == Security(token_endpoint_auth_method="private_key_jwt")
    there = checked({**by_key, "jwks_uri": "https://app.example.com/jwks"})
    assert (there.keys, there.security.jwks_uri) == ((), "https://app.example.com/jwks")
    assert checked({**WEB, "token_endpoint_auth_method": "none", "jwks": {"keys": [EC]}}).keys == ()
    assert checked(by_key, OPEN.__replace__(has_keys=True)).keys == ()
    for keys, said in (
        ({}, "jwks or jwks_uri is required"),
        ({"jwks": {"keys": []}}, "1 to 10 keys"),
        ({"jwks": {"keys": [{**EC, "d": "x"}]}}, "private part"),
        ({"jwks": {"keys": ["x"]}}, "[0] is not a JSON object"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "x"}]}}, "symmetric"),
        ({"jwks": {"keys": [EC]}, "jwks_uri": "https://app.example.com/jwks"}, "not be sent together"),
        ({"jwks_uri": "http://app.example.com/jwks"}, "jwks_uri"),
        ({"jwks_uri": "https://127.0.0.1/jwks"}, "loopback"),
    ):
        assert said in refusal({**by_key, **keys}).description


def test_a_policy_may_allow_further_scopes():
    assert checked({**WEB, "scope": "mcp:read"}, TRUSTED).scopes == ("mcp:read",)


def test_a_machine_client_needs_a_policy_that_allows_it():
    asked = {"grant_types": ["client_credentials"]}
    assert "needs an initial access token" in refusal(asked).description
    found = checked({**asked, "redirect_uris": ["https://app.example.com/cb"], "scope": "openid api:public"}, TRUSTED)
    assert (found.is_machine, found.redirect_uris, found.scopes) == (True, (), ("api:public",))
    assert "has to authenticate" in refusal({**asked, "token_endpoint_auth_method": "none"}, TRUSTED).description


def test_grants_that_are_not_offered_are_left_out_as_long_as_one_remains():
    several = {**WEB, "grant_types": ["implicit", "authorization_code", "client_credentials", "password"]}
    assert checked(several, TRUSTED).about.grant_types == ("authorization_code",)
    assert "must have one of: authorization_code" in refusal({**WEB, "grant_types": ["implicit"]}).description
    assert "must have code" in refusal({**WEB, "response_types": ["token"]}).description
    assert checked({**WEB, "response_types": ["id_token", "code"]})


@pytest.mark.parametrize(
    ("uris", "kind", "becomes"),
    [
        (["https://a.example/cb"], None, "web"),
        (["http://localhost:1234/cb"], None, "native"),
        (["com.example.app:/cb"], None, "native"),
        (["https://a.example/cb", "vscode://x/cb"], None, "native"),
        (["https://a.example/cb"], "native", "native"),
        (["http://localhost:1234/cb"], "web", "web"),
    ],
)
def test_the_application_type_follows_from_the_redirect_uris_where_it_is_omitted(uris, kind, becomes):
    found = checked({"redirect_uris": uris, "application_type": kind})
    assert found.about.application_type == becomes


def test_an_app_with_a_short_scheme_gets_no_secret_unless_it_asks_for_one_which_is_refused():
    app = {"redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"]}
    assert checked(app).public
    asked = refusal({**app, "token_endpoint_auth_method": "client_secret_post"})
    assert asked.error == "invalid_redirect_uri"
    assert "token_endpoint_auth_method none" in asked.description


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://app.example.com/cb",
        "https://*.example.com",
        "/cb",
        "",
        "x:y z",
    ],
)
def test_such_a_redirect_uri_is_refused_by_its_own_error(uri):
    assert refusal({"redirect_uris": ["https://a.example/cb", uri]}).error == "invalid_redirect_uri"


def test_a_client_may_ask_for_stricter_rules():
    stricter = {"dpop_bound_access_tokens": True, "require_pushed_authorization_requests": True}
    bound, both = (
        Security(dpop_bound_access_tokens=True),
        Security(dpop_bound_access_tokens=True, require_pushed_authorization_requests=True),
    )
    assert checked({**WEB, **stricter}).security == both
    assert checked({"grant_types": ["client_credentials"], **stricter}, TRUSTED).security == bound


def test_a_client_may_sign_its_requests_and_want_signed_responses():
    wanted = {
        "require_signed_request_object": True,
        "request_object_signing_alg": "PS256",
        "authorization_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "RS256",
        "request_uris": ["https://a.example/request#hash"],
        "default_max_age": 0,
        "require_auth_time": True,
    }
    security = checked({**WEB, **wanted}).security
    asked = {**wanted, "request_uris": ("https://a.example/request#hash",)}
    assert asked.items() <= structs.asdict(security).items()
    assert checked({**WEB, "request_object_signing_alg": ""}).security == Security()
    assert checked({"grant_types": ["client_credentials"], **wanted}, TRUSTED).security == Security()


def test_web_clients_have_no_scheme_of_an_app():
    found = refusal({"redirect_uris": ["com.example.app:/cb"], "application_type": "web"})
    assert (found.error, "native" in found.description) == ("invalid_redirect_uri", True)


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("redirect_uris", "https://a.example/cb", "must be array, got str"),
        ("redirect_uris", [1], "must be str, got int"),
        ("redirect_uris", ["https://a.example/cb"] * 1000, "length <= 20"),
        ("client_name", {"de": "App"}, "must be str"),
        ("client_name", "a" * 256, "length <= 255"),
        ("client_name", "pay\u202epal", "U+202E"),
        ("client_name", " ", "visible"),
        ("contacts", [["x"]], "must be str"),
        ("scope", ["openid"], "must be str, got array"),
        ("dpop_bound_access_tokens", "true", "must be bool, got str"),
        ("require_pushed_authorization_requests", 1, "must be bool, got int"),
        ("request_object_signing_alg", "none", "must be one of: ES256, EdDSA, PS256, RS256"),
        ("authorization_signed_response_alg", "HS256", "must be one of: RS256, ES256, EdDSA"),
        ("request_uris", ["http://a.example/request"], "[0] must be https"),
        ("request_uris", ["https://127.0.0.1/request"], "[0] must not be on loopback"),
        ("request_uris", "https://a.example/request", "must be array"),
        ("default_max_age", -1, ">= 0"),
        ("default_max_age", "60", "must be int, got str"),
        ("require_auth_time", "yes", "must be bool"),
        ("grant_types", "authorization_code", "must be array"),
        ("application_type", "desktop", "web or native"),
        ("subject_type", "pairwise", "must be public"),
        ("id_token_signed_response_alg", "none", "must be one of: RS256, ES256"),
        ("id_token_signed_response_alg", 7, "must be str"),
        ("id_token_encrypted_response_alg", "RSA-OAEP", "is not offered"),
        ("userinfo_signed_response_alg", "none", "must be one of: RS256, ES256"),
        ("token_endpoint_auth_method", "tls_client_auth", "must be one of"),
        ("token_endpoint_auth_method", "client_secret_jwt", "must be one of"),
        ("client_uri", "javascript:alert(1)", "https://"),
        ("logo_uri", "data:image/png;base64,AAAA", "https://"),
        ("policy_uri", "https://user:word@a.example", "user information"),
        ("tos_uri", "https://", "host"),
        ("initiate_login_uri", "http://a.example/start", "https://"),
        ("backchannel_logout_uri", "https://a.example/out", "initial access token"),
        ("post_logout_redirect_uris", ["http://a.example/out"], "[0] must be https"),
        ("software_id", "secret_Kq3vT8xYb2Lw9Zr4Nf6Hs1Jd5Gp7Mc0Q", "a secret or a token"),
    ],
)
def test_each_fault_has_a_sentence_that_names_its_member(member, value, said):
    found = refusal({**WEB, member: value})
    assert member in found.description
    assert said in found.description
    assert found.error == ("invalid_redirect_uri" if member == "redirect_uris" else "invalid_client_metadata")


def test_every_fault_is_named_at_once_up_to_a_bound():
    found = refusal({"redirect_uris": ["/cb"], "client_name": 1, "subject_type": "pairwise", "contacts": "x"})
    assert found.error == "invalid_client_metadata"
    assert all(name in found.description for name in ("redirect_uris", "client_name", "subject_type", "contacts"))
    many = refusal({"redirect_uris": ["a b" * 600] * 20, "post_logout_redirect_uris": ["javascript:x"] * 20})
    assert "more faults" in many.description
    assert len(many.description) < 5000


def test_a_uri_that_this_server_calls_needs_a_policy_that_allows_it():
    asked = {**WEB, "backchannel_logout_uri": "https://app.example.com/out"}
    assert checked(asked, TRUSTED).login.backchannel_logout_uri == "https://app.example.com/out"
    assert "begin with https" in refusal({**asked, "backchannel_logout_uri": "ftp://a"}, TRUSTED).description


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b'{"a": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 30_000, "not JSON"),
        (b'{"a": ' + b"9" * 60_000 + b"}", "not JSON"),
        (b'{"client_name": "a", "client_name": "b"}', "more than once: client_name"),
        (b'{"jwks": {"keys": 1, "keys": 2}}', "more than once: keys"),
    ],
)
def test_a_text_that_is_no_plain_object_is_refused(body, said):
    with pytest.raises(InvalidClientMetadata) as caught:
        parse(body)
    assert said in caught.value.description


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["none", "code", "https://a.example"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(Members.__struct_fields__), values))
def test_whatever_a_stranger_sends_is_registered_or_refused(given):
    with suppress(InvalidRedirectUri, InvalidClientMetadata):
        assert client_metadata(given, OPEN).redirect_uris


def test_a_client_for_devices_needs_no_redirect_uri_where_devices_are_offered():
    device = "urn:ietf:params:oauth:grant-type:device_code"
    offered = Policy(issuer="https://id.example.com", grant_types=("authorization_code", "refresh_token", device))
    alone = checked({"grant_types": [device, "refresh_token"]}, offered)
    assert (alone.redirect_uris, alone.security.device_grant) == ((), True)
    assert checked({**WEB, "grant_types": ["authorization_code", device]}, offered).security.device_grant
    assert not checked(WEB, offered).security.device_grant
    assert not checked({**WEB, "grant_types": ["authorization_code", device]}).security.device_grant
    assert "must have one of: authorization_code" in refusal({"grant_types": [device]}).description


HALF = "\ud800"


@pytest.mark.parametrize("name", [*Members.__struct_fields__, "client_secret", "unknown", HALF])
@pytest.mark.parametrize("value", [HALF, [HALF], {HALF: 1}, {"keys": [{"kid": HALF}]}], ids=ascii)
def test_half_a_character_is_refused_wherever_it_is(name, value):
    fault = refusal({**WEB, name: value})
    assert "half a character" in fault.description
    fault.description.encode()


def test_half_a_character_as_a_name_that_is_there_twice_is_not_quoted():
    with pytest.raises(InvalidClientMetadata) as caught:
        parse(b'{"\\ud800": 1, "\\ud800": 2}')
    caught.value.description.encode()


def test_a_whole_character_may_be_written_as_two_halves():
    assert checked({**WEB, "client_name": "\U0001f511"}).display_name == "\U0001f511"


@pytest.mark.parametrize(
    "uri", ["https://[::1/cb", "https://\u2100.com/cb", "http://[x]/cb", "//[/", "", "https://a:x/"]
)
@pytest.mark.parametrize("method", [None, "none", "client_secret_basic"])
def test_a_redirect_uri_that_cannot_be_read_is_refused_whatever_the_method_is(uri, method):
    fault = refusal({"redirect_uris": [uri], "token_endpoint_auth_method": method})
    assert isinstance(fault, InvalidRedirectUri)


@pytest.mark.parametrize(
    "members",
    [
        {"redirect_uris": [f"https://app.example.com/{n}{'x' * 1500}" for n in range(15)]},
        {
            **WEB,
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {
                "keys": [{**ECKey.generate_key("P-256").as_dict(private=False), "kid": "k", "x5c": ["x" * 20_000]}]
            },
        },
        {**WEB, "post_logout_redirect_uris": [f"https://app.example.com/{n}{'x' * 1900}" for n in range(10)]},
    ],
    ids=["redirect URIs", "keys", "other URIs"],
)
def test_all_members_together_are_not_too_long(members):
    assert "16,000" in refusal(members).description


def test_what_is_not_read_does_not_count():
    assert checked({**WEB, "software_statement": "x" * 20_000}).redirect_uris


def test_contacts_are_left_out_for_they_are_addresses_of_people():
    assert checked({**WEB, "contacts": ["ada@app.example.com"]}).about.contacts == ()
