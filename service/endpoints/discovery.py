"""What a client library needs to know, and nothing that is not so: RFC 8414, OpenID Connect Discovery 1.0, RFC 7517."""

from contextlib import suppress
from typing import Any

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from events.database import Unavailable
from service.endpoints.asgi import resources_of
from service.oauth.keys import ALGORITHM
from service.scopes import OPERATORS

PUBLIC = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
METHODS = ["client_secret_basic", "client_secret_post"]


async def metadata(request: Request) -> Response:
    return Response(
        json.encode(document(resources_of(request.scope).settings.issuer)),
        headers=PUBLIC,
        media_type="application/json",
    )


async def jwks(request: Request) -> Response:
    resources = resources_of(request.scope)
    with suppress(Unavailable):  # then the keys that were known last: tokens must verify while the database is away
        await resources.lookup.be_current()
    return Response(resources.ring.jwks(), headers=PUBLIC, media_type="application/jwk-set+json")


def document(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/openid/token",
        "jwks_uri": f"{issuer}/openid/jwks",
        "introspection_endpoint": f"{issuer}/openid/introspect",
        "revocation_endpoint": f"{issuer}/openid/revoke",
        "service_documentation": f"{issuer}/docs",
        "scopes_supported": list(OPERATORS),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
    }
