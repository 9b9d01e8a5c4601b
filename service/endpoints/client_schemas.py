"""What goes over the wire of the management API: one struct per request and per answer. camelCase exists only here.

A length is checked while a request is read. What is in `extra_json_schema` is for readers of /openapi.json: the endpoint checks
it, and says what is wrong in a sentence.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from events.client import AccessTokenAlg
from service.values.scopes import SCOPE
from service.values.text import ID, NAME

BotUserId = Annotated[
    str,
    Meta(
        max_length=450,
        description="Required bot user ID for M2M clients. Optional for interactive clients. It is the `sub` of the client's tokens.",
        extra_json_schema={"pattern": ID},
    ),
]
DisplayName = Annotated[
    str,
    Meta(
        max_length=255,
        description='Optional friendly name for this OAuth client (e.g., "Production CRM Integration").',
        extra_json_schema={"pattern": NAME},
    ),
]
RedirectUri = Annotated[
    str,
    Meta(
        max_length=2000,
        description="Redirect URI for OAuth authorization code flow. Required for interactive flows, not needed for M2M flows. "
        "Absolute and without fragment: `https`, `http` on loopback, or an app's own scheme such as `com.example.app:/callback`; "
        "a public client may have a short one such as `vscode://…`, too.",
        extra_json_schema={"format": "uri"},
    ),
]
Public = Annotated[
    bool,
    Meta(
        description="Whether it is a public client, which can keep no secret: a single-page app, a native app, an agent on a "
        "person's machine (RFC 6749 section 2.1). It gets no secret. It can never be changed."
    ),
]
RequirePkce = Annotated[
    bool,
    Meta(
        description="Whether every login needs PKCE (RFC 7636); null is as the setting MUNIMENT_REQUIRE_PKCE has it. A public "
        "client always needs it. A code that was asked for with a challenge never goes without its verifier."
    ),
]
FirstParty = Annotated[
    bool,
    Meta(
        description="Whether people are sent on without being asked for their consent, for a client of the product itself. "
        "Takes the scope `operate`. A public client with a redirect URI that is not `https` asks each time all the same."
    ),
]
IdTokenAlgorithm = Annotated[Literal["RS256", "ES256"], Meta(description="What its ID tokens are signed with.")]
AccessTokenAlgorithm = Annotated[
    AccessTokenAlg,
    Meta(
        description="What its access tokens are signed with; null is as the setting MUNIMENT_ACCESS_TOKEN_ALG has it."
    ),
]
PostLogoutRedirectUris = Annotated[
    list[RedirectUri],
    Meta(max_length=20, description="Where people may be sent after they signed out: all of them, each as it is."),
]
BackchannelLogoutUri = Annotated[
    str,
    Meta(
        max_length=2000,
        description="Where this server tells the client that a session is over (OpenID Connect Back-Channel Logout 1.0): `https`, "
        "or `http` on loopback, without fragment.",
        extra_json_schema={"format": "uri"},
    ),
]
IdTokenClaims = Annotated[
    Literal["scopes", "minimal"],
    Meta(
        description="Which claims about the person its ID tokens have: those of the `scopes` that were allowed (name, email, …), "
        "or `minimal`, which is none but those that the `claims` parameter asks for there; userinfo has them all either way."
    ),
]
Scope = Annotated[str, Meta(pattern=SCOPE, max_length=100)]
MOST_REDIRECT_URIS = 20
SecretName = Annotated[
    str,
    Meta(
        max_length=100,
        description="A name for people, such as `rotation 2026-11`.",
        extra_json_schema={"pattern": NAME},
    ),
]
ClientSecretText = Annotated[
    str, Meta(description="⚠️ CRITICAL: shown only here, once. Store it securely immediately; only its hash is kept.")
]
Owner = Annotated[str, Meta(description="The `sub` of the caller who registered it.")]
State = Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled"]})]
ClientScopes = Annotated[list[str], Meta(description="What its tokens may carry.")]
Created = Annotated[datetime, Meta(tz=True, description="When it was made.")]
LastUsed = Annotated[datetime, Meta(tz=True, description="When it last got a token; null while it never has.")]
Expires = Annotated[datetime, Meta(tz=True, description="When the secret stops working; null is never.")]
Hint = Annotated[
    str, Meta(description="The secret's last characters, to tell one from another. The secret itself is not kept.")
]


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
                extra_json_schema={"pattern": "^(?!oauth_client_)[!-.0-~]+$"},
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
    id_token_signed_response_alg: IdTokenAlgorithm = "RS256"  # noqa: S105 - it is the name of an algorithm
    post_logout_redirect_uris: PostLogoutRedirectUris = []
    backchannel_logout_uri: BackchannelLogoutUri | None = None
    id_token_claims: IdTokenClaims = "scopes"  # noqa: S105
    access_token_signed_response_alg: AccessTokenAlgorithm | None = None


class CreateOAuthClientResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The clientSecret is shown only here, once. Store it now. It is null for a public client, and where you gave it yourself."""

    client_id: str
    client_secret: ClientSecretText | None


class ChangeOAuthClientRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is left out stays as it is."""

    display_name: DisplayName | UnsetType | None = UNSET
    redirect_uris: (
        Annotated[
            list[RedirectUri],
            Meta(max_length=MOST_REDIRECT_URIS, description="All of them: those left out are removed."),
        ]
        | UnsetType
    ) = UNSET
    scopes: (
        Annotated[
            list[Scope],
            Meta(
                max_length=50,
                description="All that its tokens may carry. Only scopes that you hold; an operator gives any.",
            ),
        ]
        | UnsetType
    ) = UNSET
    access_token_signed_response_alg: AccessTokenAlgorithm | UnsetType | None = UNSET
    require_pkce: RequirePkce | UnsetType | None = UNSET
    first_party: FirstParty | UnsetType = UNSET
    id_token_signed_response_alg: IdTokenAlgorithm | UnsetType = UNSET
    post_logout_redirect_uris: PostLogoutRedirectUris | UnsetType = UNSET
    backchannel_logout_uri: BackchannelLogoutUri | UnsetType | None = UNSET
    id_token_claims: IdTokenClaims | UnsetType = UNSET


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


class OAuthClient(Struct, frozen=True, kw_only=True, rename="camel"):
    """A client as it is now. What begins with `public` is said of interactive clients alone."""

    client_id: str
    display_name: str | None
    m2m: bool
    bot_user_id: str | None
    redirect_uris: list[str]
    scopes: ClientScopes
    state: State
    disabled_by: (
        Annotated[
            Literal["owner", "operator"],
            Meta(
                description="Who disabled it, while it is disabled. Only an operator enables what an operator disabled."
            ),
        ]
        | UnsetType
    ) = UNSET
    owner: Owner
    created_utc: Created
    last_used_utc: LastUsed | None
    access_token_signed_response_alg: AccessTokenAlgorithm | None
    public: Public | UnsetType = UNSET
    require_pkce: RequirePkce | UnsetType | None = UNSET
    first_party: FirstParty | UnsetType = UNSET
    id_token_signed_response_alg: IdTokenAlgorithm | UnsetType = UNSET
    post_logout_redirect_uris: PostLogoutRedirectUris | UnsetType = UNSET
    backchannel_logout_uri: BackchannelLogoutUri | UnsetType | None = UNSET
    id_token_claims: IdTokenClaims | UnsetType = UNSET


class DeletedClients(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many clients stopped existing."""

    deleted: Annotated[int, Meta(ge=0)]
