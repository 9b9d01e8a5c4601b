"""The forms of the token endpoint that bring a token, an assertion or a code instead of nothing. Only the document uses these."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from service.oauth.targets import ABSOLUTE_URI
from service.openapi.forms import PRINTABLE, SCOPES, ClientId, ClientSecret

Scope = Annotated[
    str, Meta(pattern=SCOPES, description="Scopes, separated by spaces. If omitted, the most that is allowed.")
]
Resource = Annotated[str, Meta(pattern=ABSOLUTE_URI, description="As with client credentials.")]


class TokenExchangeRequest(Struct, frozen=True, kw_only=True):
    """RFC 8693 section 2.1."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
    client_id: ClientId | UnsetType = UNSET
    client_secret: ClientSecret | UnsetType = UNSET
    subject_token: Annotated[
        str, Meta(pattern=PRINTABLE, description="The token of the one for whom the client acts, or as whom.")
    ]
    subject_token_type: Literal[
        "urn:ietf:params:oauth:token-type:access_token",
        "urn:ietf:params:oauth:token-type:id_token",
        "urn:ietf:params:oauth:token-type:jwt",
    ]
    actor_token: (
        Annotated[str, Meta(pattern=PRINTABLE, description="The token of who acts, if that is not the client itself.")]
        | UnsetType
    ) = UNSET
    actor_token_type: (
        Literal["urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt"] | UnsetType
    ) = UNSET
    requested_token_type: (
        Literal["urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:id-jag"] | UnsetType
    ) = UNSET
    audience: (
        Annotated[str, Meta(pattern=PRINTABLE, description="Where an identity assertion is to be accepted (ID-JAG).")]
        | UnsetType
    ) = UNSET
    resource: Resource | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET


class AssertionRequest(Struct, frozen=True, kw_only=True):
    """RFC 7523 section 2.1."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    client_id: ClientId | UnsetType = UNSET
    client_secret: ClientSecret | UnsetType = UNSET
    assertion: Annotated[
        str,
        Meta(pattern=PRINTABLE, description="The identity assertion of a trusted issuer, with `typ` oauth-id-jag+jwt."),
    ]
    resource: Resource | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET


class DeviceTokenRequest(Struct, frozen=True, kw_only=True):
    """RFC 8628 section 3.4."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:device_code"]
    client_id: ClientId | UnsetType = UNSET
    client_secret: ClientSecret | UnsetType = UNSET
    device_code: Annotated[
        str, Meta(pattern=PRINTABLE, description="The answer of `/openid/device_authorization` has it.")
    ]
