"""The fields of a client in requests to the management API, each with its rules and what the reference says of it."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from events.client import AccessTokenAlg, IdTokenAlg
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
IdTokenAlgorithm = Annotated[IdTokenAlg, Meta(description="What its ID tokens are signed with.")]
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
