"""Responses about consents and grants: one struct each."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

ConsentId = Annotated[
    UUID, Meta(description="The consent's stream in the log: one for each user, client and resource.")
]
GrantId = Annotated[
    UUID, Meta(description="The grant's stream in the log. Tokens issued from it name it as their authorization.")
]
UserId = Annotated[UUID, Meta(description="The `sub` of the user's tokens.")]
ClientId = Annotated[str, Meta(description="The client that was allowed.")]
Resource = Annotated[str, Meta(description="The API that the tokens are for (RFC 8707); null is the usual one.")]
Time = Annotated[datetime, Meta(tz=True)]
ConsentState = Annotated[str, Meta(extra_json_schema={"enum": ["given", "withdrawn"]})]
GrantState = Annotated[str, Meta(extra_json_schema={"enum": ["active", "revoked"]})]


class Consent(Struct, frozen=True, kw_only=True, rename="camel"):
    """The scopes that a user allowed a client, so that the user is not asked again."""

    id: ConsentId
    user_id: UserId
    client_id: ClientId
    resource: Resource | None
    scopes: list[str]
    state: ConsentState
    given_utc: Time
    withdrawn_utc: Time | None


class GrantDevice(Struct, frozen=True, kw_only=True, rename="camel"):
    """The device that asked for a grant (RFC 8628), from which the user was elsewhere."""

    address: str
    user_agent: str

    def __repr__(self) -> str:
        return "GrantDevice()"


class Grant(Struct, frozen=True, kw_only=True, rename="camel"):
    """One sign-in of a user through a client, from which tokens are issued until it is revoked.

    As of a moment of the past it does not say how it was used: `redeemedUtc`, `lastUsedUtc` and `refreshableUntilUtc` are left out.
    """

    id: GrantId
    user_id: UserId
    client_id: ClientId
    session_id: (
        Annotated[
            UUID,
            Meta(description="The session in which the user granted it; null if a trusted issuer asserted the user."),
        ]
        | None
    )
    asserted_by: (
        Annotated[
            str, Meta(description="The trusted issuer that asserted the user; left out if the user signed in here.")
        ]
        | UnsetType
    ) = UNSET
    resource: Resource | None
    scopes: list[str]
    state: GrantState
    granted_utc: Time | None
    redeemed_utc: Annotated[datetime, Meta(tz=True, description="When the code was exchanged.")] | UnsetType | None = (
        UNSET
    )
    last_used_utc: (
        Annotated[datetime, Meta(tz=True, description="When tokens were last issued.")] | UnsetType | None
    ) = UNSET
    refreshable_until_utc: (
        Annotated[datetime, Meta(tz=True, description="When its refresh token expires; null if it has none.")]
        | UnsetType
        | None
    ) = UNSET
    revoked_utc: Time | None
    why: Annotated[str, Meta(description="Why it was revoked, such as `logged_out`.")] | None
    device: (
        Annotated[
            GrantDevice,
            Meta(
                description="The device that asked for it. Only there if one did, and only a caller with the scope audit:read sees it."
            ),
        ]
        | UnsetType
    ) = UNSET
