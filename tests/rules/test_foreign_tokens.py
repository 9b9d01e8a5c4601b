"""Which tokens of other servers are accepted, and for what."""

import hmac
import time
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode
from msgspec import convert, json

from events.trusted_issuer import KeysAt, KeysDiscovered, KeysGiven, PublicKey, Purpose, Trust
from projections.trusted_issuers import Row
from service.endpoints.trusted_issuer_schemas import CreateTrustedIssuerRequest, jwks_faults, trust_of
from service.network.fetching import CannotFetch, Fetched
from service.oauth import foreign_tokens
from service.oauth.foreign_tokens import LONGEST, ForeignClaims, ForeignTokens, NotAccepted
from service.oauth.issuer_keys import IssuerKeys, metadata_urls
from service.values.strict_json import NotAnObject, strict_object
from tests.rules.samples import AT

US, THEM, DOMAIN = "https://muniment.example.com", "https://ci.example.com", "spiffe://example.org"
EC, RSA, ED = ECKey.generate_key("P-256"), RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")
STRANGER = ECKey.generate_key("P-256")
WEAK = PublicKey(kid="weak", kty="RSA", n="w" * 171, e="AQAB")
NOW = int(time.time())
PURPOSES: tuple[Purpose, ...] = ("workload", "id_jag", "software_statement", "subject_token")
TYP = {"workload": "JWT", "id_jag": "oauth-id-jag+jwt", "software_statement": "JWT", "subject_token": "at+jwt"}


def public(key: Any, kid: str) -> PublicKey:
    return convert({"kid": kid, **{n: v for n, v in key.as_dict(private=False).items() if n != "kid"}}, PublicKey)


KEYS = KeysGiven(keys=(public(EC, "ec"), public(RSA, "rsa"), public(ED, "ed"), WEAK))


class Web:
    """A fetcher of what is published at some URLs."""

    def __init__(self, **documents: Any) -> None:
        self.documents, self.asked = documents, list[str]()

    async def get(self, url: str, *, reach: str, accept: str, asker: str = "") -> Fetched:
        assert (reach, asker) == ("trusted", "")
        self.asked.append(url)
        if url not in self.documents:
            raise CannotFetch("it did not answer")
        body = json.encode(self.documents[url])
        return Fetched(body=body, content_type=accept, fresh_until=time.time() + 60)


class Issuers:
    def __init__(self, **given: Any) -> None:
        trust = Trust(name="CI", keys=KEYS, algorithms=("ES256", "RS256", "EdDSA"), purposes=PURPOSES)
        self.rows = {
            name: Row(
                stream_id=UUID(int=1),
                issuer=name,
                trust=trust.__replace__(**given),
                state="active",
                created_at=AT,
                version=1,
            )
            for name in (THEM, DOMAIN)
        }

    async def trusted_issuer(self, issuer: str) -> Row | None:
        return self.rows.get(issuer)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite may take minutes between the import of this module and its tests."""
    monkeypatch.setattr(foreign_tokens, "time", SimpleNamespace(time=lambda: NOW))


def claims(**given: Any) -> dict[str, Any]:
    usual = {"iss": THEM, "sub": "repo:acme/web", "aud": US, "iat": NOW, "exp": NOW + 300, "jti": "once"}
    return {name: value for name, value in {**usual, **given}.items() if value is not None}


def token(purpose: Purpose = "workload", key: Any = EC, header: dict[str, Any] | None = None, **given: Any) -> str:
    head = {"alg": "ES256", "kid": "ec", "typ": TYP[purpose], **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    registry = JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    registry.max_header_length = LONGEST
    return jws.serialize_compact(head, json.encode(claims(**given)), key, registry=registry)


async def accepted(text: str, purpose: Purpose = "workload", **trust: Any) -> ForeignClaims:
    web = Web()
    return await ForeignTokens(Issuers(**trust), IssuerKeys(web), US).verify(text, purpose)


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_a_token_of_a_trusted_issuer_is_accepted_for_its_purpose(purpose: Purpose):
    found = await accepted(token(purpose), purpose)
    assert (found.issuer, found.issuer_id, found.subject, found.jti) == (THEM, UUID(int=1), "repo:acme/web", "once")
    assert (found.audiences, found.expires_at, found.kid) == ((US,), NOW + 300, "ec")
    assert "repo" not in repr(found)


async def test_the_key_to_which_a_token_is_bound_is_to_be_proved():
    assert (await accepted(token("id_jag", cnf={"jkt": "a"}), "id_jag")).jkt == "a"
    assert (await accepted(token("id_jag"), "id_jag")).jkt is None


@pytest.mark.parametrize(("alg", "kid", "key"), [("RS256", "rsa", RSA), ("EdDSA", "ed", ED), ("ES256", None, EC)])
async def test_the_key_is_found_by_its_kid_or_tried(alg: str, kid: str | None, key: Any):
    assert await accepted(token(key=key, header={"alg": alg, "kid": kid}))


async def test_a_workload_without_iss_is_found_by_the_trust_domain_of_its_spiffe_id():
    found = await accepted(token(iss=None, sub="spiffe://example.org/ns/default/sa/web"))
    assert (found.issuer, found.subject) == (DOMAIN, "spiffe://example.org/ns/default/sa/web")


async def test_several_audiences_are_one_of_ours_and_those_of_the_issuer_are_the_operators_choice():
    assert await accepted(token(aud=["https://other.example", US]))
    assert await accepted(token(aud="sts.example"), audiences=("sts.example",))
    with pytest.raises(NotAccepted, match=r"its aud must be one of: sts\.example"):
        await accepted(token(), audiences=("sts.example",))


async def test_a_long_header_is_read_like_any_other():
    assert await accepted(token(header={"x5t#S256": "n" * 2000}))


async def test_a_software_statement_need_not_expire_nor_be_for_anybody():
    text = token("software_statement", aud=None, exp=None, sub=None, jti=None, iat=None)
    assert (await accepted(text, "software_statement")).expires_at is None


REFUSED: list[tuple[Purpose, dict[str, Any], str]] = [
    ("workload", {"iss": "https://evil.example"}, "not trusted here"),
    ("workload", {"iss": ["https://ci.example.com"]}, "not trusted here"),
    ("workload", {"sub": None}, "it has no sub"),
    ("workload", {"sub": 7}, "it has no sub"),
    ("workload", {"aud": None}, "its aud must be"),
    ("workload", {"aud": "https://other.example"}, "its aud must be one of"),
    ("workload", {"aud": {"of": US}}, "its aud must be a text or a list of texts"),
    ("workload", {"exp": None}, "it has no exp"),
    ("workload", {"exp": NOW - 61}, "it has expired"),
    ("workload", {"exp": "soon"}, "its exp must be a number"),
    ("workload", {"exp": True}, "its exp must be a number"),
    ("workload", {"exp": 1e300}, "its exp must be a number"),
    ("workload", {"iat": 253_402_300_800}, "its iat must be a number"),
    ("id_jag", {"cnf": {"x5t#S256": "a"}}, "its cnf must have jkt alone"),
    ("subject_token", {"cnf": {"jkt": "a", "kid": "b"}}, "its cnf must have jkt alone"),
    ("subject_token", {"cnf": "a"}, "its cnf must have jkt alone"),
    ("workload", {"exp": NOW + 90_000}, "seconds ahead"),
    ("workload", {"nbf": NOW + 120}, "not valid yet"),
    ("workload", {"iat": NOW + 120}, "its iat is in the future"),
    ("workload", {"jti": 7}, "its jti must be"),
    ("workload", {"jti": "j" * 257}, "its jti must be"),
    ("id_jag", {"jti": None}, "it has no jti"),
    ("id_jag", {"iat": None}, "it has no iat"),
    ("id_jag", {"exp": NOW + 700}, "its exp is more than 600 seconds ahead"),
    ("id_jag", {"aud": [US, "https://other.example"]}, f"its aud must be {US} alone"),
    ("id_jag", {"aud": f"{US}/openid/token"}, f"its aud must be {US} alone"),
    ("subject_token", {"exp": None, "aud": "x", "sub": ""}, "it has no sub; its aud must be one of: .*; it has no exp"),
]


@pytest.mark.parametrize(
    ("purpose", "given", "why"), REFUSED, ids=[f"{each[0]}: {each[2]} {number}" for number, each in enumerate(REFUSED)]
)
async def test_a_wrong_claim_is_refused_and_every_fault_is_named(purpose: Purpose, given: dict[str, Any], why: str):
    with pytest.raises(NotAccepted, match=why):
        await accepted(token(purpose, **given), purpose)


HEADERS: list[tuple[Purpose, dict[str, Any], str]] = [
    ("workload", {"typ": "at+jwt"}, "its typ must be jwt or jose or absent"),
    ("id_jag", {"typ": "JWT"}, "its typ must be oauth-id-jag[+]jwt"),
    ("id_jag", {"typ": None}, "its typ must be oauth-id-jag[+]jwt"),
    ("workload", {"kid": "another"}, "none of the keys"),
    ("workload", {"kid": "rsa"}, "none of the keys"),
    ("workload", {"jku": "https://evil.example/keys"}, "its header has jku"),
    ("workload", {"x5u": "https://evil.example/cert"}, "its header has x5u"),
    ("workload", {"jwk": EC.as_dict(private=False)}, "its header has jwk"),
    ("workload", {"x5c": ["MII"]}, "its header has x5c"),
]


@pytest.mark.parametrize(
    ("purpose", "header", "why"), HEADERS, ids=[f"{each[0]}: {each[2]} {number}" for number, each in enumerate(HEADERS)]
)
async def test_a_wrong_header_is_refused(purpose: Purpose, header: dict[str, Any], why: str):
    with pytest.raises(NotAccepted, match=why):
        await accepted(token(purpose, header=header), purpose)


def forged(header: dict[str, Any], payload: bytes | None = None, signature: bytes = b"x" * 64) -> str:
    parts = (json.encode(header), payload or json.encode(claims()), signature)
    return ".".join(urlsafe_b64encode(each).decode() for each in parts)


HEAD = {"alg": "ES256", "kid": "ec", "typ": "JWT"}


def by_secret() -> bytes:
    """The classical attack: the issuer's public key, which everybody has, as the secret of an HMAC."""
    head = json.encode({**HEAD, "alg": "HS256"})
    signed = b".".join(urlsafe_b64encode(each) for each in (head, json.encode(claims())))
    return hmac.digest(EC.as_pem(private=False), signed, "sha256")


FORGED = {
    "alg none": (forged({**HEAD, "alg": "none"}), "its algorithm is none of those"),
    "a public key as a secret": (forged({**HEAD, "alg": "HS256"}, None, by_secret()), "its algorithm is none of those"),
    "an algorithm that its issuer does not use": (
        token(key=RSA, header={"alg": "PS256", "kid": "rsa"}),
        "its algorithm is none of those",
    ),
    "a weak key": (token(key=RSA, header={"alg": "RS256", "kid": "weak"}), "none of the keys"),
    "another's signature": (token(key=STRANGER), "none of the keys"),
    "a typ that is no text": (forged({**HEAD, "typ": 7}), "must be texts"),
    "no signature": (token().rpartition(".")[0] + ".", "three parts"),
    "two parts": ("a.b", "three parts"),
    "nothing": ("", "three parts"),
    "no base64": ("é.b.c", "not base64url"),
    "64 KiB": ("a" * 65536, f"longer than {LONGEST}"),
    "no JSON": (forged(HEAD, b"{"), "its payload is not JSON"),
    "a list": (forged(HEAD, b"[]"), "its payload is not a JSON object"),
    "deep JSON": (forged(HEAD, b'{"a":' + b"[" * 17 + b"]" * 17 + b"}"), "nested more than 16 deep"),
    "very deep JSON": (forged(HEAD, b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"), "nested|not JSON"),
    "a claim twice": (forged(HEAD, b'{"iss":"a","iss":"b"}'), "a name more than once"),
    "a number that is none": (forged(HEAD, b'{"exp":NaN}'), "a number that JSON does not have"),
    "no UTF-8": (forged(HEAD, b'{"a":"\xff"}'), "its payload is not JSON"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_or_malformed_token_is_refused_in_words(name: str):
    text, why = FORGED[name]
    with pytest.raises(NotAccepted, match=why):
        await accepted(text)


async def test_an_issuer_is_trusted_for_its_purposes_alone():
    with pytest.raises(NotAccepted, match="its issuer is not trusted for id_jag"):
        await accepted(token("id_jag"), "id_jag", purposes=("workload",))


async def test_a_workload_of_one_trust_domain_is_none_of_another():
    with pytest.raises(NotAccepted, match="not trusted here"):
        await accepted(token(iss=None, sub="spiffe://other.example/web"))
    with pytest.raises(NotAccepted, match="not trusted here"):
        await accepted(token(iss=None, sub="spiffe://example.org"))


JWKS, CONFIGURATION = f"{THEM}/jwks", f"{THEM}/.well-known/openid-configuration"
PUBLISHED: Any = {"keys": [{**EC.as_dict(private=False), "kid": "ec"}]}


async def test_keys_are_fetched_from_their_url_or_from_where_the_metadata_says():
    web = Web(**{JWKS: PUBLISHED, CONFIGURATION: {"issuer": THEM, "jwks_uri": JWKS}})
    keys = IssuerKeys(web)
    for source in (KeysAt(jwks_uri=JWKS), KeysDiscovered()):
        tokens = ForeignTokens(Issuers(keys=source), keys, US)
        assert (await tokens.verify(token(), "workload")).kid == "ec"
        assert (await tokens.verify(token(), "workload")).kid == "ec"
    assert web.asked == [JWKS, CONFIGURATION]


@pytest.mark.parametrize(
    ("alg", "key", "use"),
    [
        ("ES384", ECKey.generate_key("P-384"), "sig"),
        ("ES512", ECKey.generate_key("P-521"), "jwt-svid"),
        ("RS384", RSA, "sig"),
        ("PS512", RSA, "jwt-svid"),
    ],
)
async def test_the_same_keys_are_accepted_at_a_url_as_those_that_an_operator_sends(alg: str, key: Any, use: str):
    published = {"keys": [{**key.as_dict(private=False), "kid": "k", "use": use}]}
    request = convert(
        {"issuer": THEM, "name": "x", "purposes": ["workload"], "jwks": published}, CreateTrustedIssuerRequest
    )
    assert jwks_faults(published) == []
    for source in (KeysAt(jwks_uri=JWKS), trust_of(request).keys):
        tokens = ForeignTokens(Issuers(keys=source, algorithms=(alg,)), IssuerKeys(Web(**{JWKS: published})), US)
        assert (await tokens.verify(token(key=key, header={"alg": alg, "kid": "k"}), "workload")).kid == "k"


def test_the_keys_of_a_spiffe_bundle_that_sign_certificates_are_left_out():
    authority = {**EC.as_dict(private=False), "use": "x509-svid", "x5c": ["…"]}
    bundle = {"keys": [authority, {**EC.as_dict(private=False), "kid": "k", "use": "jwt-svid"}], "spiffe_sequence": 1}
    request = convert(
        {"issuer": "spiffe://example.org", "name": "x", "purposes": ["workload"], "jwks": bundle},
        CreateTrustedIssuerRequest,
    )
    assert jwks_faults(bundle) == []
    kept = trust_of(request).keys
    assert isinstance(kept, KeysGiven)
    assert [key.kid for key in kept.keys] == ["k"]
    assert jwks_faults({"keys": [authority]}) == ["must have keys: a list of 1 to 20 public keys"]


@pytest.mark.parametrize("key", [ECKey.generate_key("secp256k1"), OKPKey.generate_key("X25519")], ids=["EC", "OKP"])
def test_keys_of_other_curves_are_refused_with_those_that_are_accepted(key: Any):
    (fault,) = jwks_faults({"keys": [key.as_dict(private=False)]})
    assert "P-384 or P-521" in fault


async def test_metadata_of_another_issuer_or_none_is_no_metadata_and_is_not_asked_for_at_once_again():
    web = Web(**{CONFIGURATION: {"issuer": "https://evil.example", "jwks_uri": JWKS}})
    tokens = ForeignTokens(Issuers(keys=KeysDiscovered()), IssuerKeys(web), US)
    for _ in range(2):
        with pytest.raises(NotAccepted, match="the metadata of its issuer does not say where its keys are"):
            await tokens.verify(token(), "workload")
    assert web.asked == [*metadata_urls(THEM)]


async def test_keys_that_cannot_be_fetched_are_a_refusal_in_words():
    web = Web()
    tokens = ForeignTokens(Issuers(keys=KeysAt(jwks_uri=JWKS)), IssuerKeys(web), US)
    with pytest.raises(NotAccepted, match="cannot be fetched: it did not answer"):
        await tokens.verify(token(), "workload")


def test_metadata_is_where_both_specifications_have_it():
    assert metadata_urls("https://idp.example/tenant/") == (
        "https://idp.example/tenant/.well-known/openid-configuration",
        "https://idp.example/.well-known/oauth-authorization-server/tenant",
    )


@pytest.mark.parametrize("body", [rb'{"a": "\ud800"}', rb'{"\udfff": 1}', rb'{"a": [{"b": "x\ud83d"}]}'])
def test_half_a_character_is_no_text(body: bytes):
    with pytest.raises(NotAnObject):
        strict_object(body)


def test_two_halves_are_a_character():
    assert strict_object(rb'{"a": "\ud83d\udd11"}') == {"a": "\U0001f511"}
