"""Access tokens as signed JWTs (RFC 9068): written with the active key, read with any that may still have live tokens."""

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
    """What a token says (RFC 9068 section 2.2). Times are whole seconds since 1970."""

    iss: str
    sub: str
    aud: str
    client_id: str
    scope: str
    iat: int
    exp: int
    jti: UUID
    grant_id: UUID | UnsetType = UNSET
    """The authorization that the token came of, where a person gave one."""


class VerifiedClaims(Claims, frozen=True, kw_only=True):
    """Claims of a token that this server signed and that has not expired. Only `Tokens.verify` makes them."""

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split())

    @property
    def authorization(self) -> UUID | None:
        return None if self.grant_id is UNSET else self.grant_id


class BadToken(Exception):
    """Not a live token of ours; the text says what is wrong and repeats nothing of the token."""


async def sign(signer: Signer, claims: Claims) -> str:
    return await signed(signer, signer.header, _encode(claims))


class Tokens:
    """Verifies tokens of this issuer. A token that was found good is remembered by its hash until it expires."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._good: dict[bytes, tuple[str, VerifiedClaims]] = {}

    def verify(self, token: str, *, for_us: bool = True) -> VerifiedClaims:
        """Raises BadToken; with `for_us`, also if the token is for another resource. Whether it was revoked is another question."""
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
    """Only a header of the form that `sign` writes passes; its alg is then the key's own, so neither `none` nor HS256 is ever tried
    (RFC 8725 section 3.1).
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
