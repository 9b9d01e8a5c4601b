"""A client that signs DPoP proofs, as any other that knows RFC 9449."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from msgspec import json

from service.oauth.dpop import ath

ANY_HEADER = JWSRegistry(algorithms=list(JWSRegistry.algorithms), strict_check_header=False)
ANY_HEADER.max_header_length = 8192
KEY = ECKey.generate_key("P-256")


def proof(
    method: str,
    url: str,
    *,
    key: ECKey | OKPKey | RSAKey = KEY,
    alg: str = "ES256",
    token: str | None = None,
    header: Mapping[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A proof for the request. A claim or a part of the header that is None is left out."""
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False), **(header or {})}
    body = {"jti": str(uuid4()), "htm": method, "htu": url, "iat": int(time.time()), **claims}
    if token is not None:
        body.setdefault("ath", ath(token))
    return signed(_there(head), _there(body), key)


def signed(header: dict[str, Any], claims: dict[str, Any], key: ECKey | OKPKey | RSAKey) -> str:
    return jws.serialize_compact(header, json.encode(claims), key, registry=ANY_HEADER)


def _there(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
