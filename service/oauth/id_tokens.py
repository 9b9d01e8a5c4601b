"""ID tokens (OpenID Connect Core 1.0 section 2) and logout tokens: written for a client, and read again as a hint."""

import asyncio
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from msgspec import Struct, ValidationError, json

from service.oauth.keys import ALGORITHMS, KeyRing, Signer

LIFETIME_SECONDS = 3600
_ES256 = ECDSA(SHA256())


class Hint(Struct, frozen=True, kw_only=True):
    """Whom an ID token of ours is about, in which session, for which client. It may have expired."""

    iss: str
    sub: UUID
    aud: str
    sid: UUID | None = None


async def sign(signer: Signer, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    """The compact JWS; an RS256 signature takes 0.2 ms and so goes to a thread."""
    header = json.encode({"alg": signer.alg, "kid": signer.kid, "typ": typ})
    signing_input = urlsafe_b64encode(header) + b"." + urlsafe_b64encode(json.encode(claims))
    if isinstance(signer.key, EllipticCurvePrivateKey):
        r, s = decode_dss_signature(signer.key.sign(signing_input, _ES256))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        signature = await asyncio.to_thread(signer.key.sign, signing_input, PKCS1v15(), SHA256())
    return (signing_input + b"." + urlsafe_b64encode(signature)).decode()


def at_hash(access_token: str) -> str:
    """Binds the access token to the ID token beside it (section 3.1.3.6); both our algorithms hash with SHA-256."""
    return urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).decode()


class _Header(Struct, frozen=True, kw_only=True):
    alg: str
    kid: str
    typ: str


def read_hint(ring: KeyRing, issuer: str, text: str) -> Hint | None:
    """What an id_token_hint says; None unless we signed it, as an ID token. That it has expired is all right (section 3.1.2.1)."""
    try:
        header = json.decode(urlsafe_b64decode(text.split(".", 1)[0].encode("ascii")), type=_Header)
        key = ring.verifier(header.kid)
        if key is None or header.typ != "JWT" or header.alg not in ALGORITHMS:
            return None
        verified = jws.deserialize_compact(text, key, algorithms=[header.alg])
        hint = json.decode(verified.payload, type=Hint)
    except (JoseError, ValidationError, ValueError, TypeError):
        return None
    return hint if hint.iss == issuer else None
