"""The forms that OAuth clients send, and the JSON that they get, as the RFCs define them. Only the document uses these."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from service.oauth.form import MOST_PARAMETERS
from service.oauth.targets import ABSOLUTE_URI

PRINTABLE = r"^[ -~]+$"
SCOPES = r"^[!#-\[\]-~]+( [!#-\[\]-~]+)*$"

FORM: dict[str, Any] = {
    "maxProperties": MOST_PARAMETERS,
    "propertyNames": {"pattern": PRINTABLE},
    "additionalProperties": {"type": "string", "pattern": r"^[ -~]*$"},
}
"""Unknown parameters are ignored (RFC 6749 section 3.2) if they are printable ASCII."""

ClientId = Annotated[
    str,
    Meta(
        pattern=PRINTABLE,
        description="Send it here with `client_secret`, or send both by HTTP Basic; never in both places.",
    ),
]
ClientSecret = Annotated[str, Meta(pattern=PRINTABLE, description="See `client_id`.")]
Token = Annotated[str, Meta(pattern=PRINTABLE, description="The access token, or the refresh token.")]
Hint = Annotated[str, Meta(pattern=PRINTABLE, description="Accepted but not needed: the token itself shows its type.")]


class ClientAuthentication(Struct, frozen=True, kw_only=True):
    """RFC 6749 section 2.3.1, RFC 7521 section 4.2."""

    client_id: ClientId | UnsetType = UNSET
    client_secret: ClientSecret | UnsetType = UNSET
    client_assertion_type: (
        Annotated[
            Literal[
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe",
            ],
            Meta(description="Send it with `client_assertion`, and no secret."),
        ]
        | UnsetType
    ) = UNSET
    client_assertion: (
        Annotated[
            str,
            Meta(
                pattern=PRINTABLE,
                description="A JWT that is signed by a key of the client (`private_key_jwt`, RFC 7523), or by the issuer of its workload "
                "(`workload_identity`).",
            ),
        ]
        | UnsetType
    ) = UNSET


class TokenRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 6749 section 4.4.2."""

    grant_type: Literal["client_credentials"]
    scope: (
        Annotated[
            str,
            Meta(
                pattern=SCOPES,
                description="Scopes, separated by spaces. If omitted, all that the client may have.",
            ),
        ]
        | UnsetType
    ) = UNSET
    resource: (
        Annotated[
            str,
            Meta(
                pattern=ABSOLUTE_URI,
                description="The API that the token is for, its `aud` (RFC 8707), by its identifier: one that the client is "
                "granted. Send it once for each API; `audience` is another name of it. Without it, the token is for the default audience.",
            ),
        ]
        | UnsetType
    ) = UNSET


class DeviceAuthorizationRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 8628 section 3.1."""

    scope: (
        Annotated[
            str,
            Meta(
                pattern=SCOPES,
                max_length=2048,
                description="Scopes, separated by spaces. If omitted, all of its own that the client may have.",
            ),
        ]
        | UnsetType
    ) = UNSET
    resource: (
        Annotated[str, Meta(pattern=ABSOLUTE_URI, max_length=2048, description="As at the token endpoint.")] | UnsetType
    ) = UNSET


class IntrospectionRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 7662 section 2.1."""

    token: Token
    token_type_hint: Hint | UnsetType = UNSET


class RevocationRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 7009 section 2.1."""

    token: Token
    token_type_hint: Hint | UnsetType = UNSET


class Inactive(Struct, frozen=True, kw_only=True):
    """Expired, revoked, of another server, or its client is disabled or deleted: the response does not say which."""

    active: Annotated[bool, Meta(extra_json_schema={"const": False})]


class OAuthError(Struct, frozen=True, kw_only=True):
    """RFC 6749 section 5.2."""

    error: Annotated[str, Meta(description="A code for programs, such as `invalid_client`.")]
    error_description: Annotated[str, Meta(description="A text for people: what is wrong and what to do.")]


class PublicKey(Struct, frozen=True, kw_only=True):
    """RFC 7517 section 4: of the curve P-256 (`crv`, `x`, `y`), or RSA (`n`, `e`)."""

    kty: str
    crv: str | UnsetType = UNSET
    x: str | UnsetType = UNSET
    y: str | UnsetType = UNSET
    n: str | UnsetType = UNSET
    e: str | UnsetType = UNSET
    kid: str
    alg: str
    use: str


class KeySet(Struct, frozen=True, kw_only=True):
    """RFC 7517 section 5."""

    keys: list[PublicKey]


class Metadata(Struct, frozen=True, kw_only=True):
    """RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    end_session_endpoint: str
    jwks_uri: str
    introspection_endpoint: str
    revocation_endpoint: str
    pushed_authorization_request_endpoint: str
    registration_endpoint: str | UnsetType = UNSET
    device_authorization_endpoint: str
    service_documentation: str
    scopes_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    code_challenge_methods_supported: list[str]
    prompt_values_supported: list[str]
    acr_values_supported: list[str]
    claims_supported: list[str]
    require_pushed_authorization_requests: bool
    request_parameter_supported: bool
    request_object_signing_alg_values_supported: list[str]
    authorization_response_iss_parameter_supported: bool
    backchannel_logout_supported: bool
    backchannel_logout_session_supported: bool
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    userinfo_signing_alg_values_supported: list[str]
    authorization_signing_alg_values_supported: list[str]
    access_token_signing_alg_values_supported: list[str]
    dpop_signing_alg_values_supported: list[str]
    protected_resources: list[str]
    signed_metadata: str | UnsetType = UNSET
    token_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]


class ResourceMetadata(Struct, frozen=True, kw_only=True):
    """RFC 9728 section 2."""

    resource: str
    resource_name: str
    authorization_servers: list[str]
    scopes_supported: list[str]
    bearer_methods_supported: list[str]
    dpop_signing_alg_values_supported: list[str]
    dpop_bound_access_tokens_required: bool
    resource_documentation: str
    signed_metadata: str | UnsetType = UNSET


class Living(Struct, frozen=True, kw_only=True):
    status: Literal["live"]


class Ready(Struct, frozen=True, kw_only=True):
    status: Literal["ready"]
    position: Annotated[int, Meta(description="The position up to which this process has followed the log.")]


class NotReady(Struct, frozen=True, kw_only=True):
    status: Literal["not ready"]
    why: str
