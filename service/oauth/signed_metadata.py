"""Signed metadata: the values of a metadata document as the claims of a JWT (RFC 8414 section 2.1, RFC 9728 section 2.2)."""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from service.oauth.signing import Signer, header, signed

OF_SERVER, OF_RESOURCE = "oauth-authorization-server+jwt", "oauth-protected-resource+jwt"
"""The `typ` of each kind. No RFC names one; with its own, the JWT is never taken for a token (RFC 8725 section 3.11)."""


class SignedMetadata:
    """One per process. It signs a document once with each key, because the document follows from the settings alone."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._signed: dict[bytes, tuple[str, str]] = {}

    def of(self, document: Mapping[str, Any], typ: str, signer: Signer, now: float) -> str:
        """Return the JWT of a document, which is signed anew only if another key signs than before."""
        values = json.encode(document)
        kid, made = self._signed.get(values, ("", ""))
        if kid == signer.kid:
            return made
        claims = {**document, "iss": self._issuer, "iat": int(now)}
        made = signed(signer, header(signer.kid, signer.alg, typ), json.encode(claims))
        self._signed[values] = (signer.kid, made)
        return made
