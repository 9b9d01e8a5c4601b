"""Health checks for operators: is the process alive, and can it serve requests?"""

from functools import cache

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from events.database import Unavailable
from service.http.asgi import resources_of


async def live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """Ready means that this process could issue a token at this moment."""
    resources = resources_of(request.scope)
    try:
        await resources.readiness.check()
    except Unavailable as fault:
        resources.outages.notice(fault)
        return JSONResponse({"status": "not ready", "why": str(fault)}, 503, {"Retry-After": "1"})
    return JSONResponse({"status": "ready", "position": resources.lookup.position, "version": _version()})


@cache
def _version() -> str:
    from importlib import metadata  # noqa: PLC0415 - with the parser of e-mail, a megabyte

    return metadata.version("muniment")
