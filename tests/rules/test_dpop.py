"""DPoP proofs (RFC 9449): what one must have, and that nothing else is taken for one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import json

from service.crypto.base64url import as_text
from service.oauth import dpop, target_uri
from service.oauth.dpop import Proof, ProvedRequest, read
from service.oauth.dpop_nonces import SECONDS, Nonces
from service.oauth.errors import InvalidProof, NonceNeeded
from tests.rules.proving import ANY_HEADER, KEY, proof

NOW = 1_800_000_000
URL = "https://id.example.com/openid/token"
POST = ProvedRequest(method="POST", url=URL)
RSA = RSAKey.generate_key(2048)
ED = OKPKey.generate_key("Ed25519")

OF_SECTION_5 = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMi"
    "LCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj"
    "oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwn"
    "Qg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
OF_SECTION_7 = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMi"
    "LCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj"
    "oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNT"
    "NFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
TOKEN_OF_SECTION_7 = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
JKT_OF_SECTION_6 = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def fault(text: str, request: ProvedRequest = POST, now: float = NOW) -> str:
    """What the refusal says, which quotes neither the proof nor anything in it."""
    with pytest.raises(InvalidProof) as refused:
        read(text, request, now)
    assert refused.value.error == "invalid_dpop_proof"
    assert text[:40] not in refused.value.description
    return refused.value.description


def made(**changes: Any) -> str:
    changes.setdefault("iat", NOW)
    return proof("POST", URL, **changes)


def test_the_proofs_of_rfc_9449_are_valid():
    at_token = read(OF_SECTION_5, ProvedRequest(method="POST", url="https://server.example.com/token"), 1562262616)
    assert at_token == Proof(jkt=JKT_OF_SECTION_6, jti="-BwC3ESc6acc2lTc", iat=1562262616, nonce=None)
    url = "https://resource.example.org/protectedresource"
    at_resource = read(OF_SECTION_7, ProvedRequest(method="GET", url=url, token=TOKEN_OF_SECTION_7), 1562262618)
    assert at_resource.jkt == JKT_OF_SECTION_6
    assert "ath" in fault(OF_SECTION_7, ProvedRequest(method="GET", url=url, token="another"), 1562262618)


def test_a_thumbprint_is_that_of_rfc_7638():
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W"
        "-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrd"
        "kt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    jwk = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert dpop._prover(_segment({"typ": dpop.TYP, "alg": "PS256", "jwk": jwk})).jkt == (
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


@pytest.mark.parametrize(
    ("key", "alg"), [(KEY, "ES256"), (ED, "EdDSA"), (ED, "Ed25519"), (RSA, "PS256")], ids=dpop.ALGORITHMS
)
def test_a_client_may_sign_by_each_algorithm_of_the_metadata(key: ECKey, alg: str):
    assert read(made(key=key, alg=alg), POST, NOW).jkt == key.thumbprint()


@pytest.mark.parametrize(
    "more",
    [
        {
            "header": {
                "kid": "1",
                "jku": "https://evil.example/keys",
                "x5u": "https://evil.example/cert",
                "x5c": ["MII"],
            }
        },
        {"nbf": NOW, "exp": NOW + 300, "iss": "client", "unknown": {"a": [1]}},
        {"iat": NOW - 60},
        {"iat": NOW + 60},
        {"iat": NOW + 0.5},
        {"ath": "of no token"},
    ],
    ids=", ".join,
)
def test_what_a_proof_may_have_besides_changes_nothing(more: dict[str, Any]):
    assert read(made(**more), POST, NOW).jkt == KEY.thumbprint()


@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://ID.example.COM/openid/token",
        "https://id.example.com:443/openid/token",
        "https://id.example.com/openid/token?a=b&c=d",
        "https://id.example.com/openid/token#part",
        "https://id.example.com/%6fpenid/./a/../token",
    ],
)
def test_the_url_of_a_proof_is_compared_normalized(url: str):
    assert read(made(htu=url), POST, NOW)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com/openid/token",
        "https://id.example.com:8443/openid/token",
        "https://id.example.com/openid/token/",
        "https://id.example.com/openid%2Ftoken",
        "https://id.example.com/openid/Token",
        "https://evil.example/openid/token",
        "https://id.example.com@evil.example/openid/token",
        "https://user@id.example.com/openid/token",
        "https://id.example.com:port/openid/token",
        "https://[id.example.com/openid/token",
        "//id.example.com/openid/token",
        "/openid/token",
        " https://id.example.com/openid/token",
        "https://",
    ],
)
def test_a_proof_for_another_url_is_refused_by_the_url_that_it_must_be_for(url: str):
    assert f"Its htu must be {URL}." in fault(made(htu=url))


def test_a_path_with_encoded_characters_is_the_same_however_it_is_encoded():
    mine = "https://id.example.com" + target_uri.path_of("/users/ä b@c")
    for sent in ("/users/%C3%A4%20b@c", "/users/%c3%a4%20b%40c"):
        assert target_uri.normalized(f"https://id.example.com{sent}") == target_uri.normalized(mine)


PRIVATE = KEY.as_dict(private=True)
PUBLIC = KEY.as_dict(private=False)
HEADER_FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("no typ", {"typ": None}, "typ must be dpop+jwt"),
    ("the typ of an access token", {"typ": "at+jwt"}, "typ must be dpop+jwt"),
    ("a typ that is a number", {"typ": 1}, "typ must be dpop+jwt"),
    ("no key", {"jwk": None}, "public key as jwk"),
    ("a key by its id", {"jwk": None, "kid": "1"}, "public key as jwk"),
    ("a key elsewhere", {"jwk": None, "jku": "https://evil.example/keys"}, "public key as jwk"),
    ("a key that is a text", {"jwk": "key"}, "public key as jwk"),
    ("a private key", {"jwk": PRIVATE}, "has a private part"),
    ("a symmetric key", {"jwk": {"kty": "oct", "k": "AAAA"}}, "has a private part"),
    ("a part that must be understood", {"crit": ["b64"], "b64": False}, "must not have crit"),
]
KEY_FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("an empty key", {"jwk": {}}, "not a public key for its alg"),
    ("a key of another kind", {"jwk": ED.as_dict(private=False)}, "not a public key for its alg"),
    ("a key of another curve", {"jwk": ECKey.generate_key("P-384").as_dict(private=False)}, "not a public key"),
    ("a point beside the curve", {"jwk": {**PUBLIC, "y": PUBLIC["x"]}}, "not a public key for its alg"),
    ("a coordinate that is a number", {"jwk": {**PUBLIC, "x": 1}}, "not a public key for its alg"),
    ("a coordinate that is short", {"jwk": {**PUBLIC, "x": "AAAA"}}, "not a public key for its alg"),
    ("a coordinate with padding", {"jwk": {**PUBLIC, "x": f"{PUBLIC['x']}="}}, "not a public key for its alg"),
]


@pytest.mark.parametrize(
    ("header", "said"),
    [case[1:] for case in HEADER_FAULTS + KEY_FAULTS],
    ids=[c[0] for c in HEADER_FAULTS + KEY_FAULTS],
)
def test_a_header_with_a_fault_is_refused_by_name(header: dict[str, Any], said: str):
    assert said in fault(_unchecked(header))


def _unchecked(header: dict[str, Any]) -> str:
    """A proof whose header is as it says, signed by our key whatever it says."""
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": PUBLIC, **header}
    claims = made().split(".")[1]
    signing_input = _segment({name: value for name, value in head.items() if value is not None}) + "." + claims
    signature = ANY_HEADER.algorithms["ES256"].sign(signing_input.encode(), KEY)
    return f"{signing_input}.{as_text(signature)}"


def _segment(members: object) -> str:
    return as_text(json.encode(members))


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "es256", "", 1, None])
def test_a_proof_by_another_algorithm_is_refused(alg: object):
    assert "alg must be one of: ES256, EdDSA, Ed25519, PS256" in fault(_unchecked({"alg": alg}))


@pytest.mark.parametrize("bits", [1024, 8192])
def test_an_rsa_key_that_is_too_weak_or_too_slow_to_verify_is_refused(bits: int):
    n = as_text(((1 << bits) - 1).to_bytes(bits // 8, "big"))
    assert "RSA of 2048 to 4096 bits" in fault(_unchecked({"alg": "PS256", "jwk": {"kty": "RSA", "n": n, "e": "AQAB"}}))


def test_an_rsa_key_whose_exponent_makes_it_slow_is_refused():
    jwk = {**RSA.as_dict(private=False), "e": as_text((2**2047 + 1).to_bytes(256, "big"))}
    assert "RSA of 2048 to 4096 bits" in fault(_unchecked({"alg": "PS256", "jwk": jwk}))


def test_every_fault_of_a_header_is_named():
    said = fault(_unchecked({"typ": "JWT", "alg": "none", "jwk": PRIVATE, "crit": ["exp"]}))
    assert all(part in said for part in ("typ", "alg", "crit", "private part"))


CLAIM_FAULTS: list[tuple[str, dict[str, Any], str]] = [
    *((f"jti {value!r:.20}", {"jti": value}, "jti must be") for value in (None, "", 1, ["a"], "a" * 2049)),
    *((f"htm {value!r}", {"htm": value}, "htm must be POST") for value in (None, "GET", "post", 1, ["POST"])),
    *((f"htu {value!r:.20}", {"htu": value}, "htu must be") for value in (None, "", 1, [URL], "a" * 2049)),
    *(
        (f"iat {value!r:.20}", {"iat": value}, "iat must be the time")
        for value in (None, NOW - 61, NOW + 61, str(NOW), True, [NOW], 0, -NOW, 10**30, 1e300)
    ),
    *((f"nbf {value!r}", {"nbf": value}, "nbf") for value in (NOW + 61, "soon")),
    *((f"exp {value!r}", {"exp": value}, "exp") for value in (NOW - 61, "soon")),
    *((f"nonce {value!r:.20}", {"nonce": value}, "nonce") for value in ("", 1, ["a"], "a" * 2049)),
]


@pytest.mark.parametrize(("claims", "said"), [case[1:] for case in CLAIM_FAULTS], ids=[c[0] for c in CLAIM_FAULTS])
def test_a_claim_with_a_fault_is_refused_by_name(claims: dict[str, Any], said: str):
    assert said in fault(made(**claims))


def test_every_fault_of_the_claims_is_named():
    said = fault(made(jti=None, htm="GET", htu="https://evil.example", iat=0))
    assert all(f"Its {name} must be" in said for name in ("jti", "htm", "htu", "iat"))


@pytest.mark.parametrize("ath", [None, "", 1, dpop.ath("another"), dpop.ath("token") + "="])
def test_a_proof_with_a_token_must_be_for_this_token(ath: object):
    request = ProvedRequest(method="POST", url=URL, token="token")
    assert read(made(token="token"), request, NOW)
    assert "ath must be" in fault(made(ath=ath), request)


def test_a_proof_by_another_key_than_the_one_it_names_is_refused():
    other = ECKey.generate_key("P-256").as_dict(private=False)
    assert "signature" in fault(_unchecked({"jwk": other}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "....",
        "text",
        "a.b.c",
        f"{made()}.",
        made().rpartition(".")[0],
        made().rpartition(".")[0] + ".",
        f"{made()}=",
        f"{made()} ",
        f"{made()}, {made()}",
        "a" * 65536,
        ".".join([_segment(["a"]), _segment(["b"]), "c"]),
        ".".join([as_text(b"[" * 3000), as_text(b"[" * 3000), "c"]),
        ".".join([as_text(b'{"typ":' + b"[" * 2500), _segment({}), "c"]),
        ".".join([as_text(b"\xff\xfe"), _segment({}), "c"]),
        ".".join([as_text(b'{"alg":1e999}'), _segment({}), "c"]),
        "\u00e4.\u00e4.\u00e4",
    ],
    ids=range(19),
)
def test_what_is_no_jwt_is_refused(text: str):
    with pytest.raises(InvalidProof):
        read(text, POST, NOW)


def _of(header: str, payload: str = "{}") -> str:
    return ".".join(as_text(each.encode()) for each in (header, payload, "x"))


def test_a_name_that_is_there_twice_is_refused_in_words():
    jwk = json.encode(KEY.as_dict(private=False)).decode()
    twice = '{"typ": "dpop+jwt", "alg": "none", "alg": "ES256", "jwk": ' + jwk + "}"
    assert "Its header has a name more than once" in fault(_of(twice))
    head = '{"typ":"dpop+jwt","alg":"ES256","jwk":' + jwk + "}"
    payload = f'{{"jti":"1","htm":"GET","htm":"POST","htu":"{URL}","iat":{NOW}}}'
    signed = jws.serialize_compact(json.decode(head), payload, KEY, algorithms=["ES256"], registry=ANY_HEADER)
    assert "Its payload has a name more than once" in fault(signed)


def test_a_request_has_one_proof():
    assert dpop.one(["a"]) == "a"
    with pytest.raises(InvalidProof, match="Send a DPoP proof"):
        dpop.one([])
    with pytest.raises(InvalidProof, match="more than one DPoP header"):
        dpop.one(["a", "a"])


@given(
    at=some.integers(min_value=0, max_value=600),
    bits=some.integers(min_value=1, max_value=127),
    cut=some.booleans(),
)
def test_no_mangled_proof_is_accepted(at: int, bits: int, cut: bool):
    whole = MADE
    at %= len(whole)
    mangled = whole[:at] + ("" if cut else chr(ord(whole[at]) ^ bits)) + whole[at + 1 :]
    with pytest.raises(InvalidProof):
        read(mangled, POST, NOW)


MADE = made()
ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ("typ", "alg", "jwk", "crit", "kid", "b64")


@given(header=some.dictionaries(some.sampled_from(MEMBERS), ANYTHING, min_size=1), claims=ANYTHING)
def test_whatever_json_it_is_made_of_the_worst_is_a_refusal(header: dict[str, Any], claims: object):
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": PUBLIC, **header}
    with pytest.raises(InvalidProof):
        read(f"{_segment(head)}.{_segment(claims)}.AAAA", POST, NOW)


@given(
    claims=some.dictionaries(
        some.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce", "exp", "nbf"]), ANYTHING, min_size=1
    )
)
def test_a_signed_proof_with_any_claims_is_either_for_this_request_or_refused(claims: dict[str, Any]):
    try:
        good = read(made(**claims), POST, NOW)
    except InvalidProof:
        return
    assert isinstance(good.used_as, str)
    assert {"htm", "htu"}.isdisjoint(name for name, value in claims.items() if value is not None)


@given(some.text(max_size=200))
def test_no_text_is_more_than_refused(text: str):
    with pytest.raises(InvalidProof):
        read(text, POST, NOW)


MASTER_KEY = b"k" * 32


def of_nonce(nonce: str | None) -> Proof:
    return Proof(jkt="a", jti="b", iat=NOW, nonce=nonce)


def test_a_nonce_is_accepted_while_it_is_given_out_and_as_long_again_by_every_process():
    begun = NOW // SECONDS * SECONDS
    nonce = Nonces(MASTER_KEY, required=True).current(begun)
    other = Nonces(MASTER_KEY, required=True)
    assert nonce == other.current(begun + SECONDS - 1) != other.current(begun + SECONDS)
    other.check(of_nonce(nonce), begun)
    other.check(of_nonce(nonce), begun + 2 * SECONDS - 1)
    with pytest.raises(NonceNeeded) as refused:
        other.check(of_nonce(nonce), begun + 2 * SECONDS)
    assert refused.value.headers == {"DPoP-Nonce": other.current(begun + 2 * SECONDS)}


def test_a_proof_needs_a_nonce_only_where_the_deployment_says_so():
    Nonces(MASTER_KEY, required=False).check(of_nonce(None), NOW)
    with pytest.raises(NonceNeeded) as refused:
        Nonces(MASTER_KEY, required=True).check(of_nonce(None), NOW)
    assert refused.value.error == "use_dpop_nonce"


@pytest.mark.parametrize("nonce", ["a", "\ud800", Nonces(b"o" * 32, required=True).current(NOW)])
def test_a_nonce_of_somebody_else_is_refused_in_any_case(nonce: str):
    for required in (True, False):
        with pytest.raises(NonceNeeded):
            Nonces(MASTER_KEY, required=required).check(of_nonce(nonce), NOW)
