"""Requests and responses about initial access tokens: one struct each."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from service.endpoints.client_fields import Created, Hint, Owner, Scope
from service.values.text import NAME

MOST_USES = 1000

Uses = Annotated[int, Meta(ge=1, le=MOST_USES, description="How many clients it registers.")]
MachineClients = Annotated[
    bool,
    Meta(
        description="Whether it also registers machine clients (grant `client_credentials`). Each acts as itself: its `sub` is its client_id."
    ),
]
ExpiresUtc = Annotated[datetime, Meta(tz=True, description="Until when it registers clients; null: for ever.")]


class CreateInitialAccessTokenRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request for a token with which clients register themselves (RFC 7591 section 3). You will own these clients."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=100, description="A name for people.", extra_json_schema={"pattern": NAME}),
    ]
    scopes: (
        Annotated[
            list[Scope],
            Meta(
                max_length=50,
                description="The scopes that these clients may have: only scopes that you have, and none of the management API or for "
                "introspection. Scopes about users are always allowed. If omitted: `api:public`, if you have it.",
            ),
        ]
        | None
    ) = None
    machine_clients: MachineClients = False
    uses: Uses = 1
    expires_utc: ExpiresUtc | None = None


class InitialAccessToken(Struct, frozen=True, kw_only=True, rename="camel"):
    """An initial access token, without the token itself."""

    id: str
    name: str
    hint: Hint
    owner: Owner
    scopes: list[str]
    machine_clients: MachineClients
    uses: Uses
    used: Annotated[int, Meta(description="How many clients it has registered.")]
    state: Annotated[str, Meta(extra_json_schema={"enum": ["active", "revoked"]})]
    created_utc: Created
    expires_utc: ExpiresUtc | None
    last_used_utc: (
        Annotated[datetime, Meta(tz=True, description="When it last registered a client; null if never.")] | None
    )


class CreateInitialAccessTokenResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The token is shown only here, once. Give it to whoever registers the clients."""

    id: str
    token: Annotated[
        str,
        Meta(description="⚠️ CRITICAL: shown only here, once. Store it securely immediately; only its hash is kept."),
    ]
