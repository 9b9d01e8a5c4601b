"""Validation of the upstream provider's ID token: its signature, issuer, audience, and the nonce of this sign-in."""

import secrets
from collections.abc import Mapping
from typing import Any, cast

from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Only asymmetric algorithms (RFC 8725 section 3.1)."""

LEEWAY_SECONDS = 60

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS)
_REGISTRY.max_header_length = 16 * 1024
"""A provider may put its chain of certificates into the header, which is longer than what joserfc reads otherwise."""


def key_set(jwks: Any) -> KeySet:
    """Import the keys that can verify signatures. A JWKS may contain other kinds of keys (RFC 7517 section 5)."""
    usable = [key for key in jwks["keys"] if key.get("kty") in ("RSA", "EC") and key.get("use") != "enc"]
    return KeySet.import_key_set({"keys": usable})


def verified(id_token: str, keys: KeySet) -> dict[str, Any]:
    """Return the claims. Only the signature is verified. Raises JoseError and ValueError."""
    return jwt.decode(id_token, keys, registry=_REGISTRY).claims


def fault_of(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float) -> str | None:
    """Return what is wrong with the claims, or None (OpenID Connect Core 1.0 section 3.1.3.7, numbers 2, 3, 4, 5, 9 and 11, and RFC 7519
    section 4.1.5).
    """
    audience: object = claims.get("aud")
    audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    expires: object = claims.get("exp")
    begins: object = claims.get("nbf", now)
    if claims.get("iss") != issuer:
        return "the ID token is of another issuer"
    if client_id not in audiences or claims.get("azp", client_id) != client_id:
        return "the ID token is for somebody else"
    if len(audiences) > 1 and "azp" not in claims:
        return "the ID token is for several, and does not say for whom it was issued"
    if not isinstance(expires, int | float) or expires + LEEWAY_SECONDS < now:
        return "the ID token has expired"
    if not isinstance(begins, int | float) or begins - LEEWAY_SECONDS > now:
        return "the ID token is not valid yet"
    if not secrets.compare_digest(str(claims.get("nonce")).encode("utf-8", "replace"), nonce.encode()):
        return "the ID token is of another sign-in"
    return None
