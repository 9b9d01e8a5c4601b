"""Access tokens: ours are good, and everything else is a BadToken and never another exception."""

import base64
import hmac
import time
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt as somebody_elses
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode
from msgspec import json, structs

from service.oauth import tokens as tokens_
from service.oauth.tokens import BadToken, VerifiedClaims
from tests.rules.keyring import AUDIENCE, CLAIMS, FOREIGN, ISSUER, KEYS, NOW, header, public, ring, row, signed, tokens

GOOD = signed("active", CLAIMS)


def made(head: bytes | None = None, claims: Any = CLAIMS, key: Any = KEYS["active"]) -> str:
    """A token with any header and any claims, signed with ES256."""
    body = claims if isinstance(claims, bytes) else json.encode(claims)
    signing_input = urlsafe_b64encode(header() if head is None else head) + b"." + urlsafe_b64encode(body)
    return (signing_input + b"." + urlsafe_b64encode(JWSRegistry.algorithms["ES256"].sign(signing_input, key))).decode()


def hmacked(secret: bytes, **changes: Any) -> str:
    signing_input = urlsafe_b64encode(header(alg="HS256", **changes)) + b"." + urlsafe_b64encode(json.encode(CLAIMS))
    return (signing_input + b"." + urlsafe_b64encode(hmac.digest(secret, signing_input, "sha256"))).decode()


def changed(**changes: Any) -> dict[str, Any]:
    claims = {**json.decode(json.encode(CLAIMS)), **changes}
    return {name: value for name, value in claims.items() if value is not None}


def without_signature(**changes: Any) -> str:
    return (urlsafe_b64encode(header(**changes)) + b"." + urlsafe_b64encode(json.encode(CLAIMS)) + b".").decode()


PUBLIC = KEYS["active"]
DEEP = b"[" * 20_000 + b"]" * 20_000


def test_a_token_that_was_signed_here_is_good():
    verified = tokens().verify(GOOD)
    assert isinstance(verified, VerifiedClaims)
    assert structs.asdict(verified) == structs.asdict(CLAIMS)
    assert verified.scopes == {"api:public", "crm:read"}


def test_somebody_else_s_library_finds_it_good_too():
    key = somebody_elses.PyJWK({**public(PUBLIC), "alg": "ES256"})
    claims = somebody_elses.decode(GOOD, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER)
    assert claims == {
        "iss": ISSUER,
        "sub": "bot-abc123",
        "aud": AUDIENCE,
        "client_id": "oauth_client_0",
        "scope": "api:public crm:read",
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": "00000000-0000-0000-0000-000000000001",
    }
    assert somebody_elses.get_unverified_header(GOOD) == {"alg": "ES256", "kid": "active", "typ": "at+jwt"}


@pytest.mark.parametrize("name", ["next", "retired"])
def test_a_key_that_may_have_live_tokens_verifies(name):
    assert tokens().verify(signed(name, CLAIMS)).sub == "bot-abc123"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_may_be_written_in_these_ways(typ):
    assert tokens().verify(made(header(typ=typ)))


def test_a_header_that_is_longer_than_any_of_this_server_is_not_kept():
    kept = tokens_._remembered_header.cache_info().currsize
    with pytest.raises(BadToken, match=tokens_.NOT_OURS):
        tokens().verify(made(header(kid="k" * tokens_.LONGEST_HEADER)))
    assert tokens_._remembered_header.cache_info().currsize == kept


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(without_signature(alg="none"), id="alg none"),
        pytest.param(without_signature(alg="None"), id="alg None"),
        pytest.param(without_signature(alg=""), id="alg empty"),
        pytest.param(without_signature(alg=None), id="no alg"),
        pytest.param(without_signature(), id="no signature"),
        pytest.param(hmacked(PUBLIC.as_pem(private=False)), id="HS256 with the public key's PEM"),
        pytest.param(
            hmacked(PUBLIC.as_pem(private=False).strip()),
            id="HS256 with the public key's PEM, without its last line feed",
        ),
        pytest.param(hmacked(json.encode(public(PUBLIC))), id="HS256 with the public JWK"),
        pytest.param(hmacked(PUBLIC.as_bytes(encoding="DER", private=False)), id="HS256 with the public key's DER"),
        pytest.param(hmacked(b""), id="HS256 with no key"),
        pytest.param(made(key=FOREIGN), id="a foreign key under our kid"),
        pytest.param(made(header(kid="foreign"), key=FOREIGN), id="a foreign key under its own kid"),
        pytest.param(made(header(jwk=public(FOREIGN)), key=FOREIGN), id="a foreign key in the header"),
        pytest.param(made(header(jku="https://evil.example/jwks"), key=FOREIGN), id="a URL of foreign keys"),
        pytest.param(made(header(crit=["exp"])), id="a critical header"),
        pytest.param(made(header(b64=False)), id="an unencoded payload"),
        pytest.param(made(header(zip="DEF")), id="a compressed payload"),
        pytest.param(made(header(kid=None)), id="no kid"),
        pytest.param(made(header(kid=1)), id="a kid that is a number"),
        pytest.param(made(header(kid="")), id="an empty kid"),
        pytest.param(made(header(kid="next")), id="the kid of another of our keys"),
        pytest.param(signed("long gone", CLAIMS), id="a key that retired long ago"),
        pytest.param(made(header(typ=None)), id="no typ"),
        pytest.param(made(header(typ="JWT")), id="an id_token"),
        pytest.param(made(header(alg="ES384")), id="another algorithm's name"),
        pytest.param(made(claims=CLAIMS.__replace__(iss="https://evil.example")), id="another issuer"),
        pytest.param(made(claims=CLAIMS.__replace__(iss=ISSUER + "/")), id="nearly our issuer"),
        pytest.param(made(claims=CLAIMS.__replace__(aud="https://other.example")), id="another audience"),
        pytest.param(made(claims=changed(aud=[AUDIENCE])), id="a list of audiences"),
        pytest.param(made(claims=CLAIMS.__replace__(exp=NOW - 60)), id="expired"),
        pytest.param(made(claims=CLAIMS.__replace__(exp=0)), id="expired long ago"),
        pytest.param(made(claims=changed(exp=None)), id="no expiry"),
        pytest.param(made(claims=changed(exp="never")), id="an expiry in words"),
        pytest.param(made(claims=changed(exp=1e300)), id="an expiry in floating point"),
        pytest.param(made(claims=changed(jti="not a UUID")), id="a jti that is no UUID"),
        pytest.param(made(claims=changed(sub=None)), id="no sub"),
        pytest.param(made(claims=changed(scope=["a"])), id="a list of scopes"),
        pytest.param(made(claims=b"[]"), id="claims that are a list"),
        pytest.param(made(claims=b"not JSON"), id="claims that are no JSON"),
        pytest.param(made(claims=b"\xff"), id="claims that are no UTF-8"),
        pytest.param(made(claims=b""), id="no claims"),
        pytest.param(
            made(b'{"alg":"ES256","kid":"active","typ":"at+jwt","x":' + DEEP + b"}"), id="a header nested 20,000 deep"
        ),
        pytest.param(made(DEEP), id="a header that is lists nested 20,000 deep"),
        pytest.param(made(b'{"alg":"ES256","alg":"none","kid":"active","typ":"at+jwt"}'), id="two algs"),
        pytest.param(made(b"\xff"), id="a header that is no UTF-8"),
        pytest.param(made(b"[]"), id="a header that is a list"),
        pytest.param("", id="nothing"),
        pytest.param(".", id="a dot"),
        pytest.param("..", id="two dots"),
        pytest.param("....", id="four dots"),
        pytest.param("secret_abcdefgh", id="a client secret"),
        pytest.param(GOOD + ".", id="a dot behind"),
        pytest.param(GOOD + ".x", id="a fourth segment"),
        pytest.param(GOOD[: GOOD.rindex(".")], id="two segments"),
        pytest.param(" " + GOOD, id="a space before"),
        pytest.param(GOOD + "\n", id="a line feed behind"),
        pytest.param(GOOD.replace(".", "\u2024"), id="dots that are none"),
        pytest.param("\ud800" + GOOD, id="a lone surrogate before"),
        pytest.param(GOOD + "\udfff", id="a lone surrogate behind"),
        pytest.param("\ud800.\ud800.\ud800", id="three lone surrogates"),
        pytest.param("é.é.é", id="not ASCII"),
        pytest.param("A" * 1_000_000, id="endless"),
    ],
)
def test_everything_else_is_a_bad_token(token):
    verifier = tokens()
    with pytest.raises(BadToken) as caught:
        verifier.verify(token)
    assert len(str(caught.value)) < 120, "it repeats nothing of the token"
    ours = [claims for _, claims in verifier._good.values() if claims.aud == AUDIENCE]
    assert all(claims.exp < NOW for claims in ours), "only what has merely expired, or is for others, is remembered"


ELSEWHERE = made(claims=CLAIMS.__replace__(aud="https://other.example"))


def test_a_token_for_another_resource_is_good_and_yet_never_good_for_us():
    verifier = tokens()
    for _ in range(2):
        assert verifier.verify(ELSEWHERE, for_us=False).aud == "https://other.example"
        with pytest.raises(BadToken, match="for another audience"):
            verifier.verify(ELSEWHERE)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(made(claims=CLAIMS.__replace__(aud="https://other.example", exp=NOW - 60)), id="expired"),
        pytest.param(
            made(claims=CLAIMS.__replace__(aud="https://other.example", iss="https://evil.example")),
            id="another issuer",
        ),
        pytest.param(made(claims=CLAIMS.__replace__(aud="https://other.example"), key=FOREIGN), id="a foreign key"),
        pytest.param(made(claims=changed(aud=["https://other.example"])), id="a list of audiences"),
    ],
)
def test_a_token_for_another_resource_is_looked_at_as_closely(token):
    with pytest.raises(BadToken):
        tokens().verify(token, for_us=False)


@pytest.mark.parametrize("name", KEYS)
def test_a_token_that_was_signed_here_is_ours_when_it_has_expired_and_its_key_retired_long_ago(name: str):
    old = CLAIMS.__replace__(exp=0, iss="https://former.example", jti=UUID(int=5))
    assert tokens().issued(signed(name, old)) == UUID(int=5)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(made(key=FOREIGN), id="a foreign key under our kid"),
        pytest.param(without_signature(), id="no signature"),
        pytest.param(without_signature(alg="none"), id="alg none"),
        pytest.param(made(header(typ="logout+jwt")), id="a logout token"),
        pytest.param(made(claims=changed(jti="not a UUID")), id="a jti that is no UUID"),
        pytest.param("é.é.é", id="not ASCII"),
        pytest.param("secret_abcdefgh", id="a client secret"),
    ],
)
def test_what_was_not_signed_here_as_an_access_token_is_not_ours_whatever_jti_it_names(token: str):
    assert tokens().issued(token) is None


def test_a_token_names_the_authorization_that_it_came_of():
    assert tokens().verify(GOOD).authorization is None
    named = signed("active", CLAIMS.__replace__(grant_id=UUID(int=7)))
    assert tokens().verify(named).authorization == UUID(int=7)
    with pytest.raises(BadToken):
        tokens().verify(made(claims=changed(grant_id="not a UUID")))


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_any_changed_character_makes_it_bad(segment):
    start = [0, GOOD.index(".") + 1, GOOD.rindex(".") + 1][segment]
    for place in range(start, start + 20):
        other = "B" if GOOD[place] == "A" else "A"
        with pytest.raises(BadToken):
            tokens().verify(GOOD[:place] + other + GOOD[place + 1 :])


@settings(max_examples=150)
@given(
    st.text(st.characters()) | st.text(st.characters(categories=["Cs"]), max_size=3) | st.text("AQe.=-_", max_size=40)
)
def test_no_text_at_all_is_answered_with_another_exception(text):
    verifier = tokens()
    for token in (
        text,
        f"{text}.{text}.{text}",
        f"{GOOD.split('.')[0]}.{text}.{text}",
        GOOD.rpartition(".")[0] + "." + text,
    ):
        with pytest.raises(BadToken):
            verifier.verify(token)


@settings(max_examples=100)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_in_its_segments_are_answered_with_another_exception(one, other):
    for token in (
        made(one),
        made(claims=other),
        f"{base64.urlsafe_b64encode(one).decode()}.{base64.b64encode(other).decode()}.x",
    ):
        with pytest.raises(BadToken):
            tokens().verify(token)


CHARACTERS = "AQgw_-.=+/ \n\u2024aB09"
CHANGES = st.tuples(st.integers(0, len(GOOD)), st.integers(0, 3), st.text(CHARACTERS, max_size=3))


@settings(max_examples=300)
@given(st.lists(CHANGES, max_size=2))
def test_a_token_is_good_exactly_if_joserfc_finds_it_good(changes: list[tuple[int, int, str]]):
    token = GOOD
    for at, removed, added in changes:
        token = token[:at] + added + token[at + removed :]
    try:
        expected = jws.deserialize_compact(token, KEYS["active"], algorithms=["ES256"]).payload
    except (JoseError, ValueError):
        expected = None
    try:
        assert tokens().verify(token) == json.decode(expected or b"", type=VerifiedClaims)
    except BadToken:
        assert expected is None


def test_a_token_lives_until_its_expiry_and_a_little_longer(monkeypatch):
    verifier = tokens()
    assert verifier.verify(GOOD)
    leeway = tokens_.LEEWAY_SECONDS
    monkeypatch.setattr(time, "time", lambda: CLAIMS.exp + leeway - 0.5)
    assert verifier.verify(GOOD)
    monkeypatch.setattr(time, "time", lambda: float(CLAIMS.exp + leeway))
    for one in (verifier, tokens()):
        with pytest.raises(BadToken, match="expired"):
            one.verify(GOOD)


def test_a_token_that_was_found_good_is_bad_once_its_key_is_gone():
    keys = ring()
    verifier = tokens_.Tokens(keys, issuer=ISSUER, audience=AUDIENCE)
    assert verifier.verify(GOOD)
    keys.know([row("next")])
    with pytest.raises(BadToken, match="no longer in use"):
        verifier.verify(GOOD)


def test_a_token_that_was_found_good_is_remembered_by_its_hash_alone(monkeypatch):
    monkeypatch.setattr(tokens_, "MOST_REMEMBERED", 3)
    verifier = tokens()
    issued = [signed("active", CLAIMS.__replace__(sub=f"bot {number}")) for number in range(5)]
    for token in issued:
        assert verifier.verify(token) == verifier.verify(token)
    assert list(verifier._good) == [sha256(token.encode()).digest() for token in issued[2:]]


def test_two_tokens_of_one_second_are_two_tokens():
    assert signed("active", CLAIMS) != signed("active", CLAIMS.__replace__(jti=type(CLAIMS.jti)(int=2)))


def test_the_jwks_holds_the_public_parts_of_every_key_that_may_have_live_tokens():
    keys = json.decode(ring().jwks())["keys"]
    assert [key["kid"] for key in keys] == ["active", "next", "retired"]
    for key in keys:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["alg"], key["use"], key["kty"], key["crv"]) == ("ES256", "sig", "EC", "P-256")
