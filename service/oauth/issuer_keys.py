"""The public keys of trusted issuers: given by an operator, or fetched from where the issuer publishes them."""

from collections.abc import Sequence
from functools import lru_cache

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import to_builtins

from events.trusted_issuer import Keys, KeysAt, KeysDiscovered, KeysGiven, PublicKey
from service.oauth.foreign_tokens import NotAccepted
from service.oauth.keys import Key
from service.values.malformed import MALFORMED

KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
SHORTEST_RSA = 342
"""How many characters the modulus of 2048 bits has, in base64url."""


class IssuerKeys:
    """One per process."""

    async def candidates(self, issuer: str, keys: Keys, kid: str) -> Sequence[Key]:
        """Return the keys that may have signed: those with this `kid`, or all if it is "". Raises NotAccepted."""
        match keys:
            case KeysGiven():
                named = [each for each in keys.keys if not kid or each.kid in ("", kid)]
                return [key for key in map(imported, named) if key is not None]
            case KeysAt() | KeysDiscovered():
                raise NotAccepted(f"the keys of {issuer} cannot be fetched yet")


@lru_cache(maxsize=256)
def imported(jwk: PublicKey) -> Key | None:
    """Return None for a key that cannot be used, such as an RSA key of fewer than 2048 bits (RFC 7518 section 3.3)."""
    kind = KINDS.get(jwk.kty)
    if kind is None or (kind is RSAKey and len(jwk.n) < SHORTEST_RSA):
        return None
    try:
        return kind.import_key(to_builtins(jwk))
    except (JoseError, *MALFORMED):
        return None
