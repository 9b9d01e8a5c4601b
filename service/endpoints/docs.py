"""The API reference for programs (/openapi.json) and for people (/docs)."""

from starlette.requests import Request
from starlette.responses import Response


async def openapi(request: Request) -> Response:
    return Response(b"{}", media_type="application/json")


async def page(_request: Request) -> Response:
    return Response(b"", media_type="text/html")


async def static(request: Request) -> Response:
    return Response(b"", 404)
