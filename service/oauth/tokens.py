"""Access tokens as signed JWTs (RFC 9068): signed with the active key, verified with any key that may still have unexpired tokens."""

import time
from hashlib import sha256
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode
from msgspec import UNSET, Struct, UnsetType, convert, json

from service.oauth.keys import KeyRing
from service.oauth.signing import Signer, signed
from service.values.malformed import MALFORMED

LEEWAY_SECONDS = 5
MOST_REMEMBERED = 10_000

_encode = json.Encoder().encode


class Claims(Struct, frozen=True, kw_only=True):
    """The claims of an access token (RFC 9068 section 2.2). Times are whole seconds since 1970."""

    iss: str
    sub: str
    aud: str
    client_id: str
    scope: str
    iat: int
    exp: int
    jti: UUID
    grant_id: UUID | UnsetType = UNSET
    """The authorization from which the token was issued, if a user granted one."""


class VerifiedClaims(Claims, frozen=True, kw_only=True):
    """Claims of a token that this server signed and that has not expired. Only `Tokens.verify` makes them."""

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split())

    @property
    def authorization(self) -> UUID | None:
        return None if self.grant_id is UNSET else self.grant_id


class BadToken(Exception):
    """The token is not a valid token of this server. The text says what is wrong and quotes nothing of the token."""


async def sign(signer: Signer, claims: Claims) -> str:
    return await signed(signer, signer.header, _encode(claims))


class Tokens:
    """Verifies tokens of this issuer. The claims of a valid token are cached under its hash; the oldest of MOST_REMEMBERED is dropped."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._good: dict[bytes, tuple[str, VerifiedClaims]] = {}

    def verify(self, token: str, *, for_us: bool = True) -> VerifiedClaims:
        """Return the verified claims. It does not check revocation. `for_us` requires the audience of this server. Raises BadToken."""
        digest = sha256(token.encode(errors="replace")).digest()
        kid, claims = self._good.get(digest) or self._remember(digest, self._read(token))
        if claims.exp + LEEWAY_SECONDS <= time.time():
            raise BadToken("The token has expired.")
        if self._ring.verifier(kid) is None:
            raise BadToken("The key that signed the token is no longer in use.")
        if for_us and claims.aud != self._audience:
            raise BadToken("The token is for another audience.")
        return claims

    def _remember(self, digest: bytes, good: tuple[str, VerifiedClaims]) -> tuple[str, VerifiedClaims]:
        if len(self._good) >= MOST_REMEMBERED:
            self._good.pop(next(iter(self._good)))
        self._good[digest] = good
        return good

    def _read(self, token: str) -> tuple[str, VerifiedClaims]:
        head = _header(token)
        known = self._ring.verifier(head.kid)
        if known is None or head.alg != known.alg:
            raise BadToken("The token was not signed by this server, or by a key that is no longer in use.")
        try:
            claims = convert(jwt.decode(token, known.key, algorithms=[known.alg]).claims, VerifiedClaims)
        except (JoseError, *MALFORMED) as fault:
            raise BadToken("The token's signature or form is not that of an access token of this server.") from fault
        if claims.iss != self._issuer:
            raise BadToken("The token is from another issuer.")
        return head.kid, claims


class _Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


def _header(token: str) -> _Header:
    """Parse a header of exactly the form that `sign` writes. Its alg must be that of the key, so `none` and HS256 are never tried
    (RFC 8725 section 3.1). Raises BadToken.
    """
    try:
        header = json.decode(_decoded(token.split(".", 1)[0]), type=_Header)
    except MALFORMED as fault:
        raise BadToken("This is not an access token of this server.") from fault
    if header.typ.lower() not in ("at+jwt", "application/at+jwt"):
        raise BadToken("This is not an access token of this server.")
    return header


def _decoded(segment: str) -> bytes:
    return urlsafe_b64decode(segment.encode("ascii"))
