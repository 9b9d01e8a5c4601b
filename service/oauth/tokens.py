"""Tokens as signed JWTs: access tokens (RFC 9068), ID tokens (OpenID Connect Core 1.0 section 2) and logout tokens.

They are signed with the active key, and verified with any key that may still have unexpired tokens.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode
from msgspec import UNSET, Meta, Struct, UnsetType, json, to_builtins

from events.issuance import Confirmation
from service.configuration.settings import LEEWAY_SECONDS
from service.crypto.base64url import as_text
from service.oauth.delegation import Act, Ancestor
from service.oauth.keys import KeyRing, Verifier
from service.oauth.signing import Signer, header, signed
from service.oauth.targets import management_of
from service.values.latest import put
from service.values.malformed import MALFORMED

ID_TOKEN_SECONDS = 3600
BEARER, DPOP = "Bearer", "DPoP"
"""The types of tokens (RFC 6750 section 4, RFC 9449 section 5)."""

MOST_REMEMBERED = 4096
"""Verified tokens, of about 1 kB each. To verify one again takes 0.1 ms."""

LONGEST_HEADER = 512
"""In characters. Headers of this server have about 110."""

NOT_OURS = "This is not an access token of this server."

Shape = TypeVar("Shape", bound=Struct)

_encode = json.Encoder().encode
NOTHING: Mapping[str, Any] = {}


class Claims(Struct, frozen=True, kw_only=True):
    """The claims of an access token (RFC 9068 section 2.2). Times are whole seconds since 1970."""

    iss: str
    sub: str
    aud: str | Annotated[tuple[str, ...], Meta(min_length=2)]
    client_id: str
    scope: str
    iat: int
    exp: int
    jti: UUID
    grant_id: UUID | UnsetType = UNSET
    """The authorization from which the token was issued, if a user granted one."""

    restored: int | UnsetType = UNSET
    """How often the client had been restored; UNSET is never. A token of an earlier life of its client is inactive."""

    cnf: Confirmation | UnsetType = UNSET
    """What the token is bound to; UNSET is a bearer token."""

    act: Act | UnsetType = UNSET
    """Who acts for the subject (RFC 8693 section 4.1)."""

    ancestors: tuple[Ancestor, ...] | UnsetType = UNSET
    """The tokens that it was exchanged for, latest first. It is inactive once one of them is revoked."""

    asserted_by: UUID | UnsetType = UNSET
    """The trusted issuer that asserted its subject. It is inactive while that issuer is not trusted."""

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the key to which the token is bound (RFC 9449 section 6.1)."""
        return None if self.cnf is UNSET or self.cnf.jkt is UNSET else self.cnf.jkt

    @property
    def x5t_s256(self) -> str | None:
        """The thumbprint of the certificate to which the token is bound (RFC 8705 section 3.1)."""
        return None if self.cnf is UNSET or self.cnf.x5t_s256 is UNSET else self.cnf.x5t_s256

    @property
    def token_type(self) -> str:
        return BEARER if self.jkt is None else DPOP

    @property
    def audiences(self) -> tuple[str, ...]:
        return (self.aud,) if isinstance(self.aud, str) else self.aud

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split())

    @property
    def life(self) -> int:
        return 0 if self.restored is UNSET else self.restored

    @property
    def authorization(self) -> UUID | None:
        return None if self.grant_id is UNSET else self.grant_id


class VerifiedClaims(Claims, frozen=True, kw_only=True):
    """Claims of a token that this server signed and that has not expired. Only `Tokens.verify` makes them."""

    def __repr__(self) -> str:
        return "VerifiedClaims(…)"


class Hint(Struct, frozen=True, kw_only=True):
    """The subject, session, client and nonce of an ID token that this server signed. It may have expired."""

    iss: str
    sub: UUID
    aud: str
    sid: UUID | None = None
    nonce: str | None = None


class BadToken(Exception):
    """The token is not a valid token of this server. The text says what is wrong and quotes nothing of the token."""


def sign(signer: Signer, claims: Claims, about: Mapping[str, Any] = NOTHING) -> str:
    """`about` are claims about the user that the API wants in its tokens (RFC 9068 section 2.2.2)."""
    payload: object = {**about, **to_builtins(claims)} if about else claims
    return signed(signer, signer.header, _encode(payload))


def sign_id_token(signer: Signer, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    """Sign an ID token, or a token of another `typ` that is made in the same way."""
    return signed(signer, header(signer.kid, signer.alg, typ), json.encode(claims))


def at_hash(access_token: str) -> str:
    """Bind the access token to its ID token (section 3.1.3.6). Both signing algorithms of ID tokens use SHA-256."""
    return as_text(sha256(access_token.encode()).digest()[:16])


class Tokens:
    """Verifies tokens of this issuer. The claims of a valid token are cached under its hash; the oldest of MOST_REMEMBERED is dropped."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audiences = frozenset((audience, management_of(issuer)))
        self._good: OrderedDict[bytes, tuple[str, VerifiedClaims]] = OrderedDict()

    def verify(self, token: str, *, for_us: bool = True) -> VerifiedClaims:
        """Return the verified claims. It does not check revocation. `for_us` requires an audience of this server. Raises BadToken."""
        digest = sha256(token.encode(errors="replace")).digest()
        kid, claims = self._good.get(digest) or self._remember(digest, self._read(token))
        if claims.exp + LEEWAY_SECONDS <= time.time():
            raise BadToken("The token has expired.")
        if self._ring.verifier(kid) is None:
            raise BadToken("The key that signed the token is no longer in use.")
        if for_us and self._audiences.isdisjoint(claims.audiences):
            raise BadToken("The token is for another audience.")
        return claims

    def issued(self, token: str) -> UUID | None:
        """Return the jti of an access token that this server signed, however long ago; None for anything else."""
        try:
            return _signed_by(self._ring.any_verifier, token, _Issued)[1].jti
        except BadToken:
            return None

    def _remember(self, digest: bytes, good: tuple[str, VerifiedClaims]) -> tuple[str, VerifiedClaims]:
        put(self._good, digest, good, MOST_REMEMBERED)
        return good

    def _read(self, token: str) -> tuple[str, VerifiedClaims]:
        kid, claims = _signed_by(self._ring.verifier, token, VerifiedClaims)
        if claims.iss != self._issuer:
            raise BadToken("The token is from another issuer.")
        return kid, claims


class _Issued(Struct, frozen=True):
    jti: UUID


def _signed_by(find: Callable[[str], Verifier | None], token: str, shape: type[Shape]) -> tuple[str, Shape]:
    """Return the `kid` and the claims of a token that one of these keys signed. Raises BadToken."""
    head = _header(token.split(".", 1)[0])
    known = find(head.kid)
    if known is None or head.alg != known.alg:
        raise BadToken("The token was not signed by this server, or by a key that is no longer in use.")
    try:
        return head.kid, json.decode(_payload(token, known), type=shape)
    except (JoseError, *MALFORMED) as fault:
        raise BadToken("The token's signature or form is not that of an access token of this server.") from fault


def _payload(token: str, by: Verifier) -> bytes:
    """Return the payload of a token whose header was read, and names the algorithm of this key. Raises ValueError if the signature is wrong.

    joserfc's parser, which would read the header once more, takes a fifth as long as the signature.
    """
    signing_input, _, signature = token.encode("ascii").rpartition(b".")
    header, _, payload = signing_input.partition(b".")
    algorithm = JWSRegistry.algorithms[by.alg]
    algorithm.check_key(by.key)
    is_compact = header and payload and b"." not in payload
    if not is_compact or not algorithm.verify(signing_input, urlsafe_b64decode(signature), by.key):
        raise ValueError("not signed by this key")
    return urlsafe_b64decode(payload)


class _Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


def _header(segment: str) -> _Header:
    """Parse a header of exactly the form that `sign` writes. Its alg must be that of the key, so `none` and HS256 are never tried
    (RFC 8725 section 3.1). Raises BadToken.
    """
    if len(segment) > LONGEST_HEADER:
        raise BadToken(NOT_OURS)
    try:
        return _remembered_header(segment)
    except MALFORMED as fault:
        raise BadToken(NOT_OURS) from fault


@lru_cache(maxsize=64)
def _remembered_header(segment: str) -> _Header:
    """All access tokens that a key signs have the same header. Raises one of MALFORMED for anything else."""
    header = json.decode(_decoded(segment), type=_Header)
    if header.typ.lower() not in ("at+jwt", "application/at+jwt"):
        raise ValueError("not an access token")
    return header


def _decoded(segment: str) -> bytes:
    return urlsafe_b64decode(segment.encode("ascii"))


class _HintHeader(Struct, frozen=True, kw_only=True):
    alg: str
    kid: str
    typ: str


def read_hint(ring: KeyRing, issuer: str, text: str) -> Hint | None:
    """Verify an id_token_hint. Return None unless this server signed it as an ID token. It may have expired (section 3.1.2.1)."""
    try:
        head = json.decode(_decoded(text.split(".", 1)[0]), type=_HintHeader)
        known = ring.hint_verifier(head.kid)
        if known is None or head.typ != "JWT" or head.alg != known.alg:
            return None
        verified = jws.deserialize_compact(text, known.key, algorithms=[known.alg])
        hint = json.decode(verified.payload, type=Hint)
    except (JoseError, *MALFORMED):
        return None
    return hint if hint.iss == issuer else None
