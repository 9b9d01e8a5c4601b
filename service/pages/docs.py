"""The API reference, for programs (/openapi.json) and for developers (/docs). What it is made of is imported at the first request."""

from starlette.requests import Request
from starlette.responses import Response

from service.http.asgi import resources_of
from service.http.cors import VARIES
from service.pages.assets import sent

FRESH = {"Cache-Control": "public, max-age=300", **VARIES}
PAGE = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


async def openapi(request: Request) -> Response:
    from service.openapi.document import encoded  # noqa: PLC0415

    body, etag = encoded(resources_of(request.scope).settings.issuer)
    headers = {**FRESH, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def page(_request: Request) -> Response:
    from service.pages.reference import POLICY, page_html  # noqa: PLC0415

    headers = {**PAGE, "Content-Security-Policy": POLICY}
    return Response(page_html(), headers=headers, media_type="text/html")


async def static(request: Request) -> Response:
    from service.pages.reference import assets  # noqa: PLC0415

    return await sent(assets().get(request.path_params["name"]), request)
