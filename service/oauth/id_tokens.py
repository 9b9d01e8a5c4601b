"""ID tokens (OpenID Connect Core 1.0 section 2) and logout tokens: written for a client, and read again as a hint."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from msgspec import Struct, json

from service.oauth.keys import KeyRing
from service.oauth.signing import Signer, header, signed
from service.values.malformed import MALFORMED

LIFETIME_SECONDS = 3600


class Hint(Struct, frozen=True, kw_only=True):
    """Whom an ID token of ours is about, in which session, for which client. It may have expired."""

    iss: str
    sub: UUID
    aud: str
    sid: UUID | None = None


async def sign(signer: Signer, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    return await signed(signer, header(signer.kid, signer.alg, typ), json.encode(claims))


def at_hash(access_token: str) -> str:
    """Binds the access token to the ID token beside it (section 3.1.3.6); both algorithms of ID tokens hash with SHA-256."""
    return urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).decode()


class _Header(Struct, frozen=True, kw_only=True):
    alg: str
    kid: str
    typ: str


def read_hint(ring: KeyRing, issuer: str, text: str) -> Hint | None:
    """What an id_token_hint says; None unless we signed it, as an ID token. That it has expired is all right (section 3.1.2.1)."""
    try:
        head = json.decode(urlsafe_b64decode(text.split(".", 1)[0].encode("ascii")), type=_Header)
        known = ring.hint_verifier(head.kid)
        if known is None or head.typ != "JWT" or head.alg != known.alg:
            return None
        verified = jws.deserialize_compact(text, known.key, algorithms=[known.alg])
        hint = json.decode(verified.payload, type=Hint)
    except (JoseError, *MALFORMED):
        return None
    return hint if hint.iss == issuer else None
