"""The API reference, for programs (/openapi.json) and for developers (/docs)."""

from starlette.requests import Request
from starlette.responses import Response

from service.http.asgi import resources_of
from service.http.cors import VARIES
from service.openapi.document import encoded
from service.pages.assets import sent
from service.pages.reference import POLICY, assets, page_html

FRESH = {"Cache-Control": "public, max-age=300", **VARIES}
PAGE = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


async def openapi(request: Request) -> Response:
    body, etag = encoded(resources_of(request.scope).settings.issuer)
    headers = {**FRESH, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def page(_request: Request) -> Response:
    return Response(page_html(), headers=PAGE, media_type="text/html")


async def static(request: Request) -> Response:
    return await sent(assets().get(request.path_params["name"]), request)
