"""The metadata of our own protected resources (RFC 9728): the management API, and userinfo, whose resource is the issuer itself."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from service.endpoints import signed_metadata
from service.http.asgi import resources_of
from service.oauth import dpop
from service.oauth.signed_metadata import OF_RESOURCE
from service.values.scopes import IDENTITY, MANAGEMENT

WELL_KNOWN = "/.well-known/oauth-protected-resource"
MANAGEMENT_API, USERINFO = "/api/v1", ""
"""The paths of the resources below the issuer."""


async def of_management(request: Request) -> Response:
    resources = resources_of(request.scope)
    return await signed_metadata.answer(resources, management(resources.settings.issuer), OF_RESOURCE)


async def of_userinfo(request: Request) -> Response:
    resources = resources_of(request.scope)
    return await signed_metadata.answer(resources, userinfo(resources.settings.issuer), OF_RESOURCE)


def management(issuer: str) -> dict[str, Any]:
    return {
        "resource": f"{issuer}{MANAGEMENT_API}",
        "resource_name": "Muniment management API",
        "scopes_supported": list(MANAGEMENT),
        "bearer_methods_supported": ["header"],
        **_of_both(issuer),
    }


def userinfo(issuer: str) -> dict[str, Any]:
    return {
        "resource": issuer,
        "resource_name": "Muniment userinfo",
        "scopes_supported": list(IDENTITY),
        "bearer_methods_supported": ["header", "body"],
        **_of_both(issuer),
    }


def resources(issuer: str) -> list[str]:
    return [management(issuer)["resource"], userinfo(issuer)["resource"]]


def metadata_url(issuer: str, path: str) -> str:
    """Return the URL of a resource's metadata: the well-known path is inserted before the path of the resource (RFC 9728 section 3.1)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}{path}"


def _of_both(issuer: str) -> dict[str, Any]:
    return {
        "authorization_servers": [issuer],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
        "resource_documentation": f"{issuer}/docs",
    }
