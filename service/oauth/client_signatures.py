"""JWTs that clients sign (RFC 7515): their members, and which of a client's keys signed one.

Only a registered key counts. A key that the JWT itself names or contains is never used (RFC 8725 section 3.10).
"""

from collections.abc import Sequence
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from events.client_key import PublicKey
from service.crypto.base64url import of_text
from service.oauth.client_keys import ALGORITHMS, algorithms, imported
from service.values.malformed import MALFORMED
from service.values.strict_json import NotAnObject, strict_object

LONGEST = 32_768
"""How many characters a JWT has at most. Each kind of JWT has its own limit within this one."""

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_REGISTRY.max_header_length = LONGEST


def members(segment: str, what: str) -> dict[str, Any]:
    """Return the JSON object of a segment, in which each name is once (RFC 7519 section 4). Raises NotAnObject, which begins with `what`."""
    octets = of_text(segment)
    if octets is None:
        raise NotAnObject(f"{what} is not base64url")
    try:
        return strict_object(octets)
    except NotAnObject as fault:
        raise NotAnObject(f"{what} {fault}") from fault


def keys_for(alg: str, kid: str | None, keys: Sequence[PublicKey]) -> list[PublicKey]:
    """Return the keys that may have signed: those that the `kid` names, or all if there is none, which verify this algorithm."""
    return [key for key in keys if kid in (None, key.kid, key.thumbprint) and alg in algorithms(key)]


def signer_of(text: str, keys: Sequence[PublicKey]) -> PublicKey | None:
    """Return the first of these keys with which the signature verifies."""
    return next((key for key in keys if _verifies(text, key)), None)


def is_time(value: object) -> bool:
    """Whether the value of a claim is a NumericDate (RFC 7519 section 2) of our era."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53


def _verifies(text: str, key: PublicKey) -> bool:
    try:
        jws.deserialize_compact(text, imported(key.jwk), registry=_REGISTRY)
    except (JoseError, *MALFORMED):
        return False
    return True
