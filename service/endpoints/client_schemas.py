"""Requests and responses about clients: one struct each. camelCase exists only in such structs.

A length is checked while a request is read. The rules in `extra_json_schema` are for readers of /openapi.json: the endpoint
checks them, and says in a sentence what is wrong.
"""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from events.client import USUAL_ID_TOKEN_ALG
from events.client_security import USUAL_RESPONSE_ALG
from events.ids import CLIENT_ID_PREFIX
from service.endpoints.api_grants import ApiGrants
from service.endpoints.authentication_fields import (
    CertificateBoundTokens,
    CertificateName,
    JwksUri,
    SecurityProfileName,
    TokenEndpointAuthMethod,
)
from service.endpoints.client_fields import (
    MOST_REDIRECT_URIS,
    AccessTokenAlgorithm,
    AuthorizationResponseAlgorithm,
    BackchannelLogoutUri,
    BotUserId,
    ClientScopes,
    ClientSecretText,
    Created,
    DeviceGrant,
    DisplayName,
    DpopBoundAccessTokens,
    FirstParty,
    IdTokenAlgorithm,
    IdTokenClaims,
    LastUsed,
    ListedState,
    Owner,
    PostLogoutRedirectUris,
    Public,
    RedirectUri,
    RequestObjectAlgorithm,
    RequirePkce,
    RequirePushedAuthorizationRequests,
    RequireSignedRequestObject,
    Scope,
    SecretName,
    UserinfoAlgorithm,
)
from service.endpoints.delegation_fields import IdentityAssertions, TokenExchange
from service.endpoints.document_fields import MetadataDocument, PathId
from service.endpoints.key_schemas import Jwks
from service.endpoints.request_fields import DefaultMaxAge, RequestUris, RequireAuthTime
from service.endpoints.workload_fields import WorkloadIdentities


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
        Meta(
            max_length=MOST_REDIRECT_URIS, description="Further redirect URIs, or all of them instead of `redirectUri`."
        ),
    ] = []
    scopes: (
        Annotated[
            list[Scope],
            Meta(
                max_length=50,
                description="Every scope that its tokens may have: only scopes that you have, unless you are an operator (scope "
                "`operate`), who can give any. No new scope has a comma. If omitted: `api:public`, if you have it.",
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
                description="The client's id on another server, which it keeps here. Requires the scope `operate`.",
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
                description="The client's secret on that server: 16 characters or more. Requires the scope `operate`.",
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
                description="Or the hash of that secret: bcrypt, PBKDF2 or argon2, as Hydra and Django write it, or a "
                "Keycloak credential as JSON. Once the client authenticates with the secret, only its SHA-256 is kept, unless it has "
                "fewer than 16 characters. Requires the scope `operate`.",
            ),
        ]
        | None
    ) = None
    public: Public = False
    token_endpoint_auth_method: TokenEndpointAuthMethod | None = None
    jwks: Jwks | None = None
    jwks_uri: JwksUri | None = None
    security_profile: SecurityProfileName | None = None
    tls_client_auth_subject_dn: CertificateName | None = None
    tls_client_auth_san_dns: CertificateName | None = None
    tls_client_auth_san_uri: CertificateName | None = None
    tls_client_auth_san_ip: CertificateName | None = None
    tls_client_auth_san_email: CertificateName | None = None
    tls_client_certificate_bound_access_tokens: CertificateBoundTokens = False
    require_pkce: RequirePkce | None = None
    first_party: FirstParty = False
    id_token_signed_response_alg: IdTokenAlgorithm = USUAL_ID_TOKEN_ALG
    post_logout_redirect_uris: PostLogoutRedirectUris = []
    backchannel_logout_uri: BackchannelLogoutUri | None = None
    id_token_claims: IdTokenClaims = "scopes"  # noqa: S105
    access_token_signed_response_alg: AccessTokenAlgorithm | None = None
    dpop_bound_access_tokens: DpopBoundAccessTokens = False
    require_pushed_authorization_requests: RequirePushedAuthorizationRequests = False
    require_signed_request_object: RequireSignedRequestObject = False
    request_object_signing_alg: RequestObjectAlgorithm | None = None
    authorization_signed_response_alg: AuthorizationResponseAlgorithm = USUAL_RESPONSE_ALG
    apis: ApiGrants | None = []
    userinfo_signed_response_alg: UserinfoAlgorithm | None = None
    request_uris: RequestUris = []
    default_max_age: DefaultMaxAge | None = None
    require_auth_time: RequireAuthTime = False
    device_grant: DeviceGrant = False
    workload_identities: WorkloadIdentities = []
    token_exchange: TokenExchange = []
    identity_assertions: IdentityAssertions = []


class CreateOAuthClientResponse(Struct, frozen=True, kw_only=True, rename="camel"):
    """The clientSecret is shown only here, once. Store it now. It is null for a client without one, and if you sent it yourself."""

    client_id: str
    client_secret: ClientSecretText | None


class ListedClient(Struct, frozen=True, kw_only=True, rename="camel"):
    """A client in a list, without its secrets."""

    client_id: str
    display_name: str | None
    redirect_uris: list[str]
    created_utc: Created
    bot_user_id: str | None
    owner: Owner
    state: ListedState
    scopes: ClientScopes
    last_used_utc: LastUsed | None
    oldest_secret_utc: (
        Annotated[
            datetime,
            Meta(
                tz=True,
                description="When the oldest of its live secrets was made; null if it has none, and as of a moment of the past.",
            ),
        ]
        | None
    )
    next_expiry_utc: Annotated[
        datetime | None,
        Meta(
            description="When the next of its live secrets expires; null if none does, and as of a moment of the past."
        ),
    ]
    daily_tokens: (
        Annotated[
            list[int],
            Meta(
                description="How many tokens it got on each of the last `usageDays` days (UTC), of which today is the last."
            ),
        ]
        | UnsetType
    ) = UNSET
    path_id: PathId | UnsetType = UNSET
    metadata_document: MetadataDocument | UnsetType = UNSET


class DeletedClients(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many clients were deleted."""

    deleted: Annotated[int, Meta(ge=0)]
