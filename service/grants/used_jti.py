"""The JWTs that are good for one use, by their `jti` (RFC 7519 section 4.1.7)."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

from service.limits import Limits
from service.oauth.foreign_claims import LEEWAY_SECONDS
from service.oauth.foreign_tokens import ForeignClaims

Kind = Literal["assertion", "workload"]


async def use_up(limits: Limits, kind: Kind, owner: str | UUID, jti: str, until: float) -> bool:
    """Use the JWT up, for all processes. Return False if it was used before.

    A jti belongs to its owner, the client or the trusted issuer that made it. `until`, in seconds since 1970, is when it is worthless.
    Raises Unavailable.
    """
    digest = sha256(f"{owner} {jti}".encode()).hexdigest()
    return await limits.once(f"{kind} {digest}", datetime.fromtimestamp(until, UTC))


async def use_up_foreign(limits: Limits, kind: Kind, claims: ForeignClaims) -> bool:
    """Use up a trusted issuer's token that has a jti and exp, as `use_up` does."""
    assert claims.jti is not None
    assert claims.expires_at is not None
    return await use_up(limits, kind, claims.issuer_id, claims.jti, claims.expires_at + 2 * LEEWAY_SECONDS)
