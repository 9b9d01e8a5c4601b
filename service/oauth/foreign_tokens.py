"""Signed tokens of trusted issuers: which issuer a token names, and whether it is valid for a purpose (RFC 7519, RFC 8725).

`ForeignTokens.verify` is the whole of it: `read` parses, `whose` finds the trusted issuer, `verified` checks signature and claims.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode
from msgspec import Struct

from events.trusted_issuer import Keys, Purpose
from projections.trusted_issuers import Row
from service.oauth.foreign_claims import audiences_of, faults_of, key_of, second, trust_domain
from service.oauth.keys import Key
from service.values.malformed import MALFORMED
from service.values.strict_json import NotAnObject, strict_object

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Only asymmetric algorithms (RFC 8725 section 3.1)."""

LONGEST = 16 * 1024
"""How many characters a token may have. Those that people use have one to four thousand."""

UNUSED = ("jku", "x5u", "jwk", "x5c", "crit")
"""Header parameters that name or bring a key, or change what the signature means (RFC 8725 section 3.10)."""

TYPES: Mapping[Purpose, tuple[str, ...]] = {
    "workload": ("jwt", "jose", ""),
    "id_jag": ("oauth-id-jag+jwt",),
    "software_statement": ("jwt", "software-statement+jwt", ""),
    "subject_token": ("jwt", "at+jwt", ""),
}
"""The `typ` of each, in lower case and without `application/`; "" is no `typ` (RFC 8725 section 3.11)."""


_REGISTRIES = {alg: JWSRegistry(algorithms=[alg], strict_check_header=False) for alg in ALGORITHMS}
for _registry in _REGISTRIES.values():
    _registry.max_header_length = (
        LONGEST  # else a token with a longer header would be refused as if its signature were wrong
    )


class NotAccepted(Exception):
    """The token is not accepted. Each fault is half a sentence, and quotes nothing of the token."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Unverified(Struct, frozen=True, kw_only=True):
    """What a token says. Nothing of it is proved."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def __repr__(self) -> str:
        return "Unverified(…)"


class ForeignClaims(Struct, frozen=True, kw_only=True):
    """The claims of a token that a trusted issuer signed for a purpose, and that is valid now. Only `verified` makes them.

    `issuer` is the identifier of the trusted issuer, and `issuer_id` its stream. Times are seconds since 1970.
    """

    issuer: str
    issuer_id: UUID
    subject: str
    audiences: tuple[str, ...]
    jti: str | None
    issued_at: int | None
    expires_at: int | None
    kid: str
    jkt: str | None = None
    claims: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"ForeignClaims(issuer={self.issuer!r})"


class KeySource(Protocol):
    """Where the public keys of an issuer come from."""

    async def candidates(self, issuer: str, keys: Keys, kid: str) -> Sequence[Key]:
        """Return the keys that may have signed: those with this `kid`, or all if it is "". Raises NotAccepted."""
        ...


def read(text: str) -> Unverified:
    """Parse a compact JWS. Raises NotAccepted."""
    if len(text) > LONGEST:
        raise NotAccepted(f"it is longer than {LONGEST} characters")
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise NotAccepted("it is not a signed JWT of three parts")
    header, claims = _part(parts[0], "its header"), _part(parts[1], "its payload")
    if unused := [name for name in UNUSED if name in header]:
        raise NotAccepted(f"its header has {', '.join(unused)}, which is never used here")
    if any(not isinstance(header.get(name, ""), str) for name in ("alg", "kid", "typ")):
        raise NotAccepted("alg, kid and typ in its header must be texts")
    return Unverified(text=text, header=header, claims=claims)


async def whose(found: Unverified, registered: "Registered") -> Row:
    """Return the trusted issuer that the token names: by `iss`, or by the trust domain of a SPIFFE ID. Raises NotAccepted."""
    for name in _names(found.claims):
        row = await registered.trusted_issuer(name)
        if row is not None:
            return row
    raise NotAccepted("its issuer is not trusted here; an operator can register it as a trusted issuer")


class Registered(Protocol):
    """Where trusted issuers are found (service/lookup.py)."""

    async def trusted_issuer(self, issuer: str) -> Row | None: ...


async def verified(
    found: Unverified, row: Row, purpose: Purpose, keys: KeySource, *, issuer: str, now: float
) -> ForeignClaims:
    """Check the token for a purpose. `issuer` is this server's identifier, its audience unless the trusted issuer has others.

    Raises NotAccepted, with every fault of the claims.
    """
    if purpose not in row.trust.purposes:
        raise NotAccepted(f"its issuer is not trusted for {purpose}")
    if fault := _header_fault(found.header, row.trust.algorithms, purpose):
        raise NotAccepted(fault)
    kid, alg = found.header.get("kid", ""), found.header["alg"]
    fitting = [key for key in await keys.candidates(row.issuer, row.trust.keys, kid) if _fits(key, alg)]
    if not any(_signed(found.text, key, alg) for key in fitting):
        raise NotAccepted("its signature is of none of the keys of its issuer")
    audiences = (issuer,) if purpose == "id_jag" else row.trust.audiences or (issuer,)
    if faults := faults_of(found.claims, row.issuer, purpose, audiences, now):
        raise NotAccepted(*faults)
    claims = found.claims
    return ForeignClaims(
        issuer=row.issuer,
        issuer_id=row.stream_id,
        subject=claims.get("sub", ""),
        audiences=audiences_of(claims.get("aud")) or (),
        jti=claims.get("jti"),
        issued_at=second(claims.get("iat")),
        expires_at=second(claims.get("exp")),
        kid=kid,
        jkt=key_of(claims.get("cnf")),
        claims=claims,
    )


def _names(claims: Mapping[str, Any]) -> list[str]:
    return [name for name in (claims.get("iss"), trust_domain(claims.get("sub"))) if isinstance(name, str)]


def _part(segment: str, what: str) -> dict[str, Any]:
    try:
        return strict_object(urlsafe_b64decode(segment.encode("ascii")))
    except NotAnObject as fault:
        raise NotAccepted(f"{what} {fault}") from fault
    except MALFORMED as fault:
        raise NotAccepted(f"{what} is not base64url") from fault


def _header_fault(header: Mapping[str, Any], algorithms: Sequence[str], purpose: Purpose) -> str | None:
    if header.get("alg") not in algorithms or header["alg"] not in ALGORITHMS:
        return f"its algorithm is none of those that are accepted from its issuer: {', '.join(algorithms)}"
    typ = header.get("typ", "").lower().removeprefix("application/")
    if typ not in TYPES[purpose]:
        return f"its typ must be {' or '.join(each or 'absent' for each in TYPES[purpose])}"
    return None


def _fits(key: Key, alg: str) -> bool:
    """The type of the key decides which algorithms it verifies: a public key is never taken for a shared secret."""
    match key:
        case RSAKey():
            return alg.startswith(("RS", "PS"))
        case ECKey():
            return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}.get(key.curve_name) == alg
        case OKPKey():
            return alg == "EdDSA"


def _signed(text: str, key: Key, alg: str) -> bool:
    try:
        jws.deserialize_compact(text, key, registry=_REGISTRIES[alg])
    except (JoseError, *MALFORMED):
        return False
    return True


class ForeignTokens:
    """One per process."""

    def __init__(self, registered: Registered, keys: KeySource, issuer: str) -> None:
        self._registered, self._keys, self._issuer = registered, keys, issuer

    async def verify(self, text: str, purpose: Purpose) -> ForeignClaims:
        """Return the claims of a token that a trusted issuer signed for this purpose. Raises NotAccepted and Unavailable."""
        found = read(text)
        row = await whose(found, self._registered)
        return await verified(found, row, purpose, self._keys, issuer=self._issuer, now=time.time())
