"""The token endpoints of /openid and the metadata, as the API reference describes them."""

from typing import Any

from service.endpoints import resource_metadata
from service.endpoints.discovery import document
from service.endpoints.introspect import Introspection
from service.grants.oauth_request import TokenResponse
from service.oauth.form import FORM
from service.openapi.forms import (
    Inactive,
    IntrospectionRequest,
    KeySet,
    Metadata,
    ResourceMetadata,
    RevocationRequest,
    TokenRequest,
)
from service.openapi.grant_forms import (
    AssertionRequest,
    AuthorizationCodeRequest,
    DeviceTokenRequest,
    RefreshTokenRequest,
    TokenExchangeRequest,
)
from service.openapi.operation import Content, Example, Operation, ResponseSpec
from service.openapi.parts import DPOP, MIN_POSITION, OAUTH_REFUSALS

CREDENTIALS = {"client_id": "oauth_client_xyz789", "client_secret": "secret_abcdef123456"}
TOKEN = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJib3QtYWJjMTIzIn0.c2lnbmF0dXJl"  # noqa: S105
GRANTED = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "api:public"}
ACTIVE = {
    "active": True,
    "token_type": "Bearer",
    "iss": "https://auth.example.com",
    "sub": "bot-abc123",
    "aud": "https://auth.example.com",
    "client_id": "oauth_client_xyz789",
    "scope": "api:public",
    "iat": 1772546520,
    "exp": 1772550120,
    "jti": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
}
EMPTY = {"type": "object", "maxProperties": 0}


def _form(shape: type, **example: str) -> Content:
    return Content(
        shape=shape, media=FORM, examples={"body": Example(summary="Credentials in the body", value=example)}
    )


def _of_grants(first: Content, others: tuple[type, ...]) -> Content:
    """Return the forms of all grants, with the example of the first."""
    return Content(shape=(first.shape, *others), media=first.media, examples=first.examples)


def _metadata(path: str, operation_id: str, summary: str) -> Operation:
    example: dict[str, Any] = document("https://auth.example.com")
    return Operation(
        method="get",
        path=path,
        operation_id=operation_id,
        summary=summary,
        tag="Discovery",
        description="The endpoints and features of this server, for client libraries.",
        answers=(
            ResponseSpec(description="The metadata.", shape=Metadata, headers=("Cache-Control",), example=example),
        ),
    )


def _resource(path: str, operation_id: str, summary: str) -> Operation:
    described = resource_metadata.management if path else resource_metadata.userinfo
    return Operation(
        method="get",
        path=f"{resource_metadata.WELL_KNOWN}{path}",
        operation_id=operation_id,
        summary=summary,
        tag="Discovery",
        description="Which authorization server issues the tokens of this API, and what they may be. A refusal for want of a token names it as "
        "`resource_metadata` in `WWW-Authenticate`.",
        answers=(
            ResponseSpec(
                description="The metadata.",
                shape=ResourceMetadata,
                headers=("Cache-Control",),
                example=described("https://auth.example.com"),
            ),
        ),
    )


OAUTH = (
    Operation(
        method="post",
        path="/openid/token",
        operation_id="token",
        summary="Get an access token",
        tag="Tokens",
        description="Use client credentials to get an access token (RFC 6749 section 4.4). The token is a signed JWT (RFC 9068). "
        "Verify it with the keys of `/openid/jwks`; its `sub` is the client's `botUserId`. To sign users in, configure a client library with "
        "the issuer. It also sends `grant_type=authorization_code` (`code`, `redirect_uri`, `code_verifier`) and `refresh_token` (`refresh_token`, `scope`), with the `resource` of the authorization request or none (RFC 6749 sections 4.1.3 and 6). A device sends its `device_code` (RFC 8628 section 3.4).\n\n"
        "A client whose `tokenExchange` an operator has set exchanges the token of another client or of a trusted issuer for one of its own "
        "(`subject_token`, `subject_token_type`, `resource`, `scope`; RFC 8693). A confidential client gets a token for a user whom a trusted "
        "issuer asserts (`assertion` with `typ` oauth-id-jag+jwt, draft-ietf-oauth-identity-assertion-authz-grant).\n\n"
        "With a proof in the header `DPoP`, the token is bound to the key of the proof: its `token_type` is `DPoP`, and its `cnf.jkt` the thumbprint "
        "of the key (RFC 9449 section 5).",
        proves_client=True,
        parameters=(MIN_POSITION, DPOP),
        request=_of_grants(
            _form(TokenRequest, grant_type="client_credentials", **CREDENTIALS, scope="api:public"),
            (AuthorizationCodeRequest, RefreshTokenRequest, TokenExchangeRequest, AssertionRequest, DeviceTokenRequest),
        ),
        answers=(ResponseSpec(description="The token.", shape=TokenResponse, example=GRANTED), *OAUTH_REFUSALS),
    ),
    Operation(
        method="post",
        path="/openid/introspect",
        operation_id="introspect",
        summary="Introspect a token",
        tag="Tokens",
        description="Whether an access token is active, and its claims (RFC 7662). An active token is neither expired nor revoked, and its client "
        "neither disabled nor deleted. A client sees its own tokens and those that are for it. Others are inactive, unless an operator "
        "gave it the scope `introspect:RESOURCE` for their `aud`, or `introspect:all`, or the API that they are for names it as one of its `introspectors`.",
        proves_client=True,
        parameters=(MIN_POSITION,),
        request=_form(IntrospectionRequest, token=TOKEN, **CREDENTIALS),
        answers=(
            ResponseSpec(description="The state of the token.", shape=(Introspection, Inactive), example=ACTIVE),
            *OAUTH_REFUSALS,
        ),
    ),
    Operation(
        method="post",
        path="/openid/revoke",
        operation_id="revoke",
        summary="Revoke a token",
        tag="Tokens",
        description="Revokes one of the client's own tokens (RFC 7009). An invalid token gets the same response.",
        proves_client=True,
        parameters=(MIN_POSITION,),
        request=_form(RevocationRequest, token=TOKEN, **CREDENTIALS),
        answers=(ResponseSpec(description="The token is no longer valid.", shape=EMPTY, example={}), *OAUTH_REFUSALS),
    ),
    Operation(
        method="get",
        path="/openid/jwks",
        operation_id="jwks",
        summary="The public keys",
        tag="Discovery",
        description="The keys to verify access tokens with (RFC 7517). A key is published before the first token is signed with it, and until "
        "the last such token has expired.",
        answers=(
            ResponseSpec(
                description="The keys.", shape=KeySet, media="application/jwk-set+json", headers=("Cache-Control",)
            ),
        ),
    ),
    _metadata(
        "/.well-known/oauth-authorization-server", "authorizationServerMetadata", "OAuth 2.0 metadata (RFC 8414)"
    ),
    _metadata("/.well-known/openid-configuration", "openidConfiguration", "OpenID Connect metadata"),
    _resource(resource_metadata.USERINFO, "userinfoMetadata", "Metadata of userinfo (RFC 9728)"),
    _resource(resource_metadata.MANAGEMENT_API, "managementMetadata", "Metadata of the management API (RFC 9728)"),
)
