"""The metadata and keys for client libraries, with only what this server supports: RFC 8414, OpenID Connect Discovery 1.0, RFC 7517."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from events.database import Unavailable
from service.configuration.settings import OFF, Settings
from service.endpoints import resource_metadata, signed_metadata
from service.endpoints.signed_metadata import PUBLIC
from service.grants import certificate_authentication
from service.grants.assertion_authentication import PRIVATE_KEY_JWT
from service.grants.client_authentication import NONE
from service.grants.workload_authentication import WORKLOAD_IDENTITY
from service.http.asgi import resources_of
from service.oauth import client_keys, dpop, identity_assertions, token_exchange
from service.oauth.authlib_grants import DEVICE
from service.oauth.parameters import PROMPTS
from service.oauth.redirects import RESPONSE_MODES
from service.oauth.registration_response import PATH as REGISTER
from service.oauth.signed_metadata import OF_SERVER
from service.oauth.signing import ALGORITHMS, ES256, RS256
from service.values.claim_scopes import SUPPORTED
from service.values.languages import LANGUAGES
from service.values.scopes import ACRS, IDENTITY, NEW_CLIENT

METHODS = ["client_secret_basic", "client_secret_post", PRIVATE_KEY_JWT, WORKLOAD_IDENTITY]


async def openid_metadata(request: Request) -> Response:
    """OpenID Connect Discovery has no signed metadata."""
    found = json.encode(_of(resources_of(request.scope).settings))
    return Response(found, headers=PUBLIC, media_type="application/json")


async def oauth_metadata(request: Request) -> Response:
    resources = resources_of(request.scope)
    return await signed_metadata.answer(resources, _of(resources.settings), OF_SERVER)


def _of(settings: Settings) -> dict[str, Any]:
    return document(
        settings.issuer,
        registration=settings.dynamic_registration != OFF,
        client_documents=settings.client_metadata_documents.any,
        by_certificate=certificate_authentication.offered(settings),
    )


async def jwks(request: Request) -> Response:
    resources = resources_of(request.scope)
    with suppress(Unavailable):  # then the last known keys are sent: tokens must verify without the database
        await resources.lookup.be_current()
    return Response(resources.ring.jwks(), headers=PUBLIC, media_type="application/jwk-set+json")


def document(
    issuer: str, *, registration: bool = False, client_documents: bool = True, by_certificate: Sequence[str] = ()
) -> dict[str, Any]:
    """`by_certificate` are the methods of RFC 8705 that the deployment offers."""
    methods = [*METHODS, *by_certificate]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/openid/authorize",
        "token_endpoint": f"{issuer}/openid/token",
        "userinfo_endpoint": f"{issuer}/openid/userinfo",
        "jwks_uri": f"{issuer}/openid/jwks",
        "introspection_endpoint": f"{issuer}/openid/introspect",
        "revocation_endpoint": f"{issuer}/openid/revoke",
        "pushed_authorization_request_endpoint": f"{issuer}/openid/par",
        "device_authorization_endpoint": f"{issuer}/openid/device_authorization",
        "end_session_endpoint": f"{issuer}/openid/logout",
        **({"registration_endpoint": f"{issuer}{REGISTER}"} if registration else {}),
        "client_id_metadata_document_supported": client_documents,
        "service_documentation": f"{issuer}/docs",
        "scopes_supported": [*IDENTITY, *NEW_CLIENT],
        "grant_types_supported": [
            *("client_credentials", "authorization_code", "refresh_token", DEVICE),
            *(token_exchange.GRANT_TYPE, identity_assertions.GRANT_TYPE),
        ],
        "authorization_grant_profiles_supported": [identity_assertions.PROFILE],
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(PROMPTS),
        "acr_values_supported": list(ACRS),
        "claims_supported": [
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "amr",
            "sid",
            "nonce",
            "at_hash",
            *SUPPORTED,
        ],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(client_keys.ALGORITHMS),
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "require_pushed_authorization_requests": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "ui_locales_supported": list(LANGUAGES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [RS256, ES256],
        "userinfo_signing_alg_values_supported": [RS256, ES256],
        "authorization_signing_alg_values_supported": list(ALGORITHMS),
        "access_token_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "protected_resources": resource_metadata.resources(issuer),
        "tls_client_certificate_bound_access_tokens": bool(by_certificate),
        "token_endpoint_auth_methods_supported": [*methods, NONE],
        "token_endpoint_auth_signing_alg_values_supported": list(client_keys.ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": list(client_keys.ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [*methods, NONE],
        "revocation_endpoint_auth_signing_alg_values_supported": list(client_keys.ALGORITHMS),
    }
