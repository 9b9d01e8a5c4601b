"""Client certificates (RFC 8705): how proxies pass them on, and what they prove."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import uuid5

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import to_builtins

from events.client_security import Security
from projections import clients
from service.crypto.base64url import as_text, of_text
from service.grants.certificate_authentication import PresentedCertificate, proof_of, unregistered_key
from service.http.asgi import is_from_proxy
from service.network.fetching import CannotFetch, Fetched
from service.oauth.certificates import (
    CLIENT_CERT,
    ESCAPED_PEM,
    LONGEST,
    XFCC,
    BadCertificate,
    is_bound_to,
    is_name,
    is_of,
    one,
    read,
)
from service.oauth.client_keys import of_public_key, parse
from service.oauth.remote_keys import AGAIN_SECONDS, RemoteKeys
from tests.rules.samples import KEYED, STREAM, key

NOW = datetime(2026, 11, 28, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
SUBJECT = x509.Name.from_rfc4514_string("CN=crm,OU=a\\,b,O=Example GmbH,C=DE")
NAMES: list[x509.GeneralName] = [
    x509.DNSName("crm.example.com"),
    x509.UniformResourceIdentifier("spiffe://example.com/crm"),
    x509.IPAddress(ip_address("192.0.2.7")),
    x509.RFC822Name("crm@example.com"),
]


def made(
    subject: x509.Name = SUBJECT, names: list[x509.GeneralName] | None = None, *, at: datetime = NOW
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder(subject, subject, KEY.public_key(), 7)
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, SHA256())


MADE = made(names=NAMES)
DER = MADE.public_bytes(Encoding.DER)
PEM = quote(MADE.public_bytes(Encoding.PEM).decode(), safe="")
BYTES = f":{b64encode(DER).decode()}:"
ENVOY = f'Hash={"ab" * 32};Cert="{PEM}";Subject="CN=crm,OU=a\\,b;\\"quoted\\"";URI=spiffe://example.com/crm'


class Web:
    """A fetcher of a key set, which counts."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys: list[dict[str, Any]] | None = list(keys)
        self.asked, self.now = 0, 1_000_000.0

    async def get(self, url: str, *, reach: str, accept: str, asker: str = "") -> Fetched:
        self.asked += 1
        if self.keys is None:
            raise CannotFetch("it did not answer")
        return Fetched(body=json.dumps({"keys": self.keys}).encode(), content_type=accept, fresh_until=self.now + 600)


def of(certificate: x509.Certificate) -> str:
    return f":{b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"


LATER = datetime.now(UTC)


def current() -> str:
    return of(made(at=LATER))


def ended() -> str:
    return of(made(at=LATER - timedelta(days=9)))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        pytest.param(CLIENT_CERT, BYTES, id="RFC 9440"),
        pytest.param(ESCAPED_PEM, PEM, id="nginx"),
        pytest.param(XFCC, ENVOY, id="Envoy"),
        pytest.param(XFCC, f'Cert="{PEM}"', id="Envoy, the certificate alone"),
    ],
)
def test_each_form_has_the_same_certificate(header, value):
    certificate = read(header, value)
    assert certificate.thumbprint == as_text(sha256(DER).digest())
    assert certificate.key == of_public_key(KEY.public_key())
    assert certificate.subject == SUBJECT


@pytest.mark.parametrize(
    ("header", "value"),
    [
        pytest.param(CLIENT_CERT, b64encode(DER).decode(), id="without colons"),
        pytest.param(CLIENT_CERT, "::", id="no bytes"),
        pytest.param(CLIENT_CERT, ":!:", id="no base64"),
        pytest.param(CLIENT_CERT, f":{b64encode(b'0' * 500).decode()}:", id="no certificate"),
        pytest.param(CLIENT_CERT, f":{b64encode(DER[:-10]).decode()}:", id="cut short"),
        pytest.param(CLIENT_CERT, "a" * (LONGEST + 1), id="too long"),
        pytest.param(ESCAPED_PEM, "(null)", id="what Apache writes for none"),
        pytest.param(ESCAPED_PEM, "%ff%fe", id="no UTF-8"),
        pytest.param(XFCC, f"{ENVOY},{ENVOY}", id="two elements, of which a stranger may have written the first"),
        pytest.param(XFCC, f'Cert="{PEM}";Cert="{PEM}"', id="two certificates"),
        pytest.param(XFCC, f'Subject="x\\";Cert=\\"{PEM}\\""', id="one that is quoted in another value"),
        pytest.param(XFCC, "Hash=ab", id="no certificate in it"),
        pytest.param(XFCC, '"' * 5_000, id="quotation marks alone"),
    ],
)
def test_what_is_no_certificate_proves_nothing(header, value):
    with pytest.raises(BadCertificate):
        read(header, value)


def test_two_headers_prove_nothing_and_none_is_no_fault():
    with pytest.raises(BadCertificate):
        one(CLIENT_CERT, [BYTES, BYTES])
    assert one(CLIENT_CERT, []) is None
    assert one(None, [BYTES]) is None


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        pytest.param({"tls_client_auth_subject_dn": "CN=crm,OU=a\\,b,O=Example GmbH,C=DE"}, True, id="the subject"),
        pytest.param(
            {"tls_client_auth_subject_dn": "CN=crm,OU=a\\2Cb,O=Example GmbH,C=DE"}, True, id="escaped otherwise"
        ),
        pytest.param(
            {"tls_client_auth_subject_dn": "C=DE,O=Example GmbH,OU=a\\,b,CN=crm"}, False, id="in another order"
        ),
        pytest.param({"tls_client_auth_subject_dn": "CN=crm,OU=a,OU=b,O=Example GmbH,C=DE"}, False, id="other parts"),
        pytest.param({"tls_client_auth_subject_dn": "CN=crm"}, False, id="a part of the subject"),
        pytest.param({"tls_client_auth_subject_dn": "nonsense"}, False, id="no name"),
        pytest.param({"tls_client_auth_san_dns": "CRM.example.com"}, True, id="a host, in any case"),
        pytest.param({"tls_client_auth_san_dns": "example.com"}, False, id="a host above"),
        pytest.param({"tls_client_auth_san_uri": "spiffe://example.com/crm"}, True, id="a URI"),
        pytest.param({"tls_client_auth_san_uri": "spiffe://example.com/CRM"}, False, id="a URI in another case"),
        pytest.param({"tls_client_auth_san_ip": "192.0.2.7"}, True, id="an address"),
        pytest.param({"tls_client_auth_san_ip": "::ffff:192.0.2.7"}, False, id="another kind of address"),
        pytest.param({"tls_client_auth_san_email": "crm@example.com"}, True, id="a mailbox"),
        pytest.param({"tls_client_auth_san_dns": "crm@example.com"}, False, id="a name of another kind"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_a_certificate_is_of_the_client_whose_name_it_has(name, matches):
    assert is_of(read(CLIENT_CERT, BYTES), Security(**name)) is matches


def test_a_certificate_without_other_names_has_its_subject():
    bare = read(CLIENT_CERT, f":{b64encode(made().public_bytes(Encoding.DER)).decode()}:")
    assert not is_of(bare, Security(tls_client_auth_san_dns="crm.example.com"))
    assert is_of(bare, Security(tls_client_auth_subject_dn="CN=crm,OU=a\\,b,O=Example GmbH,C=DE"))


@pytest.mark.parametrize(
    ("kind", "text", "is_one"),
    [
        ("subject", "CN=crm", True), ("subject", "", False), ("subject", "crm", False), ("subject", "CN=", False),
        ("dns", "crm.example.com", True), ("dns", "bücher.example", False), ("ip", "192.0.2.7", True), ("ip", "crm", False),
        ("uri", "spiffe://a/b", True), ("email", "a@example.com", True), ("email", "ü@example.com", False),
    ],
)  # fmt: skip
def test_a_name_that_no_certificate_has_is_not_registered(kind, text, is_one):
    assert is_name(kind, text) is is_one


def row(**security) -> clients.Row:
    jwk = of_public_key(KEY.public_key())
    assert jwk is not None
    own = key(1).__replace__(jwk=jwk)
    found = clients.TABLE.fold(STREAM, [KEYED.__replace__(security=Security(**security), keys=(own,))])
    assert isinstance(found, clients.Row)
    return found


def test_names_count_only_if_the_proxy_verified_them_and_keys_always():
    certificate = read(CLIENT_CERT, BYTES)
    verified, unverified = PresentedCertificate(certificate, True), PresentedCertificate(certificate, False)
    by_name = row(token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="crm.example.com")
    assert proof_of(verified, by_name, NOW) is not None
    assert proof_of(unverified, by_name, NOW) is None
    by_key = row(token_endpoint_auth_method="self_signed_tls_client_auth")
    assert proof_of(unverified, by_key, NOW) == key(1).key_id
    assert proof_of(unverified, by_key.__replace__(keys=(key(2),)), NOW) is None


def test_an_expired_certificate_proves_nothing():
    by_key = row(token_endpoint_auth_method="self_signed_tls_client_auth")
    presented = PresentedCertificate(read(CLIENT_CERT, BYTES), True)
    for days in (-2, 2):
        assert proof_of(presented, by_key, NOW + timedelta(days=days)) is None


def at_its_url(address: str = "https://crm.example.com/jwks") -> clients.Row:
    return row(token_endpoint_auth_method="self_signed_tls_client_auth", jwks_uri=address)


def asking(web: Web) -> Any:
    return SimpleNamespace(resources=SimpleNamespace(remote_keys=RemoteKeys(web, lambda: web.now)), address="192.0.2.7")


def published(kid: str = "own") -> dict[str, Any]:
    return {**to_builtins(of_public_key(KEY.public_key())), "kid": kid}


async def test_a_client_publishes_the_key_of_its_certificate():
    web, client = Web(published()), at_its_url()
    presented = PresentedCertificate(read(CLIENT_CERT, current()), False)
    assert proof_of(presented, client, LATER) is None, "registered keys do not count beside an address"
    await presented.find_key(asking(web), client)
    key_id = proof_of(presented, client, LATER)
    thumbprint = parse(published()).thumbprint
    assert (key_id, unregistered_key(presented, client)) == (uuid5(STREAM, thumbprint), thumbprint)
    for other in (at_its_url("https://crm.example.com/others"), row(token_endpoint_auth_method="tls_client_auth")):
        assert proof_of(presented, other, LATER) is None


async def test_a_key_that_is_not_published_is_looked_for_at_a_bounded_rate():
    web, client = Web(), at_its_url()
    request, presented = asking(web), PresentedCertificate(read(CLIENT_CERT, current()), True)
    for _ in range(3):
        await presented.find_key(request, client)
        assert (proof_of(presented, client, LATER), presented.fault) == (None, "wrong_certificate")
    assert web.asked == 1
    web.keys, web.now = [published()], web.now + AGAIN_SECONDS
    await presented.find_key(request, client)
    assert proof_of(presented, client, LATER) is not None
    assert web.asked == 2


async def test_a_url_that_answers_nothing_is_said_to_be_why():
    web = Web()
    web.keys = None
    presented = PresentedCertificate(read(CLIENT_CERT, current()), True)
    await presented.find_key(asking(web), at_its_url())
    assert (presented.published, presented.fault) == (None, "keys_not_fetched")


async def test_no_url_is_fetched_for_a_certificate_that_has_ended_or_for_registered_keys():
    web = Web(published())
    await PresentedCertificate(read(CLIENT_CERT, ended()), True).find_key(asking(web), at_its_url())
    by_key = row(token_endpoint_auth_method="self_signed_tls_client_auth")
    await PresentedCertificate(read(CLIENT_CERT, current()), True).find_key(asking(web), by_key)
    assert web.asked == 0


def test_the_thumbprint_of_the_vector_binds():
    """RFC 8705 appendix A: the certificate of the example, and its x5t#S256."""
    der = (
        "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG"
        "SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ_Au08_coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQ"
        "AwRgIhAP0RC1E-vwJD_D1AGHGzuri-hlV_PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L-SY"
    )
    decoded = of_text(der)
    assert decoded is not None
    certificate = read(CLIENT_CERT, f":{b64encode(decoded).decode()}:")
    assert certificate.thumbprint == "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
    assert is_bound_to("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0", certificate)
    assert not is_bound_to("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v1", certificate)
    assert not is_bound_to("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0", None)


@pytest.mark.parametrize(
    ("client", "trusted"),
    [
        pytest.param(("10.1.2.3", 40000), True, id="the proxy itself"),
        pytest.param(("203.0.113.9", 0), True, id="an address that uvicorn took from a trusted proxy"),
        pytest.param(("203.0.113.9", 40000), False, id="a stranger"),
        pytest.param(("unix", 40000), False, id="no address"),
        pytest.param(None, False, id="nobody"),
    ],
)
def test_only_a_trusted_proxy_says_which_certificate_a_client_has(client, trusted):
    assert is_from_proxy({"client": client}, "10.0.0.0/8, 2001:db8::/32") is trusted
