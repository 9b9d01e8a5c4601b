"""Requests and responses about secrets: one struct each."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from service.endpoints.client_fields import ClientSecretText, Created, Expires, Hint, LastUsed, SecretName


class AddSecretRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Every field is optional: `{}` adds a secret that never expires."""

    name: SecretName | None = None
    expires_utc: (
        Annotated[
            datetime,
            Meta(tz=True, description="When the secret expires, in the future. If omitted, it never expires."),
        ]
        | None
    ) = None
    others_expire_utc: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description="When every other secret of the client expires, in the future, unless it expires sooner: one request "
                "for a rotation. If omitted, they stay as they are.",
            ),
        ]
        | None
    ) = None


class AddSecretResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The clientSecret is shown only here, once. Store it now."""

    secret_id: UUID
    client_secret: ClientSecretText
    name: str
    hint: Hint
    expires_utc: Expires | None


class ClientSecret(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of a client's secrets, without the secret itself."""

    secret_id: UUID
    name: str
    hint: Hint
    created_utc: Created
    expires_utc: Expires | None
    last_used_utc: LastUsed | None
