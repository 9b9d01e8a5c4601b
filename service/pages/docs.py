"""The API reference for programs (/openapi.json) and for people (/docs)."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.endpoints.asgi import resources_of
from service.openapi.document import encoded
from service.pages.reference import POLICY, Asset, assets, page_html

FRESH = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
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
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    return _sent(asset, gzipped="gzip" in request.headers.get("accept-encoding", ""))


def _sent(asset: Asset, *, gzipped: bool) -> Response:
    encoding = {"Content-Encoding": "gzip"} if gzipped else {}
    body = asset.gzipped if gzipped else asset.plain
    return Response(body, headers={**FOR_EVER, "Vary": "Accept-Encoding", **encoding}, media_type=asset.media)
