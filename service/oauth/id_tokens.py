"""ID tokens of this server as the subject of an exchange: still valid, and about an open session (OpenID Connect Core 1.0 section 2)."""

import time
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode
from msgspec import Struct, json

from service.oauth.keys import KeyRing
from service.oauth.tokens import BadToken
from service.values.malformed import MALFORMED


class IdTokenClaims(Struct, frozen=True, kw_only=True):
    """Claims of an ID token that this server signed and that has not expired. Only `read_id_token` makes them."""

    iss: str
    sub: UUID
    aud: str
    exp: int
    sid: UUID
    auth_time: int
    acr: str
    amr: tuple[str, ...] = ()


class _Header(Struct, frozen=True):
    alg: str
    kid: str
    typ: str


def read_id_token(ring: KeyRing, issuer: str, text: str) -> IdTokenClaims:
    """Raises BadToken."""
    try:
        head = json.decode(urlsafe_b64decode(text.split(".", 1)[0].encode("ascii")), type=_Header)
        known = ring.verifier(head.kid)
        if known is None or head.typ != "JWT" or head.alg != known.alg:
            raise BadToken("It is not an ID token of this server.")
        claims = json.decode(
            jws.deserialize_compact(text, known.key, algorithms=[known.alg]).payload, type=IdTokenClaims
        )
    except (JoseError, *MALFORMED) as fault:
        raise BadToken("It is not an ID token of this server.") from fault
    if claims.iss != issuer:
        raise BadToken("It is from another issuer.")
    if claims.exp <= time.time():
        raise BadToken("It has expired.")
    return claims
