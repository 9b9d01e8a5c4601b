"""The settings of a client in the management API: each one's field in requests, its field in responses, and its way in between.

A new setting is added here to the request, to the response, and to each of the two functions at the end.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from events.client import Login
from projections.clients import Row
from service.commands.authority import Holder
from service.commands.client import ChangeClient
from service.commands.login_change import LoginChange
from service.configuration.settings import Settings
from service.endpoints import api_grants, delegation_fields, request_fields, security_settings, workload_fields
from service.endpoints.api_grants import ApiGrants
from service.endpoints.authentication_fields import (
    CertificateBoundTokens,
    CertificateName,
    ConfidentialMethod,
    JwksUri,
    SecurityProfileName,
    TokenEndpointAuthMethod,
    check_jwks_uri,
    is_public,
)
from service.endpoints.client_fields import (
    MOST_REDIRECT_URIS,
    AccessTokenAlgorithm,
    AuthorizationResponseAlgorithm,
    BackchannelLogoutUri,
    ClientScopes,
    Created,
    DeviceGrant,
    DisplayName,
    DpopBoundAccessTokens,
    FirstParty,
    IdTokenAlgorithm,
    IdTokenClaims,
    LastUsed,
    Owner,
    PostLogoutRedirectUris,
    Public,
    RedirectUri,
    RequestObjectAlgorithm,
    RequirePkce,
    RequirePushedAuthorizationRequests,
    RequireSignedRequestObject,
    Scope,
    State,
    UserinfoAlgorithm,
)
from service.endpoints.client_schemas import CreateOAuthClientRequest
from service.endpoints.delegation_fields import IdentityAssertions, TokenExchange
from service.endpoints.document_fields import MetadataDocument, PathId, shown_document
from service.endpoints.fields import Fields
from service.endpoints.registration_fields import SelfRegistration, shown_registration
from service.endpoints.request_fields import DefaultMaxAge, RequestUris, RequireAuthTime
from service.endpoints.workload_fields import WorkloadIdentities
from service.network import redirect_uri
from service.values.each_once import each_once


class ChangeOAuthClientRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An omitted field stays as it is."""

    display_name: DisplayName | UnsetType | None = UNSET
    redirect_uris: (
        Annotated[
            list[RedirectUri],
            Meta(max_length=MOST_REDIRECT_URIS, description="The whole list: URIs that are not in it are removed."),
        ]
        | UnsetType
    ) = UNSET
    scopes: (
        Annotated[
            list[Scope],
            Meta(
                max_length=50,
                description="Every scope that its tokens may have, without commas. Only scopes that you have; an operator can give any.",
            ),
        ]
        | UnsetType
    ) = UNSET
    access_token_signed_response_alg: AccessTokenAlgorithm | UnsetType | None = UNSET
    token_endpoint_auth_method: ConfidentialMethod | UnsetType = UNSET
    jwks_uri: JwksUri | UnsetType | None = UNSET
    security_profile: SecurityProfileName | UnsetType | None = UNSET
    tls_client_auth_subject_dn: CertificateName | UnsetType | None = UNSET
    tls_client_auth_san_dns: CertificateName | UnsetType | None = UNSET
    tls_client_auth_san_uri: CertificateName | UnsetType | None = UNSET
    tls_client_auth_san_ip: CertificateName | UnsetType | None = UNSET
    tls_client_auth_san_email: CertificateName | UnsetType | None = UNSET
    tls_client_certificate_bound_access_tokens: CertificateBoundTokens | UnsetType = UNSET
    dpop_bound_access_tokens: DpopBoundAccessTokens | UnsetType = UNSET
    require_pushed_authorization_requests: RequirePushedAuthorizationRequests | UnsetType = UNSET
    require_signed_request_object: RequireSignedRequestObject | UnsetType = UNSET
    request_object_signing_alg: RequestObjectAlgorithm | UnsetType | None = UNSET
    authorization_signed_response_alg: AuthorizationResponseAlgorithm | UnsetType = UNSET
    apis: ApiGrants | UnsetType | None = UNSET
    token_exchange: TokenExchange | UnsetType = UNSET
    identity_assertions: IdentityAssertions | UnsetType = UNSET
    workload_identities: WorkloadIdentities | UnsetType = UNSET
    userinfo_signed_response_alg: UserinfoAlgorithm | UnsetType | None = UNSET
    request_uris: RequestUris | UnsetType = UNSET
    default_max_age: DefaultMaxAge | UnsetType | None = UNSET
    require_auth_time: RequireAuthTime | UnsetType = UNSET
    device_grant: DeviceGrant | UnsetType = UNSET
    require_pkce: RequirePkce | UnsetType | None = UNSET
    first_party: FirstParty | UnsetType = UNSET
    id_token_signed_response_alg: IdTokenAlgorithm | UnsetType = UNSET
    post_logout_redirect_uris: PostLogoutRedirectUris | UnsetType = UNSET
    backchannel_logout_uri: BackchannelLogoutUri | UnsetType | None = UNSET
    id_token_claims: IdTokenClaims | UnsetType = UNSET


class OAuthClient(Struct, frozen=True, kw_only=True, rename="camel"):
    """A client. Only interactive clients have the fields from `public` on."""

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
                description="Who disabled it, while it is disabled. Only an operator can enable what an operator disabled."
            ),
        ]
        | UnsetType
    ) = UNSET
    owner: Owner
    created_utc: Created
    last_used_utc: LastUsed | None
    access_token_signed_response_alg: AccessTokenAlgorithm | None
    token_endpoint_auth_method: TokenEndpointAuthMethod
    jwks_uri: JwksUri | None
    security_profile: SecurityProfileName | None
    tls_client_auth_subject_dn: CertificateName | None
    tls_client_auth_san_dns: CertificateName | None
    tls_client_auth_san_uri: CertificateName | None
    tls_client_auth_san_ip: CertificateName | None
    tls_client_auth_san_email: CertificateName | None
    tls_client_certificate_bound_access_tokens: CertificateBoundTokens
    dpop_bound_access_tokens: DpopBoundAccessTokens
    apis: ApiGrants | None
    token_exchange: TokenExchange
    identity_assertions: IdentityAssertions
    workload_identities: WorkloadIdentities
    public: Public | UnsetType = UNSET
    require_pkce: RequirePkce | UnsetType | None = UNSET
    first_party: FirstParty | UnsetType = UNSET
    id_token_signed_response_alg: IdTokenAlgorithm | UnsetType = UNSET
    post_logout_redirect_uris: PostLogoutRedirectUris | UnsetType = UNSET
    backchannel_logout_uri: BackchannelLogoutUri | UnsetType | None = UNSET
    id_token_claims: IdTokenClaims | UnsetType = UNSET
    require_pushed_authorization_requests: RequirePushedAuthorizationRequests | UnsetType = UNSET
    require_signed_request_object: RequireSignedRequestObject | UnsetType = UNSET
    request_object_signing_alg: RequestObjectAlgorithm | UnsetType | None = UNSET
    authorization_signed_response_alg: AuthorizationResponseAlgorithm | UnsetType = UNSET
    userinfo_signed_response_alg: UserinfoAlgorithm | UnsetType | None = UNSET
    request_uris: RequestUris | UnsetType = UNSET
    default_max_age: DefaultMaxAge | UnsetType | None = UNSET
    require_auth_time: RequireAuthTime | UnsetType = UNSET
    device_grant: DeviceGrant | UnsetType = UNSET
    path_id: PathId | UnsetType = UNSET
    metadata_document: MetadataDocument | UnsetType = UNSET
    registration: SelfRegistration | UnsetType = UNSET


_of_interactive = {field.name for field in structs.fields(OAuthClient) if field.default is UNSET}
_nothing_said = CreateOAuthClientRequest(m2m=False)
USUAL_LOGIN: Mapping[str, Any] = {
    field.encode_name: getattr(_nothing_said, field.name)
    for field in structs.fields(CreateOAuthClientRequest)
    if field.name in _of_interactive
}
"""The defaults of an interactive client's settings, which are the only values that a machine client may have."""

_login_of = attrgetter(
    "require_pkce",
    "first_party",
    "id_token_signed_response_alg",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "id_token_claims",
)
_usual_login = _login_of(_nothing_said)
_of_new = Login()


def change(asked: ChangeOAuthClientRequest, by: Holder) -> ChangeClient:
    """Return the command that the request asks for."""
    return ChangeClient(
        by=by,
        display_name=asked.display_name,
        redirect_uris=each_once(asked.redirect_uris),
        scopes=each_once(asked.scopes),
        login=login_change(asked),
        access_token_alg=asked.access_token_signed_response_alg,
        security=security_settings.change(asked),
        apis=api_grants.granted(asked.apis),
    )


def shown(row: Row, used: datetime | None, workloads_used: Mapping[UUID, datetime] | None = None) -> OAuthClient:
    """Return the response about a client that last got a token at `used`, and with its workload identities at those times."""
    return OAuthClient(
        client_id=row.client_id,
        display_name=row.display_name,
        m2m=row.grant_type == "client_credentials",
        bot_user_id=row.bot_user_id,
        redirect_uris=list(row.redirect_uris),
        scopes=list(row.scopes),
        state=row.state,
        disabled_by=row.disabled_by or UNSET,
        owner=row.owner,
        created_utc=row.created_at,
        last_used_utc=used,
        access_token_signed_response_alg=row.access_token_alg,
        apis=api_grants.shown(row.apis),
        token_exchange=delegation_fields.shown_exchange(row.security),
        identity_assertions=delegation_fields.shown_assertions(row.security),
        **_shown_login(row),
        **shown_document(row),
        **shown_registration(row),
        **security_settings.shown(row, workloads_used),
    )


def login_change(asked: CreateOAuthClientRequest | ChangeOAuthClientRequest) -> LoginChange:
    return LoginChange(
        require_pkce=asked.require_pkce,
        first_party=asked.first_party,
        id_token_alg=asked.id_token_signed_response_alg,
        post_logout_redirect_uris=each_once(asked.post_logout_redirect_uris),
        backchannel_logout_uri=asked.backchannel_logout_uri,
        id_token_claims=asked.id_token_claims,
    )


def _shown_login(row: Row) -> Mapping[str, Any]:
    """Return the fields of OAuthClient that only an interactive client has."""
    if row.login is None:
        return {}
    return {
        "public": row.public,
        "require_pkce": None if row.login.require_pkce is UNSET else row.login.require_pkce,
        "first_party": row.login.first_party,
        "id_token_signed_response_alg": row.login.id_token_alg,
        "post_logout_redirect_uris": list(row.login.post_logout_redirect_uris),
        "backchannel_logout_uri": row.login.backchannel_logout_uri,
        "id_token_claims": "scopes" if row.login.id_token_claims is UNSET else row.login.id_token_claims,
    }


def check_registered_login(fields: Fields[CreateOAuthClientRequest], settings: Settings) -> None:
    check_login_uris(fields, settings)
    m2m, public, pkce = fields.good("m2m"), is_public(fields), fields.good("requirePkce")
    if m2m is True:
        for name, usual in USUAL_LOGIN.items():
            if fields.good(name) not in (None, usual):
                fields.fault(
                    name, "is for interactive clients (m2m: false): users cannot sign in through a machine client"
                )
    elif public and pkce is False:
        fields.fault("requirePkce", "must be true or null: a public client always needs PKCE")


def check_scopes(fields: Fields[Any]) -> None:
    """A comma is legal in a scope (RFC 6749 section 3.3), and yet it always is a separator that somebody took from another system."""
    for number, scope in enumerate(fields.good("scopes") or ()):
        if "," in scope:
            fields.fault("scopes", f"[{number}] has a comma; give each scope by itself")


def check_changed(fields: Fields[ChangeOAuthClientRequest], settings: Settings) -> None:
    """Report every fault in `fields` that does not depend on the client."""
    check_scopes(fields)
    delegation_fields.check(fields)
    for number, uri in enumerate(fields.good("redirectUris") or ()):
        for fault in redirect_uri.faults(uri, settings.insecure_http_hosts):
            fields.fault("redirectUris", f"[{number}] {fault}")
    check_login_uris(fields, settings)
    check_jwks_uri(fields, settings)
    request_fields.check(fields, settings)
    workload_fields.check(fields)


def check_login_uris(fields: Fields[Any], settings: Settings) -> None:
    insecure = settings.insecure_http_hosts
    for number, uri in enumerate(fields.good("postLogoutRedirectUris") or ()):
        for fault in redirect_uri.faults(uri, insecure):
            fields.fault("postLogoutRedirectUris", f"[{number}] {fault}")
    told = fields.good("backchannelLogoutUri")
    if isinstance(told, str):
        for fault in redirect_uri.backchannel_faults(told, settings.issuer, insecure):
            fields.fault("backchannelLogoutUri", fault)


def registered_login(asked: CreateOAuthClientRequest) -> Login:
    """Return the settings for the sign-in of users: the usual ones, if the request says nothing of them, as most do."""
    return _of_new if _login_of(asked) == _usual_login else login_change(asked).after(_of_new)
