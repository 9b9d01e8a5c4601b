"""Which ID tokens of the upstream provider let somebody in."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from service.oauth.upstream_token import fault_of, key_set, verified

NOW = 1_800_000_000
GOOD = {"iss": "https://op.example", "aud": "muniment", "exp": NOW + 300, "nonce": "n-1", "sub": "24400320"}
RSA, EC, OTHER = (
    RSAKey.generate_key(2048, {"kid": "rsa"}),
    ECKey.generate_key("P-256", {"kid": "ec"}),
    ECKey.generate_key("P-256", {"kid": "ec"}),
)
JWKS = {"keys": [RSA.as_dict(private=False), EC.as_dict(private=False), {"kty": "OKP", "crv": "X448", "x": "AA"}]}


def fault(**claims: Any) -> str | None:
    given = {name: value for name, value in {**GOOD, **claims}.items() if value is not None}
    return fault_of(given, issuer="https://op.example", client_id="muniment", nonce="n-1", now=NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": ["muniment"]},
        {"aud": ["muniment", "crm"], "azp": "muniment"},
        {"azp": "muniment"},
        {"exp": NOW - 59},
        {"exp": NOW + 0.5},
        {"nbf": NOW},
        {"nbf": NOW + 60},
    ],
)
def test_a_good_token_has_no_fault(claims: dict[str, Any]):
    assert fault(**claims) is None


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://op.example/"}, "of another issuer"),
        ({"iss": None}, "of another issuer"),
        ({"aud": "crm"}, "for somebody else"),
        ({"aud": ["crm"]}, "for somebody else"),
        ({"aud": None}, "for somebody else"),
        ({"azp": "crm"}, "for somebody else"),
        ({"aud": ["muniment", "crm"]}, "does not say for whom"),
        ({"exp": NOW - 61}, "has expired"),
        ({"exp": None}, "has expired"),
        ({"exp": "soon"}, "has expired"),
        ({"nbf": NOW + 61}, "not valid yet"),
        ({"nbf": "soon"}, "not valid yet"),
        ({"nonce": "n-2"}, "of another sign-in"),
        ({"nonce": None}, "of another sign-in"),
        ({"nonce": "\ud800"}, "of another sign-in"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(claims: dict[str, Any], said: str):
    assert said in (fault(**claims) or "")


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_a_key_of_the_provider_verifies(key: Any, alg: str):
    token = jwt.encode({"alg": alg, "kid": key.kid}, GOOD, key, algorithms=[alg])
    assert verified(token, key_set(JWKS)) == GOOD


def test_another_key_of_the_same_name_does_not():
    token = jwt.encode({"alg": "ES256", "kid": "ec"}, GOOD, OTHER)
    with pytest.raises((JoseError, ValueError)):
        verified(token, key_set(JWKS))


def test_neither_does_a_shared_secret_nor_no_signature_at_all():
    shared = OctKey.import_key(b"s" * 32, {"kid": "rsa"})
    body = jwt.encode({"alg": "HS256", "kid": "rsa"}, GOOD, shared).split(".")[1]
    unsigned = urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').decode().rstrip("=") + f".{body}."
    for token in (jwt.encode({"alg": "HS256", "kid": "rsa"}, GOOD, shared), unsigned):
        with pytest.raises((JoseError, ValueError)):
            verified(token, key_set(JWKS))


def test_a_long_header_is_read_like_any_other():
    registry = JWSRegistry(algorithms=["ES256"])
    registry.max_header_length = 8000
    signed = jwt.encode({"alg": "ES256", "kid": "ec", "x5c": ["n" * 4000]}, GOOD, EC, registry=registry)
    assert verified(signed, key_set(JWKS)) == GOOD
