"""The public keys of clients: which are accepted, in which form they are kept, and what a refusal says."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import to_builtins

from service.oauth.client_keys import UnusableKey, algorithms, of_public_key, parse

RSA_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5J"
    "sGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF"
    "TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
"""The key of RFC 7638 section 3.1."""

OKP_8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
"""The key of RFC 8037 appendix A.2, whose thumbprint is in A.3."""


def public(key: Any) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


EC: dict[str, Any] = public(ECKey.generate_key("P-256"))
RSA: dict[str, Any] = public(RSAKey.generate_key(2048))
WEAK = to_builtins(of_public_key(rsa.generate_private_key(65537, 1024).public_key()))


@pytest.mark.parametrize(
    ("jwk", "thumbprint"),
    [
        pytest.param(RSA_7638, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", id="RFC 7638 section 3.1"),
        pytest.param(OKP_8037, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", id="RFC 8037 appendix A.3"),
    ],
)
def test_the_thumbprint_is_that_of_the_vector(jwk, thumbprint):
    assert parse(jwk).thumbprint == thumbprint


def test_a_key_is_called_what_its_owner_calls_it_or_else_by_its_thumbprint():
    assert parse(RSA_7638).kid == "2011-04-29"
    assert parse(OKP_8037).kid == parse(OKP_8037).thumbprint


@pytest.mark.parametrize(
    ("jwk", "algs"),
    [
        pytest.param(EC, ("ES256",), id="P-256"),
        pytest.param(OKP_8037, ("EdDSA",), id="Ed25519"),
        pytest.param({**OKP_8037, "alg": "Ed25519"}, ("EdDSA",), id="Ed25519 by the name of RFC 9864"),
        pytest.param(RSA, ("PS256", "RS256"), id="RSA"),
        pytest.param({**RSA, "alg": "PS256"}, ("PS256",), id="RSA for one algorithm"),
    ],
)
def test_a_key_verifies_the_algorithms_of_its_kind(jwk, algs):
    assert algorithms(parse(jwk)) == algs


def test_a_key_is_kept_in_one_form_however_its_numbers_were_written():
    odd = {**RSA_7638, "n": "AAAA" + RSA_7638["n"], "e": "AAEAAQ==", "x5c": ["MIIB"], "more": {"a": [1]}}
    assert parse(odd).thumbprint == parse(RSA_7638).thumbprint
    assert parse(odd).jwk == parse(RSA_7638).jwk


@pytest.mark.parametrize(
    ("jwk", "says"),
    [
        pytest.param({**EC, "d": "AAAA"}, ["private part"], id="a private key"),
        pytest.param({**RSA, "dp": "AAAA"}, ["private part"], id="a part of a private RSA key"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0"}, ["symmetric"], id="a symmetric key"),
        pytest.param({**EC, "k": "c2VjcmV0"}, ["symmetric"], id="a symmetric key that says otherwise"),
        pytest.param(WEAK, ["1024 bits"], id="a weak RSA key"),
        pytest.param({**RSA, "n": "_" * 1000}, ["bits"], id="an RSA key that takes long"),
        pytest.param({**RSA, "e": "Aw"}, ["65537"], id="a small exponent"),
        pytest.param({**RSA, "e": "_" * 300}, ["65537"], id="a large exponent"),
        pytest.param({**RSA, "e": "AQAA"}, ["65537"], id="an even exponent"),
        pytest.param(public(ECKey.generate_key("P-384")), ["P-256"], id="another curve"),
        pytest.param(public(ECKey.generate_key("secp256k1")), ["P-256"], id="a curve of coins"),
        pytest.param(public(OKPKey.generate_key("X25519")), ["Ed25519"], id="a key for encryption"),
        pytest.param({**EC, "x": EC["y"]}, ["valid"], id="a point that is not on the curve"),
        pytest.param({**EC, "x": "!"}, ["valid"], id="no base64url"),
        pytest.param({**EC, "x": 7}, ["valid"], id="a number that is no text"),
        pytest.param({**EC, "x": "A" * 100_000}, ["valid"], id="a long number"),
        pytest.param({"kty": "RSA", "n": RSA["n"]}, ["valid"], id="a missing number"),
        pytest.param({"kty": ["EC"]}, ["P-256"], id="a kind that is no text"),
        pytest.param({}, ["P-256"], id="nothing"),
        pytest.param({**EC, "use": "enc"}, ["use"], id="for encryption"),
        pytest.param({**EC, "key_ops": ["sign"]}, ["key_ops"], id="for signing"),
        pytest.param({**EC, "kid": "a" * 201}, ["kid"], id="a long name"),
        pytest.param({**EC, "kid": "\u202e"}, ["kid"], id="a name that shows another"),
        pytest.param(
            {**RSA, "alg": "HS256", "use": "enc", "d": "AAAA", "e": "Aw"},
            ["alg", "use", "private part", "65537"],
            id="every fault is named",
        ),
    ],
)
def test_an_unusable_key_is_refused_by_what_to_change(jwk, says):
    with pytest.raises(UnusableKey) as refused:
        parse(jwk)
    assert all(text in str(refused.value) for text in says)
    assert not any(isinstance(value, str) and len(value) > 40 and value in str(refused.value) for value in jwk.values())


def test_a_public_key_of_a_certificate_equals_the_registered_one():
    for jwk in (EC, RSA, OKP_8037):
        kept = parse(jwk).jwk
        kinds: dict[str, Any] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
        key = kinds[jwk["kty"]].import_key(jwk)
        assert of_public_key(key.public_key) == kept


def test_a_public_key_of_another_kind_has_no_jwk():
    assert of_public_key(ec.generate_private_key(ec.SECP384R1()).public_key()) is None
    assert of_public_key(ed448.Ed448PrivateKey.generate().public_key()) is None
