"""What the ceiling program does with a client assertion and a DPoP proof: the checks of RFC 7523 section 3 and RFC 9449 section 4.3, by hand.

Each header is read once and then known by its text, as the service does. Both uses are recorded by one statement.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from msgspec import Struct, ValidationError, json

ES256 = ec.ECDSA(SHA256())
MINUTE = timedelta(minutes=1)


class Jwk(Struct):
    kty: str
    crv: str
    x: str
    y: str


class ProofHeader(Struct):
    typ: str
    alg: str
    jwk: Jwk


class AssertionClaims(Struct):
    iss: str
    sub: str
    aud: str
    jti: str
    exp: int


class ProofClaims(Struct):
    jti: str
    htm: str
    htu: str
    iat: int


class Proved(Struct, frozen=True):
    """The client, the thumbprint of its key, and the two keys under which its uses are recorded."""

    client_id: str
    jkt: str
    used: tuple[str, str]


def proved(
    form: Mapping[str, str], proof: str, clients: Mapping[str, ec.EllipticCurvePublicKey], issuer: str, url: str
) -> Proved | None:
    now = time.time()
    try:
        asserted = _asserted(form["client_assertion"], clients)
        jkt, said = _proof(proof)
    except (InvalidSignature, KeyError, ValueError, ValidationError):
        return None
    is_own = asserted.iss == asserted.sub and asserted.aud == issuer and now < asserted.exp <= now + 300
    is_for_this = said.htm == "POST" and said.htu == url and abs(said.iat - now) <= 60
    if not (is_own and is_for_this):
        return None
    digests = (
        sha256(f"{who} {jti}".encode()).hexdigest() for who, jti in ((asserted.sub, asserted.jti), (jkt, said.jti))
    )
    return Proved(asserted.sub, jkt, (f"assertion {next(digests)}", f"dpop {next(digests)}"))


def until() -> datetime:
    return datetime.now(UTC) + 5 * MINUTE


def _asserted(text: str, clients: Mapping[str, ec.EllipticCurvePublicKey]) -> AssertionClaims:
    claims = json.decode(urlsafe_b64decode(text.split(".")[1].encode()), type=AssertionClaims)
    _verify(text, clients[claims.sub])
    return claims


def _proof(text: str) -> tuple[str, ProofClaims]:
    head, payload, _ = text.split(".")
    key, jkt = _key(head)
    _verify(text, key)
    return jkt, json.decode(urlsafe_b64decode(payload.encode()), type=ProofClaims)


@lru_cache(1000)
def _key(head: str) -> tuple[ec.EllipticCurvePublicKey, str]:
    header = json.decode(urlsafe_b64decode(head.encode()), type=ProofHeader)
    if (header.typ, header.alg) != ("dpop+jwt", "ES256"):
        raise ValueError(header.typ)
    jwk = header.jwk
    x, y = (int.from_bytes(urlsafe_b64decode(each.encode())) for each in (jwk.x, jwk.y))
    named = json.encode({"crv": jwk.crv, "kty": jwk.kty, "x": jwk.x, "y": jwk.y})
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    return key, urlsafe_b64encode(sha256(named).digest()).decode()


def _verify(text: str, key: ec.EllipticCurvePublicKey) -> None:
    said, _, signature = text.rpartition(".")
    raw = urlsafe_b64decode(signature.encode())
    key.verify(encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])), said.encode(), ES256)
