"""What goes over the wire of the management API: one struct per request and per answer. camelCase exists only here.

A length is checked while a request is read. What is in `extra_json_schema` is for readers of /openapi.json: the endpoint checks
it, and says what is wrong in a sentence.
"""

from typing import Annotated

from msgspec import Meta, Struct

from events.client import USUAL_ID_TOKEN_ALG
from events.ids import CLIENT_ID_PREFIX
from service.endpoints.client_fields import (
    MOST_REDIRECT_URIS,
    AccessTokenAlgorithm,
    BackchannelLogoutUri,
    BotUserId,
    ClientScopes,
    ClientSecretText,
    Created,
    DisplayName,
    FirstParty,
    IdTokenAlgorithm,
    IdTokenClaims,
    LastUsed,
    Owner,
    PostLogoutRedirectUris,
    Public,
    RedirectUri,
    RequirePkce,
    Scope,
    SecretName,
    State,
)


class CreateOAuthClientRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Request to create a new OAuth 2.0 client for API access."""

    m2m: Annotated[
        bool,
        Meta(description="Whether this is a machine-to-machine (M2M) client using client credentials flow."),
    ]
    bot_user_id: BotUserId | None = None
    display_name: DisplayName | None = None
    redirect_uri: RedirectUri | None = None
    redirect_uris: Annotated[
        list[RedirectUri],
        Meta(max_length=MOST_REDIRECT_URIS, description="More than one, or instead of `redirectUri`."),
    ] = []
    scopes: (
        Annotated[
            list[Scope],
            Meta(
                max_length=50,
                description="All that its tokens may carry: only scopes that you hold, unless you are an operator (scope "
                "`operate`), who gives any. If left out: `api:public`, where you hold it.",
            ),
        ]
        | None
    ) = None
    secret_name: SecretName | None = None
    client_id: (
        Annotated[
            str,
            Meta(
                max_length=255,
                description="The id that the client has on another server, to keep it. Takes the scope `operate`.",
                extra_json_schema={"pattern": f"^(?!{CLIENT_ID_PREFIX})[!-.0-~]+$"},
            ),
        ]
        | None
    ) = None
    client_secret: (
        Annotated[
            str,
            Meta(
                max_length=255,
                description="Its secret there, to keep it: 16 characters or more. Takes the scope `operate`.",
                extra_json_schema={"pattern": "^[ -~]{16,}$"},
            ),
        ]
        | None
    ) = None
    client_secret_hash: (
        Annotated[
            str,
            Meta(
                max_length=2048,
                description="Or the hash of it that is kept there: bcrypt, PBKDF2 or argon2, as Hydra and Django write it, or a "
                "credential of Keycloak's as JSON. Once the client proves the secret, only its SHA-256 is kept, unless it has fewer "
                "than 16 characters. Takes the scope `operate`.",
            ),
        ]
        | None
    ) = None
    public: Public = False
    require_pkce: RequirePkce | None = None
    first_party: FirstParty = False
    id_token_signed_response_alg: IdTokenAlgorithm = USUAL_ID_TOKEN_ALG
    post_logout_redirect_uris: PostLogoutRedirectUris = []
    backchannel_logout_uri: BackchannelLogoutUri | None = None
    id_token_claims: IdTokenClaims = "scopes"  # noqa: S105
    access_token_signed_response_alg: AccessTokenAlgorithm | None = None


class CreateOAuthClientResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The clientSecret is shown only here, once. Store it now. It is null for a public client, and where you gave it yourself."""

    client_id: str
    client_secret: ClientSecretText | None


class ListedClient(Struct, frozen=True, kw_only=True, rename="camel"):
    """A client in a list. No secret is in it."""

    client_id: str
    display_name: str | None
    redirect_uris: list[str]
    created_utc: Created
    bot_user_id: str | None
    owner: Owner
    state: State
    scopes: ClientScopes
    last_used_utc: LastUsed | None


class DeletedClients(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many clients stopped existing."""

    deleted: Annotated[int, Meta(ge=0)]
