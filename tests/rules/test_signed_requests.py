"""Signed request objects (RFC 9101): which are verified, what is wrong with the others, and that only what is inside counts."""

import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import json

from events.client_document import Document
from events.client_key import PublicKey
from events.client_registration import About
from events.client_security import Security
from projections.clients import Found
from service.crypto.base64url import as_text
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import Redirected, checked
from service.oauth.client_keys import parse
from service.oauth.errors import Shown
from service.oauth.keys import Key
from service.oauth.request_objects import BadRequestObject
from service.oauth.request_parameters import RequestParameters
from service.oauth.signed_requests import Expected, kid_of, opened, verified
from tests.rules.keyring import ISSUER
from tests.rules.test_authlib_login import CHALLENGE, URI
from tests.rules.test_parameters import client


def public_key(key: Key, kid: str, **more: Any) -> PublicKey:
    return parse({**key.as_dict(private=False), "kid": kid, **more})


NOW = 1_800_000_000
EC, OKP, RSA = ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519"), RSAKey.generate_key(2048)
FOREIGN = ECKey.generate_key("P-256")
KEYS = (public_key(EC, "ec"), public_key(OKP, "okp"), public_key(RSA, "rsa"))
FOUND = client("crm:read")
CLIENT = FOUND.client.client_id
EXPECTED = Expected(client_id=CLIENT, issuer=ISSUER, now=NOW)
INSIDE: dict[str, Any] = {
    "iss": CLIENT,
    "aud": ISSUER,
    "client_id": CLIENT,
    "redirect_uri": URI,
    "response_type": "code",
    "scope": "openid",
    "state": "inside",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
TIMED = {**INSIDE, "nbf": NOW, "exp": NOW + 300}
HEADER: dict[str, Any] = {"alg": "ES256", "kid": "ec", "typ": "oauth-authz-req+jwt"}


def signed(claims: dict[str, Any], key: Key = EC, **header: Any) -> str:
    head = {name: value for name, value in {**HEADER, **header}.items() if value is not None}
    return jwt.encode(head, claims, key, algorithms=[head["alg"]])


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in TIMED.items() if name not in names}


def refused(text: str, **expected: Any) -> str:
    with pytest.raises(BadRequestObject) as caught:
        verified(text, KEYS, EXPECTED.__replace__(**expected))
    assert caught.value.error == "invalid_request_object"
    return str(caught.value)


@pytest.mark.parametrize(
    ("alg", "kid", "key"), [("ES256", "ec", EC), ("EdDSA", "okp", OKP), ("PS256", "rsa", RSA), ("RS256", "rsa", RSA)]
)
def test_a_registered_key_verifies_each_algorithm(alg: str, kid: str, key: Key):
    inside = verified(signed(TIMED, key, alg=alg, kid=kid), KEYS, EXPECTED)
    assert inside.params == {name: value for name, value in INSIDE.items() if name not in ("iss", "aud")}
    assert inside.twice == ()
    assert verified(signed(TIMED, key, alg=alg, kid=None), KEYS, EXPECTED) == inside


@pytest.mark.parametrize("typ", [None, "oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "JWT"])
def test_its_type_may_be_said_or_left_out(typ: str | None):
    assert verified(signed(INSIDE, typ=typ), KEYS, EXPECTED).params


@pytest.mark.parametrize(
    ("claims", "timed"),
    [
        pytest.param(INSIDE, False, id="no times"),
        pytest.param({**INSIDE, "exp": NOW - 29}, False, id="an exp of just now"),
        pytest.param({**INSIDE, "nbf": NOW + 8}, False, id="an nbf in eight seconds"),
        pytest.param({**INSIDE, "exp": NOW + 100_000, "nbf": NOW - 100_000}, False, id="a long life"),
        pytest.param(TIMED, True, id="a short life"),
        pytest.param({**TIMED, "nbf": NOW - 3599.5, "exp": NOW + 0.5}, True, id="a life of an hour"),
        pytest.param({**TIMED, "nbf": NOW + 8}, True, id="a clock that is ahead"),
        pytest.param({**TIMED, "aud": ["https://other.example", ISSUER]}, True, id="several audiences"),
        pytest.param({**TIMED, "iat": NOW, "jti": "x", "sub": "me"}, True, id="claims that say nothing here"),
        pytest.param(without("client_id"), True, id="no client_id, for iss is the same"),
        pytest.param(without("iss"), True, id="no iss, for client_id is the same"),
        pytest.param(without("aud"), True, id="no aud, if it need not be addressed"),
        pytest.param(without("iss", "aud", "nbf", "exp"), False, id="its parameters alone"),
    ],
)
def test_it_may_say(claims: dict[str, Any], timed: bool):
    assert verified(signed(claims), KEYS, EXPECTED.__replace__(timed=timed)).params["state"] == "inside"


WRONG = {
    "no iss": (without("iss"), "iss must be the client_id"),
    "another iss": ({**TIMED, "iss": "x"}, "iss must be the client_id"),
    "no aud": (without("aud"), f"aud must be {ISSUER}"),
    "another aud": ({**TIMED, "aud": "https://other.example"}, f"aud must be {ISSUER}"),
    "an aud that begins alike": ({**TIMED, "aud": f"{ISSUER}/"}, f"aud must be {ISSUER}"),
    "other audiences": ({**TIMED, "aud": ["a", {"b": 1}]}, f"aud must be {ISSUER}"),
    "very many audiences": ({**TIMED, "aud": [ISSUER] * 21}, f"aud must be {ISSUER}"),
    "an iss that is null": ({**TIMED, "iss": None}, "iss must be the client_id"),
    "an aud that is null": ({**TIMED, "aud": None}, f"aud must be {ISSUER}"),
    "neither iss nor client_id": (without("iss", "client_id"), "client_id must be that of the request"),
    "the sub of a client assertion": ({**TIMED, "sub": CLIENT}, "sub must not be the client_id"),
    "another client_id": ({**TIMED, "client_id": "x"}, "client_id must be that of the request"),
    "no exp": (without("exp"), "must have exp"),
    "no nbf": (without("nbf"), "must have nbf"),
    "neither": (without("nbf", "exp"), "must have nbf and exp"),
    "an exp that is a text": ({**TIMED, "exp": "1800000300"}, "must have exp"),
    "an nbf that is true": ({**TIMED, "nbf": True}, "must have nbf"),
    "an exp beyond all numbers": ({**TIMED, "exp": 2**60}, "must have exp"),
    "an exp that is over": ({**TIMED, "exp": NOW - 31, "nbf": NOW - 60}, "has expired"),
    "an nbf in a minute": ({**TIMED, "nbf": NOW + 61}, "not valid yet"),
    "an nbf of long ago": ({**TIMED, "nbf": NOW - 3700, "exp": NOW - 101}, "at most 3600 seconds ago"),
    "a long life": ({**TIMED, "exp": NOW + 3601}, "at most 3600 seconds after nbf"),
    "a request inside": ({**TIMED, "request": "x"}, "must not contain request"),
    "a request_uri inside": ({**TIMED, "request_uri": "x"}, "must not contain request_uri"),
    "a parameter with a part": ({**TIMED, "max_age": 1.5}, "max_age must be"),
    "a list of numbers of resources": ({**TIMED, "resource": ["a", {}, 1.5]}, "resource must be"),
    "a list of lists": ({**TIMED, "scope": [["openid"]]}, "scope must be"),
    "many parameters": ({**TIMED, **{f"p{number}": "x" for number in range(50)}}, "more than 50 parameters"),
}


@pytest.mark.parametrize(("claims", "says"), WRONG.values(), ids=WRONG)
def test_it_is_refused_for(claims: dict[str, Any], says: str):
    assert says in refused(signed(claims), timed=True, addressed=True)


@pytest.mark.parametrize("name", sorted(WRONG.keys() - {"no iss", "no aud"}))
def test_what_it_need_not_say_is_checked_nevertheless(name: str):
    claims, says = WRONG[name]
    assert says in refused(signed(claims), timed=True)


def test_every_fault_is_named():
    told = refused(signed({"iss": "x", "exp": NOW - 100}), addressed=True)
    assert all(part in told for part in ("iss", "aud", "exp"))
    told = refused(signed(TIMED, typ="at+jwt", jku="https://evil.example"))
    assert all(part in told for part in ("typ", "jku"))


def forged(**header: Any) -> str:
    """With the header, and a signature that a registered key made for other bytes."""
    rest = signed(TIMED).partition(".")[2]
    given = json.decode(json.encode({**HEADER, **header}), type=dict[str, Any])
    return f"{as_text(json.encode(given))}.{rest}"


BAD_HEADERS = {
    "no algorithm": ("none", "alg must be"),
    "HS256": ("HS256", "alg must be"),
    "ES384": ("ES384", "alg must be"),
    "an algorithm of another key": ("RS256", "signature does not verify"),
}


@pytest.mark.parametrize(("alg", "says"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_an_algorithm_is_not_what_the_sender_says(alg: str, says: str):
    assert says in refused(forged(alg=alg, kid="rsa"))


def test_a_public_key_is_no_shared_secret():
    signing_input = f"{as_text(json.encode({'alg': 'HS256', 'kid': 'ec'}))}.{as_text(json.encode(TIMED))}"
    mac = hmac.digest(EC.as_pem(private=False), signing_input.encode(), "sha256")
    told = refused(f"{signing_input}.{as_text(mac)}")
    assert "alg must be ES256 or EdDSA or PS256 or RS256" in told


@pytest.mark.parametrize(
    "brought",
    [
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": FOREIGN.as_dict(private=False)},
        {"x5c": ["MIIB"]},
    ],
    ids=["jku", "x5u", "jwk", "x5c"],
)
def test_a_key_that_it_brings_along_is_never_used(brought: dict[str, Any]):
    head = {**HEADER, **brought}
    payload = json.encode(TIMED)
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    registry.max_header_length = 4096
    told = refused(jws.serialize_compact(head, payload, FOREIGN, algorithms=["ES256"], registry=registry))
    assert f"must not have {next(iter(brought))}" in told


def test_only_a_registered_key_verifies_it():
    assert "signature does not verify" in refused(signed(TIMED, FOREIGN))
    assert "with this kid" in refused(signed(TIMED, FOREIGN, kid="foreign"))
    assert "no key for EdDSA with this kid" in refused(signed(TIMED, OKP, alg="EdDSA", kid="ec"))
    text = signed(TIMED)
    assert "signature does not verify" in refused(text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB"))
    head, payload, signature = text.split(".")
    other = as_text(json.encode({**TIMED, "scope": "openid crm:read"}))
    assert "signature does not verify" in refused(f"{head}.{other}.{signature}")
    assert payload != other


def test_a_key_of_one_algorithm_verifies_no_other():
    only = (public_key(RSA, "rsa", alg="PS256"),)
    assert verified(signed(TIMED, RSA, alg="PS256", kid="rsa"), only, EXPECTED)
    with pytest.raises(BadRequestObject, match="no key for RS256"):
        verified(signed(TIMED, RSA, alg="RS256", kid="rsa"), only, EXPECTED)


def test_a_client_s_own_algorithm_is_the_only_one():
    assert "alg must be PS256." in refused(signed(TIMED), alg="PS256")
    assert verified(signed(TIMED, RSA, alg="RS256", kid="rsa"), KEYS, EXPECTED.__replace__(timed=True, alg="RS256"))
    told = refused(signed(TIMED, RSA, alg="RS256", kid="rsa"), timed=True)
    assert "alg must be ES256 or EdDSA or PS256." in told


DEEP = b'{"iss":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
MALFORMED = {
    "nothing": "",
    "a word": "x",
    "no signature": ".".join(signed(TIMED).split(".")[:2]),
    "an encrypted one": "a.b.c.d.e",
    "no base64": f"{as_text(b'{}')}.%%.x",
    "a list": f"{as_text(b'[]')}.{as_text(b'[]')}.x",
    "bytes that are no JSON": f"{as_text(bytes(range(256)))}.{as_text(b'{}')}.x",
    "deep JSON in the header": f"{as_text(DEEP)[:32_000]}.{as_text(b'{}')}.x",
    "deep JSON in the payload": f"{as_text(json.encode(HEADER))}.{as_text(DEEP[:20_000])}.x",
    "64 KiB": f"{as_text(json.encode(HEADER))}.{'A' * 65_536}.x",
    "a kid that is no text": forged(kid=[1]),
    "a critical extension": forged(crit=["b64"], b64=False),
    "a lone surrogate": as_text(rb'{"alg":"ES256","kid":"\ud800"}') + ".e30.x",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_refused(text: str):
    assert refused(text)
    kid_of(text)


@given(st.text(max_size=300))
def test_no_text_is_more_than_refused(text: str):
    refused(text)
    kid_of(text)


def test_a_name_that_is_there_twice_is_refused_in_words():
    body = json.encode(TIMED).decode()
    text = jws.serialize_compact(HEADER, '{"state":"outside",' + body[1:], EC, algorithms=["ES256"])
    assert "its payload has a name more than once" in refused(text)


def test_the_kid_is_known_before_the_key_is():
    assert kid_of(signed(TIMED, kid="new")) == "new"
    assert kid_of(signed(TIMED, kid=None)) is None


def test_numbers_objects_and_lists_stand_for_the_same_parameters():
    said = {
        **INSIDE,
        "max_age": 60,
        "claims": {"userinfo": {"email": None}},
        "resource": ["a", "b"],
        "acr_values": ["1", "2"],
        "prompt": ["login"],
    }
    inside = verified(signed({**said, "nonce": None, "login_hint": "", "x": True}), KEYS, EXPECTED)
    assert (inside.params["max_age"], inside.params["prompt"], inside.params["x"]) == ("60", "login", "true")
    assert inside.params["claims"] == '{"userinfo":{"email":null}}'
    assert (inside.params["resource"], inside.twice) == ("a b", ("acr_values",))
    assert not {"nonce", "login_hint"} & set(inside.params)


def test_the_example_of_openid_connect_is_verified():
    """OpenID Connect Core 1.0 section 6.1, which RFC 9101 builds on."""
    inside = verified(EXAMPLE, (public_key(EXAMPLE_KEY, "k2bdc"),), EXAMPLE_EXPECTED)
    assert inside.params["response_type"] == "code id_token"
    assert inside.params["max_age"] == "86400"
    assert json.decode(inside.params["claims"])["id_token"]["birthdate"] == {"essential": True}


EXAMPLE_EXPECTED = Expected(client_id="s6BhdRkqt3", issuer="https://server.example.com", now=NOW)
EXAMPLE_KEY = RSAKey.import_key(
    {
        "kty": "RSA",
        "e": "AQAB",
        "n": "y9Lqv4fCp6Ei-u2-ZCKq83YvbFEk6JMs_pSj76eMkddWRuWX2aBKGHAtKlE5P7_vn__PCKZWePt3vGkB6ePgzAFu08NmKemwE5bQI0e6kIChtt_6KzT5OaaXDFI6"
        "qCLJmk51Cc4VYFaxgqevMncYrzaW_50mZ1yGSFIQzLYP8bijAHGVjdEFgZaZEN9lsn_GdWLaJpHrB3ROlS50E45wxrlg9xMncVb8qDPuXZarvghLL0HzOuYRadBJVoWZow"
        "DNTpKpk2RklZ7QaBO7XDv3uR7s_sf2g-bAjSYxYUGsqkNA9b3xVW53am_UZZ3tZbFTIh557JICWKHlWj5uzeJXaw",
    }
)
EXAMPLE = (
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsyYmRjIn0.ew0KICJpc3MiOiAiczZCaGRSa3F0MyIsDQogImF1ZCI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsDQogInJl"
    "c3BvbnNlX3R5cGUiOiAiY29kZSBpZF90b2tlbiIsDQogImNsaWVudF9pZCI6ICJzNkJoZFJrcXQzIiwNCiAicmVkaXJlY3RfdXJpIjogImh0dHBzOi8vY2xpZW50LmV4YW1w"
    "bGUub3JnL2NiIiwNCiAic2NvcGUiOiAib3BlbmlkIiwNCiAic3RhdGUiOiAiYWYwaWZqc2xka2oiLA0KICJub25jZSI6ICJuLTBTNl9XekEyTWoiLA0KICJtYXhfYWdlIjog"
    "ODY0MDAsDQogImNsYWltcyI6IA0KICB7DQogICAidXNlcmluZm8iOiANCiAgICB7DQogICAgICJnaXZlbl9uYW1lIjogeyJlc3NlbnRpYWwiOiB0cnVlfSwNCiAgICAgIm5p"
    "Y2tuYW1lIjogbnVsbCwNCiAgICAgImVtYWlsIjogeyJlc3NlbnRpYWwiOiB0cnVlfSwNCiAgICAgImVtYWlsX3ZlcmlmaWVkIjogeyJlc3NlbnRpYWwiOiB0cnVlfSwNCiAg"
    "ICAgInBpY3R1cmUiOiBudWxsDQogICAgfSwNCiAgICJpZF90b2tlbiI6IA0KICAgIHsNCiAgICAgImdlbmRlciI6IG51bGwsDQogICAgICJiaXJ0aGRhdGUiOiB7ImVzc2Vu"
    "dGlhbCI6IHRydWV9LA0KICAgICAiYWNyIjogeyJ2YWx1ZXMiOiBbInVybjptYWNlOmluY29tbW9uOmlhcDpzaWx2ZXIiXX0NCiAgICB9DQogIH0NCn0.nwwnNsk1-ZkbmnvsF"
    "6zTHm8CHERFMGQPhos-EJcaH4Hh-sMgk8ePrGhw_trPYs8KQxsn6R9Emo_wHwajyFKzuMXZFSZ3p6Mb8dkxtVyjoy2GIzvuJT_u7PkY2t8QU9hjBcHs68PkgjDVTrG1uRTx0G"
    "xFbuPbj96tVuj11pTnmFCUR6IEOXKYr7iGOCRB3btfJhM0_AKQUfqKnRlrRscc8Kol-cSLWoYE9l5QqholImzjT_cMnNIznW9E7CDyWXTsO70xnB4SkG6pXfLSjLLlxmPGiyo"
    "n_-Te111V8uE83IlzCYIb_NMXvtTIVc1jpspnTSD7xMbpL-2QgwUsAlMGzw"
)


def request(claims: dict[str, Any], found: Found = FOUND, *, key: Key = EC, **outside: str) -> AuthorizationRequest:
    params = {"client_id": CLIENT, "request": signed(claims, key), **outside}
    asked = RequestParameters(params=params, twice=(), issuer=ISSUER, now=NOW, keys=KEYS)
    return checked(opened(asked, found), found)


def told(claims: dict[str, Any], found: Found = FOUND, *, key: Key = EC, **outside: str) -> dict[str, str]:
    with pytest.raises(Redirected) as caught:
        request(claims, found, key=key, **outside)
    return caught.value.redirect.params


def secured(**security: Any) -> Found:
    return FOUND.__replace__(client=FOUND.client.__replace__(security=Security(**security)))


def test_that_of_a_document_client_says_for_which_server_it_is():
    """Its client_id is the same at every server, so without aud each of them could use here what was meant for it."""
    document = Document(
        digest="0" * 64,
        about=About(),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        redirect_uris_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    found = FOUND.__replace__(client=FOUND.client.__replace__(document=document))
    assert request(TIMED, found).state == "inside"
    assert "aud must be" in told(without("aud"), found)["error_description"]
    assert request(without("aud")).state == "inside"


def test_only_what_is_inside_counts():
    found = request(
        INSIDE,
        scope="openid crm:read",
        state="outside",
        nonce="outside",
        prompt="none",
        redirect_uri="https://x.example",
    )
    assert (found.scopes, found.state, found.nonce, found.prompts) == (("openid",), "inside", None, ())
    assert found.redirect_uri == URI
    assert request({name: value for name, value in INSIDE.items() if name != "state"}, state="outside").state is None


def test_what_is_asked_for_inside_is_checked_like_any_request():
    assert told({**INSIDE, "response_type": "token"})["error"] == "unsupported_response_type"
    assert told({**INSIDE, "scope": "galaxies"})["error"] == "invalid_scope"
    assert told({**INSIDE, "scope": ["openid", "email"]})["error"] == "invalid_request"
    with pytest.raises(Shown, match="redirect_uri"):
        request({**INSIDE, "redirect_uri": "https://x.example"}, redirect_uri=URI)


def test_the_response_type_outside_is_the_one_inside():
    assert request(INSIDE, response_type="code")
    assert told(INSIDE, response_type="token") | {"error_description": ""} == {
        "error": "invalid_request",
        "error_description": "",
        "state": "inside",
        "iss": ISSUER,
    }


def test_an_error_goes_where_the_client_expects_it():
    forged_one = told(INSIDE, key=FOREIGN)
    assert (forged_one["error"], forged_one["state"]) == ("invalid_request_object", "inside")
    assert told({**INSIDE, "aud": "x"}, redirect_uri=URI, state="outside")["state"] == "outside"
    with pytest.raises(Shown):
        request({**INSIDE, "redirect_uri": "https://x.example"}, key=FOREIGN)


def test_an_error_goes_there_too_if_the_keys_cannot_be_known():
    asked = RequestParameters(
        params={"client_id": CLIENT, "request": signed(INSIDE)},
        twice=(),
        issuer=ISSUER,
        now=NOW,
        fault=BadRequestObject("Nobody answers."),
    )
    with pytest.raises(Redirected) as caught:
        checked(opened(asked, FOUND), FOUND)
    params = caught.value.redirect.params
    assert (params["error"], params["state"]) == ("invalid_request_object", "inside")


def test_what_may_be_forged_is_for_the_log():
    for claims, key, logged in ((INSIDE, FOREIGN, True), ({**INSIDE, "scope": "galaxies"}, EC, False)):
        with pytest.raises(Redirected) as caught:
            request(claims, key=key)
        assert bool(caught.value.why) == logged


def test_a_client_that_signs_its_requests_sends_no_other():
    signing = secured(require_signed_request_object=True)
    assert request(TIMED, signing).state == "inside"
    assert "nbf and exp" in told(INSIDE, signing)["error_description"]
    assert "nbf and exp" in told(INSIDE, secured(security_profile="fapi2"))["error_description"]
    plain = {name: value for name, value in INSIDE.items() if name not in ("iss", "aud")}
    for keys in (KEYS, ()):
        asked = RequestParameters(params=plain, twice=(), issuer=ISSUER, now=NOW, keys=keys)
        with pytest.raises(Redirected) as caught:
            checked(opened(asked, signing), signing)
        assert caught.value.redirect.params["error"] == "invalid_request"
        assert "requireSignedRequestObject" in caught.value.redirect.params["error_description"]


def test_a_request_object_that_comes_twice_is_refused():
    asked = RequestParameters(
        params={"client_id": CLIENT, "request": signed(INSIDE)}, twice=("request",), issuer=ISSUER, now=NOW, keys=KEYS
    )
    with pytest.raises(Redirected) as caught:
        checked(opened(asked, FOUND), FOUND)
    assert "request" in caught.value.redirect.params["error_description"]


def test_a_client_without_keys_is_told_that_none_are_taken():
    asked = RequestParameters(
        params={"client_id": CLIENT, "request": signed(INSIDE), "redirect_uri": URI}, twice=(), issuer=ISSUER, now=NOW
    )
    with pytest.raises(Redirected) as caught:
        checked(opened(asked, FOUND), FOUND)
    assert caught.value.redirect.params["error"] == "request_not_supported"
