"""JWS signatures in the three algorithms of this server: ES256 and RS256 (RFC 7518 section 3), EdDSA with Ed25519 (RFC 8037 section 3.1)."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jws import JWSRegistry
from msgspec import Struct, json

from service.crypto.base64url import encoded
from service.tracing.spans import span

ES256, RS256, EDDSA = "ES256", "RS256", "EdDSA"
ALGORITHMS = (ES256, RS256, EDDSA)

# RFC 9864 deprecates this name because it does not name the curve. All such keys here are Ed25519, and libraries know this name.
JWSRegistry.algorithms[EDDSA].security_warning = None

Sign = Callable[[bytes], bytes]

_HASHED = Prehashed(SHA256())
_ECDSA, _PKCS1 = ECDSA(_HASHED), PKCS1v15()


class Signer(Struct, frozen=True):
    """A signing key, and the encoded JOSE header of its access tokens, which is computed once for each key."""

    kid: str
    alg: str
    sign: Sign
    header: bytes


def signer(kid: str, alg: str, key: object) -> Signer:
    """`key` must be a private key for the algorithm. Raises TypeError."""
    return Signer(kid, alg, _sign(key), header(kid, alg, "at+jwt"))


@lru_cache(maxsize=64)
def header(kid: str, alg: str, typ: str) -> bytes:
    """Return the encoded JOSE header. There are few: one for each key and kind of token."""
    return encoded(json.encode({"alg": alg, "kid": kid, "typ": typ}))


def signed(by: Signer, head: bytes, payload: bytes) -> str:
    """Return the compact JWS (RFC 7515 section 7.1).

    An RS256 signature takes 0.3 ms, ten times as long as the others. A thread would not help: cryptography holds Python's lock while it
    signs, so everything else would wait as long, and the thread itself takes another 0.05 ms.
    """
    signing_input = head + b"." + encoded(payload)
    with span("sign"):
        signature = by.sign(signing_input)
    return (signing_input + b"." + encoded(signature)).decode()


def _sign(key: object) -> Sign:
    """The data is hashed by hashlib, which begins a hash sooner than cryptography does: an eighth of an ES256 signature."""
    match key:
        case EllipticCurvePrivateKey():
            return lambda data: fixed(key.sign(sha256(data).digest(), _ECDSA))
        case RSAPrivateKey():
            return lambda data: key.sign(sha256(data).digest(), _PKCS1, _HASHED)
        case Ed25519PrivateKey():
            return key.sign
        case _:
            raise TypeError(f"No algorithm here signs with a {type(key).__name__}.")


def fixed(signature: bytes) -> bytes:
    """Convert a signature by P-256, as cryptography makes it, to R and S of 32 bytes each (RFC 7518 section 3.4).

    In DER, two bytes come first, and two more before each integer. An integer may begin with a zero byte, or be shorter than 32 bytes.
    Cryptography's parser, with which a test compares this, takes three times as long.
    """
    end = 4 + signature[3]
    r, s = signature[4:end], signature[end + 2 :]
    return r[-32:].rjust(32, b"\0") + s[-32:].rjust(32, b"\0")
