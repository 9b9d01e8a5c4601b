"""ID tokens (OpenID Connect Core 1.0 section 2) and logout tokens: signed for a client, and verified again as an id_token_hint."""

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
    """The subject, session and client of an ID token that this server signed. It may have expired."""

    iss: str
    sub: UUID
    aud: str
    sid: UUID | None = None


async def sign(signer: Signer, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    return await signed(signer, header(signer.kid, signer.alg, typ), json.encode(claims))


def at_hash(access_token: str) -> str:
    """Bind the access token to its ID token (section 3.1.3.6). Both signing algorithms of ID tokens use SHA-256."""
    return urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).decode()


class _Header(Struct, frozen=True, kw_only=True):
    alg: str
    kid: str
    typ: str


def read_hint(ring: KeyRing, issuer: str, text: str) -> Hint | None:
    """Verify an id_token_hint. Return None unless this server signed it as an ID token. It may have expired (section 3.1.2.1)."""
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
