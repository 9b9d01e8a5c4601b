"""Requests and responses about the public keys of a client: one struct each."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from service.endpoints.client_fields import Created, Expires, LastUsed, SecretName

Jwk = Annotated[
    dict[str, Any],
    Meta(
        description="A public key (RFC 7517): EC on P-256, OKP on Ed25519, or RSA of 2048 to 4096 bits. A private key is refused.",
        extra_json_schema={"required": ["kty"]},
    ),
]
Jwks = Annotated[
    dict[str, Any],
    Meta(
        description='Its public keys (RFC 7517), at most ten: `{"keys": […]}`.',
        extra_json_schema={"required": ["keys"]},
    ),
]
Kid = Annotated[
    str, Meta(description="What the client calls the key in its assertions: its own `kid`, or else the thumbprint.")
]
Thumbprint = Annotated[str, Meta(description="The SHA-256 thumbprint of the key (RFC 7638).")]
Algorithms = Annotated[list[str], Meta(description="The algorithms whose signatures the key verifies.")]


class AddKeyRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A public key, which never expires unless `expiresUtc` says so."""

    jwk: Jwk
    name: SecretName | None = None
    expires_utc: (
        Annotated[
            datetime, Meta(tz=True, description="When the key expires, in the future. If omitted, it never expires.")
        ]
        | None
    ) = None
    others_expire_utc: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description="When every other key of the client expires, in the future, unless it expires sooner: one request "
                "for a rotation. If omitted, they stay as they are.",
            ),
        ]
        | None
    ) = None


class AddKeyResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    key_id: UUID
    name: str
    kid: Kid
    thumbprint: Thumbprint
    algorithms: Algorithms
    expires_utc: Expires | None


class ClientKey(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of a client's public keys."""

    key_id: UUID
    name: str
    kid: Kid
    thumbprint: Thumbprint
    algorithms: Algorithms
    jwk: Jwk
    created_utc: Created
    expires_utc: Expires | None
    last_used_utc: LastUsed | None
