"""Client assertions: which are accepted (RFC 7523 section 3), and what a refusal says."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from events.client_key import PublicKey
from service.oauth.client_assertion import (
    LEEWAY,
    LIFETIME,
    LONGEST,
    BadAssertion,
    client_of,
    keeps_fapi,
    parsed_or_none,
    read,
    verify,
)
from service.oauth.client_keys import ALGORITHMS, parse

ISSUER = "https://auth.example.com"
ENDPOINT = f"{ISSUER}/openid/introspect"
NOW = 1_800_000_000.0
CLAIMS: dict[str, Any] = {"iss": "me", "sub": "me", "aud": ISSUER, "jti": "one", "exp": NOW + 60, "iat": NOW}
EC, ED, RSA = (
    ECKey.generate_key("P-256", {"kid": "ec"}),
    OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    RSAKey.generate_key(2048, {"kid": "rsa"}),
)
MISSING = object()


def public(key: Any, **members: str) -> PublicKey:
    return parse({**key.as_dict(private=False), **members})


KEYS = [public(key) for key in (EC, ED, RSA)]


def segment(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def unsigned(header: Any = None, claims: Any = None) -> str:
    return f"{segment({'alg': 'ES256'} if header is None else header)}.{segment(CLAIMS if claims is None else claims)}.AAAA"


def changed(**claims: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **claims}.items() if value is not MISSING}


def signed(key: Any = EC, alg: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    registry = jws.JWSRegistry(algorithms=[*ALGORITHMS, "ES256"], strict_check_header=False)
    head = {"alg": alg, "kid": key.kid, **(header or {})}
    return jws.serialize_compact(head, json.dumps(changed(**claims)), key, registry=registry)


def accepted(text: str) -> Any:
    return read(text, issuer=ISSUER, endpoint=ENDPOINT, now=NOW)


@pytest.mark.parametrize(
    ("key", "alg"),
    [(EC, "ES256"), (ED, "EdDSA"), (RSA, "PS256"), (RSA, "RS256")],
    ids=["ES256", "EdDSA", "PS256", "RS256"],
)
def test_an_assertion_is_verified_with_the_key_that_signed_it(key, alg):
    assertion = accepted(signed(key, alg))
    assert verify(assertion, KEYS).kid == key.kid
    others = [each for each in KEYS if each.kid != key.kid]
    with pytest.raises(BadAssertion) as refused:
        verify(assertion, others)
    assert refused.value.why == "unknown_key"


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": [ISSUER]}, id="an array of one audience"),
        pytest.param({"aud": f"{ISSUER}/openid/token"}, id="the token endpoint"),
        pytest.param({"aud": ENDPOINT}, id="the endpoint that it was sent to"),
        pytest.param({"iat": MISSING}, id="without iat"),
        pytest.param({"nbf": NOW - 5, "iat": NOW + 8}, id="a clock that is a little fast"),
        pytest.param({"exp": NOW - LEEWAY + 1, "iat": NOW - 60}, id="a clock that is a little slow"),
        pytest.param({"exp": NOW + LIFETIME}, id="five minutes"),
        pytest.param({"more": {"a": [1]}}, id="other claims"),
    ],
)
def test_stock_clients_are_understood(claims):
    assert accepted(signed(**claims)).client_id == "me"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"])
def test_the_type_may_be_said(typ):
    assert accepted(unsigned({"alg": "ES256", "typ": typ})).jti == "one"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        pytest.param({"iss": "you"}, "iss and sub", id="another issuer"),
        pytest.param({"sub": "you"}, "iss and sub", id="another subject"),
        pytest.param({"iss": MISSING, "sub": MISSING}, "iss and sub", id="nobody"),
        pytest.param({"iss": 7, "sub": 7}, "iss and sub", id="a number"),
        pytest.param({"iss": "\u202e", "sub": "\u202e"}, "iss and sub", id="what shows another"),
        pytest.param({"aud": MISSING}, "aud", id="no audience"),
        pytest.param({"aud": "https://other.example"}, "aud", id="another audience"),
        pytest.param({"aud": [ISSUER, "https://other.example"]}, "aud", id="two audiences"),
        pytest.param({"aud": []}, "aud", id="an empty array"),
        pytest.param({"aud": {"a": 1}}, "aud", id="an object as audience"),
        pytest.param({"aud": f"{ISSUER}/"}, "aud", id="almost the issuer"),
        pytest.param({"aud": f"{ISSUER}/openid/revoke"}, "aud", id="another endpoint"),
        pytest.param({"jti": MISSING}, "jti", id="no jti"),
        pytest.param({"jti": ""}, "jti", id="an empty jti"),
        pytest.param({"jti": "a" * 1025}, "jti", id="a long jti"),
        pytest.param({"jti": 7}, "jti", id="a number as jti"),
        pytest.param({"exp": MISSING}, "exp", id="no exp"),
        pytest.param({"exp": "1800000060"}, "exp", id="a text as exp"),
        pytest.param({"exp": True}, "exp", id="a truth as exp"),
        pytest.param({"exp": 10**400}, "exp", id="an endless exp"),
        pytest.param({"exp": -1}, "exp", id="before time"),
        pytest.param({"exp": NOW + LIFETIME + LEEWAY + 1}, "ahead", id="too long"),
        pytest.param({"iat": NOW + 61}, "future", id="made in the future"),
        pytest.param({"nbf": NOW + 61}, "future", id="not valid yet"),
        pytest.param({"iat": NOW + 20, "exp": NOW + 10}, "after", id="made after its end"),
        pytest.param({"iat": None}, "numbers", id="null"),
    ],
)
def test_a_claim_that_is_missing_or_wrong_is_named(claims, says):
    with pytest.raises(BadAssertion) as refused:
        accepted(unsigned(claims=changed(**claims)))
    assert says in refused.value.text
    assert refused.value.why == "wrong_assertion"


def test_every_fault_is_named_at_once_and_nothing_of_the_assertion_is_repeated():
    with pytest.raises(BadAssertion) as refused:
        accepted(
            unsigned({"alg": "none", "jku": "https://evil.example"}, {"aud": "https://evil.example", "exp": NOW + 60})
        )
    assert all(name in refused.value.text for name in ("alg", "jku", "iss", "aud", "jti"))
    assert "evil" not in refused.value.text


def test_an_expired_one_is_told_as_such():
    with pytest.raises(BadAssertion) as refused:
        accepted(signed(exp=NOW - LEEWAY, iat=NOW - 90))
    assert refused.value.why == "expired_assertion"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="no alg"),
        pytest.param({"alg": "none"}, id="none"),
        pytest.param({"alg": "nOnE"}, id="none in odd letters"),
        pytest.param({"alg": "HS256"}, id="a secret"),
        pytest.param({"alg": "ES512"}, id="another algorithm"),
        pytest.param({"alg": ["ES256"]}, id="a list"),
        pytest.param({"alg": "ES256", "jku": "https://evil.example/jwks"}, id="jku"),
        pytest.param({"alg": "ES256", "x5u": "https://evil.example/pem"}, id="x5u"),
        pytest.param({"alg": "ES256", "jwk": {"kty": "EC"}}, id="its own key"),
        pytest.param({"alg": "ES256", "crit": ["exp"]}, id="crit"),
        pytest.param({"alg": "ES256", "b64": False}, id="another payload"),
        pytest.param({"alg": "ES256", "kid": 7}, id="a number as kid"),
        pytest.param({"alg": "ES256", "typ": "at+jwt"}, id="an access token"),
        pytest.param({"alg": "ES256", "typ": "dpop+jwt"}, id="a proof"),
        pytest.param({"alg": "ES256", "typ": 7}, id="a number as typ"),
    ],
)
def test_a_header_that_is_wrong_is_refused(header):
    with pytest.raises(BadAssertion) as refused:
        accepted(unsigned(header))
    assert refused.value.why == "wrong_assertion"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("a.b", id="two parts"),
        pytest.param(f"{unsigned()}.AAAA.AAAA", id="five parts, as encrypted ones have"),
        pytest.param("!.!.!", id="no base64url"),
        pytest.param(unsigned(claims=[1]), id="an array"),
        pytest.param(unsigned(claims="7"), id="a number"),
        pytest.param(unsigned(claims="[" * 5000), id="deep JSON"),
        pytest.param(unsigned(claims='{"a":' * 2000 + "1" + "}" * 2000), id="deep objects"),
        pytest.param(unsigned(claims="\ufeff{}"), id="a byte order mark"),
        pytest.param("a" * (LONGEST + 1), id="long"),
        pytest.param("." * 64_000, id="64 KiB of dots"),
    ],
)
def test_what_is_no_jwt_is_refused_and_names_nobody(text):
    with pytest.raises(BadAssertion):
        accepted(text)
    assert client_of(parsed_or_none(text)) == ""


@pytest.mark.parametrize(
    ("text", "which"),
    [
        (unsigned('{"alg": "ES256", "alg": "none"}'), "header"),
        (unsigned('{"alg": "ES256", "x": [{"kid": "a", "kid": "b"}]}'), "header"),
        (unsigned(claims='{"iss": "me", "sub": "me", "iss": "you"}'), "payload"),
    ],
)
def test_a_name_that_is_there_twice_is_refused_in_words(text, which):
    with pytest.raises(BadAssertion, match=f"its {which} has a name more than once") as refused:
        accepted(text)
    assert refused.value.why == "wrong_assertion"
    assert client_of(parsed_or_none(text)) == ""


def test_a_changed_assertion_is_not_verified():
    head, _, signature = signed().split(".")
    forged = accepted(f"{head}.{segment({**CLAIMS, 'jti': 'two'})}.{signature}")
    with pytest.raises(BadAssertion) as refused:
        verify(forged, KEYS)
    assert refused.value.why == "wrong_assertion"


def test_a_key_for_one_algorithm_verifies_no_other():
    only = public(RSA, alg="PS256")
    assert verify(accepted(signed(RSA, "PS256")), [only]) == only
    with pytest.raises(BadAssertion):
        verify(accepted(signed(RSA, "RS256")), [only])


def test_without_a_kid_each_key_of_the_kind_is_tried():
    assert verify(accepted(signed(header={"kid": public(EC).thumbprint})), KEYS).kid == "ec"
    text = jws.serialize_compact({"alg": "ES256"}, json.dumps(CLAIMS), EC, algorithms=["ES256"])
    others = [public(ECKey.generate_key("P-256")) for _ in range(3)]
    assert verify(accepted(text), [*others, public(EC)]).kid == "ec"


def test_the_explicit_type_is_for_the_issuer_alone():
    head = {"alg": "ES256", "typ": "client-authentication+jwt"}
    with pytest.raises(BadAssertion) as refused:
        accepted(unsigned(head, changed(aud=f"{ISSUER}/openid/token")))
    assert "/openid/token" not in refused.value.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(signed(aud=f"{ISSUER}/openid/token"), "aud", id="the token endpoint"),
        pytest.param(signed(aud=[ISSUER]), "aud", id="an array"),
        pytest.param(signed(RSA, "RS256"), "RS256", id="RS256"),
    ],
)
def test_a_client_of_fapi_names_the_issuer_as_a_text_and_signs_with_strong_algorithms(text, says):
    keeps_fapi(accepted(signed()), ISSUER)
    keeps_fapi(accepted(signed(RSA, "PS256")), ISSUER)
    with pytest.raises(BadAssertion) as refused:
        keeps_fapi(accepted(text), ISSUER)
    assert says in refused.value.text


def test_an_assertion_hides_its_text():
    assert "ey" not in repr(accepted(signed()))
