"""DPoP proofs (RFC 9449 section 4.3): a JWT that a client signs for one request, with the key to which its tokens are bound.

A proof names its own public key, so it proves nothing but possession of that key. Nothing else in its header is trusted.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeGuard

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import (
    JWSAlgModel,  # pyright: ignore[reportPrivateImportUsage] - it documents the class there
    JWSRegistry,
)
from msgspec import Struct, convert

from events.signing_key import PublicJwk
from service.crypto.base64url import as_text, of_text
from service.oauth import client_keys
from service.oauth.client_keys import FEWEST_BITS, LARGEST_EXPONENT, MOST_BITS
from service.oauth.client_signatures import algorithm, members, verifies
from service.oauth.errors import InvalidProof
from service.oauth.keys import Key
from service.oauth.signing import EDDSA, ES256
from service.oauth.target_uri import normalized
from service.values.malformed import MALFORMED
from service.values.strict_json import NotAnObject

ALGORITHMS = (ES256, EDDSA, "Ed25519", "PS256")
"""Those that FAPI 2.0 section 5.4.1 allows; Ed25519 is the name that RFC 9864 gives to EdDSA with such a key."""

TYP = "dpop+jwt"
PRIVATE = frozenset({*client_keys.PRIVATE, "k"})
SECONDS = 60
"""How far `iat` may be from our clock."""

MOST_CHARACTERS, MOST_OF_A_CLAIM = 8192, 2048
MOST_KEYS = 1000
"""How many are kept. One takes 3 KB usually, and 12 KB with the longest header, so these take 12 MB at most."""

NO_JWT = (
    f"The DPoP header is not one signed JWT of at most {MOST_CHARACTERS} characters, whose header and payload are JSON objects. Send a new"
    " proof with each request (RFC 9449 section 4.2)."
)
NONE = "Send a DPoP proof, by the key to which the token is bound, in the header DPoP."
TWICE = "There is more than one DPoP header. Send one proof."

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_REGISTRY.max_header_length = MOST_CHARACTERS


class ProvedRequest(Struct, frozen=True, kw_only=True):
    """What a proof must be for: the method and the URL of the request, and the access token that is sent with it, if one is."""

    method: str
    url: str
    token: str | None = None


class Proof(Struct, frozen=True, kw_only=True):
    """A valid proof. `jkt` is the thumbprint of its key (RFC 7638). Whether it was used before is not known yet, nor is its nonce ours."""

    jkt: str
    jti: str
    iat: int
    nonce: str | None

    @property
    def used_as(self) -> str:
        """The key under which its use is recorded. A jti belongs to its key, so that one client cannot use up another's."""
        return "dpop " + as_text(sha256(f"{self.jkt} {self.jti}".encode(errors="surrogatepass")).digest())


def read(text: str, request: ProvedRequest, now: float) -> Proof:
    """Return the proof. Raises InvalidProof, which names every fault of the header, or every fault of the claims."""
    header, payload = _segments(text)
    prover = _prover(header)
    if not verifies(text, prover.alg, prover.key, _REGISTRY):
        raise InvalidProof("The signature of the DPoP proof does not verify with the jwk in its header.")
    claims = _members(payload, "Its payload")
    _refuse(_faults_of_claims(claims, request, now))
    nonce = claims.get("nonce")
    return Proof(jkt=prover.jkt, jti=claims["jti"], iat=int(claims["iat"]), nonce=nonce)


def ath(token: str) -> str:
    """The hash of an access token that a proof for it has (RFC 9449 section 4.2)."""
    return as_text(sha256(token.encode(errors="replace")).digest())


def _segments(text: str) -> tuple[str, str]:
    segments = text.split(".") if len(text) <= MOST_CHARACTERS else []
    if len(segments) != 3:
        raise InvalidProof(NO_JWT)
    return segments[0], segments[1]


def _members(segment: str, what: str) -> dict[str, Any]:
    if "=" in segment:
        raise InvalidProof(NO_JWT)
    try:
        return members(segment, what)
    except NotAnObject as fault:
        raise InvalidProof(f"{NO_JWT} {fault}.") from fault


def _refuse(faults: Iterator[str]) -> None:
    found = " ".join(faults)
    if found:
        raise InvalidProof(f"The DPoP proof is not valid. {found}")


class Prover(Struct, frozen=True):
    """What a valid header says: its algorithm, its key, and the thumbprint of the key."""

    alg: JWSAlgModel | None
    key: Key
    jkt: str


@lru_cache(maxsize=MOST_KEYS)
def _prover(segment: str) -> Prover:
    """Return what a header says. A client sends the same one with each proof, and its key takes longer to import than to look up."""
    header = _members(segment, "Its header")
    _refuse(_faults_of_header(header))
    key = _key(header)
    return Prover(algorithm(header, _REGISTRY), key, key.thumbprint())


def _key(header: Mapping[str, Any]) -> Key:
    try:
        return _imported(header["alg"], convert(header["jwk"], PublicJwk))
    except (JoseError, *MALFORMED) as fault:
        raise InvalidProof(
            "The jwk of the DPoP proof is not a public key for its alg: P-256 for ES256, Ed25519 for EdDSA, RSA of"
            f" {FEWEST_BITS} to {MOST_BITS} bits for PS256."
        ) from fault


def _faults_of_header(header: dict[str, Any]) -> Iterator[str]:
    alg, jwk = header.get("alg"), header.get("jwk")
    if header.get("typ") != TYP:
        yield f"Its typ must be {TYP}."
    if alg not in ALGORITHMS:
        yield f"Its alg must be one of: {', '.join(ALGORITHMS)}."
    if "crit" in header:
        yield "Its header must not have crit."
    if not isinstance(jwk, dict):
        yield "Its header must have the public key as jwk."
    elif not PRIVATE.isdisjoint(header["jwk"]):
        yield "Its jwk has a private part, which nobody may see: make a new key, and send the public part only."


def _imported(alg: str, jwk: PublicJwk) -> Key:
    """Import a key of the kind that the algorithm needs, and of a size that is safe and quickly verified. Raises ValueError and others."""
    match alg, jwk.kty, jwk.crv:
        case "ES256", "EC", "P-256":
            return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": _of_bytes(jwk.x, 32), "y": _of_bytes(jwk.y, 32)})
        case "EdDSA" | "Ed25519", "OKP", "Ed25519":
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _of_bytes(jwk.x, 32)})
        case "PS256", "RSA", _:
            _check_size(jwk)
            return RSAKey.import_key({"kty": "RSA", "n": jwk.n, "e": jwk.e})
        case _:
            raise ValueError(alg)


def _check_size(jwk: PublicJwk) -> None:
    modulus, exponent = (int.from_bytes(of_text(text) or b"") for text in (jwk.n, jwk.e))
    if not (FEWEST_BITS <= modulus.bit_length() <= MOST_BITS and exponent < LARGEST_EXPONENT):
        raise ValueError(modulus.bit_length())


def _of_bytes(text: str, length: int) -> str:
    """Return the text if it is so many bytes in base64url: else the thumbprint of the same key could be another one."""
    decoded = of_text(text)
    if decoded is None or len(decoded) != length or as_text(decoded) != text:
        raise ValueError(length)
    return text


def _faults_of_claims(claims: dict[str, Any], request: ProvedRequest, now: float) -> Iterator[str]:
    jti, url = claims.get("jti"), claims.get("htu")
    if not _is_text(jti):
        yield f"Its jti must be a text of 1 to {MOST_OF_A_CLAIM} characters, new in each proof."
    if claims.get("htm") != request.method:
        yield f"Its htm must be {request.method}."
    if not _is_text(url) or normalized(url) != normalized(request.url):
        yield f"Its htu must be {request.url}."
    if not _is_about(claims.get("iat"), now):
        yield f"Its iat must be the time of the request, in seconds since 1970, within {SECONDS} s of the server's clock."
    if not _is_before(claims.get("nbf", 0), now + SECONDS) or not _is_before(now - SECONDS, claims.get("exp", now)):
        yield "Its nbf, if it has one, must have passed, and its exp must not."
    if request.token is not None and claims.get("ath") != ath(request.token):
        yield "Its ath must be the SHA-256 of the access token, in base64url."
    if "nonce" in claims and not _is_text(claims["nonce"]):
        yield "Its nonce, if it has one, must be the value of the last DPoP-Nonce header."


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MOST_OF_A_CLAIM


def _is_about(value: object, now: float) -> bool:
    return _is_before(value, now + SECONDS) and _is_before(now - SECONDS, value)


def _is_before(first: object, last: object) -> bool:
    """Whether both are numbers, in this order. A number of JSON may be of any size, and true is none."""
    numbers = [value for value in (first, last) if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(numbers) == 2 and numbers[0] <= numbers[1]


def one(headers: Sequence[str]) -> str:
    """Return the only DPoP header of a request. Raises InvalidProof."""
    if len(headers) != 1:
        raise InvalidProof(TWICE if headers else NONE)
    return headers[0]
