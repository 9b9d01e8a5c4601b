"""The forms of the token endpoint that bring a code, a token or an assertion. Only the document uses these."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from service.oauth.targets import ABSOLUTE_URI
from service.openapi.forms import PRINTABLE, SCOPES, ClientAuthentication

Scope = Annotated[
    str, Meta(pattern=SCOPES, description="Scopes, separated by spaces. If omitted, the most that is allowed.")
]
Resource = Annotated[str, Meta(pattern=ABSOLUTE_URI, description="As with client credentials.")]
OfAuthorization = Annotated[
    str, Meta(pattern=ABSOLUTE_URI, description="The `resource` of the authorization request, or none.")
]


class AuthorizationCodeRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 6749 section 4.1.3, RFC 7636 section 4.5."""

    grant_type: Literal["authorization_code"]
    code: Annotated[
        str, Meta(pattern=PRINTABLE, description="The code that was sent to the redirect URI. It is used once.")
    ]
    redirect_uri: (
        Annotated[
            str, Meta(pattern=ABSOLUTE_URI, description="That of the authorization request, if the request had one.")
        ]
        | UnsetType
    ) = UNSET
    code_verifier: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9._~\-]{43,128}$",
                description="What the `code_challenge` of the authorization request was made of.",
            ),
        ]
        | UnsetType
    ) = UNSET
    resource: OfAuthorization | UnsetType = UNSET


class RefreshTokenRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 6749 section 6."""

    grant_type: Literal["refresh_token"]
    refresh_token: Annotated[
        str,
        Meta(
            pattern=PRINTABLE,
            description="That of the last answer. A public client gets the next one with each answer.",
        ),
    ]
    resource: OfAuthorization | UnsetType = UNSET
    scope: (
        Annotated[
            str, Meta(pattern=SCOPES, description="Some of the scopes of the authorization. If omitted, all of them.")
        ]
        | UnsetType
    ) = UNSET


class TokenExchangeRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 8693 section 2.1."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:token-exchange"]
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


class AssertionRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 7523 section 2.1."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assertion: Annotated[
        str,
        Meta(pattern=PRINTABLE, description="The identity assertion of a trusted issuer, with `typ` oauth-id-jag+jwt."),
    ]
    resource: Resource | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET


class DeviceTokenRequest(ClientAuthentication, frozen=True, kw_only=True):
    """RFC 8628 section 3.4."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:device_code"]
    device_code: Annotated[
        str, Meta(pattern=PRINTABLE, description="The answer of `/openid/device_authorization` has it.")
    ]
