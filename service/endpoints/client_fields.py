"""The fields of a client in requests to the management API, each with its rules and its description in the API reference."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from events.client import AccessTokenAlg, IdTokenAlg
from events.client_security import AuthorizationResponseAlg, RequestObjectAlg, UserinfoAlg
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
        "a public client may also have a short one such as `vscode://…`.",
        extra_json_schema={"format": "uri"},
    ),
]
Public = Annotated[
    bool,
    Meta(
        description="Whether it is a public client, which can keep no secret: a single-page app, a native app, an agent on a "
        "user's machine (RFC 6749 section 2.1). It gets no secret. This can never be changed."
    ),
]
RequirePkce = Annotated[
    bool,
    Meta(
        description="Whether every login needs PKCE (RFC 7636). If null, the setting MUNIMENT_REQUIRE_PKCE decides. A public "
        "client always needs it. A code that was requested with a challenge always needs its verifier."
    ),
]
FirstParty = Annotated[
    bool,
    Meta(
        description="Whether the client is the product's own, so that users are not asked for consent. Requires the scope "
        "`operate`. A public client with a redirect URI that is not `https` asks each time even so."
    ),
]
IdTokenAlgorithm = Annotated[IdTokenAlg, Meta(description="The algorithm that signs its ID tokens.")]
AccessTokenAlgorithm = Annotated[
    AccessTokenAlg,
    Meta(description="The algorithm that signs its access tokens. If null, MUNIMENT_ACCESS_TOKEN_ALG decides."),
]
DpopBoundAccessTokens = Annotated[
    bool,
    Meta(description="Whether each of its tokens is bound to a key that the client proves to have (DPoP, RFC 9449)."),
]
RequirePushedAuthorizationRequests = Annotated[
    bool, Meta(description="Whether its authorization requests must be pushed to the server first (PAR, RFC 9126).")
]
RequireSignedRequestObject = Annotated[
    bool,
    Meta(
        description="Whether its authorization requests must be request objects that it signed, with `nbf` and `exp` (JAR, RFC 9101)."
    ),
]
RequestObjectAlgorithm = Annotated[
    RequestObjectAlg,
    Meta(description="The only algorithm of its request objects. If null, each of these."),
]
AuthorizationResponseAlgorithm = Annotated[
    AuthorizationResponseAlg,
    Meta(description="The algorithm of its signed authorization responses (`response_mode=jwt`, JARM)."),
]
UserinfoAlgorithm = Annotated[
    UserinfoAlg,
    Meta(
        description="The algorithm of userinfo as a signed JWT. Null: userinfo is JSON (OpenID Connect Core 1.0 section 5.3.2)."
    ),
]
DeviceGrant = Annotated[
    bool,
    Meta(
        description="Whether users may sign in with it on a device that has no browser, by a code that they type elsewhere (RFC 8628). "
        "Such a client needs no redirect URI."
    ),
]
PostLogoutRedirectUris = Annotated[
    list[RedirectUri],
    Meta(max_length=20, description="Where users may be redirected after sign-out: the whole list, each URI exactly."),
]
BackchannelLogoutUri = Annotated[
    str,
    Meta(
        max_length=2000,
        description="Where this server notifies the client that a session has ended (OpenID Connect Back-Channel Logout 1.0): `https`, "
        "or `http` on loopback, without fragment.",
        extra_json_schema={"format": "uri"},
    ),
]
IdTokenClaims = Annotated[
    Literal["scopes", "minimal"],
    Meta(
        description="Which claims about the user its ID tokens have: those of the granted `scopes` (name, email, …), "
        "or `minimal`: only those that the parameter `claims` requests there. userinfo always has all of them."
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
ListedState = Annotated[str, Meta(extra_json_schema={"enum": ["active", "disabled", "deleted"]})]
ClientScopes = Annotated[list[str], Meta(description="The scopes that its tokens may have.")]
Created = Annotated[datetime, Meta(tz=True, description="When it was created.")]
LastUsed = Annotated[datetime, Meta(tz=True, description="When it last got a token; null if never.")]
Expires = Annotated[datetime, Meta(tz=True, description="When the secret expires; null if never.")]
Hint = Annotated[
    str, Meta(description="The secret's last characters, to tell secrets apart. The secret itself is not kept.")
]
