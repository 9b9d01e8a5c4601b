"""What goes over the wire of the management API: one struct per request and per answer. camelCase exists only here."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from service.scopes import SCOPE

BotUserId = Annotated[
    str, Meta(max_length=450, description="The bot that the client acts as: the `sub` of its tokens.")
]
DisplayName = Annotated[
    str, Meta(max_length=255, description="A name for people, such as `Production CRM Integration`.")
]
RedirectUri = Annotated[
    str,
    Meta(max_length=2000, description="Absolute, without fragment; https, http on loopback, or an app's own scheme."),
]
SecretName = Annotated[str, Meta(max_length=100, description="A name for people, such as `rotation 2026-11`.")]


class CreateOAuthClientRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """Request to create a new OAuth 2.0 client for API access."""

    m2m: Annotated[bool, Meta(description="Whether this is a machine-to-machine client (client credentials).")]
    bot_user_id: BotUserId | None = None
    display_name: DisplayName | None = None
    redirect_uri: RedirectUri | None = None


class CreateOAuthClientResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The clientSecret is shown only here, once. Store it now."""

    client_id: str
    client_secret: str


class ChangeOAuthClientRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is left out stays as it is."""

    display_name: DisplayName | UnsetType | None = UNSET
    redirect_uris: Annotated[list[RedirectUri], Meta(max_length=20)] | UnsetType = UNSET
    scopes: Annotated[list[Annotated[str, Meta(pattern=SCOPE, max_length=100)]], Meta(max_length=50)] | UnsetType = (
        UNSET
    )


class ListedClient(Struct, frozen=True, kw_only=True, rename="camel"):
    client_id: str
    display_name: str | None
    redirect_uris: list[str]
    created_utc: datetime
    bot_user_id: str | None


class OAuthClient(Struct, frozen=True, kw_only=True, rename="camel"):
    client_id: str
    display_name: str | None
    m2m: bool
    bot_user_id: str | None
    redirect_uris: list[str]
    scopes: list[str]
    state: str
    owner: str
    created_utc: datetime
    last_used_utc: datetime | None


class DeletedClients(Struct, frozen=True, kw_only=True, rename="camel"):
    deleted: int


class AddSecretRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    name: SecretName | None = None
    expires_utc: (
        Annotated[datetime, Meta(tz=True, description="When the secret stops working; never, if left out.")] | None
    ) = None


class AddSecretResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The clientSecret is shown only here, once. Store it now."""

    secret_id: UUID
    client_secret: str
    name: str
    hint: str
    expires_utc: datetime | None


class ClientSecret(Struct, frozen=True, kw_only=True, rename="camel"):
    """`hint` is the secret's last characters; the secret itself is known to its owner alone."""

    secret_id: UUID
    name: str
    hint: str
    created_utc: datetime
    expires_utc: datetime | None
    last_used_utc: datetime | None


class CreateBotRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    email: Annotated[str, Meta(max_length=255, description="Unique among all bots.")]
    first_name: Annotated[str, Meta(max_length=100)] | None = None
    last_name: Annotated[str, Meta(max_length=100)] | None = None


class Bot(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    full_name: str
