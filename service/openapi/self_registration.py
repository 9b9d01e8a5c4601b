"""/openid/register, as the API reference describes it: clients register themselves, and manage their registration."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from service.oauth.client_metadata_members import Members
from service.openapi.forms import OAuthError
from service.openapi.operation import Content, Example, Operation, Parameter, ResponseSpec
from service.problems import Unforeseen

CLIENT_ID = "oauth_client_xyz789"
TOKEN = "registration_a1b2c3"  # noqa: S105
SENT: dict[str, Any] = {
    "client_name": "Ticket assistant",
    "redirect_uris": ["http://127.0.0.1:33418/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
    "scope": "openid offline_access",
}
TOLD: dict[str, Any] = {
    "client_id": CLIENT_ID,
    "client_id_issued_at": 1772546520,
    "registration_client_uri": f"https://auth.example.com/openid/register/{CLIENT_ID}",
    "registration_access_token": TOKEN,
    **SENT,
    "application_type": "native",
    "response_types": ["code"],
    "subject_type": "public",
    "id_token_signed_response_alg": "RS256",
}
PATH = Parameter(
    name="client_id", place="path", description="The client's id.", schema={"type": "string"}, required=True
)


class ClientMetadataRequest(Members, frozen=True, kw_only=True):
    """Client metadata (RFC 7591 section 2, OpenID Connect Dynamic Client Registration 1.0 section 2). Unknown members are ignored."""

    software_statement: (
        Annotated[
            str,
            Meta(
                description="What an issuer that is trusted here signed about the client (section 2.3). It goes before the other members."
            ),
        ]
        | None
    ) = None


class ReplacedMetadataRequest(Members, frozen=True, kw_only=True):
    """All metadata of the client, and its `client_id` (RFC 7592 section 2.2)."""

    client_id: str
    client_secret: str | None = None


class ClientInformation(Struct, frozen=True, kw_only=True):
    """The client and its registered metadata, whatever it asked for (RFC 7591 section 3.2.1)."""

    client_id: str
    client_id_issued_at: Annotated[int, Meta(description="In seconds since 1970.")]
    registration_client_uri: Annotated[str, Meta(description="Where the client manages its registration.")]
    registration_access_token: Annotated[str, Meta(description="The token for that address. Store it securely.")]
    token_endpoint_auth_method: str
    application_type: str
    grant_types: list[str]
    response_types: list[str]
    client_secret: (
        Annotated[str, Meta(description="⚠️ CRITICAL: shown only here, once. Store it securely immediately.")]
        | UnsetType
    ) = UNSET
    client_secret_expires_at: Annotated[int, Meta(description="0: never.")] | UnsetType = UNSET
    client_name: str | UnsetType = UNSET
    redirect_uris: list[str] | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    contacts: (
        Annotated[
            list[str],
            Meta(description="Left out, because none are kept: they are addresses of people."),
        ]
        | UnsetType
    ) = UNSET
    client_uri: str | UnsetType = UNSET
    logo_uri: str | UnsetType = UNSET
    policy_uri: str | UnsetType = UNSET
    tos_uri: str | UnsetType = UNSET
    initiate_login_uri: str | UnsetType = UNSET
    software_id: str | UnsetType = UNSET
    software_version: str | UnsetType = UNSET
    subject_type: str | UnsetType = UNSET
    id_token_signed_response_alg: str | UnsetType = UNSET
    post_logout_redirect_uris: list[str] | UnsetType = UNSET
    backchannel_logout_uri: str | UnsetType = UNSET
    backchannel_logout_session_required: bool | UnsetType = UNSET
    jwks: dict[str, Any] | UnsetType = UNSET
    jwks_uri: str | UnsetType = UNSET
    software_statement: str | UnsetType = UNSET
    dpop_bound_access_tokens: bool | UnsetType = UNSET
    require_pushed_authorization_requests: bool | UnsetType = UNSET
    require_signed_request_object: bool | UnsetType = UNSET
    request_object_signing_alg: str | UnsetType = UNSET
    authorization_signed_response_alg: str | UnsetType = UNSET
    userinfo_signed_response_alg: str | UnsetType = UNSET
    request_uris: list[str] | UnsetType = UNSET
    default_max_age: int | UnsetType = UNSET
    require_auth_time: bool | UnsetType = UNSET


def _refused(status: int, error: str, description: str, meaning: str, *headers: str) -> ResponseSpec:
    example = {"error": error, "error_description": description}
    return ResponseSpec(status=status, description=meaning, shape=OAuthError, headers=headers, example=example)


_BAD = _refused(
    400,
    "invalid_client_metadata",
    "redirect_uris [0] must not have a fragment (#); subject_type must be public.",
    "The metadata has faults: `error_description` names all of them. The error is `invalid_redirect_uri` if only those have one.",
)
_LONG = _refused(413, "invalid_request", "The body is longer than 64 KiB.", "The body is longer than 64 KiB.")
_AWAY = _refused(
    503,
    "temporarily_unavailable",
    "Nothing was issued: the database cannot be used for the moment. Try again.",
    "The database is unavailable: nothing was confirmed.",
    "Retry-After",
)
_MANY = _refused(
    429,
    "temporarily_unavailable",
    "Too many registrations; try again in 17 s.",
    "There were too many registrations, or too many failed ones, from this network or in all.",
    "Retry-After",
)
_OFF = _refused(
    403,
    "access_denied",
    "This server does not let clients register themselves. Ask its operator to register the client.",
    "Clients cannot register themselves at this server, or cannot make this change.",
)


def _unauthorized(description: str) -> ResponseSpec:
    return _refused(401, "invalid_token", description, "The token is missing or not valid.", "WWW-Authenticate")


_WRONG = _unauthorized(
    "The registration access token is missing or not valid for this client, or there is no such client."
)


_MALFORMED = _refused(
    400,
    "invalid_request",
    "Send one Authorization header of the form: Bearer, a space, and the token.",
    "The Authorization header is not one bearer token.",
)


def _configuration(method: str, operation_id: str, summary: str, description: str, **more: Any) -> Operation:
    answers = more.pop(
        "answers", (ResponseSpec(description="The registration.", shape=ClientInformation, example=TOLD),)
    )
    return Operation(
        method=method,  # pyright: ignore[reportArgumentType]
        path="/openid/register/{client_id}",
        operation_id=operation_id,
        summary=summary,
        tag="Registration",
        description=description,
        bearer=True,
        parameters=(PATH,),
        answers=(*answers, _WRONG, _MANY, _AWAY, *more.pop("refused", (_MALFORMED,))),
        refusals=(Unforeseen,),
        **more,
    )


SELF_REGISTRATION = (
    Operation(
        method="post",
        path="/openid/register",
        operation_id="registerItself",
        summary="Register a client by itself",
        tag="Registration",
        description="A client registers itself (RFC 7591), if the setting `MUNIMENT_DYNAMIC_REGISTRATION` allows it: with an initial access "
        "token as bearer token, or without. What this server lacks is left out of the registered metadata. Users are told that nobody "
        "has verified such a client.",
        request=Content(
            shape=ClientMetadataRequest, examples={"app": Example(summary="An app on a device", value=SENT)}
        ),
        answers=(
            ResponseSpec(status=201, description="The client is registered.", shape=ClientInformation, example=TOLD),
            *(_BAD, _unauthorized("Send an initial access token, which the operator of this server gives out."), _OFF),
            *(_LONG, _MANY, _AWAY),
        ),
        refusals=(Unforeseen,),
    ),
    _configuration(
        "get",
        "readRegistration",
        "Read its registration",
        "The registered metadata (RFC 7592 section 2.1), by the registration access token. The secret is not shown again.",
    ),
    _configuration(
        "put",
        "replaceRegistration",
        "Replace its registration",
        "Replaces all metadata (RFC 7592 section 2.2). Whether the client is public and whether it is for machines cannot change; the scopes "
        "stay as they are if `scope` is left out.",
        request=Content(
            shape=ReplacedMetadataRequest,
            examples={
                "app": Example(summary="Another name", value={"client_id": CLIENT_ID, **SENT, "client_name": "Tickets"})
            },
        ),
        refused=(_BAD, _OFF, _LONG),
    ),
    _configuration(
        "delete",
        "deleteRegistration",
        "Delete its registration",
        "Deletes the client (RFC 7592 section 2.3). Its tokens are revoked.",
        answers=(ResponseSpec(status=204, description="The client is deleted."),),
    ),
)
